//! Untrusted text, shortened and without credentials.

/// The first `max` characters of a text.
pub(crate) fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A text without the credentials of an HTTP header: a server may echo the one it was sent.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut is_credential = false;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if is_credential && !bare.is_empty() {
            shown.push_str("<masked>");
            shown.push_str(word.get(bare.len()..).unwrap_or_default());
        } else {
            shown.push_str(word);
        }
        let scheme = bare.trim_start_matches(|sign: char| !sign.is_ascii_alphabetic());
        is_credential = ["bearer", "basic"]
            .iter()
            .any(|name| scheme.eq_ignore_ascii_case(name));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked() {
        assert_eq!(
            without_credentials("\"Bearer a.b-c\" sent; basic\td, and no more"),
            "\"Bearer <masked> sent; basic\t<masked> and no more"
        );
    }
}
