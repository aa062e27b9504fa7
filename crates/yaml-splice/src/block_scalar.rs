//! The physical lines of a block scalar, so that an edit rewrites just the lines that differ.

use std::ops::Range;

use super::folded;
use super::tree::line_end;

/// Where the block scalar whose `|` or `>` is at `indicator` ends: at the end of the last line that
/// belongs to `value`, the line break excluded.
pub(super) fn end(text: &str, indicator: usize, value: &str) -> usize {
    Block::read(text, indicator, value).end
}

/// A value rewritten in place of the block scalar that `old` parsed from, whose `|` or `>` is at
/// `indicator`.
///
/// The header, its comment and every line that both values have at their beginning and end stay
/// as they are, whatever odd blanks they hold. `None` when `new` cannot be written as a literal.
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
    if let Some(folded) = folded::rewrite(text, indicator, old, new, key_column, newline) {
        return Some(folded);
    }
    let block = Block::read(text, indicator, old);
    let header = text.get(indicator..block.header_end)?;
    let indent = block.indent.unwrap_or(key_column + 2);
    let new_lines = logical_lines(new);
    let kept = if header.starts_with('|') {
        block.lines.as_slice()
    } else {
        &[]
    };
    let strip = |line: &Range<usize>| {
        let physical = text.get(line.clone()).unwrap_or_default();
        physical.get(indent..).unwrap_or_default()
    };
    let same = |(line, logical): &(&Range<usize>, &&str)| strip(line) == **logical;
    let head = kept.iter().zip(&new_lines).take_while(same).count();
    let most = kept.len().min(new_lines.len()) - head;
    let tail = kept
        .iter()
        .rev()
        .zip(new_lines.iter().rev())
        .take(most)
        .take_while(same)
        .count();

    let mut out = String::with_capacity(new.len() + header.len() + 64);
    let after = text.get(line_end(text, block.end) + 1..);
    // At the end of the text the last line may have no end of its own.
    let may_keep = after.is_some_and(|after| {
        after
            .lines()
            .next()
            .is_none_or(|line| !line.trim().is_empty())
    });
    let step = indent.saturating_sub(key_column);
    out.push_str(&new_header(header, new, step, may_keep)?);
    for (index, logical) in new_lines.iter().enumerate() {
        out.push_str(newline);
        let from_end = new_lines.len() - index;
        let physical = if index < head {
            kept.get(index)
        } else if from_end <= tail {
            kept.get(kept.len() - from_end)
        } else {
            None
        };
        match physical.and_then(|line| text.get(line.clone())) {
            Some(line) => out.push_str(line),
            None if logical.is_empty() => {}
            None => {
                out.extend(std::iter::repeat_n(' ', indent));
                out.push_str(logical);
            }
        }
    }
    Some(out)
}

/// A new literal scalar under a key at `key_column`, from the `|` on, without a line break at its
/// end. `None` when only a quoted scalar can hold the value.
pub(super) fn write(value: &str, key_column: usize, newline: &str) -> Option<String> {
    if !fits(value) {
        return None;
    }
    // What follows is not known here.
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

/// A literal scalar has no escapes: it holds printable text, and needs a line that is not blank
/// to find its indentation by, which some readers refuse to find before a tab.
fn fits(value: &str) -> bool {
    let printable = |c: char| match c {
        '\n' | '\t' => true,
        '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    value.chars().all(printable)
        && value.lines().any(|line| !line.trim().is_empty())
        && !opening_lines(value).any(|line| line.starts_with('\t'))
}

/// The lines from which a reader finds the indentation: the first that is not blank, and those
/// before it.
fn opening_lines(value: &str) -> impl Iterator<Item = &str> {
    let blank = |line: &&str| line.trim_matches(' ').is_empty();
    let before = value.split('\n').take_while(blank).count();
    value.split('\n').take(before + 1)
}

/// The lines of a value without the break that ends the last one.
fn logical_lines(value: &str) -> Vec<&str> {
    value
        .strip_suffix('\n')
        .unwrap_or(value)
        .split('\n')
        .collect()
}

/// The header for a value: the old one where it still says the truth, comment and all. `None`
/// where none would say it.
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
    Some(format!("|{digit}{chomp}{rest}"))
}

/// A block scalar taken apart.
pub(super) struct Block {
    /// Where the header line ends, its line break excluded.
    pub(super) header_end: usize,
    /// Spaces before each line of content; `None` when every line is blank.
    pub(super) indent: Option<usize>,
    /// The lines of the value, line breaks excluded. Blank lines at the end are among them only
    /// where the header keeps them (`|+`).
    pub(super) lines: Vec<Range<usize>>,
    end: usize,
}

impl Block {
    pub(super) fn read(text: &str, indicator: usize, value: &str) -> Self {
        let content = |range: Range<usize>| {
            let line = text.get(range.clone()).unwrap_or_default();
            let line = line.strip_suffix('\r').unwrap_or(line);
            range.start..range.start + line.len()
        };
        let header = content(indicator..line_end(text, indicator));
        let header_text = text.get(header.clone()).unwrap_or_default();
        let keeps = header_text
            .split([' ', '\t', '#'])
            .next()
            .is_some_and(|indicators| indicators.contains('+'));
        let logical = value
            .split('\n')
            .find(|line| !line.trim_matches(' ').is_empty());

        let mut indent = None;
        let mut lines = Vec::new();
        let mut used = 0;
        let mut at = line_end(text, indicator) + 1;
        while at < text.len() {
            let end = line_end(text, at);
            let line = content(at..end);
            let physical = text.get(line.clone()).unwrap_or_default();
            let spaces = physical.len() - physical.trim_start_matches(' ').len();
            let blank = spaces == physical.len() && indent.is_none_or(|indent| spaces <= indent);
            if !blank {
                let Some(logical) = logical else { break };
                let own = logical.len() - logical.trim_start_matches(' ').len();
                let indent = *indent.get_or_insert(spaces.saturating_sub(own));
                if spaces < indent {
                    break;
                }
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
