//! Puts the items of a list back into the documents that they come from.

use super::item::{Item, items, lines};
use super::split::{is_content, split};
use super::{Document, DocumentError, WrappedDocuments};
use crate::alignment::Sequence;
use yaml_splice::line_break;

/// Files with the items of a list put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edited {
    /// The texts of the files.
    pub texts: Vec<String>,
    /// The document of each item, in the order of the items.
    pub documents: Vec<Document>,
}

/// A change of a document, or a new one.
#[derive(Debug)]
enum Edit<'d> {
    Keep(&'d Document),
    Replace(&'d Document, String),
    Remove(&'d Document),
    /// Insert at this byte.
    Add(usize, String),
}

impl WrappedDocuments {
    /// The files with the items of `list`, which the function made from [`WrappedDocuments::text`].
    /// Anything that has not changed stays byte for byte, including the text around it.
    ///
    /// A new item becomes a document of its own, after the document of the item before it. The
    /// document of a removed item is deleted with its separator and the comments between the two.
    ///
    /// `files` are the wrapped files, and `items_now` maps the items of `list` to the documents.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] when `list` has no items in block style.
    pub fn edited(
        &self,
        files: &[(&str, &str)],
        list: &str,
        items_now: &Sequence,
    ) -> Result<Edited, DocumentError> {
        let after = items(list)?;
        let mut edits: Vec<Vec<Edit<'_>>> = files.iter().map(|_| Vec::new()).collect();
        // If no document precedes them, new items go to the end of the first file.
        let mut last = Vec::new();
        let mut neighbour: Option<&Document> = None;
        for pair in items_now.pairs(self.documents.len()) {
            let document = pair.before.and_then(|place| self.documents.get(place));
            let is = pair.after.and_then(|place| after.get(place));
            let edit = match (document, is) {
                (Some(document), Some(is)) => {
                    neighbour = Some(document);
                    let was = pair.before.and_then(|place| self.item(place));
                    if was.is_some_and(|was| was.is(is)) {
                        Edit::Keep(document)
                    } else {
                        Edit::Replace(document, is.text())
                    }
                }
                (Some(document), None) => Edit::Remove(document),
                (None, Some(is)) => match neighbour {
                    Some(neighbour) => Edit::Add(neighbour.range.end, is.text()),
                    None => {
                        let end = files.first().map_or(0, |(_, text)| text.len());
                        last.push(Edit::Add(end, is.text()));
                        continue;
                    }
                },
                (None, None) => continue,
            };
            let file = document.or(neighbour).map_or(0, |document| document.file);
            if let Some(edits) = edits.get_mut(file) {
                edits.push(edit);
            }
        }
        if let Some(first) = edits.first_mut() {
            first.append(&mut last);
        }
        let mut edited = Edited::default();
        for (file, ((_, text), edits)) in files.iter().zip(edits).enumerate() {
            let (text, documents) = apply(file, text, edits);
            edited.texts.push(text);
            edited.documents.extend(documents);
        }
        Ok(edited)
    }

    /// An item as it was when it was wrapped.
    fn item(&self, place: usize) -> Option<Item<'_>> {
        let range = self.ranges.get(place)?.clone();
        Some(Item::new(self.text.get(range)?, Some(0)))
    }
}

/// A file without its functionConfig documents.
///
/// # Errors
///
/// [`DocumentError`] if the file has content that a ResourceList cannot hold.
pub fn without_function_configs(path: &str, text: &str) -> Result<String, DocumentError> {
    let documents = split(&[(path, text)])?;
    let configs = documents
        .iter()
        .filter(|document| document.is_function_config);
    Ok(apply(0, text, configs.map(Edit::Remove)).0)
}

/// Applies edits in the order of the file; additions at the same position keep their order. Also
/// returns the documents that are kept, replaced and added.
fn apply<'d>(
    file: usize,
    text: &str,
    edits: impl IntoIterator<Item = Edit<'d>>,
) -> (String, Vec<Document>) {
    let mut writer = Writer {
        file,
        before: text,
        after: String::with_capacity(text.len()),
        at: 0,
        lines: 0,
        numbers: 0,
        documents: Vec::new(),
    };
    for edit in edits {
        match edit {
            Edit::Keep(document) => writer.keep(document),
            Edit::Replace(document, item) => writer.replace(document, &item),
            Edit::Remove(document) => writer.remove(document),
            Edit::Add(at, item) => writer.add(at, &item),
        }
    }
    writer.finish()
}

