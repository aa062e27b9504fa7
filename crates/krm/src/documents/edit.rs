//! The items of a list in place of the documents that they were.

use std::ops::Range;

use super::{Document, DocumentError, WrappedDocuments, is_function_config, items, split};
use crate::alignment::Sequence;
use yaml_splice::line_break;

/// What a document is to be.
#[derive(Debug)]
struct Edit {
    range: Range<usize>,
    text: String,
}

impl WrappedDocuments {
    /// The texts of the files with the items of `list` in them, which the function made of
    /// [`WrappedDocuments::text`]: what has not changed stays byte for byte, with all around it.
    ///
    /// A new item comes after the document of the item before it, as a document of its own. One that
    /// is gone takes its separator along, and the comments between both.
    ///
    /// `files` are those that were wrapped, and `items_now` says which items of `list` are which of
    /// the documents.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] when `list` has no items in block style.
    pub fn edited(
        &self,
        files: &[(&str, &str)],
        list: &str,
        items_now: &Sequence,
    ) -> Result<Vec<String>, DocumentError> {
        let (before, after) = (items(&self.text)?, items(list)?);
        let mut edits: Vec<Vec<Edit>> = files.iter().map(|_| Vec::new()).collect();
        let mut neighbour = None;
        for pair in items_now.pairs(self.documents.len()) {
            let document = pair.before.and_then(|place| self.documents.get(place));
            let was = pair.before.and_then(|place| before.get(place));
            let is = pair.after.and_then(|place| after.get(place));
            neighbour = document.or(neighbour);
            let file = neighbour.map_or(0, |document| document.file);
            let text = files.get(file).map_or("", |(_, text)| *text);
            let edit = match (document, is) {
                (Some(_), Some(is)) if was.is_some_and(|was| was.is(is)) => continue,
                (Some(document), Some(is)) => replacement(document, &is.text()),
                (Some(document), None) => removal(document),
                (None, Some(is)) => addition(text, neighbour, &is.text()),
                (None, None) => continue,
            };
            if let Some(edits) = edits.get_mut(file) {
                edits.push(edit);
            }
        }
        let edited = files.iter().zip(edits);
        Ok(edited
            .map(|((_, text), edits)| apply(text, edits))
            .collect())
    }
}

/// A file without the documents that are function configs.
///
/// # Errors
///
/// [`DocumentError`] where the file has what cannot stand in a list.
pub fn without_function_configs(path: &str, text: &str) -> Result<String, DocumentError> {
    let files = [(path, text)];
    let configs = split(&files)?
        .into_iter()
        .filter(|document| is_function_config(document.text(&files)));
    Ok(apply(
        text,
        configs.map(|config| removal(&config)).collect(),
    ))
}

fn replacement(document: &Document, item: &str) -> Edit {
    Edit {
        range: document.range.clone(),
        text: item.to_owned(),
    }
}

fn removal(document: &Document) -> Edit {
    let range = &document.range;
    Edit {
        range: document.separator.unwrap_or(range.start)..range.end,
        text: String::new(),
    }
}

fn addition(file: &str, neighbour: Option<&Document>, item: &str) -> Edit {
    let at = neighbour.map_or(file.len(), |document| document.range.end);
    Edit {
        range: at..at,
        text: format!("---\n{item}").replace('\n', line_break(file)),
    }
}

