//! Edits folded scalars (`>`), so that only the lines that differ are rewritten.

use super::Tree;
use super::block_scalar::{Block, Rewrite, keeps};
use super::diff;
use super::inline_scalar::is_base64;

/// A line of the value, and the lines of the text that are folded into it.
struct FoldedLine<'a> {
    value: String,
    source: &'a str,
}

/// The line breaks of the value between two lines, and the text that represents them.
struct Gap<'a> {
    breaks: usize,
    source: &'a str,
}

/// The value as a folded scalar with the old header. `None` if such a scalar cannot hold it.
pub(super) fn rewrite(scalar: &Rewrite<'_>) -> Option<String> {
    let Rewrite { block, new, .. } = scalar;
    if !scalar.header.starts_with('>') {
        return None;
    }
    let keeps = keeps(scalar.header);
    let (old_body, old_end) = without_end(scalar.old, keeps);
    let (new_body, new_end) = without_end(new, keeps);
    // Where it keeps them, `means` finds the one value that it cannot hold: without a break at its end.
    let fits = keeps || old_end == new_end;
    let indent = block.indent?;
    let (lead, lines, gaps, blanks) = take_apart(scalar.text, block, indent)?;
    let is_whole = put_together(&lead, &lines, &gaps) == old_body;
    if !fits || !is_whole || (blanks > 0 && blanks + 1 != old_end) {
        return None;
    }
    let (new_lead, new_lines, new_breaks) = split(new_body)?;
    if new_lead != lead.breaks {
        return None;
    }
    let values: Vec<&str> = lines.iter().map(|line| line.value.as_str()).collect();
    let mut kept = vec![None; new_lines.len()];
    for (old, new) in diff::pairs(&values, &new_lines, str::eq) {
        *kept.get_mut(new)? = Some(old);
    }
    let writer = Writer {
        folds: is_base64(new_body) && folds_alone(&lines),
        line_start: format!("{}{}", scalar.newline, " ".repeat(indent)),
        newline: scalar.newline,
    };
    let mut out = format!("{}{}", scalar.header, lead.source);
    let mut above: Option<(&str, Option<usize>)> = None;
    let mut new_breaks = new_breaks.into_iter();
    for (line, own) in new_lines.into_iter().zip(kept) {
        if let Some((above, before)) = above {
            let breaks = new_breaks.next()?;
            let follows = |before: &usize| own == Some(before + 1);
            let gap = before.filter(follows).and_then(|before| gaps.get(before));
            match gap.filter(|gap| gap.breaks == breaks) {
                Some(gap) => out.push_str(gap.source),
                None => writer.breaks(breaks, above, line, &mut out),
            }
        }
        match own {
            Some(own) => out.push_str(lines.get(own)?.source),
            None => writer.line(line, &mut out),
        }
        above = Some((line, own));
    }
    out.push_str(&scalar.newline.repeat(new_end.saturating_sub(1)));
    means(&out, new, scalar.key_column).then_some(out)
}

/// Writes new lines of a folded scalar.
struct Writer<'a> {
    /// Each blank is written as a line break, as in base64.
    folds: bool,
    /// A line break and the indentation of a line.
    line_start: String,
    newline: &'a str,
}

impl Writer<'_> {
    /// The line breaks of the value between two lines.
    fn breaks(&self, breaks: usize, above: &str, below: &str, out: &mut String) {
        // Lines that begin with blanks are not folded, so no line break is lost next to them.
        let is_kept = is_spaced(above) || is_spaced(below);
        let blank_lines = if is_kept {
            breaks.saturating_sub(1)
        } else {
            breaks
        };
        out.push_str(&self.newline.repeat(blank_lines));
        out.push_str(&self.line_start);
    }

    fn line(&self, line: &str, out: &mut String) {
        if self.folds && !is_spaced(line) {
            out.push_str(&line.replace(' ', &self.line_start));
        } else {
            out.push_str(line);
        }
    }
}

