//! Hashes of texts, in hexadecimal.

use sha2::{Digest as _, Sha256};

/// The sha256 of a text.
pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Eight digits that tell one text from another: the beginning of its sha256.
pub(crate) fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let [a, b, c, d, ..] = digest.0;
    hex(&[a, b, c, d])
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_hash_begins_a_long_one() {
        assert!(sha256("runner").starts_with(&short_hash("runner")));
        assert_eq!(short_hash("").len(), 8);
        assert!(sha256("").starts_with("e3b0c44298fc1c14"));
    }
}
