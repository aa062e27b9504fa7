//! Edits the physical lines of a block scalar, so that only the lines that differ are rewritten.

use std::ops::Range;

use super::folded;
use super::tree::line_end;

/// A block scalar, and its new value.
pub(super) struct Rewrite<'a> {
    pub(super) text: &'a str,
    pub(super) block: Block,
    /// The text from the `|` or `>` on.
    pub(super) header: &'a str,
    /// The current value of the scalar.
    pub(super) old: &'a str,
    pub(super) new: &'a str,
    pub(super) key_column: usize,
    pub(super) newline: &'a str,
}

/// Rewrites the block scalar that `old` was parsed from, with its `|` or `>` at `indicator`, to a
/// new value.
///
/// The header, its comment and all common lines at the beginning and end stay as they are, even
/// with unusual blanks. `None` if `new` cannot be written as a literal.
pub(super) fn rewrite(
    text: &str,
    indicator: usize,
    old: &str,
    new: &str,
    key_column: usize,
    newline: &str,
) -> Option<String> {
    if !fits(new) {
        return None;
    }
    let block = Block::read(text, indicator, old);
    let rewrite = Rewrite {
        text,
        header: text.get(indicator..block.header_end)?,
        block,
        old,
        new,
        key_column,
        newline,
    };
    folded::rewrite(&rewrite).or_else(|| rewrite.as_literal())
}

impl Rewrite<'_> {
    fn as_literal(&self) -> Option<String> {
        let Self {
            text, block, new, ..
        } = self;
        let indent = block.indent.unwrap_or(self.key_column + 2);
        let new_lines = logical_lines(new);
        let kept = if self.header.starts_with('|') {
            block.lines.as_slice()
        } else {
            &[]
        };
        let (head, tail) = self.common(kept, &new_lines, indent);
        let mut out = String::with_capacity(new.len() + self.header.len() + 64);
        let step = indent.saturating_sub(self.key_column);
        out.push_str(&new_header(self.header, new, step, self.may_keep())?);
        for (index, logical) in new_lines.iter().enumerate() {
            out.push_str(self.newline);
            let from_end = new_lines.len() - index;
            let physical = if index < head {
                kept.get(index)
            } else if from_end <= tail {
                kept.get(kept.len() - from_end)
            } else {
                None
            };
            match physical {
                Some(line) => out.push_str(text.get(line.clone())?),
                None if logical.is_empty() => {}
                None => {
                    out.extend(std::iter::repeat_n(' ', indent));
                    out.push_str(logical);
                }
            }
        }
        Some(out)
    }

    /// The number of common lines at the beginning, and at the end.
    fn common(&self, kept: &[Range<usize>], new_lines: &[&str], indent: usize) -> (usize, usize) {
        let same = |(line, logical): &(&Range<usize>, &&str)| {
            let physical = self.text.get((*line).clone());
            // A blank line may be shorter than the indentation.
            physical.is_some_and(|line| line.get(indent..).unwrap_or_default() == **logical)
        };
        let head = kept.iter().zip(new_lines).take_while(same).count();
        let most = kept.len().min(new_lines.len()) - head;
        let ends = kept.iter().rev().zip(new_lines.iter().rev());
        (head, ends.take(most).take_while(same).count())
    }

    /// Whether the value may have trailing blank lines of its own: none follow it. At the end of
    /// the text, the last line may have no line break.
    fn may_keep(&self) -> bool {
        let after = self.text.get(line_end(self.text, self.block.end) + 1..);
        let next = after.map(|after| after.lines().next());
        next.is_some_and(|next| next.is_none_or(|line| !line.trim().is_empty()))
    }
}

/// A new literal scalar under a key at `key_column`, from the `|` on, without a line break at its
/// end. `None` when only a quoted scalar can hold the value.
pub(super) fn write(value: &str, key_column: usize, newline: &str) -> Option<String> {
    if !fits(value) {
        return None;
    }
    // What follows is unknown here.
    let mut out = new_header("|", value, 2, false)?;
    for line in logical_lines(value) {
        out.push_str(newline);
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', key_column + 2));
            out.push_str(line);
        }
    }
    Some(out)
}