/// Edits come in the order of the file, additions to one place in their own.
fn apply(file: &str, edits: Vec<Edit>) -> String {
    let mut text = String::with_capacity(file.len());
    let mut at = 0;
    for edit in edits {
        text.push_str(file.get(at..edit.range.start).unwrap_or_default());
        let is_cut_off = !text.is_empty() && !text.ends_with('\n');
        if edit.range.is_empty() && is_cut_off {
            text.push_str(line_break(file));
        }
        text.push_str(&edit.text);
        at = edit.range.end;
    }
    text.push_str(file.get(at..).unwrap_or_default());
    // A file whose last line has no end keeps it so: wrapping has added one.
    if !file.ends_with('\n') && text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::to_resource_list;
    use super::*;

    /// What becomes of a file when the words of its list are replaced.
    fn edited(file: &str, replacements: &[(&str, &str)], removed: &[usize]) -> String {
        let files = [("a.yaml", file)];
        let list = to_resource_list(&files, "kind: SessionServer\n").unwrap();
        let mut text = list.text.clone();
        for (from, to) in replacements {
            assert!(text.contains(from), "{text}");
            text = text.replace(from, to);
        }
        let now = sequence(removed.iter().copied(), []);
        list.edited(&files, &text, &now).unwrap().remove(0)
    }

    fn sequence(
        removed: impl IntoIterator<Item = usize>,
        added: impl IntoIterator<Item = usize>,
    ) -> Sequence {
        Sequence {
            removed: removed.into_iter().collect(),
            added: added.into_iter().collect(),
        }
    }

    fn item(kind: &str) -> String {
        format!("- kind: {kind}\n  metadata:\n    name: x\n")
    }

    fn document(kind: &str) -> String {
        format!("kind: {kind}\nmetadata:\n  name: x\n")
    }

    #[test]
    fn what_is_around_an_edited_document_stays() {
        let file = format!(
            "\u{feff}# head\n---\n# Source: a\n{}\n# behind\n--- # second\n\n{}...\n# end\n",
            document("A"),
            document("B")
        );
        assert_eq!(edited(&file, &[], &[]), file);
        assert_eq!(
            edited(&file, &[("kind: B", "kind: B # b")], &[]),
            file.replace("kind: B", "kind: B # b")
        );
    }

    /// Adding and taking away again gives the file back, wherever it is and however the file ends.
    #[test]
    fn an_addition_taken_away_leaves_the_file() {
        let (a, b) = (document("A"), document("B"));
        let crlf = |text: &str| text.replace('\n', "\r\n");
        for file in [
            a.clone(),
            a.trim_end().to_owned(),
            format!("---\n{a}---\n{b}"),
            format!("# x\n{a}# behind\n\n---\n# Source: b\n{b}"),
            format!("{a}...\n{b}"),
            format!("{a}---\n{}", b.trim_end()),
            crlf(&format!("{a}---\n{b}")),
            crlf(&a).trim_end().to_owned(),
        ] {
            let files = [("a.yaml", file.as_str())];
            let list = to_resource_list(&files, "kind: SessionServer\n").unwrap();
            let items = list.text.matches("- kind: ").count();
            for after in 0..items {
                let start = list.text.match_indices("- kind: ").nth(after + 1);
                let at = start.map_or(list.text.len(), |(at, _)| at);
                let mut changed = list.text.clone();
                changed.insert_str(at, &(item("S") + &item("T")));
                let added = sequence([], [after + 1, after + 2]);
                let with = list.edited(&files, &changed, &added).unwrap().remove(0);
                let documents = split(&[("", &with)]).unwrap();
                assert_eq!(documents.len(), items + 2, "{with}");
                assert_eq!(with.contains('\r'), file.contains('\r'), "{with:?}");

                let files = [("a.yaml", with.as_str())];
                let list = to_resource_list(&files, "kind: SessionServer\n").unwrap();
                let mut gone = list.text.replace('\r', "");
                gone = gone.replace(&item("S"), "").replace(&item("T"), "");
                if file.contains('\r') {
                    gone = gone.replace("    name: x\n", "    name: x\r\n");
                    gone = gone.replace("  metadata:\n", "  metadata:\r\n");
                    for kind in ["A", "B"] {
                        gone =
                            gone.replace(&format!("kind: {kind}\n"), &format!("kind: {kind}\r\n"));
                    }
                }
                let removed = sequence([after + 1, after + 2], []);
                let left = list.edited(&files, &gone, &removed).unwrap();
                assert_eq!(left, [file.as_str()]);
            }
        }
    }

    #[test]
    fn a_document_that_goes_takes_its_comment_along() {
        let file = format!(
            "{}---\n# Source: b\n{}---\n# Source: c\n{}",
            document("A"),
            document("B"),
            document("C")
        );
        assert_eq!(
            edited(&file, &[(&item("B"), "")], &[1]),
            format!("{}---\n# Source: c\n{}", document("A"), document("C"))
        );
    }

    #[test]
    fn new_items_go_to_the_file_of_their_neighbour() {
        let files = [("a.yaml", "kind: A\n"), ("b.yaml", "kind: B\n")];
        let list = to_resource_list(&files, "kind: SessionServer\n").unwrap();
        let changed = list.text.replace("- kind: A\n", "- kind: A\n- kind: S\n");
        assert_eq!(
            list.edited(&files, &changed, &sequence([], [1])).unwrap(),
            ["kind: A\n---\nkind: S\n", "kind: B\n"]
        );
    }

    #[test]
    fn function_configs_are_no_resources() {
        let config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n";
        let json = r#"{"apiVersion": "runner-terminal.dev/v1alpha1"}"#;
        let file = format!("{}---\n# how\n{config}---\n{json}\n", document("A"));
        assert_eq!(without_function_configs("", &file).unwrap(), document("A"));
        assert_eq!(
            edited(&file, &[("name: x", "name: x # y")], &[]),
            file.replace("name: x", "name: x # y")
        );
        let mention = "kind: A\nnote: runner-terminal.dev/v1alpha1\n";
        assert_eq!(without_function_configs("", mention).unwrap(), mention);
    }
}
