//! Replacements of text ranges.

use std::ops::Range;

use crate::Internal;
use crate::tree::line_end;

/// The replacement of a range.
#[derive(Debug)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// Whether one of the blank lines and comments directly below is indented by a tab.
pub(super) fn has_tab_below(text: &str, splice: &Splice) -> bool {
    let rest = text.get(splice.range.end..).unwrap_or_default();
    // If a whole line is removed, the next one begins here.
    let from = match text.get(..splice.range.end) {
        Some(before) if before.ends_with('\n') => 0,
        _ => line_end(rest, 0) + 1,
    };
    let lines = rest.get(from..).unwrap_or_default().lines();
    lines
        .map(|line| line.split_at(line.len() - line.trim_ascii_start().len()))
        .take_while(|(_, content)| content.is_empty() || content.starts_with('#'))
        .any(|(indentation, _)| indentation.contains('\t'))
}

/// Applies splices to the text.
///
/// # Errors
/// A splice outside of the text, or inside of another one.
pub(super) fn splice(text: &str, mut splices: Vec<Splice>) -> Result<String, Internal> {
    splices.sort_by_key(|splice| splice.range.start);
    let mut out = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for splice in splices {
        let kept = at..splice.range.start;
        out.push_str(
            text.get(kept.clone())
                .ok_or_else(|| Internal::range(&kept))?,
        );
        out.push_str(&splice.text);
        at = at.max(splice.range.end);
    }
    let rest = at..text.len();
    out.push_str(
        text.get(rest.clone())
            .ok_or_else(|| Internal::range(&rest))?,
    );
    Ok(out)
}
