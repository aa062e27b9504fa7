//! Messages for Argo CD's user interface, which shows one paragraph after its own text.

use krm::resource::display_name;
use krm::results::SUMMARY_TAG;
use krm::text::printable;
use serde_json::Value;

use crate::redact::shortened;

/// The most characters of a paragraph.
const MAX_CHARACTERS: usize = 1200;

/// Joins the lines of a text, and removes control characters and the passwords of URLs.
pub(super) fn paragraph(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut words = Vec::new();
    for line in lines {
        words.extend(line.split_whitespace().map(without_password));
    }
    shortened(&printable(&words.join(" ")), MAX_CHARACTERS)
}

/// `https://user:password@host/` as `https://***@host/`.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!(
            "{scheme}://***{}",
            rest.get(user.len()..).unwrap_or_default()
        ),
        None => word.to_owned(),
    }
}

/// `Deployment ci/runner, spec.replicas: message`, without the manifests that a message may end with.
pub(super) fn result(result: &Value) -> String {
    let text = |pointer: &str| {
        let text = result.pointer(pointer).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let mut place = Vec::new();
    if let (Some(kind), Some(name)) = (text("/resourceRef/kind"), text("/resourceRef/name")) {
        let namespace = text("/resourceRef/namespace").unwrap_or_default();
        place.push(display_name(kind, name, namespace));
    }
    place.extend(text("/field/path").map(str::to_owned));
    let tags = result.get("tags");
    let summary = tags.and_then(|tags| tags.get(SUMMARY_TAG)?.as_str());
    let message = match summary {
        Some(summary) => format!("{summary} (`runner-terminal resolve` prints it)"),
        None => text("/message").unwrap_or_default().to_owned(),
    };
    if place.is_empty() {
        message
    } else {
        format!("{}: {message}", place.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krm::results::FunctionResult;

    #[test]
    fn lines_are_joined() {
        assert_eq!(paragraph("a\n\n  b\tc\r\n"), "a b c");
        assert_eq!(paragraph("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert!(paragraph(&"word ".repeat(1000)).len() < 1300);
    }

    /// What follows a colon and an empty line is part of the message, unless the result says otherwise.
    #[test]
    fn manifests_are_left_out() {
        let failed = FunctionResult::error("may not be read: apply this");
        let shown = |failed: &FunctionResult| result(&serde_json::to_value(failed).unwrap());
        assert_eq!(
            shown(&failed.clone().with_manifests("kind: Role\n")),
            "may not be read: apply this (`runner-terminal resolve` prints it)"
        );
        let mut message = failed;
        message.message.push_str(":\n\nkind: Role\n");
        assert_eq!(
            shown(&message),
            "may not be read: apply this:\n\nkind: Role\n"
        );
    }

    #[test]
    fn passwords_are_left_out() {
        for (word, shown) in [
            ("https://a:b@c.d/e@f", "https://***@c.d/e@f"),
            ("'https://token@c.d'", "'https://***@c.d'"),
            ("https://c.d/e@f", "https://c.d/e@f"),
            ("a@b", "a@b"),
        ] {
            assert_eq!(paragraph(word), shown);
        }
    }
}
