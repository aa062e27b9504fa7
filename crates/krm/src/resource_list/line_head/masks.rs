//! Line heads computed from bit masks. A bit tells whether a byte is one of the wanted ones; the
//! lowest bit is for the first byte.

#[cfg(target_arch = "wasm32")]
use simd128::any_of;
#[cfg(target_arch = "x86_64")]
use sse2::any_of;

/// The number of bytes per mask.
const WIDTH: usize = 32;
/// For bytes further away, `memchr` is faster.
const FURTHEST: usize = 4 * WIDTH;

/// The head of a line of fewer than 64 bytes.
pub(in crate::resource_list) struct LineHead<'a> {
    /// The line, and the bytes after it.
    bytes: &'a [u8; 2 * WIDTH],
    /// Bytes before its line feed.
    pub(in crate::resource_list) length: usize,
    /// The number of leading spaces.
    pub(in crate::resource_list) indent: usize,
    /// Where `:` and `#` are.
    signs: u64,
}

impl<'a> LineHead<'a> {
    /// Reads the line that starts there. `None` for a longer one, and close to the end of the text.
    #[inline]
    pub(in crate::resource_list) fn at(text: &'a [u8], start: usize) -> Option<Self> {
        let bytes = text.get(start..)?.first_chunk()?;
        let (first, second) = halves(bytes);
        let further = |mask| u64::from(mask) << WIDTH;
        let mut ends = u64::from(any_of([b'\n'], first));
        let mut spaces = u64::from(any_of([b' '], first));
        let mut signs = u64::from(any_of([b':', b'#'], first));
        if ends == 0 {
            ends = further(any_of([b'\n'], second));
            spaces |= further(any_of([b' '], second));
            signs |= further(any_of([b':', b'#'], second));
            if ends == 0 {
                return None;
            }
        }
        Some(Self {
            bytes,
            length: ends.trailing_zeros() as usize,
            indent: spaces.trailing_ones() as usize,
            signs,
        })
    }

    /// A byte of the line, or its line feed.
    #[inline]
    pub(in crate::resource_list) fn byte(&self, place: usize) -> u8 {
        let within = place % self.bytes.len();
        self.bytes.get(within).copied().unwrap_or_default()
    }

    /// The place of the first `:` or `#`; at least the line's length when it has none.
    #[inline]
    pub(in crate::resource_list) fn sign(&self) -> usize {
        self.signs.trailing_zeros() as usize
    }

    /// True if a double quote is there, another one ends the line, and there are no further quotes
    /// or escapes.
    #[inline]
    pub(in crate::resource_list) fn is_quoted_from(&self, place: usize) -> bool {
        let (first, second) = halves(self.bytes);
        let [first, second] = [first, second].map(|half| u64::from(any_of([b'"', b'\\'], half)));
        let last = self.length.saturating_sub(1);
        let line = (1 << self.length) - 1;
        let found = (first | second << WIDTH) & line;
        let are_quotes = [place, last].iter().all(|place| self.byte(*place) == b'"');
        place < last && found == 1 << place | 1 << last && are_quotes
    }
}

/// The place of the first line feed from `from` on; the end of the text when there is none.
#[inline]
pub(in crate::resource_list) fn line_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < from + FURTHEST {
        let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) else {
            break;
        };
        let ends = any_of([b'\n'], chunk);
        if ends != 0 {
            return at + ends.trailing_zeros() as usize;
        }
        at += WIDTH;
    }
    let rest = text.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |place| at + place)
}

