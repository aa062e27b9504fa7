//! The values that an enum field accepts, for messages.

use serde_json::{Map, Value};

use super::ConfigError;
use super::mapping::{FieldPath, Segment};
use super::typed::{did_you_mean, join};

/// A name that is not one of the choices.
const NO_CHOICE: &str = "\u{0}";

/// The message of serde about a value of some type; `None` if it is valid.
pub(super) type Refusal<'f> = dyn Fn(Value) -> Option<String> + 'f;

/// The names that the field at `place` of `value` accepts, if it is an enum. serde lists them in
/// its error for an unknown name.
pub(super) fn of(value: &Value, place: &[Segment], refusal: &Refusal<'_>) -> Option<Vec<String>> {
    let mut probed = value.clone();
    *slot(&mut probed, place)? = Value::String(NO_CHOICE.to_owned());
    let message = refusal(probed)?;
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
    place.push(Segment::Field(field.to_owned()));
    place
}

/// The path of a position, given the path of its root.
pub(super) fn path(root: &str, place: &[Segment]) -> String {
    place
        .iter()
        .fold(root.to_owned(), |path, segment| match segment {
            Segment::Index(index) => format!("{path}[{index}]"),
            Segment::Field(name) => join(&path, name),
        })
}

/// The value at a position.
pub(super) fn at<'v>(value: &'v Value, place: &[Segment]) -> Option<&'v Value> {
    place
        .iter()
        .try_fold(value, |value, segment| match segment {
            Segment::Field(name) => value.get(name),
            Segment::Index(index) => value.get(index),
        })
}

/// A mutable reference to the value at a position; a missing field is created.
fn slot<'v>(value: &'v mut Value, place: &[Segment]) -> Option<&'v mut Value> {
    place
        .iter()
        .try_fold(value, |value, segment| match segment {
            Segment::Field(name) => {
                let fields: &mut Map<String, Value> = value.as_object_mut()?;
                Some(fields.entry(name.clone()).or_insert(Value::Null))
            }
            Segment::Index(index) => value.get_mut(index),
        })
}

fn must_be(choices: &[String]) -> String {
    match choices {
        [one, other] => format!("must be {one} or {other}"),
        [one] => format!("must be {one}"),
        all => format!("must be one of {}", all.join(", ")),
    }
}
