//! Edits quoted and plain scalars, so that only the characters that differ are rewritten.
//!
//! The unchanged parts keep their escapes, line breaks and blanks: `"a\x20b"`, `'it''s'`, and
//! scalars that are folded over several lines.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::diff;
use super::emit;
use super::tree;

/// A scalar with a new value instead of the old one. `source` is the complete scalar, including
/// quotes; `column` is that of its key. `None` if the style cannot hold the new value.
pub(super) fn rewrite(
    source: &str,
    style: ScalarStyle,
    old: &str,
    new: &str,
    column: usize,
    newline: &str,
) -> Option<String> {
    let quote = quote(style)?;
    let body = source.strip_prefix(quote)?.strip_suffix(quote)?;
    let units = units(body, style)?;
    if value_of(&units) != old {
        return None;
    }
    if style == ScalarStyle::Plain && !is_plain_text(new) {
        return None;
    }
    let writer = Writer::new(body, style, &units, new, column, newline);
    let mut out = String::with_capacity(source.len() + new.len().saturating_sub(old.len()) + 32);
    let mut next = 0;
    for (old_range, new_range) in diff::hunks(old, new)? {
        let (first, last, text) = widen(&units, next, &old_range, new.get(new_range)?, style)?;
        for unit in units.get(next..first)? {
            out.push_str(body.get(unit.source.clone())?);
        }
        out.push_str(&writer.write(&text)?);
        next = last;
    }
    for unit in units.get(next..)? {
        out.push_str(body.get(unit.source.clone())?);
    }
    let again = self::units(&out, style)?;
    (value_of(&again) == new).then(|| format!("{quote}{out}{quote}"))
}

fn quote(style: ScalarStyle) -> Option<&'static str> {
    match style {
        ScalarStyle::DoubleQuoted => Some("\""),
        ScalarStyle::SingleQuoted => Some("'"),
        ScalarStyle::Plain => Some(""),
        ScalarStyle::Literal | ScalarStyle::Folded => None,
    }
}

/// A unit of the text and its value: a character, an escape, or a line fold.
struct Unit {
    source: Range<usize>,
    value: String,
    is_fold: bool,
    /// No blanks follow it, as before a closing quote at the margin.
    ends_at_margin: bool,
}

fn value_of(units: &[Unit]) -> String {
    units.iter().map(|unit| unit.value.as_str()).collect()
}

/// The units of a changed range of the value (the first, and the one after the last), and their new
/// text. Folds next to new line breaks are included in the range: two in a row would add up to a
/// different value. So is a fold at the margin, as no text can follow it there.
fn widen(
    units: &[Unit],
    from: usize,
    old: &Range<usize>,
    new: &str,
    style: ScalarStyle,
) -> Option<(usize, usize, String)> {
    let mut position = 0;
    let (mut first, mut last) = (units.len(), units.len());
    let (mut before, mut behind) = (String::new(), String::new());
    let mut found = false;
    for (index, unit) in units.iter().enumerate() {
        let end = position + unit.value.len();
        if !found && end > old.start {
            found = true;
            first = index;
            last = index;
            before = unit
                .value
                .get(..old.start.saturating_sub(position))?
                .to_owned();
            if before.is_empty() && old.is_empty() {
                break;
            }
        }
        if found {
            if position >= old.end && (index != first || before.is_empty()) {
                break;
            }
            last = index + 1;
            behind = unit
                .value
                .get(old.end.saturating_sub(position)..)
                .unwrap_or_default()
                .to_owned();
        }
        position = end;
    }
    let mut text = format!("{before}{new}{behind}");
    if style != ScalarStyle::DoubleQuoted {
        if let Some(above) = first.checked_sub(1).filter(|above| *above >= from)
            && let Some(unit) = units.get(above).filter(|unit| unit.is_fold)
            && (text.starts_with(['\n', ' ']) || (!text.is_empty() && unit.ends_at_margin))
        {
            first = above;
            text.insert_str(0, &unit.value);
        }
        if text.ends_with(['\n', ' '])
            && let Some(unit) = units.get(last).filter(|unit| unit.is_fold)
        {
            text.push_str(&unit.value);
            last += 1;
        }
    }
    Some((first, last, text))
}