#[inline]
fn halves(bytes: &[u8; 2 * WIDTH]) -> (&[u8; WIDTH], &[u8; WIDTH]) {
    match bytes.as_chunks().0 {
        [first, second] => (first, second),
        _ => (&[0; WIDTH], &[0; WIDTH]),
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "the compiler asks for it where a function needs SSE2, though every x86-64 has it"
)]
mod sse2 {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
        _mm_setzero_si128,
    };

    /// A bit for each byte that is one of these.
    #[inline]
    pub(super) fn any_of<const N: usize>(wanted: [u8; N], bytes: &[u8; super::WIDTH]) -> u32 {
        // SAFETY: the function needs nothing but SSE2, which is part of x86-64.
        unsafe { with_sse2(wanted, bytes) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn with_sse2<const N: usize>(wanted: [u8; N], bytes: &[u8; super::WIDTH]) -> u32 {
        let mut mask = 0;
        for sixteen in bytes.as_chunks().0.iter().rev() {
            let sixteen = vector(sixteen);
            let mut found = _mm_setzero_si128();
            for byte in wanted {
                let equal = _mm_cmpeq_epi8(sixteen, _mm_set1_epi8(byte.cast_signed()));
                found = _mm_or_si128(found, equal);
            }
            mask = mask << 16 | _mm_movemask_epi8(found).cast_unsigned();
        }
        mask
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn vector(bytes: &[u8; 16]) -> __m128i {
        let number = i128::from_le_bytes(*bytes);
        _mm_set_epi64x((number >> 64) as i64, number as i64)
    }
}

#[cfg(target_arch = "wasm32")]
mod simd128 {
    use core::arch::wasm32::{i8x16_bitmask, i8x16_eq, i8x16_splat, i64x2, v128, v128_or};

    /// A bit for each byte that is one of these.
    #[inline]
    pub(super) fn any_of<const N: usize>(wanted: [u8; N], bytes: &[u8; super::WIDTH]) -> u32 {
        let mut mask = 0;
        for sixteen in bytes.as_chunks().0.iter().rev() {
            let sixteen = vector(sixteen);
            let mut found = i64x2(0, 0);
            for byte in wanted {
                found = v128_or(found, i8x16_eq(sixteen, i8x16_splat(byte.cast_signed())));
            }
            mask = mask << 16 | u32::from(i8x16_bitmask(found));
        }
        mask
    }

    #[inline]
    fn vector(bytes: &[u8; 16]) -> v128 {
        let number = i128::from_le_bytes(*bytes);
        i64x2(number as i64, (number >> 64) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;
    use proptest::prelude::*;

    /// Bytes in which the wanted ones are frequent.
    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![prop::sample::select(b"  \n:#\"\\".to_vec()), any::<u8>()]
    }

    /// Miri runs this (`cargo xtask miri`).
    #[test]
    fn a_mask_tells_of_each_byte() {
        for wanted in [[b':', b'#'], [b'\n', 0xff], [0, b' ']] {
            for place in 0..WIDTH {
                for byte in [0, b'\n', b' ', b'#', b':', b';', 0x8a, 0xff] {
                    let mut bytes = [b'x'; WIDTH];
                    bytes[place] = byte;
                    let expected = u32::from(wanted.contains(&byte)) << place;
                    assert_eq!(any_of(wanted, &bytes), expected);
                }
            }
        }
        assert_eq!(any_of([b'a', b'b'], &[b'a'; WIDTH]), u32::MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(2000)
        })]

        #[test]
        fn finds_what_words_find(
            indent in 0..70_usize,
            text in prop::collection::vec(byte(), 0..100),
            end in "(\"?\n)?",
            after in prop::collection::vec(byte(), 60..300),
        ) {
            let blanks = vec![b' '; indent];
            let text = [&blanks[..], &text, end.as_bytes(), &after].concat();
            for from in [0, indent, text.len() - 1, text.len(), text.len() + 1] {
                prop_assert_eq!(line_end(&text, from), words::line_end(&text, from));
            }
            let long = words::LineHead::at(&text, 0);
            let Some(head) = LineHead::at(&text, 0) else {
                let is_short = long.is_some_and(|long| long.length < 2 * WIDTH);
                prop_assert!(!is_short || text.len() < 2 * WIDTH);
                return Ok(());
            };
            let long = long.unwrap();
            prop_assert_eq!((head.length, head.indent), (long.length, long.indent));
            prop_assert_eq!(head.sign().min(head.length), long.sign().min(long.length));
            for place in 0..head.length {
                prop_assert_eq!(head.byte(place), text[place]);
                let is_alone = !text[..place].iter().any(|byte| matches!(byte, b'"' | b'\\'));
                let expected = is_alone && long.is_quoted_from(place);
                prop_assert_eq!(head.is_quoted_from(place), expected);
            }
        }
    }
}