/// A file while its documents are edited.
struct Writer<'text> {
    file: usize,
    before: &'text str,
    after: String,
    /// The old text before this byte is processed.
    at: usize,
    /// How many lines have been added.
    lines: isize,
    /// How many documents have been added.
    numbers: isize,
    documents: Vec<Document>,
}

impl Writer<'_> {
    /// Copies the old text up to this byte.
    fn take(&mut self, end: usize) {
        self.after
            .push_str(self.before.get(self.at..end).unwrap_or_default());
        self.at = self.at.max(end);
    }

    fn keep(&mut self, document: &Document) {
        self.take(document.range.start);
        let start = self.after.len();
        self.take(document.range.end);
        self.moved(document, start, 0);
    }

    fn replace(&mut self, document: &Document, item: &str) {
        self.take(document.range.start);
        let start = self.after.len();
        self.after.push_str(item);
        self.at = document.range.end;
        let was = self.before.get(document.range.clone()).unwrap_or_default();
        let (lead, lead_lines) = lead(item);
        self.moved(document, start + lead, lead_lines);
        if let (Some(is), Some(separator)) = (self.documents.last_mut(), document.separator) {
            is.separator = Some(start - (document.range.start - separator));
        }
        self.lines += signed(line_breaks(item)) - signed(line_breaks(was));
    }

    /// A document whose content now starts at this byte, `lines` lines further down in it.
    fn moved(&mut self, document: &Document, start: usize, lines: usize) {
        let before = document.separator;
        self.documents.push(Document {
            number: document.number.saturating_add_signed(self.numbers),
            line: document.line.saturating_add_signed(self.lines) + lines,
            range: start..self.after.len(),
            separator: before.map(|separator| start - (document.range.start - separator)),
            ..document.clone()
        });
    }

    fn remove(&mut self, document: &Document) {
        let start = document.separator.unwrap_or(document.range.start);
        self.take(start);
        let gone = self.before.get(start..document.range.end);
        self.at = document.range.end;
        self.lines -= signed(line_breaks(gone.unwrap_or_default()));
        self.numbers -= 1;
    }

    fn add(&mut self, at: usize, item: &str) {
        self.take(at);
        let line_break = line_break(self.before);
        let mut added = 0;
        if !self.after.is_empty() && !self.after.ends_with('\n') {
            self.after.push_str(line_break);
            added = 1;
            if let Some(neighbour) = self.documents.last_mut() {
                neighbour.range.end = self.after.len();
            }
        }
        let separator = self.after.len();
        let line = self.line_of_end();
        let text = with_line_break(&format!("---\n{item}"), line_break);
        self.after.push_str(&text);
        self.lines += signed(added + line_breaks(&text));
        self.numbers += 1;
        let content = separator + 3 + line_break.len();
        let (lead, lead_lines) = lead(self.after.get(content..).unwrap_or_default());
        self.documents.push(Document {
            file: self.file,
            number: self.documents.last().map_or(0, |last| last.number) + 1,
            line: line + 1 + lead_lines,
            range: content + lead..self.after.len(),
            separator: Some(separator),
            is_function_config: false,
        });
    }

    /// The line, from 1, that begins at the end of the text so far.
    fn line_of_end(&self) -> usize {
        let (line, start) = match self.documents.last() {
            Some(last) => (last.line, last.range.start),
            None => (1, 0),
        };
        line + line_breaks(self.after.get(start..).unwrap_or_default())
    }

    fn finish(mut self) -> (String, Vec<Document>) {
        self.take(self.before.len());
        let mut text = self.after;
        // If the last line of a file had no line end, it stays that way: wrapping has added one.
        if !self.before.ends_with('\n') && text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        if let Some(last) = self.documents.last_mut() {
            last.range.end = last.range.end.min(text.len());
        }
        (text, self.documents)
    }
}

