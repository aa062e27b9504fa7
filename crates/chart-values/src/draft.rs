//! The documents while they are being made, and their text with comments.

use serde_json::{Map, Value, json};

use super::values::Values;
use super::{ChartValuesError, Imported, Note};
use runner_terminal::function_config::{API_VERSION, FunctionConfig};
use yaml_splice::{Style, block_document};

/// Comments are broken at this column.
const WIDTH: usize = 100;
const STYLE: Style = Style {
    newline: "\n",
    indent_sequences: false,
};

/// Where a field or comment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Above the document; for comments.
    Head,
    /// `spec`
    Spec,
    /// `spec.exposure`
    Exposure,
}

/// A field or a comment, in the order of the text.
enum DraftLine {
    Comment(String),
    Field(&'static str, Value),
}

/// The documents so far.
pub(super) struct Draft<'a> {
    /// The source values.
    pub(super) values: &'a Values<'a>,
    /// The address is found at pod start.
    pub(super) is_at_start: bool,
    /// The address is found in the cluster.
    pub(super) has_follow_up: bool,
    lines: Vec<(Part, DraftLine)>,
    notes: Vec<Note>,
    is_complete: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(values: &'a Values<'a>) -> Self {
        Self {
            values,
            is_at_start: false,
            has_follow_up: false,
            lines: Vec::new(),
            notes: Vec::new(),
            is_complete: true,
        }
    }

    /// Sets a field.
    pub(super) fn set(&mut self, part: Part, name: &'static str, value: Value) {
        self.lines.push((part, DraftLine::Field(name, value)));
    }

    /// Sets a field that has a value.
    pub(super) fn set_some(&mut self, part: Part, name: &'static str, value: Option<Value>) {
        if let Some(value) = value {
            self.set(part, name, value);
        }
    }

    /// Adds a comment on a value. Fields that are set next come below it.
    pub(super) fn note(&mut self, part: Part, path: &[&str], message: impl Into<String>) {
        let note = Note {
            place: self.values.place(path),
            message: message.into(),
        };
        self.note_at(part, note);
    }

    /// Adds a comment on a position that is not one of the chart's values.
    pub(super) fn note_at(&mut self, part: Part, note: Note) {
        self.lines
            .push((part, DraftLine::Comment(note.to_string())));
        self.notes.push(note);
    }

    /// Adds a placeholder for a field that the values do not determine.
    pub(super) fn ask(
        &mut self,
        part: Part,
        name: &str,
        example: &str,
        path: &[&str],
        message: impl Into<String>,
    ) {
        self.note(part, path, message);
        let example = format!("{name}: {example}");
        self.lines.push((part, DraftLine::Comment(example)));
        self.is_complete = false;
    }

    /// The documents as text.
    ///
    /// # Errors
    /// The function would refuse the documents. Problems that the values alone reveal were already
    /// reported at their own keys.
    pub(super) fn finish(self) -> Result<Imported, ChartValuesError> {
        if self.is_complete {
            let session_server = document("SessionServer", "session-server", Some(self.spec()));
            FunctionConfig::parse(&session_server).map_err(|error| {
                let message = format!(
                    "no SessionServer can be made of it: {}: {error}",
                    error.path
                );
                self.values.error(&["sessionServer"], message)
            })?;
        }
        let text = self.text();
        let mut notes = self.notes;
        notes.sort_by_key(|note| (note.place.line, note.place.column));
        Ok(Imported {
            text,
            notes,
            is_complete: self.is_complete,
        })
    }

    fn fields(&self, part: Part) -> Map<String, Value> {
        let of_part = self.lines.iter().filter(|(at, _)| *at == part);
        of_part
            .filter_map(|(_, line)| match line {
                DraftLine::Field(name, value) => Some(((*name).to_owned(), value.clone())),
                DraftLine::Comment(_) => None,
            })
            .collect()
    }

    fn spec(&self) -> Value {
        let mut spec = self.fields(Part::Spec);
        spec.insert(
            "exposure".to_owned(),
            Value::Object(self.fields(Part::Exposure)),
        );
        Value::Object(spec)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.append(&mut text, Part::Head, 0);
        let head = document("SessionServer", "session-server", None);
        text.push_str(&block_document(&head, 0, STYLE));
        text.push_str("spec:\n");
        self.append(&mut text, Part::Spec, 2);
        text.push_str("  exposure:\n");
        self.append(&mut text, Part::Exposure, 4);
        if self.has_follow_up {
            text.push_str("---\n");
            let follow_up = document("AdvertiseAddress", "advertise-address", None);
            text.push_str(&block_document(&follow_up, 0, STYLE));
        }
        text
    }

    fn append(&self, text: &mut String, part: Part, column: usize) {
        for (_, line) in self.lines.iter().filter(|(at, _)| *at == part) {
            match line {
                DraftLine::Comment(comment) => append_comment(text, comment, column),
                DraftLine::Field(name, value) => {
                    text.push_str(&block_document(&json!({*name: value}), column, STYLE));
                }
            }
        }
    }
}

/// A functionConfig that kustomize and kpt can run as is.
fn document(kind: &str, name: &str, spec: Option<Value>) -> Value {
    let mut document = json!({
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {
            "name": name,
            "annotations": {
                "config.kubernetes.io/function": "exec:\n  path: runner-terminal\n",
            },
        },
    });
    if let (Some(spec), Some(fields)) = (spec, document.as_object_mut()) {
        fields.insert("spec".to_owned(), spec);
    }
    document
}

/// A comment, wrapped between words. It may contain values of the user, and none of them may end
/// its line.
fn append_comment(text: &mut String, comment: &str, column: usize) {
    let breaks = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let mut used = WIDTH;
    let mut is_first = true;
    for word in comment.split(breaks).filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if is_first || used + 1 + length > WIDTH {
            if !is_first {
                text.push('\n');
            }
            text.extend(std::iter::repeat_n(' ', column));
            text.push('#');
            used = column + 1;
            is_first = false;
        }
        text.push(' ');
        text.push_str(word);
        used += 1 + length;
    }
    text.push('\n');
}
