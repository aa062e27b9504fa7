//! Workloads that are defined more than once in the files.

use crate::runner::WORKLOAD_KINDS;
use krm::documents::{line_of, resources};
use krm::resource::Identity;
use krm::resource_list::is_compatible;
use yaml_splice::Tree;

/// Lists the positions of each workload that is defined twice: `Deployment r is at a.yaml:9 and at
/// b.yaml:1`. Files are given as (path, text).
pub(super) fn twins(files: &[(&str, &str)]) -> Vec<String> {
    let mut groups: Vec<(Identity, Vec<String>)> = Vec::new();
    for resource in resources(files).unwrap_or_default() {
        let (document, name) = (&resource.document, resource.item.identity());
        if name.name.is_empty() || !WORKLOAD_KINDS.contains(&name.kind.as_str()) {
            continue;
        }
        let tree = Tree::parse(document.text(files));
        let line = document.line + tree.map_or(1, |tree| line_of(&tree, &resource.path)) - 1;
        let file = files.get(document.file).map_or("", |(file, _)| file);
        let place = format!("at {file}:{line}");
        let group = groups.iter_mut().find(|(other, _)| {
            (&other.kind, &other.name) == (&name.kind, &name.name)
                && is_compatible(&other.namespace, &name.namespace)
        });
        match group {
            Some((_, places)) => places.push(place),
            None => groups.push((name, vec![place])),
        }
    }
    groups
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name} is {}", places.join(" and ")))
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
}
