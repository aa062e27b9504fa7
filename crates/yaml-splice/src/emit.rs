//! Emits a value as YAML text, in the style of `kubectl` and kustomize.

use serde_json::Value;

use super::block_scalar;
use super::value::is_text;

/// The style of the text around an edit, so that new text looks like its neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The line break: `"\n"` or `"\r\n"`.
    pub newline: &'static str,
    /// Sequences under a key are indented by two (`key:\n  - a`) rather than level with the key.
    pub indent_sequences: bool,
}

/// A mapping in block style at `column`. Each line ends with a line break.
pub fn block_document(value: &Value, column: usize, style: Style) -> String {
    let mut out = String::new();
    let mut writer = Writer {
        out: &mut out,
        style,
    };
    writer.pad(column);
    writer.collection(value, column);
    out.push_str(style.newline);
    out
}

/// A value on one line, as JSON, which is also YAML. With `plain_keys`, keys are unquoted if
/// possible.
pub fn flow(value: &Value, plain_keys: bool) -> String {
    match value {
        Value::Object(map) => {
            let members: Vec<String> = map
                .iter()
                .map(|(key, value)| {
                    format!("{}: {}", flow_key(key, plain_keys), flow(value, plain_keys))
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, plain_keys)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => double_quoted(text),
        other => other.to_string(),
    }
}

/// A key in a flow mapping.
pub(super) fn flow_key(key: &str, plain: bool) -> String {
    if plain && is_plain_safe(key) {
        key.to_owned()
    } else {
        double_quoted(key)
    }
}

/// The text after a key at `key_column`: ` scalar`, or a line break and a nested block. Without a
/// trailing line break.
pub(super) fn after_key(value: &Value, key_column: usize, style: Style) -> String {
    let mut out = String::new();
    Writer {
        out: &mut out,
        style,
    }
    .after_key(value, key_column);
    out
}

/// The text after the `- ` of a sequence with its dashes at `dash_column`.
pub(super) fn after_dash(value: &Value, dash_column: usize, style: Style) -> String {
    let mut out = String::new();
    let mut writer = Writer {
        out: &mut out,
        style,
    };
    writer.after_dash(value, dash_column);
    out
}

/// A key or scalar on one line: plain if every reader parses it as the same string.
pub(super) fn inline_string(text: &str) -> String {
    if is_plain_safe(text) {
        text.to_owned()
    } else {
        double_quoted(text)
    }
}

/// JSON's escapes are a subset of YAML's. Characters that only YAML requires to be escaped are
/// escaped here.
pub(super) fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    escape(text, &mut out);
    out.push('"');
    out
}

/// Escapes a text for double quotes.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control()
                || matches!(
                    c,
                    '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                ) =>
            {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
}

struct Writer<'a> {
    out: &'a mut String,
    style: Style,
}

impl Writer<'_> {
    fn after_key(&mut self, value: &Value, key_column: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.line(key_column + 2);
                self.collection(value, key_column + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                let column = if self.style.indent_sequences {
                    key_column + 2
                } else {
                    key_column
                };
                self.line(column);
                self.collection(value, column);
            }
            scalar => {
                self.out.push(' ');
                self.scalar(scalar, key_column);
            }
        }
    }

    fn after_dash(&mut self, value: &Value, dash_column: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => self.collection(value, dash_column + 2),
            Value::Array(items) if !items.is_empty() => self.collection(value, dash_column + 2),
            scalar => self.scalar(scalar, dash_column),
        }
    }

    /// A collection whose first line has already been indented to `column`.
    fn collection(&mut self, value: &Value, column: usize) {
        match value {
            Value::Object(map) => {
                for (index, (key, value)) in map.iter().enumerate() {
                    if index > 0 {
                        self.line(column);
                    }
                    self.out.push_str(&inline_string(key));
                    self.out.push(':');
                    self.after_key(value, column);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.line(column);
                    }
                    self.out.push_str("- ");
                    self.after_dash(item, column);
                }
            }
            scalar => self.scalar(scalar, column),
        }
    }

    fn scalar(&mut self, value: &Value, column: usize) {
        match value {
            Value::String(text) => {
                let literal = text
                    .contains('\n')
                    .then(|| block_scalar::write(text, column, self.style.newline))
                    .flatten();
                self.out
                    .push_str(&literal.unwrap_or_else(|| inline_string(text)));
            }
            Value::Object(_) => self.out.push_str("{}"),
            Value::Array(_) => self.out.push_str("[]"),
            other => self.out.push_str(&other.to_string()),
        }
    }

    fn line(&mut self, column: usize) {
        self.out.push_str(self.style.newline);
        self.pad(column);
    }

    fn pad(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }
}

/// True if both YAML 1.1 and 1.2 readers parse the plain text as exactly this string.
fn is_plain_safe(text: &str) -> bool {
    let shape = text
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'/' | b'+' | b'='))
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let reserved = || {
        let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
        words.iter().any(|word| text.eq_ignore_ascii_case(word))
    };
    shape && !reserved() && is_text(text)
}
