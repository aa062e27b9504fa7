//! Base64 with line breaks, as `base64` and `openssl` write it.

/// Breaks base64 text into lines like `old`: with the same width, separator and end. Text on one
/// line stays on one line.
pub(super) fn like(old: &str, packed: &str) -> String {
    let is_blank = |c: char| c.is_ascii_whitespace();
    let body = old.trim_end_matches(is_blank);
    let end = old.get(body.len()..).unwrap_or_default();
    let Some((first, rest)) = body.split_once(is_blank) else {
        return format!("{packed}{end}");
    };
    let gap = rest.len() - rest.trim_start_matches(is_blank).len() + 1;
    let separator = body.get(first.len()..first.len() + gap);
    let separator = separator.unwrap_or("\n");
    let mut out = String::with_capacity(old.len() + packed.len() / 8);
    let mut rest = packed;
    while rest.len() > first.len() {
        let (line, below) = rest.split_at_checked(first.len()).unwrap_or((rest, ""));
        out.push_str(line);
        out.push_str(separator);
        rest = below;
    }
    out.push_str(rest);
    out.push_str(end);
    out
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn breaks_lines_as_they_were() {
        for (old, expected) in [
            ("AAAA", "ABCDEFGHIJ=="),
            ("AAAA\n", "ABCDEFGHIJ==\n"),
            ("AAAA\nBB==\n", "ABCD\nEFGH\nIJ==\n"),
            ("AAAA BBBB", "ABCD EFGH IJ=="),
            ("AAAA\r\nBBBB\r\n", "ABCD\r\nEFGH\r\nIJ==\r\n"),
            ("", "ABCDEFGHIJ=="),
        ] {
            assert_eq!(like(old, "ABCDEFGHIJ=="), expected, "{old:?}");
        }
    }
}
