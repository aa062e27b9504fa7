//! Closing quotes at the margin.
//!
//! YAML requires each line of a quoted scalar to be indented, and so does the parser. But Go's YAML
//! library, which kustomize and kpt use, writes the closing quote of a text that ends in a line break
//! at the margin, at any depth; libyaml and Go read it. In a list, the margin is that of the item:
//!
//! ```yaml
//! data:
//!   config.toml: 'concurrent = 1
//!
//! '
//! ```

use std::borrow::Cow;

use saphyr_parser::{Event, Tag};

/// The parser's error for such a text.
pub(super) const MESSAGE: &str = "invalid indentation in quoted scalar";

/// A copy of the text for the parser, with those quotes indented.
pub(super) struct Indented {
    pub(super) text: String,
    pub(super) shifts: Shifts,
    /// The positions of the quotes in the original text.
    pub(super) quotes: Vec<usize>,
}

/// The blanks that the copy has and the text has not: pairs of the character after some of them, and
/// the number of blanks before it.
#[derive(Default)]
pub(super) struct Shifts(Vec<(usize, usize)>);

impl Indented {
    /// `None` if no quote is alone at the margin.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut indented = String::with_capacity(text.len());
        let (mut shifts, mut quotes) = (Shifts::default(), Vec::new());
        let (mut start, mut characters, mut blanks) = (0, 0, 0);
        let mut above = "";
        for line in text.split_inclusive('\n') {
            // The line above is that of the scalar's key, or is indented further.
            let mut depth = above.len() - above.trim_start_matches([' ', '-', '?']).len();
            depth += usize::from(above.contains(": '"));
            let own = line.len() - line.trim_start_matches(' ').len();
            if own < depth && is_quote_alone(line) {
                indented.extend(std::iter::repeat_n(' ', depth));
                blanks += depth;
                shifts.0.push((characters + blanks, blanks));
                quotes.push(start + own);
            }
            indented.push_str(line);
            start += line.len();
            characters += line.chars().count();
            if !line.trim_end().is_empty() {
                above = line;
            }
        }
        (!quotes.is_empty()).then_some(Self {
            text: indented,
            shifts,
            quotes,
        })
    }
}

/// True for a line with nothing but a quote, and perhaps a comment.
fn is_quote_alone(line: &str) -> bool {
    let quote = line.trim_start_matches(' ').strip_prefix('\'');
    let behind = quote.map(str::trim_end);
    behind.is_some_and(|behind| {
        behind.is_empty() || behind.starts_with(' ') && behind.trim_start().starts_with('#')
    })
}

impl Shifts {
    /// The index in the original text of a character of the copy.
    pub(super) fn original(&self, character: usize) -> usize {
        let before = self.0.partition_point(|(at, _)| *at <= character);
        let last = before.checked_sub(1).and_then(|last| self.0.get(last));
        character.saturating_sub(last.map_or(0, |(_, blanks)| *blanks))
    }
}

/// An event that does not borrow from the text that was parsed.
pub(super) fn owned<'a>(event: Event<'_>) -> Event<'a> {
    let own = |tag: Option<Cow<'_, Tag>>| tag.map(|tag| Cow::Owned(tag.into_owned()));
    match event {
        Event::Scalar(value, style, anchor, tag) => {
            Event::Scalar(value.into_owned().into(), style, anchor, own(tag))
        }
        Event::SequenceStart(anchor, tag) => Event::SequenceStart(anchor, own(tag)),
        Event::MappingStart(anchor, tag) => Event::MappingStart(anchor, own(tag)),
        Event::Alias(anchor) => Event::Alias(anchor),
        Event::Nothing => Event::Nothing,
        Event::StreamStart => Event::StreamStart,
        Event::StreamEnd => Event::StreamEnd,
        Event::DocumentStart(explicit) => Event::DocumentStart(explicit),
        Event::DocumentEnd => Event::DocumentEnd,
        Event::SequenceEnd => Event::SequenceEnd,
        Event::MappingEnd => Event::MappingEnd,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Tree;

    fn edited(text: &str, operations: serde_json::Value) -> String {
        let operations: Vec<json_patch::PatchOperation> =
            serde_json::from_value(operations).unwrap();
        crate::apply(text, &operations).unwrap()
    }

    #[test]
    fn a_closing_quote_at_the_margin_is_read_and_stays_there() {
        let text =
            "a:\n  é: 'one\n\n    two\n\n' # c\n  é2: plain   # é\nb:\n- - c: 'x\n\n'\n- *d\n";
        let text = text.replace("plain", "&d plain");
        let value = Tree::parse(&text).unwrap().to_value().unwrap();
        assert_eq!(
            value,
            json!({"a": {"é": "one\ntwo\n", "é2": "plain"}, "b": [[{"c": "x\n"}], "plain"]})
        );
        let operations = json!([{"op": "replace", "path": "/b/1", "value": "other"},
            {"op": "add", "path": "/a/new", "value": 1}]);
        assert_eq!(
            edited(&text, operations),
            text.replace("*d", "\"other\"")
                .replace("# é\n", "# é\n  new: 1\n")
        );
    }

    #[test]
    fn the_margin_may_be_that_of_an_item() {
        let text = "items:\n- data:\n    a: 'one\n\n  '\n    b: |\n      two\n\n      '\n";
        let value = Tree::parse(text).unwrap().to_value().unwrap();
        assert_eq!(
            value,
            json!({"items": [{"data": {"a": "one\n", "b": "two\n\n'\n"}}]})
        );
    }

    #[test]
    fn a_scalar_with_its_closing_quote_at_the_margin_is_edited() {
        let text = "data:\n  toml: 'one\n\n'\n  other: 1\n";
        let value = json!("one\ntwo\n");
        let new = edited(
            text,
            json!([{"op": "replace", "path": "/data/toml", "value": value}]),
        );
        assert_eq!(
            Tree::parse(&new).unwrap().to_value().unwrap()["data"]["toml"],
            value
        );
        assert!(new.ends_with("'\n  other: 1\n"), "{new}");
    }

    /// That is the YAML test suite's QB6E, which is wrong.
    #[test]
    fn other_text_at_the_margin_is_refused() {
        for text in [
            "a: 'b\nc\n\n'\n",
            "k:\n  a: 'b\n\n    c\n\nd'\n",
            "k:\n  a: \"b\n\n\"\n",
            "k:\n  a: |\n    x\n'\n",
            // Indented, the last one would be a line of the literal or of the text in double quotes.
            "k:\n  a: 'b\n\n'\n  c: |\n    x\n\n'\n",
            "k:\n  a: 'b\n\n'\n  c: \"x\n\n'\n\n    y\"\n",
        ] {
            assert!(Tree::parse(text).is_err(), "{text}");
        }
    }
}
