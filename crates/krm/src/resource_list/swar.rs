//! Looks for bytes eight at a time, as one number (SIMD within a register).
//!
//! Most lines are so short that `memchr` takes longer to start than this takes to finish.

/// The maximum distance to search: for bytes further away, `memchr` is faster.
const FURTHEST: usize = 64;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The position of the first of these bytes from `from` on; if there is none within [`FURTHEST`],
/// the end of the searched range.
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
            // The lowest high bit set by this belongs to a matching byte.
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

/// The number of spaces from `from` on.
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
            let count = rest.iter().take_while(|byte| **byte == b' ').count();
            prop_assert_eq!(spaces(&text, from), count);
            let place = plain(b":#").map(|place| from + place);
            match first_of([b':', b'#'], &text, from) {
                Ok(at) => prop_assert_eq!(Some(at), place),
                Err(at) => prop_assert!(place.is_none_or(|place| place >= at)),
            }
        }
    }
}
