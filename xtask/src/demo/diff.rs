//! A unified difference between two texts, in colour.

use similar::{ChangeTag, TextDiff};

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// The lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// The difference as `diff -u` shows it, without the names of files.
pub(crate) fn unified(old: &str, new: &str, in_colour: bool) -> String {
    let paint = |colour: &str, line: &str| {
        let line = line.trim_end_matches('\n');
        if in_colour && !colour.is_empty() {
            format!("{colour}{line}{PLAIN}\n")
        } else {
            format!("{line}\n")
        }
    };

    let diff = TextDiff::from_lines(old, new);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text.push_str(&paint(CYAN, &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let line = format!("{}{}", change.tag(), change.value());
            text.push_str(&match change.tag() {
                ChangeTag::Delete => paint(RED, &line),
                ChangeTag::Insert => paint(GREEN, &line),
                ChangeTag::Equal => paint("", &line),
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_is_shown_with_its_neighbours() {
        assert_eq!(
            unified("a\nb\nc\n", "a\nB\nc\n", false),
            "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        );
    }

    #[test]
    fn a_new_line_is_green() {
        assert!(unified("", "a\n", true).contains("\u{1b}[32m+a\u{1b}[0m\n"));
    }
}
