//! Workloads that are defined more than once in the files.

use std::collections::BTreeMap;

use crate::runner::WORKLOAD_KINDS;
use krm::documents::{FieldLines, FileResource, resources};
use krm::resource::Identity;
use krm::resource_list::is_compatible;

/// Lists the positions of each workload that is defined twice: `Deployment r is at a.yaml:9 and at
/// b.yaml:1`. Files are given as (path, text).
pub(super) fn twins(files: &[(&str, &str)]) -> Vec<String> {
    let resources = resources(files).unwrap_or_default();
    let mut groups: Vec<(Identity, Vec<&FileResource<'_>>)> = Vec::new();
    let mut by_name: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for resource in &resources {
        let identity = resource.item.identity();
        if identity.name.is_empty() || !WORKLOAD_KINDS.contains(&identity.kind.as_str()) {
            continue;
        }
        let named = by_name
            .entry((identity.kind.clone(), identity.name.clone()))
            .or_default();
        let group = named.iter().copied().find(|group| {
            let other = groups.get(*group).map(|(other, _)| &other.namespace);
            other.is_some_and(|other| is_compatible(other, &identity.namespace))
        });
        match group.and_then(|group| groups.get_mut(group)) {
            Some((_, members)) => members.push(resource),
            None => {
                named.push(groups.len());
                groups.push((identity, vec![resource]));
            }
        }
    }
    let mut lines = FieldLines::new(files);
    let mut place = |resource: &FileResource<'_>| {
        let document = &resource.document;
        let line = lines.line_in_file(document, &resource.path);
        let file = files.get(document.file).map_or("", |(file, _)| file);
        format!("at {file}:{line}")
    };
    groups
        .iter()
        .filter(|(_, members)| members.len() > 1)
        .map(|(name, members)| {
            let places: Vec<String> = members.iter().map(|one| place(one)).collect();
            format!("{name} is {}", places.join(" and "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_places_are_named() {
        let one = "kind: Deployment\nmetadata: {name: r}\n";
        let two = format!("# b\n---\nkind: Pod\nmetadata: {{name: r}}\n---\n{one}");
        assert_eq!(
            twins(&[("a.yaml", one), ("b.yaml", &two)]),
            ["Deployment r is at a.yaml:1 and at b.yaml:6"]
        );
        // A member of a List may share anchors with others.
        let list = "kind: List\nitems:\n- kind: Pod\n  metadata: &m {name: r}\n- kind: Deployment\n  metadata: *m\n";
        assert_eq!(
            twins(&[("a.yaml", list), ("b.yaml", one)]),
            ["Deployment r is at a.yaml:5 and at b.yaml:1"]
        );
        let other = "kind: Deployment\nmetadata: {name: r, namespace: a}\n";
        let third = other.replace("namespace: a", "namespace: b");
        assert_eq!(twins(&[("a", other), ("b", &third)]), Vec::<String>::new());
        assert_eq!(twins(&[("a", one), ("b", other)]).len(), 1);
    }

    /// Each is looked for among those of its name alone, and no document is parsed twice: quadratic
    /// work would take minutes here.
    #[test]
    fn a_list_of_many_is_read_once() {
        let item = |name: usize| format!("- kind: Deployment\n  metadata: {{name: r{name}}}\n");
        let items: String = (0..3000).chain(0..3000).map(item).collect();
        let list = format!("kind: List\nitems:\n{items}");
        let found = twins(&[("a.yaml", &list)]);
        assert_eq!(found.len(), 3000);
        assert_eq!(found[1], "Deployment r1 is at a.yaml:5 and at a.yaml:6005");
    }
}