/// Splits the text between the quotes into units. `None` for an escape that YAML does not have.
fn units(body: &str, style: ScalarStyle) -> Option<Vec<Unit>> {
    let mut units = Vec::new();
    let mut at = 0;
    while let Some(c) = body.get(at..)?.chars().next() {
        let rest = body.get(at..)?;
        let (length, value, is_fold) = if let Some((length, value)) = fold(rest) {
            (length, value, true)
        } else if c == '\\' && style == ScalarStyle::DoubleQuoted {
            let (length, value) = escape(rest)?;
            (length, value, false)
        } else if c == '\'' && style == ScalarStyle::SingleQuoted {
            (2, "'".to_owned(), false)
        } else {
            (c.len_utf8(), c.to_string(), false)
        };
        units.push(Unit {
            source: at..at + length,
            value,
            is_fold,
            ends_at_margin: is_fold && rest.get(..length)?.ends_with('\n'),
        });
        at += length;
    }
    Some(units)
}

/// Blanks, line breaks and the blanks of the next line: one line break means a blank, `n` mean `n -
/// 1` line breaks.
fn fold(rest: &str) -> Option<(usize, String)> {
    let length = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    let breaks = rest.get(..length)?.matches('\n').count();
    match breaks {
        0 => None,
        1 => Some((length, " ".to_owned())),
        _ => Some((length, "\n".repeat(breaks - 1))),
    }
}

/// An escape of a double-quoted scalar, or a pair of surrogates: its length, and its value.
pub(super) fn escape(rest: &str) -> Option<(usize, String)> {
    if let Some(character) = tree::pair(rest) {
        return Some((tree::PAIR, character.to_string()));
    }
    let code = rest.chars().nth(1)?;
    let digits = match code {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '\r' | '\n' => {
            let after = rest.get(1..)?;
            let after = after.strip_prefix('\r').unwrap_or(after);
            let after = after.strip_prefix('\n')?;
            let left = after.trim_start_matches([' ', '\t']).len();
            return Some((rest.len() - left, String::new()));
        }
        _ => 0,
    };
    if digits > 0 {
        let number = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        return Some((2 + digits, char::from_u32(number)?.to_string()));
    }
    let value = match code {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        ' ' | '"' | '/' | '\\' => code,
        _ => return None,
    };
    Some((1 + code.len_utf8(), value.to_string()))
}

/// Writes new text in the style of the scalar.
struct Writer<'a> {
    style: ScalarStyle,
    /// The text for a blank, if the scalar has folds but no other blanks: base64 over several
    /// lines.
    blank: Option<&'a str>,
    /// The indentation of a line.
    indent: String,
    newline: &'a str,
}

impl<'a> Writer<'a> {
    fn new(
        body: &'a str,
        style: ScalarStyle,
        units: &[Unit],
        new: &str,
        column: usize,
        newline: &'a str,
    ) -> Self {
        let mut blanks = units.iter().filter(|unit| unit.value == " ");
        let folds_alone = units.iter().all(|unit| unit.is_fold || unit.value != " ");
        let first = blanks.next().and_then(|unit| body.get(unit.source.clone()));
        let folds = units.iter().filter(|unit| unit.is_fold);
        let folds = folds.filter_map(|unit| body.get(unit.source.clone()));
        let mut indents = folds.filter_map(|fold| fold.rsplit('\n').next());
        // A closing quote may be at the margin, a line of text may not.
        let indent = indents.find(|indent| !indent.is_empty());
        Self {
            style,
            blank: first.filter(|_| folds_alone && is_base64(new)),
            indent: indent.map_or_else(|| " ".repeat(column + 2), str::to_owned),
            newline,
        }
    }

    /// `None` if the style cannot hold the text.
    fn write(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        if self.style == ScalarStyle::DoubleQuoted {
            for part in text.split_inclusive(' ') {
                match (part.strip_suffix(' '), self.blank) {
                    (Some(word), Some(blank)) => {
                        out.push_str(&escaped(word));
                        out.push_str(blank);
                    }
                    _ => out.push_str(&escaped(part)),
                }
            }
            return Some(out);
        }
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let mut length = c.len_utf8();
            match c {
                '\n' => {
                    length = rest.len() - rest.trim_start_matches('\n').len();
                    out.push_str(&self.newline.repeat(length + 1));
                    out.push_str(&self.indent);
                }
                ' ' if self.blank.is_some() => out.push_str(self.blank?),
                '\'' if self.style == ScalarStyle::SingleQuoted => out.push_str("''"),
                c if c.is_control() => return None,
                c => out.push(c),
            }
            rest = rest.get(length..)?;
        }
        Some(out)
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    emit::escape(text, &mut escaped);
    escaped
}

