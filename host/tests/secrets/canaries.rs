//! Secrets that cannot be confused with anything else, and the search for them.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// This many consecutive characters of a secret are found, in any form.
const WINDOW: usize = 10;

/// Secrets, by where they are placed.
pub(crate) struct Canaries {
    by_place: BTreeMap<&'static str, String>,
    windows: HashSet<Vec<u8>>,
}

impl Canaries {
    pub(crate) fn new(places: &[&'static str]) -> Self {
        let by_place: BTreeMap<_, _> = places.iter().map(|place| (*place, secret(place))).collect();
        let forms = by_place.values().flat_map(|secret| forms(secret));
        let windows = forms.flat_map(|form| {
            let form = form.to_ascii_lowercase().into_bytes();
            form.windows(WINDOW).map(<[u8]>::to_vec).collect::<Vec<_>>()
        });
        Self {
            windows: windows.collect(),
            by_place,
        }
    }

    pub(crate) fn at(&self, place: &str) -> &str {
        &self.by_place[place]
    }

    pub(crate) fn count(&self) -> usize {
        self.by_place.len()
    }

    /// True if a line has one.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let mut windows = text.as_bytes().windows(WINDOW);
        windows.any(|window| self.windows.contains(window))
    }

    /// Fails if a text has a part of one.
    #[track_caller]
    pub(crate) fn assert_not_in(&self, what: &str, text: &str) {
        if self.are_in(text) {
            let line = text.lines().find(|line| self.are_in(line));
            panic!("a secret is in {what}: {}", line.unwrap_or(text));
        }
    }
}

/// Letters and digits that form no word, with characters that URLs and HTML escape.
fn secret(place: &str) -> String {
    const SIGNS: &[u8] = b"abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789";
    let mut state = place.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut some = |count: usize| -> String {
        let next = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(SIGNS[(state >> 33) as usize % SIGNS.len()])
        };
        (0..count).map(next).collect()
    };
    format!("{}+{}/{}=", some(13), some(12), some(11))
}

/// The ways in which a secret may be written.
fn forms(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent = secret
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let mut forms = vec![secret.to_owned(), hex, percent];
    // As a part of a longer text it begins at one of three offsets in a base64 group. The
    // characters that depend on its neighbours are left out.
    for before in 0..3 {
        let encoded = STANDARD.encode(format!("{}{secret}", "x".repeat(before)));
        let own = encoded.get(4..encoded.len() - 4).unwrap().to_owned();
        forms.push(own.replace('+', "-").replace('/', "_"));
        forms.push(own);
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_found() {
        let canaries = Canaries::new(&["a", "b"]);
        let secret = canaries.at("b");
        for text in [
            secret.to_owned(),
            secret[5..20].to_owned(),
            STANDARD.encode(format!("token = \"{secret}\"")),
            STANDARD.encode(format!("xtoken = \"{secret}\"")),
            STANDARD.encode(format!("xxtoken = \"{secret}\"")),
            format!("{:02X?}", secret.as_bytes()).replace(", ", ""),
            secret.replace('+', "%2b"),
        ] {
            assert!(canaries.are_in(&format!("<a b=\"{text}\">")), "{text}");
        }
        assert!(!canaries.are_in("what everybody may read"));
    }
}
