//! JSON pointers into values.

use std::borrow::Cow;

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use crate::Internal;

/// Parses a pointer that is composed of escaped tokens, for use in an operation.
///
/// # Errors
/// The text is not a JSON pointer.
pub fn parse(pointer: &str) -> Result<PointerBuf, Internal> {
    PointerBuf::parse(pointer)
        .map_err(|error| Internal::new(format!("{pointer:?} is no JSON pointer: {error}")))
}

/// Looks up a JSON pointer as [`Value::pointer`] does, without its two allocations per token, which
/// took a tenth of the time for a thousand runners.
pub trait At {
    /// The value at the pointer; `None` if there is none.
    fn at(&self, pointer: &str) -> Option<&Value>;
}

impl At for Value {
    fn at(&self, pointer: &str) -> Option<&Value> {
        if pointer.is_empty() {
            return Some(self);
        }
        let tokens = pointer.strip_prefix('/')?.split('/');
        tokens
            .into_iter()
            .try_fold(self, |value, token| match value {
                Self::Object(members) => members.get(unescaped(token).as_ref()),
                Self::Array(items) => items.get(index(token)?),
                _ => None,
            })
    }
}

fn unescaped(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
    }
}

/// An index has no sign and no leading zeros.
fn index(token: &str) -> Option<usize> {
    let is_written_otherwise = token.starts_with('+') || token.len() > 1 && token.starts_with('0');
    (!is_written_otherwise).then(|| token.parse().ok())?
}

/// A name as a token of a JSON pointer.
pub fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Unescapes a token of a JSON pointer.
pub fn name_of(token: &str) -> String {
    unescaped(token).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn leads_where_the_one_of_the_library_leads() {
        let value = json!({"a": [{"b/c": 1}, [2, 3]], "": {"~1": 4, "x~y": 5, "0": 6}, "-": null});
        for pointer in [
            "",
            "/",
            "a",
            "/a",
            "/a/",
            "/a/0",
            "/a/0/b~1c",
            "/a/0/b/c",
            "/a/1/1",
            "/a/1/01",
            "/a/1/+1",
            "/a/1/-",
            "/a/1/2",
            "/a/00",
            "//~01",
            "//x~0y",
            "//x~y",
            "//0",
            "/-",
            "/-/a",
            "/a/1/1/a",
            "//0/",
        ] {
            assert_eq!(value.at(pointer), value.pointer(pointer), "{pointer:?}");
        }
    }
}