/// Whether a plain scalar over several lines can hold a text, in block style. A single word could
/// be parsed as a number.
fn is_plain_text(text: &str) -> bool {
    let is_line = |line: &str| {
        line.trim() == line
            && !line.starts_with(['#', '-', '?', ':', '.'])
            && !line.contains(": ")
            && !line.contains(" #")
            && !line.ends_with(':')
    };
    let is_text =
        text.trim() == text && !text.starts_with(|c: char| "[]{},\"'&*!|>%@`".contains(c));
    is_text && (text.contains('\n') && text.lines().all(is_line) || is_base64(text))
}

/// Whether a text is base64 in several parts, as parsed from folded lines.
pub(super) fn is_base64(text: &str) -> bool {
    let packed: String = text.split(' ').collect();
    let digits = packed.trim_end_matches('=');
    text.contains(' ')
        && packed.len().is_multiple_of(4)
        && packed.len() - digits.len() <= 2
        && digits
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_spelling_of_what_stays() {
        use ScalarStyle::{DoubleQuoted, Plain, SingleQuoted};
        for (source, style, old, new, expected) in [
            (
                r#""a\x3d1\n""#,
                DoubleQuoted,
                "a=1\n",
                "a=1\n\n[t]\nb = \"c\"\n",
                r#""a\x3d1\n\n[t]\nb = \"c\"\n""#,
            ),
            // Every escape.
            (
                r#""\0\a\b\t\n\v\f\r\e\N\_\L\P\ \"\/\\\x41\u0041\U00000041 b""#,
                DoubleQuoted,
                "\0\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\u{85}\u{a0}\u{2028}\u{2029} \"/\\AAA b",
                "\0\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\u{85}\u{a0}\u{2028}\u{2029} \"/\\AAA c",
                r#""\0\a\b\t\n\v\f\r\e\N\_\L\P\ \"\/\\\x41\u0041\U00000041 c""#,
            ),
            (
                "\"a\\n\\\n  b\\n\"",
                DoubleQuoted,
                "a\nb\n",
                "a\nc\nb\n",
                "\"a\\n\\\n  c\\nb\\n\"",
            ),
            (
                "'it''s\n\n  b'",
                SingleQuoted,
                "it's\nb",
                "it's\nb\nc",
                "'it''s\n\n  b\n\n  c'",
            ),
            (
                "a = 1\n\n  b = 2",
                Plain,
                "a = 1\nb = 2",
                "a = 1\nb = 2\n\nc",
                "a = 1\n\n  b = 2\n\n\n  c",
            ),
            (
                "AAAA\n    BB==",
                Plain,
                "AAAA BB==",
                "AAAA BBCC DD==",
                "AAAA\n    BBCC\n    DD==",
            ),
        ] {
            let on = rewrite(source, style, old, new, 0, "\n");
            assert_eq!(on.as_deref(), Some(expected));
            let off = rewrite(expected, style, new, old, 0, "\n");
            assert_eq!(off.as_deref(), Some(source));
        }
    }

    #[test]
    fn gives_up_what_a_style_cannot_hold() {
        for (source, style, old, new) in [
            ("'a'", ScalarStyle::SingleQuoted, "a", "a\n  b"),
            ("'a'", ScalarStyle::SingleQuoted, "a", "a\u{7}"),
            ("a\n\n  b", ScalarStyle::Plain, "a\nb", "a\nb # c"),
            ("a\n\n  b", ScalarStyle::Plain, "a\nb", "a\nb: c"),
            ("a\n\n  b", ScalarStyle::Plain, "a\nb", "a\nb:"),
            ("a\n\n  b", ScalarStyle::Plain, "a\nb", "a\n- b"),
            ("a\n\n  b", ScalarStyle::Plain, "a\nb", "a\nb "),
            ("a\n\n  b", ScalarStyle::Plain, "a\nb", "[a\nb"),
            ("|\n  a", ScalarStyle::Literal, "a", "b"),
        ] {
            assert_eq!(rewrite(source, style, old, new, 0, "\n"), None, "{source}");
        }
    }
}