/// A new document with the line breaks of its file. A copy may already have them.
fn with_line_break(text: &str, line_break: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', line_break)
}

/// The bytes and the lines before the first line of content.
fn lead(item: &str) -> (usize, usize) {
    let lead = lines(item).take_while(|(_, line)| !is_content(line));
    lead.fold((0, 0), |(bytes, lines), (_, line)| {
        (bytes + line.len(), lines + 1)
    })
}

fn line_breaks(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

fn signed(count: usize) -> isize {
    isize::try_from(count).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::to_resource_list;
    use super::*;

    /// The file after the words of its list are replaced.
    fn edited(file: &str, replacements: &[(&str, &str)], removed: &[usize]) -> String {
        let files = [("a.yaml", file)];
        let list = to_resource_list(&files, "kind: SessionServer\n").unwrap();
        let mut text = list.text.clone();
        for (from, to) in replacements {
            assert!(text.contains(from), "{text}");
            text = text.replace(from, to);
        }
        let now = sequence(removed.iter().copied(), []);
        put_back(&list, &files, &text, &now).remove(0)
    }

    /// The texts of the files, after a check that each document is at its reported position.
    fn put_back(
        list: &WrappedDocuments,
        files: &[(&str, &str)],
        text: &str,
        now: &Sequence,
    ) -> Vec<String> {
        let Edited { texts, documents } = list.edited(files, text, now).unwrap();
        let paths = files.iter().map(|(path, _)| *path);
        let after: Vec<_> = paths.zip(texts.iter().map(String::as_str)).collect();
        let mut found = split(&after).unwrap();
        found.retain(|document| !document.is_function_config);
        assert_eq!(documents, found, "{texts:?}");
        texts
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

    /// Adding and removing a document restores the file, wherever it is and however the file ends.
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
                let with = put_back(&list, &files, &changed, &added).remove(0);
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
                let left = put_back(&list, &files, &gone, &removed);
                assert_eq!(left, [file.as_str()]);
            }
        }
    }

    #[test]
    fn a_new_document_has_the_line_breaks_of_its_file() {
        let crlf = |text: &str| text.replace('\n', "\r\n");
        let file = crlf(&document("A"));
        let files = [("a.yaml", file.as_str())];
        let list = to_resource_list(&files, "kind: SessionServer\n").unwrap();
        let added = sequence([], [1, 2]);
        // One is made, and the other a copy of A.
        let text = format!("{}{}{}", list.text, item("S"), crlf(&item("A")));
        let with = put_back(&list, &files, &text, &added).remove(0);
        let expected = format!(
            "{}---\n{}---\n{}",
            document("A"),
            document("S"),
            document("A")
        );
        assert_eq!(with, crlf(&expected));
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
            put_back(&list, &files, &changed, &sequence([], [1])),
            ["kind: A\n---\nkind: S\n", "kind: B\n"]
        );
        // Also where the first document of the next file goes.
        let changed = list.text.replace("- kind: B\n", "- kind: S\n");
        assert_eq!(
            put_back(&list, &files, &changed, &sequence([1], [1])),
            ["kind: A\n---\nkind: S\n", ""]
        );
    }

    #[test]
    fn a_document_may_begin_with_a_comment() {
        let file = format!(
            "# head\n---\n{}---\nkind: B\n---\n{}",
            document("A"),
            document("C")
        );
        let commented = edited(
            &file,
            &[(&item("A"), "- # new\n\n  kind: A\n  x: 1\n")],
            &[],
        );
        assert_eq!(
            commented,
            format!(
                "# head\n---\n# new\n\nkind: A\nx: 1\n---\nkind: B\n---\n{}",
                document("C")
            )
        );
    }

    #[test]
    fn a_new_document_may_begin_with_a_comment() {
        let files = [("a.yaml", "kind: A\n")];
        let list = to_resource_list(&files, "kind: SessionServer\n").unwrap();
        let text = format!("{}- # new\n\n  kind: S\n", list.text);
        assert_eq!(
            put_back(&list, &files, &text, &sequence([], [1])),
            ["kind: A\n---\n# new\n\nkind: S\n"]
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
