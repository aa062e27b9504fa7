//! Says in a sentence which Kubernetes objects differ between two outputs of
//! kustomize.

use std::collections::BTreeMap;

/// One sentence: what is new, and what was changed.
pub(crate) fn summary(old: &str, new: &str) -> String {
    let (old, new) = (objects(old), objects(new));
    let mut lists = [Vec::new(), Vec::new()];
    let [added, changed] = &mut lists;
    for (id, text) in &new {
        match old.get(id) {
            None => added.push(id.as_str()),
            Some(before) if before != text => changed.push(id.as_str()),
            Some(_) => {}
        }
    }
    let [added, changed] = lists.map(|ids| match ids.as_slice() {
        [] => "nothing".to_owned(),
        ids => ids.join(", "),
    });
    format!("Added {added}; changed {changed}.")
}

/// The documents of the text, by kind and name.
fn objects(text: &str) -> BTreeMap<String, &str> {
    let objects = text.split("\n---\n");
    objects
        .map(|object| (id(object), object.trim_end()))
        .collect()
}

/// `Kind/name`, read off the lines that kustomize always prints in the same way.
fn id(object: &str) -> String {
    let after = |text: &str, prefix| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(prefix));
        values.next().unwrap_or("?").to_owned()
    };
    let (_, metadata) = object.split_once("\nmetadata:\n").unwrap_or_default();
    format!(
        "{}/{}",
        after(object, "kind: "),
        after(metadata, "  name: ")
    )
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
