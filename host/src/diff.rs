//! A unified diff for a terminal. Without colours, `patch` can apply it, unless a Secret is masked
//! or a character is escaped in it.

use anstyle::{AnsiColor, Style};
use krm::text::{lines, printable};
use similar::{ChangeTag, TextDiff};
use view::Mask;

use crate::manifests::File;

const HEADER: Style = Style::new().bold();
const HUNK: Style = AnsiColor::Cyan.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();

/// Appends the diff of each file to the page.
pub(crate) fn append_files(page: &mut String, before: &[File], after: &[File]) {
    for (before, after) in before.iter().zip(after) {
        append(page, &before.path, &before.text, &after.text);
    }
}

/// Appends the diff of a file to the page, if it has changed. Values of Secrets are masked, as the diff
/// may end up in the log of a pipeline.
pub(crate) fn append(page: &mut String, path: &str, before: &str, after: &str) {
    if before == after {
        return;
    }
    let mut mask = Mask::default();
    let (before, after) = (mask.text(before), mask.text(after));
    let path = printable(path);
    let diff = TextDiff::from_lines(before.as_ref(), after.as_ref());
    line(page, HEADER, &format!("--- {path}"));
    line(page, HEADER, &format!("+++ {path}"));
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        line(page, HUNK, &hunk.header().to_string());
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => (' ', Style::new()),
                ChangeTag::Delete => ('-', REMOVED),
                ChangeTag::Insert => ('+', ADDED),
            };
            line(page, style, &format!("{sign}{}", shown(change.value())));
            if change.missing_newline() {
                page.push_str("\\ No newline at end of file\n");
            }
        }
    }
    page.push('\n');
}

/// A line of a file, without characters that control a terminal or a CI system. A carriage return is
/// kept before a line feed, and escaped elsewhere.
fn shown(text: &str) -> String {
    match (text.strip_suffix("\r\n"), text.strip_suffix('\n')) {
        (Some(content), _) => format!("{}\r", lines(content)),
        (None, content) => lines(content.unwrap_or(text)).into_owned(),
    }
}

fn line(page: &mut String, style: Style, text: &str) {
    page.push_str(&format!("{style}{text}{style:#}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_unified_diff_in_colour() {
        let mut page = String::new();
        append(&mut page, "a.yaml", "a: 1\nb: 2\n", "a: 1\nb: 3");
        assert_eq!(
            anstream::adapter::strip_str(&page).to_string(),
            "--- a.yaml\n+++ a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n\\ No newline at end of \
             file\n\n"
        );
        assert!(page.contains("\u{1b}[31m-b: 2\u{1b}[0m\n"));
    }

    #[test]
    fn content_cannot_control_a_terminal() {
        let mut page = String::new();
        let hostile = "  a: \u{1b}]0;x\u{7}\r\u{9b}31m\u{202e}\u{2028}b\n   ::error::c\r\n";
        append(
            &mut page,
            "a\n::error::d",
            &format!("{hostile}x\n"),
            &format!("{hostile}y\n"),
        );
        let plain = anstream::adapter::strip_str(&page).to_string();
        assert!(!plain.contains(['\u{7}', '\u{9b}', '\u{202e}', '\u{2028}']));
        assert_eq!(plain.matches('\r').count(), plain.matches("\r\n").count());
        assert!(plain.contains("    \\u{3a}:error::c\r\n"), "{plain}");
        assert!(plain.starts_with("--- a\\u{a}::error::d\n"), "{plain}");
    }

    #[test]
    fn values_of_secrets_do_not_show() {
        let mut page = String::new();
        let text = |value: &str| format!("kind: Secret\ndata:\n  a: {value}\n");
        append(&mut page, "a.yaml", &text("canary-1"), &text("canary-2"));
        assert!(!page.contains("canary"), "{page}");
        assert!(page.contains("-  a: <masked 1>") && page.contains("+  a: <masked 2>"));
    }
}
