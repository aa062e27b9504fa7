//! Characters above U+FFFF as JSON escapes them: `\ud83d\ude80`, a pair of UTF-16 surrogates.
//!
//! The parser refuses these escapes. It gets a copy of the text in which each half is an escape of the
//! same length for a private character, so that its positions are those of the text. The values that it
//! returns then get the real characters.

use saphyr_parser::ScalarStyle;

use super::{Kind, Node};
use crate::inline_scalar;

/// The parser's error for such an escape.
pub(super) const MESSAGE: &str =
    "while parsing a quoted scalar, found invalid Unicode character escape code";

/// The length of an escape of one half.
const HALF: usize = r"\ud83d".len();
/// The length of a pair.
pub(crate) const PAIR: usize = 2 * HALF;
/// From a half to the private character that stands in for it: U+E000 to U+E7FF.
const TO_STAND_IN: u32 = 0x0800;

fn is_stand_in(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{e7ff}')
}

/// The character of a pair at the start of a text.
pub(crate) fn pair(text: &str) -> Option<char> {
    let half = |range| {
        let digits = text.get::<std::ops::Range<usize>>(range)?;
        u16::from_str_radix(digits.strip_prefix(r"\u")?, 16).ok()
    };
    let units = [half(0..HALF)?, half(HALF..PAIR)?];
    // Two characters are not a pair, and half of a pair is an error.
    match char::decode_utf16(units).next()? {
        Ok(c) if c > '\u{ffff}' => Some(c),
        _ => None,
    }
}

/// The positions of pairs in a text, between double quotes and elsewhere.
pub(super) fn pairs(text: &str) -> Vec<usize> {
    let mut pairs = Vec::new();
    let mut next = 0;
    for at in memchr::memchr_iter(b'\\', text.as_bytes()) {
        if at < next {
            // The second of two backslashes, or the second half.
        } else if text.get(at..).and_then(pair).is_some() {
            pairs.push(at);
            next = at + PAIR;
        } else {
            next = at + 2;
        }
    }
    pairs
}

/// Those of the pairs that are in double-quoted scalars. Elsewhere they are text.
pub(super) fn between_double_quotes(pairs: &[usize], nodes: &[Node<'_>]) -> Vec<usize> {
    let is_between = super::ambiguous::inside(nodes, |node| {
        matches!(
            node.kind,
            Kind::Scalar {
                style: ScalarStyle::DoubleQuoted,
                ..
            }
        )
    });
    let pairs = pairs.iter().copied();
    pairs.filter(|at| is_between(*at)).collect()
}

/// A copy of the text for the parser.
pub(super) fn replaced(text: &str, pairs: &[usize]) -> Option<String> {
    let mut copy = String::with_capacity(text.len());
    let mut next = 0;
    for at in pairs {
        copy.push_str(text.get(next..*at)?);
        for half in pair(text.get(*at..)?)?.encode_utf16(&mut [0; 2]) {
            copy.push_str(&format!(r"\u{:04x}", u32::from(*half) + TO_STAND_IN));
        }
        next = at + PAIR;
    }
    copy.push_str(text.get(next..)?);
    Some(copy)
}

/// The value of a double-quoted scalar, given its value in the copy and its source in the text.
pub(super) fn restored(value: &str, source: &str) -> Option<String> {
    let mut origins = stand_ins(source)?.into_iter();
    let mut restored = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match is_stand_in(c).then(|| origins.next()) {
            // The text itself has this character.
            None | Some(Some(None)) => restored.push(c),
            Some(Some(Some(of_pair))) => {
                restored.push(of_pair);
                characters.next()?;
            }
            Some(None) => return None,
        }
    }
    Some(restored)
}

