//! Escapes untrusted text for display: names from manifests, files and API answers may hold
//! characters that forge a line, steer a terminal or reorder text.

use std::borrow::Cow;

/// Text on one line: each character that [`steers`] is written as its escape, such as `\u{1b}`.
///
/// ```
/// use krm::text::printable;
///
/// assert_eq!(printable("runner\r\nerror: forged"), r"runner\u{d}\u{a}error: forged");
/// assert_eq!(printable("läufer 🏃"), "läufer 🏃");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, steers)
}

/// Lines of a file for a diff or a message: line feeds and tabs stay, and a line that a CI system
/// would execute (`::error::`, `##[group]`) does not start with its command.
pub fn lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| steers(c) && !matches!(c, '\n' | '\t')) && !text.lines().any(commands) {
        return Cow::Borrowed(text);
    }
    let shown = text.split('\n').map(|line| {
        let line = escaped(line, |c| c != '\t' && steers(c));
        if !commands(&line) {
            return line.into_owned();
        }
        let (indent, command) = line.split_at(line.len() - line.trim_start().len());
        let mut command = command.chars();
        let first = command.next().map(char::escape_unicode);
        let first: String = first.into_iter().flatten().collect();
        format!("{indent}{first}{}", command.as_str())
    });
    Cow::Owned(shown.collect::<Vec<_>>().join("\n"))
}

/// Shown in place of a secret value.
pub const MASKED: &str = "<masked>";

/// Text without the user and password of a URL: `https://u:pw@host` becomes
/// `https://<masked>@host`.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    let Some((before, host)) = text.rsplit_once('@') else {
        return Cow::Borrowed(text);
    };
    let scheme = before.find("://").map_or(0, |at| at + "://".len());
    let scheme = before.get(..scheme).unwrap_or_default();
    Cow::Owned(format!("{scheme}{MASKED}@{host}"))
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_escaped(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// True for a line that GitHub Actions or Azure Pipelines treats as a command; both skip leading
/// spaces. GitLab's `section_start:` needs a carriage return, which is escaped.
fn commands(line: &str) -> bool {
    let line = line.trim_start();
    ["::", "##["].iter().any(|sign| line.starts_with(sign))
        || line
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("##vso"))
}

/// True for a character that is invisible and changes how the text around it is shown: control characters
/// (C0, DEL, C1), line and paragraph separators, and format characters (bidi controls, zero width,
/// tags).
///
/// Source: the general categories Cc, Zl, Zp and Cf of Unicode 16, and the variation selectors of
/// plane 14 (Mn), which can carry hidden text.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_escaped() {
        let hostile = "\0\t\n\r\u{1b}[31m\u{7f}\u{85}\u{9b}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\
                       \u{2029}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}";
        let shown = printable(hostile);
        assert!(shown.is_ascii(), "{shown}");
        assert!(!shown.contains(char::is_control), "{shown}");
        assert!(shown.contains(r"\u{1b}[31m\u{7f}\u{85}\u{9b}"), "{shown}");
    }

    #[test]
    fn letters_and_signs_stay() {
        for text in ["", "runner-1", "läufer é 日本 🏃 – … “x” ()[]{}\\"] {
            assert!(matches!(printable(text), Cow::Borrowed(shown) if shown == text));
            assert!(matches!(lines(text), Cow::Borrowed(shown) if shown == text));
        }
    }

    #[test]
    fn lines_stay_lines_and_command_nothing() {
        assert_eq!(lines("a\n\tb\n"), "a\n\tb\n");
        assert_eq!(lines("a\r\nb\u{2028}c"), "a\\u{d}\nb\\u{2028}c");
        assert_eq!(lines("a\n  ::error::b\n"), "a\n  \\u{3a}:error::b\n");
        assert_eq!(lines("##[group]x"), "\\u{23}#[group]x");
        assert_eq!(lines("##VSO[task.x]"), "\\u{23}#VSO[task.x]");
        assert_eq!(lines("## heading\na::b"), "## heading\na::b");
    }

    #[test]
    fn credentials_of_a_url_are_masked() {
        for (text, shown) in [
            ("https://u:pw@h:1", "https://<masked>@h:1"),
            ("u:p@w@h", "<masked>@h"),
            ("h:9000", "h:9000"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}
