//! Line heads computed from words of eight bytes.

use super::super::swar;

/// The place of the first line feed from `from` on; the end of the text when there is none.
pub(in crate::resource_list) fn line_end(text: &[u8], from: usize) -> usize {
    match swar::first_of([b'\n'], text, from) {
        Ok(at) => at,
        Err(at) => {
            // There is nothing past the end.
            let rest = text.get(at..).unwrap_or_default();
            memchr::memchr(b'\n', rest).map_or(text.len(), |place| at + place)
        }
    }
}

/// The head of a line of any length.
pub(in crate::resource_list) struct LineHead<'a> {
    line: &'a [u8],
    /// Bytes before its line feed.
    pub(in crate::resource_list) length: usize,
    /// The number of leading spaces.
    pub(in crate::resource_list) indent: usize,
}

impl<'a> LineHead<'a> {
    /// Reads the line that starts there. `None` for one without a line feed.
    pub(in crate::resource_list) fn at(text: &'a [u8], start: usize) -> Option<Self> {
        let end = line_end(text, start);
        let line = text.get(start..end).filter(|_| end < text.len())?;
        Some(Self {
            line,
            length: line.len(),
            indent: swar::spaces(line, 0),
        })
    }

    /// A byte of the line, or its line feed.
    pub(in crate::resource_list) fn byte(&self, place: usize) -> u8 {
        self.line.get(place).copied().unwrap_or(b'\n')
    }

    /// The place of the first `:` or `#`; the line's length when it has none.
    pub(in crate::resource_list) fn sign(&self) -> usize {
        let wanted = [b':', b'#'];
        swar::first_of(wanted, self.line, self.indent).unwrap_or_else(|at| {
            let rest = self.line.get(at..).unwrap_or_default();
            let place = rest.iter().position(|byte| wanted.contains(byte));
            at + place.unwrap_or(rest.len())
        })
    }

    /// True if a double quote is there, another one ends the line, and there are no quotes or
    /// escapes between them.
    pub(in crate::resource_list) fn is_quoted_from(&self, place: usize) -> bool {
        match self.line.get(place..) {
            Some([b'"', text @ .., b'"']) => !text.iter().any(|byte| matches!(byte, b'"' | b'\\')),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_search_byte_by_byte_finds(
            text in "( {0,20}|x{0,20}|:|#|\n){0,9}",
            from in 0..40_usize,
        ) {
            let text = text.as_bytes();
            let rest = text.get(from..).unwrap_or_default();
            let length = rest.iter().position(|byte| *byte == b'\n');
            let end = length.map_or(text.len(), |length| from + length);
            prop_assert_eq!(line_end(text, from), end);
            let Some(head) = LineHead::at(text, from) else {
                prop_assert_eq!(length, None);
                return Ok(());
            };
            let line = rest.split(|byte| *byte == b'\n').next().unwrap();
            let indent = line.iter().take_while(|byte| **byte == b' ').count();
            let sign = line.iter().position(|byte| matches!(byte, b':' | b'#'));
            prop_assert_eq!((head.length, head.indent), (line.len(), indent));
            prop_assert_eq!(head.sign(), sign.unwrap_or(line.len()));
            prop_assert_eq!(head.byte(indent), rest[indent]);
        }
    }
}