/// Where the stand-ins in the value of a double-quoted scalar come from, in order: a pair, which has
/// two of them, and its character; or `None` for a character that the text itself has.
fn stand_ins(source: &str) -> Option<Vec<Option<char>>> {
    let mut origins = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if let Some(of_pair) = pair(rest) {
            origins.push(Some(of_pair));
            length = PAIR;
        } else if c == '\\' {
            let (escape, value) = inline_scalar::escape(rest)?;
            length = escape;
            origins.extend(value.starts_with(is_stand_in).then_some(None));
        } else if is_stand_in(c) {
            origins.push(None);
        }
        rest = rest.get(length..)?;
    }
    Some(origins)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Tree;

    fn edited(text: &str, operation: serde_json::Value) -> Result<String, String> {
        let operation = serde_json::from_value(operation).unwrap();
        crate::apply(text, &[operation]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_pair_is_one_character() {
        for (text, expected) in [
            (r"\ud83d\ude80", Some('🚀')),
            (r"\uD83D\uDE80 and more", Some('🚀')),
            (r"\udbff\udfff", Some('\u{10ffff}')),
            (r"\ude80\ud83d", None),
            (r"\ud83d\ud83d", None),
            (r"\ud83dx\ude80", None),
            (r"\ud83d", None),
            (r"\u0041\u0042", None),
            (r"\U0001f680", None),
            (r"\ud83é\ude80", None),
        ] {
            assert_eq!(pair(text), expected, "{text}");
        }
    }

    #[test]
    fn json_with_pairs_is_read_as_json() {
        for text in [
            r#"{"a": "\ud83d\ude80"}"#,
            r#"{"\uD83D\uDE80é": ["x\ud83d\ude80y", "\n\ud83d\ude80\ud83d\ude80\\"], "b": 1}"#,
            // Backslashes in pairs, and characters that are private in the text.
            r#"{"a": "\\ud83d \\\ud83d\ude80", "b": "\ue03d\ud83d\ude80\ue680"}"#,
            "{\"a\": \"\u{e000}\\ud83d\\ude80\u{e7ff}\\uE03D\\uE680\", \"\u{e03d}\u{e680}\": 1}",
            "{\n  \"é\": \"\\ud83d\\ude80\",\n  \"b\": [true, null, \"é\"]\n}\n",
        ] {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            let tree = Tree::parse(text).unwrap();
            assert_eq!(tree.to_value().unwrap(), expected, "{text}");
            assert_eq!(
                tree.node(tree.root().unwrap()).span.end,
                text.trim_end().len()
            );
        }
    }

    #[test]
    fn pairs_elsewhere_are_text() {
        let text =
            "{a: \\ud83d\\ude80, b: '\\ud83d\\ude80', c: \"\\ud83d\\ude80\" # \\ud83d\\ude80\n}\n";
        let value = Tree::parse(text).unwrap().to_value().unwrap();
        let plain = r"\ud83d\ude80";
        assert_eq!(value, json!({"a": plain, "b": plain, "c": "🚀"}));
        let text = format!("a: |\n  {{\"b\": \"{plain}\"}}\nc: \"{plain}\"\n");
        let value = Tree::parse(&text).unwrap().to_value().unwrap();
        let literal = format!("{{\"b\": \"{plain}\"}}\n");
        assert_eq!(value, json!({"a": literal, "c": "🚀"}));
    }

    #[test]
    fn half_a_pair_is_refused_with_its_line() {
        for half in [
            r"\ud83d",
            r"\ude80\ud83d",
            r"\ud83d\n",
            r"\\ud83d\ude80",
            r"\ud83d\ud83d\ude80",
        ] {
            let text = format!("{{\n\"a\": \"\\ud83d\\ude80\",\n\"b\": \"{half}\"\n}}\n");
            let error = Tree::parse(&text).unwrap_err();
            assert_eq!(error.line, 3, "{text}: {error}");
            assert!(
                error.message.contains("invalid Unicode character"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_is_the_same_with_and_without_escapes() {
        let error = Tree::parse(r#"{"🚀": 1, "\ud83d\ude80": 2}"#).unwrap_err();
        assert!(error.message.contains("twice"), "{error}");
        let both = "{\"\u{e03d}\u{e680}\": 1, \"\\ud83d\\ude80\": 2}";
        assert!(Tree::parse(both).is_ok());
    }

    #[test]
    fn an_edit_keeps_the_escapes() {
        let text = r#"{"a": "\ud83d\ude80 x\ud83d\ude80", "b": {"\ud83d\ude80": 1}}"#;
        for (operation, expected) in [
            (
                json!({"op": "replace", "path": "/a", "value": "🚀 y🚀"}),
                text.replace(" x", " y"),
            ),
            (
                json!({"op": "replace", "path": "/a", "value": "🚀 x🛰"}),
                text.replace("x\\ud83d\\ude80", "x🛰"),
            ),
            (
                json!({"op": "replace", "path": "/b/🚀", "value": 2}),
                text.replace(": 1", ": 2"),
            ),
            (
                json!({"op": "remove", "path": "/a"}),
                r#"{"b": {"\ud83d\ude80": 1}}"#.to_owned(),
            ),
            (
                json!({"op": "add", "path": "/c", "value": "🚀"}),
                text.replace("}}", "}, \"c\": \"🚀\"}"),
            ),
        ] {
            assert_eq!(
                edited(text, operation.clone()).unwrap(),
                expected,
                "{operation}"
            );
            let item = format!("- {text}\n");
            assert_eq!(edited(&item, operation).unwrap(), format!("- {expected}\n"));
        }
    }

    #[test]
    fn a_block_with_pairs_is_not_edited() {
        for text in [
            "a: \"\\ud83d\\ude80\"\nb: 1\n",
            "b: 1\nc: {\"d\": \"\\ud83d\\ude80\"}\n",
            "- b: 1\n  c: |\n    \\ud83d\\ude80\n  d: \"\\ud83d\\ude80\"\n",
        ] {
            let refused = edited(text, json!({"op": "replace", "path": "/b", "value": 2}));
            let refused = refused.unwrap_err();
            let escape = text.matches('\n').count() - usize::from(text.ends_with("b: 1\n"));
            assert!(
                refused.contains("not all readers") && refused.contains(&format!("line {escape},")),
                "{refused}"
            );
        }
        let literal = "b: 1\nc: |\n  \\ud83d\\ude80\n";
        assert!(edited(literal, json!({"op": "replace", "path": "/b", "value": 2})).is_ok());
    }
}
