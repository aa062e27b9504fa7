//! The values of the suite's event streams, for the cases that have no JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

/// The meaning of an event stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// These documents.
    Documents(Vec<Value>),
    /// JSON cannot express it, for this reason.
    Unspeakable(&'static str),
}

/// Reads the events of a case.
///
/// # Panics
///
/// If they are not events.
pub fn meaning(events: &str) -> Meaning {
    let mut lines = events.lines().map(str::trim_start).peekable();
    assert_eq!(lines.next(), Some("+STR"));
    let mut documents = Vec::new();
    while lines.next_if(|line| line.starts_with("+DOC")).is_some() {
        let mut anchors = BTreeMap::new();
        match node(&mut lines, &mut anchors) {
            Ok(value) => documents.push(value),
            Err(why) => return Meaning::Unspeakable(why),
        }
        lines.next();
    }
    Meaning::Documents(documents)
}

fn node<'e>(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'e str>>,
    anchors: &mut BTreeMap<String, Value>,
) -> Result<Value, &'static str> {
    let line = lines.next().expect("an event");
    let (event, mut rest) = line.split_at(4);
    rest = rest.trim_start_matches(' ');
    if event == "=ALI" {
        let name = rest.strip_prefix('*').expect("an alias");
        return anchors.get(name).cloned().ok_or("an alias to itself");
    }
    for style in ["{}", "[]"] {
        rest = rest
            .strip_prefix(style)
            .unwrap_or(rest)
            .trim_start_matches(' ');
    }
    let (mut anchor, mut tag) = (None, None);
    if let Some(name) = rest.strip_prefix('&') {
        let (name, after) = name.split_once(' ').unwrap_or((name, ""));
        (anchor, rest) = (Some(name.to_owned()), after);
    }
    if let Some(name) = rest.strip_prefix('<') {
        let (name, after) = name.split_once('>').expect("a tag");
        (tag, rest) = (Some(name), after.trim_start_matches(' '));
    }
    let value = match event {
        "=VAL" => scalar(rest, tag),
        "+SEQ" => {
            let mut items = Vec::new();
            while lines.peek() != Some(&"-SEQ") {
                items.push(node(lines, anchors)?);
            }
            lines.next();
            Value::from(items)
        }
        "+MAP" => {
            let mut members = Map::new();
            while lines.peek() != Some(&"-MAP") {
                let key = match node(lines, anchors)? {
                    Value::String(text) => text,
                    Value::Null => String::new(),
                    Value::Array(_) | Value::Object(_) => return Err("a key that is a collection"),
                    other => other.to_string(),
                };
                let value = node(lines, anchors)?;
                if members.insert(key, value).is_some() {
                    return Err("a key that stands twice");
                }
            }
            lines.next();
            Value::from(members)
        }
        _ => panic!("no event: {line}"),
    };
    if let Some(anchor) = anchor {
        anchors.insert(anchor, value.clone());
    }
    Ok(value)
}

fn scalar(written: &str, tag: Option<&str>) -> Value {
    let (style, text) = written.split_at(1);
    let text = unescaped(text);
    let core = tag.and_then(|tag| tag.strip_prefix("tag:yaml.org,2002:"));
    let resolves = match (tag, core) {
        (None, _) => style == ":",
        (Some(_), Some(core)) => core != "str",
        (Some(_), None) => false,
    };
    if resolves { plain(&text) } else { text.into() }
}

/// The core schema of YAML 1.2.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let radix = |prefix: &str, radix| {
        let digits = text.strip_prefix(prefix)?;
        i64::from_str_radix(digits, radix).ok()
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return number.into();
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return text.into();
    }
    let number = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = number.parse::<i64>() {
        return number.into();
    }
    let shaped = digits
        .chars()
        .all(|c| c.is_ascii_digit() || "eE.+-".contains(c));
    let float = number.parse::<f64>().ok().filter(|_| shaped);
    float
        .and_then(Number::from_f64)
        .map_or(text.into(), Value::Number)
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next().expect("an escape") {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            other => other,
        });
    }
    out
}
