//! Says in a sentence which Kubernetes objects differ between two outputs of
//! kustomize.

use std::collections::BTreeMap;

/// One sentence: what is new, and what was changed.
pub(crate) fn summary(old: &str, new: &str) -> String {
    let (old, new) = (objects(old), objects(new));
    let added = new.keys().filter(|id| !old.contains_key(*id));
    let changed = new
        .iter()
        .filter(|(id, text)| old.get(*id).is_some_and(|old| old != *text));
    format!(
        "Added {}; changed {}.",
        list(added),
        list(changed.map(|(id, _)| id))
    )
}

/// The documents of the text, by kind and name.
fn objects(text: &str) -> BTreeMap<String, &str> {
    text.split("\n---\n")
        .map(|object| (id(object), object.trim_end()))
        .collect()
}

/// `Kind/name`, read off the lines that kustomize always prints in the same way.
fn id(object: &str) -> String {
    let value = |prefix| {
        object
            .lines()
            .find_map(|line| line.strip_prefix(prefix))
            .unwrap_or("?")
    };
    let metadata = object
        .split_once("\nmetadata:\n")
        .map_or("", |(_, rest)| rest);
    let name = metadata
        .lines()
        .find_map(|line| line.strip_prefix("  name: "))
        .unwrap_or("?");
    format!("{}/{name}", value("kind: "))
}

fn list<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    let ids: Vec<_> = ids.map(String::as_str).collect();
    if ids.is_empty() {
        "nothing".to_owned()
    } else {
        ids.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: runner\n";

    #[test]
    fn new_and_changed_objects_are_named() {
        let new = format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  labels:\n    a: b\n  name: door\n---\n\
             {DEPLOYMENT}spec: {{}}\n"
        );
        assert_eq!(
            summary(DEPLOYMENT, &new),
            "Added Service/door; changed Deployment/runner."
        );
    }

    #[test]
    fn equal_outputs_differ_in_nothing() {
        assert_eq!(
            summary(DEPLOYMENT, DEPLOYMENT),
            "Added nothing; changed nothing."
        );
    }
}
