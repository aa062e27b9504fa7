//! JSON pointers that stay valid while other tools edit a resource. A list element is identified by
//! a key, as in `/spec/containers/[name=runner]/ports`, wherever it is in the list.

use serde_json::Value;
use yaml_splice::pointer::{At as _, name_of, token};

/// The members that identify an element, in order of preference: the merge keys of Kubernetes'
/// lists. A mount is identified by its path; its name is that of the volume.
const KEYS: [&str; 2] = ["mountPath", "name"];

/// A pointer into a value with `[KEY=VALUE]` in place of element indexes, as in kyaml. An element
/// keeps its index if it has no such member, or shares the value with another element.
pub(crate) fn by_key(value: &Value, pointer: &str) -> String {
    if !pointer.split('/').any(|part| part.parse::<usize>().is_ok()) {
        return pointer.to_owned();
    }
    let mut at = Some(value);
    let mut keyed = String::with_capacity(pointer.len());
    for part in pointer.split('/').skip(1) {
        let index = part.parse::<usize>().ok();
        let key = match (at, index) {
            (Some(Value::Array(elements)), Some(index)) => unique_key(elements, index),
            _ => None,
        };
        keyed.push('/');
        match key {
            Some((key, value)) => keyed.push_str(&token(&format!("[{key}={value}]"))),
            None => keyed.push_str(part),
        }
        at = at.and_then(|at| at.at(&format!("/{part}")));
    }
    keyed
}

/// Converts a pointer from [`by_key`] back to the current indexes in a value; `None` if an element
/// no longer exists.
pub(crate) fn by_index(value: &Value, pointer: &str) -> Option<String> {
    let mut at = value;
    let mut indexed = String::with_capacity(pointer.len());
    for part in pointer.split('/').skip(1) {
        let decoded = name_of(part);
        let part = match (at, key_of(&decoded)) {
            (Value::Array(elements), Some((key, value))) => {
                let is_it = |element: &Value| identity(element) == Some((key, value));
                elements.iter().position(is_it)?.to_string()
            }
            _ => part.to_owned(),
        };
        indexed.push('/');
        indexed.push_str(&part);
        at = at.at(&format!("/{part}")).unwrap_or(&Value::Null);
    }
    Some(indexed)
}

/// The key of an element, if no other element has it.
fn unique_key(elements: &[Value], index: usize) -> Option<(&str, &str)> {
    let key = elements.get(index).and_then(identity)?;
    let mut others = elements.iter().enumerate();
    let is_shared = others.any(|(at, other)| at != index && identity(other) == Some(key));
    (!is_shared).then_some(key)
}

/// The member that identifies an element, and its text.
fn identity(element: &Value) -> Option<(&'static str, &str)> {
    KEYS.into_iter()
        .find_map(|key| Some((key, element.as_object()?.get(key)?.as_str()?)))
}

/// The member and its text in a token of [`by_key`].
fn key_of(token: &str) -> Option<(&str, &str)> {
    token.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_element_is_found_wherever_it_is() {
        let before = json!({"a": [{"name": "x/y"}, {"name": "z", "b": [{"c": 1}]}]});
        for (pointer, named) in [
            ("", ""),
            ("/a/0", "/a/[name=x~1y]"),
            ("/a/1/b/0/c", "/a/[name=z]/b/0/c"),
            // Does not exist yet, or is at the end.
            ("/a/1/d", "/a/[name=z]/d"),
            ("/a/-", "/a/-"),
            ("/a/2", "/a/2"),
        ] {
            assert_eq!(by_key(&before, pointer), named);
            assert_eq!(by_key(&before, named), named, "it is done already");
            assert_eq!(by_index(&before, named).as_deref(), Some(pointer));
        }
        let after = json!({"a": [{"name": "new"}, {"name": "z"}, {"name": "x/y"}]});
        assert_eq!(by_index(&after, "/a/[name=z]/d").as_deref(), Some("/a/1/d"));
        assert_eq!(by_index(&after, "/a/[name=x~1y]").as_deref(), Some("/a/2"));
        assert_eq!(by_index(&json!({"a": []}), "/a/[name=z]"), None);
    }

    #[test]
    fn a_mount_is_found_by_its_path() {
        let mount = |volume: &str| json!({"name": volume, "mountPath": "/etc/x"});
        let before = json!([{"name": "a", "mountPath": "/a"}, mount("a")]);
        let keyed = by_key(&before, "/1/name");
        assert_eq!(keyed, "/[mountPath=~1etc~1x]/name");
        assert_eq!(
            by_index(&json!([mount("b")]), &keyed).as_deref(),
            Some("/0/name")
        );
    }

    #[test]
    fn elements_of_one_name_keep_their_indexes() {
        let value = json!({"a": [{"name": "x"}, {"name": "x"}, 1, {"[name=x]": 2}]});
        for pointer in ["/a/0", "/a/1", "/a/2", "/a/3/[name=x]"] {
            assert_eq!(by_key(&value, pointer), pointer);
            assert_eq!(by_index(&value, pointer).as_deref(), Some(pointer));
        }
    }
}
