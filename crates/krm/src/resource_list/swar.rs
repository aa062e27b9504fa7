//! Looks for bytes eight at a time, as one number (SIMD within a register).
//!
//! Most lines are so short that `memchr` takes longer to start than this takes to finish.

/// `memchr` is quicker for a byte that is further away.
const FURTHEST: usize = 64;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The place of the first line feed from `from` on; the end of the text when there is none.
pub(super) fn line_end(text: &[u8], from: usize) -> usize {
    match first_of([b'\n'], text, from) {
        Ok(at) => at,
        Err(at) => {
            // Behind the end there is nothing.
            let rest = text.get(at..).unwrap_or_default();
            memchr::memchr(b'\n', rest).map_or(text.len(), |place| at + place)
        }
    }
}

/// The place of the first of these bytes from `from` on; where there is none within
/// [`FURTHEST`], how far it has looked.
pub(super) fn first_of<const N: usize>(
    bytes: [u8; N],
    text: &[u8],
    from: usize,
) -> Result<usize, usize> {
    let mut at = from;
    while at < from + FURTHEST {
        let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) else {
            return Err(at);
        };
        let eight = u64::from_le_bytes(*eight);
        let found = bytes.iter().fold(0, |found, byte| {
            // The lowest high bit that this sets is that of a byte that is equal.
            let difference = eight ^ (ONES * u64::from(*byte));
            found | (difference.wrapping_sub(ONES) & !difference & HIGHS)
        });
        if found != 0 {
            return Ok(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    Err(at)
}

/// How many spaces stand from `from` on.
pub(super) fn spaces(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let others = u64::from_le_bytes(*eight) ^ (ONES * u64::from(b' '));
        if others != 0 {
            return at - from + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = text.get(at..).unwrap_or_default();
    at - from + rest.iter().take_while(|byte| **byte == b' ').count()
}

/// A line of any length.
#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
pub(super) struct Glance<'a> {
    line: &'a [u8],
    /// Bytes before its line feed.
    pub(super) length: usize,
    /// Spaces that it begins with.
    pub(super) indent: usize,
}

#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
impl<'a> Glance<'a> {
    /// Looks at the line that starts there. `None` for one without a line feed.
    pub(super) fn at(text: &'a [u8], start: usize) -> Option<Self> {
        let end = line_end(text, start);
        let line = text.get(start..end).filter(|_| end < text.len())?;
        Some(Self {
            line,
            length: line.len(),
            indent: spaces(line, 0),
        })
    }

    /// A byte of the line, or its line feed.
    pub(super) fn byte(&self, place: usize) -> u8 {
        self.line.get(place).copied().unwrap_or(b'\n')
    }

    /// The place of the first `:` or `#`; the line's length when it has none.
    pub(super) fn sign(&self) -> usize {
        let wanted = [b':', b'#'];
        first_of(wanted, self.line, self.indent).unwrap_or_else(|at| {
            let rest = self.line.get(at..).unwrap_or_default();
            let place = rest.iter().position(|byte| wanted.contains(byte));
            at + place.unwrap_or(rest.len())
        })
    }

    /// True when a double quote is there, one ends the line, and no others and no escapes are between
    /// them.
    pub(super) fn is_quoted_from(&self, place: usize) -> bool {
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
        fn finds_what_a_plain_look_finds(
            text in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b' '), Just(b':'), Just(b'#'), any::<u8>()],
                0..200,
            ),
            blanks in 0..100_usize,
            from in 0..200_usize,
        ) {
            let text = [vec![b' '; blanks], text].concat();
            let rest = text.get(from..).unwrap_or_default();
            let plain = |bytes: &[u8]| rest.iter().position(|byte| bytes.contains(byte));
            if from <= text.len() {
                let end = plain(b"\n").map_or(text.len(), |place| from + place);
                prop_assert_eq!(line_end(&text, from), end);
            }
            let count = rest.iter().take_while(|byte| **byte == b' ').count();
            prop_assert_eq!(spaces(&text, from), count);
            if let Some(glance) = Glance::at(&text, from) {
                prop_assert_eq!(plain(b"\n"), Some(glance.length));
                prop_assert_eq!(glance.indent, count);
                prop_assert_eq!(glance.byte(count), rest[count]);
                let sign = plain(b":#\n").unwrap_or_default();
                prop_assert_eq!(glance.sign(), sign);
            }
            let place = plain(b":#").map(|place| from + place);
            match first_of([b':', b'#'], &text, from) {
                Ok(at) => prop_assert_eq!(Some(at), place),
                Err(at) => prop_assert!(place.is_none_or(|place| place >= at)),
            }
        }
    }
}
