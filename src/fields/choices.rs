//! The values that an enum field accepts, for messages.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::ConfigError;
use super::mapping::Input;
use super::typed::{did_you_mean, join};

/// A name that is not one of the choices.
const NO_CHOICE: &str = "\u{0}";

/// The position of something in a value: fields and indices from the root.
pub(super) type FieldPath = Vec<Segment>;

/// The names that the field at `place` of `value` accepts, if it is an enum. serde lists them in
/// its error for an unknown name.
pub(super) fn of<T: DeserializeOwned>(value: &Value, place: &[Segment]) -> Option<Vec<String>> {
    let mut probed = value.clone();
    *slot(&mut probed, place)? = Value::String(NO_CHOICE.to_owned());
    let error = serde_path_to_error::deserialize::<_, T>(Input(probed)).err()?;
    let message = error.into_inner().to_string();
    let mut quoted = message
        .strip_prefix("unknown variant ")?
        .split('`')
        .skip(1)
        .step_by(2);
    if quoted.next()? != NO_CHOICE {
        return None;
    }
    let choices: Vec<String> = quoted.map(str::to_owned).collect();
    (!choices.is_empty()).then_some(choices)
}

/// The position that `path` refers to, without the segments that serde adds for enum variants.
pub(super) fn place(path: &serde_path_to_error::Path) -> FieldPath {
    let is_of_value =
        |segment: &&Segment| matches!(segment, Segment::Map { .. } | Segment::Seq { .. });
    path.iter().take_while(is_of_value).cloned().collect()
}

/// The error for a value that is not one of the choices.
pub(super) fn refuse(path: &str, value: &Value, choices: &[String]) -> ConfigError {
    let meant = match value {
        Value::String(text) => did_you_mean(text, choices.iter().map(String::as_str)),
        _ => String::new(),
    };
    let is = described(value);
    ConfigError::new(path, format!("is {is}{meant}; it {}", must_be(choices)))
}

/// A value in a message: short, whatever is in it.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

/// The error for a missing value.
pub(super) fn refuse_missing(path: &str, choices: &[String]) -> ConfigError {
    ConfigError::new(
        path,
        format!("is missing: it has no default, and {}", must_be(choices)),
    )
}

/// The position of a missing field.
pub(super) fn below(mut place: FieldPath, field: &str) -> FieldPath {
    place.push(Segment::Map {
        key: field.to_owned(),
    });
    place
}

/// The path of a position, given the path of its root.
pub(super) fn path(root: &str, place: &[Segment]) -> String {
    place
        .iter()
        .fold(root.to_owned(), |path, segment| match segment {
            Segment::Seq { index } => format!("{path}[{index}]"),
            other => join(&path, &other.to_string()),
        })
}

/// The value at a position.
pub(super) fn at<'v>(value: &'v Value, place: &[Segment]) -> Option<&'v Value> {
    place
        .iter()
        .try_fold(value, |value, segment| match segment {
            Segment::Map { key } => value.get(key),
            Segment::Seq { index } => value.get(index),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
}

/// A mutable reference to the value at a position; a missing field is created.
fn slot<'v>(value: &'v mut Value, place: &[Segment]) -> Option<&'v mut Value> {
    place
        .iter()
        .try_fold(value, |value, segment| match segment {
            Segment::Map { key } => {
                let fields: &mut Map<String, Value> = value.as_object_mut()?;
                Some(fields.entry(key.clone()).or_insert(Value::Null))
            }
            Segment::Seq { index } => value.get_mut(index),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
}

fn must_be(choices: &[String]) -> String {
    match choices {
        [one, other] => format!("must be {one} or {other}"),
        [one] => format!("must be {one}"),
        all => format!("must be one of {}", all.join(", ")),
    }
}
