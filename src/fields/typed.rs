//! Parses a value into a type, and reports errors with the path of the field.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::{Error, Value};

use super::mapping::{FieldPath, parse};
use super::{ConfigError, choices};

/// Parses `value`, which is at `path`, into a type.
///
/// # Errors
/// The first unknown field, with the most similar known one, or the first value that does not fit
/// the type, with the choices if there are a few.
pub(crate) fn read<T: DeserializeOwned>(path: &str, value: &Value) -> Result<T, ConfigError> {
    read_among(path, value, &[])
}

/// The same, if the user may also set fields that are not in the type.
///
/// # Errors
/// As above.
pub(crate) fn read_among<T: DeserializeOwned>(
    path: &str,
    value: &Value,
    others: &[&str],
) -> Result<T, ConfigError> {
    parse(value.clone()).map_err(|mistake| {
        let refusal = |probed| Some(parse::<T>(probed).err()?.1.to_string());
        explain(mistake, path, value, others, &refusal)
    })
}

/// The error for a mistake in the value at `path`. It is not generic, which would be a copy for each
/// type.
fn explain(
    (place, error): (FieldPath, Error),
    path: &str,
    value: &Value,
    others: &[&str],
    refusal: &choices::Refusal<'_>,
) -> ConfigError {
    let field = choices::path(path, &place);
    let message = error.to_string();
    if let Some((name, mut known)) = unknown_field(&message) {
        known.extend_from_slice(others);
        let rest = match known.is_empty() {
            true => ": this type has no fields of its own".to_owned(),
            false => format!(
                "{}; the fields are {}",
                did_you_mean(name, known.iter().copied()),
                known.join(", ")
            ),
        };
        return ConfigError::unknown_field(field, name, &rest);
    }
    if let Some(name) = missing_field(&message) {
        let field = join(&field, name);
        return match choices::of(value, &choices::below(place, name), refusal) {
            Some(choices) => choices::refuse_missing(&field, &choices),
            None => ConfigError::new(field, "is missing: it has no default"),
        };
    }
    let given = choices::at(value, &place);
    match given.zip(choices::of(value, &place, refusal)) {
        Some((given, choices)) => choices::refuse(&field, given, &choices),
        None => ConfigError::new(field, plain(&message, given)),
    }
}

/// A field set to `""` counts as not set.
pub(crate) fn unset_when_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        value => match parse(value) {
            Ok(read) => Ok(Some(read)),
            Err((_, error)) => Err(serde::de::Error::custom(error)),
        },
    }
}

/// ` (did you mean "x"?)`, if `name` is similar to a known name.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near =
        |known: &&str| strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase());
    match known.into_iter().min_by_key(near) {
        Some(best) if near(&best) <= (best.len() / 3).max(1) => {
            format!(" (did you mean {best:?}?)")
        }
        _ => String::new(),
    }
}

pub(super) fn join(path: &str, field: &str) -> String {
    if path.is_empty() || field.starts_with('[') {
        format!("{path}{field}")
    } else {
        format!("{path}.{field}")
    }
}

/// What must be there where serde expects an integer.
const INTEGER: &str = "a whole number";

/// serde's message about a value of another type, in the words of YAML.
fn plain(message: &str, given: Option<&Value>) -> String {
    let expected = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.rsplit_once(", expected "));
    let Some((value, (_, expected))) = given.zip(expected) else {
        return message.to_owned();
    };
    let wanted = match expected {
        "a boolean" => "true or false",
        "a string" => "a string",
        "a sequence" => "a list",
        "a map" => "a mapping",
        other if other.starts_with("struct ") => "a mapping",
        other if other.starts_with("a mapping ") => other,
        other if is_integer(other) => INTEGER,
        _ => return message.to_owned(),
    };
    let is_number = |text: &str| wanted == INTEGER && text.parse::<i64>().is_ok();
    let how = match value {
        Value::String(_) if expected == "a boolean" => ", without quotes",
        Value::String(text) if is_number(text) => ", without quotes",
        Value::Bool(_) | Value::Number(_) if expected == "a string" => ": put it in quotes",
        _ => "",
    };
    format!(
        "is {}, and must be {wanted}{how}",
        choices::described(value)
    )
}

/// True for serde's names of integers: `u16`, `a nonzero u16`.
fn is_integer(expected: &str) -> bool {
    let name = expected.strip_prefix("a nonzero ").unwrap_or(expected);
    let bits = name.strip_prefix(['u', 'i']);
    bits.is_some_and(|bits| bits.parse::<u8>().is_ok())
}

/// The name in serde's message.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// The unknown name and the known names in serde's message, which lists both in backticks. A test
/// guards this format.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let name = quoted.next()?;
    Some((name, quoted.collect()))
}