fn is_spaced(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// Whether a scalar under a key in this column is parsed as a value. If the first line is indented,
/// the header must say so.
fn means(scalar: &str, value: &str, key_column: usize) -> bool {
    let text = format!("{}key: {scalar}\n", " ".repeat(key_column));
    let Ok(tree) = Tree::parse(&text) else {
        return false;
    };
    let found = tree.nodes().last();
    found.is_some_and(|(id, _)| tree.scalar(id) == Some(value))
}

/// A value without the trailing line breaks that the header determines, and the number of these.
fn without_end(value: &str, keeps: bool) -> (&str, usize) {
    let body = if keeps {
        value.trim_end_matches('\n')
    } else {
        value.strip_suffix('\n').unwrap_or(value)
    };
    (body, value.len() - body.len())
}

/// Whether each blank of the value is a line break of the text: base64 over several lines.
fn folds_alone(lines: &[FoldedLine<'_>]) -> bool {
    let count = |text: &str, c| text.matches(c).count();
    lines.iter().any(|line| line.source.contains('\n'))
        && lines
            .iter()
            .all(|line| count(&line.value, ' ') == count(line.source, '\n'))
}

/// The line breaks before the first line, the lines, the gaps between them, and the blank lines
/// after the last one.
fn take_apart<'a>(
    text: &'a str,
    block: &Block,
    indent: usize,
) -> Option<(Gap<'a>, Vec<FoldedLine<'a>>, Vec<Gap<'a>>, usize)> {
    let mut lines: Vec<(FoldedLine<'a>, usize, usize, bool)> = Vec::new();
    let mut gaps = Vec::new();
    let mut blanks = 0;
    let mut lead = None;
    for range in &block.lines {
        let physical = text.get(range.clone())?;
        // A blank line may be shorter than the indentation.
        let content = physical.get(indent..).unwrap_or_default();
        if content.is_empty() {
            blanks += 1;
            continue;
        }
        if content.trim().is_empty() {
            return None;
        }
        let start = range.start + indent;
        let spaced = is_spaced(content);
        match lines.last_mut() {
            None => {
                lead = Some(Gap {
                    breaks: blanks,
                    source: text.get(block.header_end..start)?,
                });
            }
            Some((line, from, to, was_spaced)) => {
                if blanks == 0 && !spaced && !*was_spaced {
                    line.value.push(' ');
                    line.value.push_str(content);
                    *to = range.end;
                    line.source = text.get(*from..*to)?;
                    continue;
                }
                let breaks = if spaced || *was_spaced {
                    blanks + 1
                } else {
                    blanks
                };
                gaps.push(Gap {
                    breaks,
                    source: text.get(*to..start)?,
                });
            }
        }
        blanks = 0;
        let line = FoldedLine {
            value: content.to_owned(),
            source: content,
        };
        lines.push((line, start, range.end, spaced));
    }
    let lines = lines.into_iter().map(|(line, ..)| line).collect();
    Some((lead?, lines, gaps, blanks))
}

fn put_together(lead: &Gap<'_>, lines: &[FoldedLine<'_>], gaps: &[Gap<'_>]) -> String {
    let mut value = "\n".repeat(lead.breaks);
    for (index, line) in lines.iter().enumerate() {
        value.push_str(&line.value);
        if let Some(gap) = gaps.get(index) {
            value.push_str(&"\n".repeat(gap.breaks));
        }
    }
    value
}

/// The non-empty lines of a value, and the number of line breaks before the first one and between
/// them. `None` if a folded scalar would not preserve the value.
fn split(value: &str) -> Option<(usize, Vec<&str>, Vec<usize>)> {
    let body = value.trim_start_matches('\n');
    let lead = value.len() - body.len();
    let (mut lines, mut breaks) = (Vec::new(), Vec::new());
    let mut since = 0;
    for line in body.split('\n') {
        if line.is_empty() {
            since += 1;
            continue;
        }
        if line.trim().is_empty() || line.chars().any(|c| c.is_control() && c != '\t') {
            return None;
        }
        if !lines.is_empty() {
            breaks.push(since + 1);
        }
        since = 0;
        lines.push(line);
    }
    (since == 0 && !lines.is_empty()).then_some((lead, lines, breaks))
}

#[cfg(test)]
mod tests {
    use crate::block_scalar::rewrite;

    #[test]
    fn keeps_the_lines_that_stay() {
        for (source, old, new, expected) in [
            (
                "> # note\n  a\n  b\n\n  c\n",
                "a b\nc\n",
                "a b\nc\n\n[t]\nk = 1\n",
                "> # note\n  a\n  b\n\n  c\n\n\n  [t]\n\n  k = 1",
            ),
            (
                ">-\n  a\n    b\n  c\n",
                "a\n  b\nc",
                "a\n  b\n  d\nc",
                ">-\n  a\n    b\n    d\n  c",
            ),
            // A blank line may have blanks; a new one has none.
            (
                ">\n  a\n \n  b\n",
                "a\nb\n",
                "a\nb\nc\n",
                ">\n  a\n \n  b\n\n  c",
            ),
            (
                "|\n  a\n \n  b\n",
                "a\n\nb\n",
                "a\n\n\nb\n",
                "|\n  a\n \n\n  b",
            ),
        ] {
            let on = rewrite(source, 0, old, new, 0, "\n").unwrap();
            assert_eq!(on, expected);
            let off = rewrite(&on, 0, new, old, 0, "\n").unwrap();
            assert_eq!(off, source.trim_end());
        }
    }

    #[test]
    fn becomes_a_literal_where_it_cannot_hold_the_value() {
        let becomes = |new, expected| {
            let scalar = rewrite(">\n  a\n", 0, "a\n", new, 0, "\n");
            assert_eq!(scalar.as_deref(), Some(expected));
        };
        becomes("a", "|-\n  a");
        let scalar = rewrite(">+\n  a\n", 0, "a\n", "b", 0, "\n");
        assert_eq!(scalar.as_deref(), Some("|-\n  b"));
        // The header must indicate how far the first line is indented.
        becomes("  b\n", "|2\n    b");
    }
}