/// A literal scalar has no escapes. It can hold only printable text, and needs a non-blank line to
/// detect the indentation from, which some readers refuse to do before a tab.
pub(super) fn fits(value: &str) -> bool {
    let printable = |c: char| match c {
        '\n' | '\t' => true,
        '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    value.chars().all(printable)
        && value.lines().any(|line| !line.trim().is_empty())
        && !opening_lines(value).any(|line| line.starts_with('\t'))
}

/// The lines from which a reader detects the indentation: the first non-blank line, and those
/// before it.
fn opening_lines(value: &str) -> impl Iterator<Item = &str> {
    let blank = |line: &&str| line.trim_matches(' ').is_empty();
    let before = value.split('\n').take_while(blank).count();
    value.split('\n').take(before + 1)
}

/// The lines of a value, without the line break of the last one.
fn logical_lines(value: &str) -> Vec<&str> {
    value
        .strip_suffix('\n')
        .unwrap_or(value)
        .split('\n')
        .collect()
}

/// The header for a value: the old one, with its comment, if it is still correct. `None` if no
/// header would be correct.
fn new_header(old: &str, value: &str, step: usize, may_keep: bool) -> Option<String> {
    let indicators = old.find([' ', '\t', '#']).unwrap_or(old.len());
    let (indicators, rest) = old.split_at(indicators);
    let kept = indicators.contains('+');
    let chomp = if !value.ends_with('\n') {
        "-"
    } else if kept {
        "+"
    } else if value.ends_with("\n\n") {
        // Blank lines that follow would become a part of the value.
        may_keep.then_some("+")?
    } else {
        ""
    };
    let digit = match indicators.chars().find(char::is_ascii_digit) {
        Some(digit) => digit.to_string(),
        None if opening_lines(value).any(|line| line.starts_with(' ')) => {
            (1..=9).contains(&step).then(|| step.to_string())?
        }
        None => String::new(),
    };
    // `|2-` and `|-2` are the same.
    let place = |found: Option<usize>| found.unwrap_or(indicators.len());
    let sign = place(indicators.find(['+', '-']));
    let number = place(indicators.find(|c: char| c.is_ascii_digit()));
    Some(match sign < number {
        true => format!("|{chomp}{digit}{rest}"),
        false => format!("|{digit}{chomp}{rest}"),
    })
}

/// Whether a header keeps the blank lines at the end in the value (`|+`).
pub(super) fn keeps(header: &str) -> bool {
    let indicators = header.split([' ', '\t', '#']).next();
    indicators.is_some_and(|indicators| indicators.contains('+'))
}

/// The parts of a block scalar.
pub(super) struct Block {
    /// The end of the header line, without its line break.
    pub(super) header_end: usize,
    /// The number of spaces before each line of content; `None` if every line is blank.
    pub(super) indent: Option<usize>,
    /// The lines of the value, without line breaks. Trailing blank lines are included only if the
    /// header keeps them (`|+`).
    pub(super) lines: Vec<Range<usize>>,
    /// The end of the last line of the value, without the line break.
    pub(super) end: usize,
}

impl Block {
    pub(super) fn read(text: &str, indicator: usize, value: &str) -> Self {
        let content = |range: Range<usize>| {
            let ends_in_return = text
                .get(range.clone())
                .is_some_and(|line| line.ends_with('\r'));
            range.start..range.end - usize::from(ends_in_return)
        };
        let header = content(indicator..line_end(text, indicator));
        let keeps = text.get(header.clone()).is_some_and(keeps);
        // Each line before the first with content is a line of the value. The first may consist of
        // blanks, behind the indentation that the header states.
        let mut logical = value.split('\n').enumerate();
        let first = logical.find(|(_, line)| !line.is_empty());

        let mut indent = None;
        let mut lines = Vec::new();
        let mut used = 0;
        let mut at = line_end(text, indicator) + 1;
        while at < text.len() {
            let end = line_end(text, at);
            let line = content(at..end);
            let physical = text.as_bytes().get(line.clone()).unwrap_or_default();
            let spaces = physical.iter().take_while(|byte| **byte == b' ').count();
            if let Some((number, logical)) = first
                && number == lines.len()
            {
                let own = logical.len() - logical.trim_start_matches(' ').len();
                indent = Some(spaces.saturating_sub(own));
            }
            let blank = spaces == physical.len() && indent.is_none_or(|indent| spaces <= indent);
            if !blank && indent.is_none_or(|indent| spaces < indent) {
                break;
            }
            lines.push(line);
            if !blank || keeps {
                used = lines.len();
            }
            at = end + 1;
        }
        lines.truncate(used);
        Self {
            header_end: header.end,
            indent,
            end: lines.last().map_or(header.end, |line| line.end),
            lines,
        }
    }
}
