//! Positions in a text: where lines, words and quoted scalars end.

use super::outdented::Shifts;
use crate::{YamlError, YamlErrorKind};

/// The first position from `from` on that is not in a blank, a line break or a comment.
// Public for the fuzzers, which include the source file of the list reader.
#[doc(hidden)]
pub fn skip_gap(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(b'#') => at = line_end(text, at),
            _ => return at,
        }
    }
}

/// The end of the line that contains `from`, without its line feed.
pub(crate) fn line_end(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |at| from + at)
}

/// The end of a tag or an anchor.
pub(super) fn word_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    if rest.starts_with("!<") {
        return rest.find('>').map_or(text.len(), |at| from + at + 1);
    }
    rest.find(|c: char| c.is_ascii_whitespace() || ",[]{}".contains(c))
        .map_or(text.len(), |at| from + at)
}

/// The position after the closing quote of a scalar with its opening quote at `from`.
pub(super) fn quoted_end(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes.get(from).copied().unwrap_or(b'"');
    let mut at = from + 1;
    loop {
        match bytes.get(at) {
            None => return text.len(),
            Some(b'\\') if quote == b'"' => at += 2,
            // `''` is an escaped quote; any other ends the scalar.
            Some(byte) if *byte == quote => {
                if quote == b'"' || bytes.get(at + 1) != Some(&quote) {
                    return at + 1;
                }
                at += 2;
            }
            Some(_) => at += 1,
        }
    }
}

/// An error with the line and column of a byte position.
pub(crate) fn error_at(text: &str, position: usize, message: &str) -> YamlError {
    let before = text.get(..position).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or(before);
    YamlError {
        kind: YamlErrorKind::Invalid,
        message: message.to_owned(),
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
    }
}

/// Converts the parser's character counts to byte positions. Events come almost in order, so it
/// continues from the last position instead of keeping a table of the whole text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    ascii: bool,
    characters: usize,
    bytes: usize,
    /// Where the parser counts more characters than there are.
    shifts: Shifts,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            ascii: text.is_ascii(),
            characters: 0,
            bytes: 0,
            shifts: Shifts::default(),
        }
    }

    pub(super) fn set_shifts(&mut self, shifts: Shifts) {
        self.shifts = shifts;
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.ascii
    }

    pub(super) fn seek(&mut self, characters: usize) -> usize {
        let characters = self.shifts.original(characters);
        if self.ascii {
            return characters.min(self.text.len());
        }
        let here = self.bytes;
        if characters >= self.characters {
            let rest = self.text.get(here..).unwrap_or_default();
            let ahead = rest
                .char_indices()
                .nth(characters - self.characters)
                .map_or(rest.len(), |(at, _)| at);
            self.bytes = here + ahead;
        } else {
            let before = self.text.get(..here).unwrap_or_default();
            self.bytes = before
                .char_indices()
                .nth_back(self.characters - characters - 1)
                .map_or(0, |(at, _)| at);
        }
        self.characters = characters;
        self.bytes
    }
}
