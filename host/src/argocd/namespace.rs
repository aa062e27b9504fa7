//! The namespace of manifests that name none: Argo CD applies them in the application's, so the
//! functions have to see it there.

use krm::documents::split;
use serde_json::{Value, json};
use yaml_splice::Tree;

use crate::manifests::File;

/// What is in a namespace, and has to do with a runner. Others stay as they are.
const KINDS: [&str; 24] = [
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Gateway",
    "HTTPProxy",
    "HorizontalPodAutoscaler",
    "Ingress",
    "IngressRouteTCP",
    "Job",
    "LimitRange",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "ReplicaSet",
    "Role",
    "RoleBinding",
    "ScaledObject",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
    "TLSRoute",
];

/// The files, with that namespace in the documents that have none and are in one.
///
/// # Errors
///
/// A sentence that names the file, where it cannot be taken apart.
pub(super) fn set_in(files: &mut [File], namespace: &str) -> Result<(), String> {
    for file in files {
        let texts = [(file.path.as_str(), file.text.as_str())];
        let documents = split(&texts).map_err(|error| error.to_string())?;
        let mut text = file.text.clone();
        // From the end, so that the places before stay what they are.
        for document in documents.iter().rev() {
            let set = set(document.text(&texts).to_owned(), namespace);
            text.replace_range(document.range.clone(), &set);
        }
        file.text = text;
    }
    Ok(())
}

/// The document, with that namespace where it has none and is in one.
fn set(document: String, namespace: &str) -> String {
    if namespace.is_empty() || !KINDS.iter().any(|kind| document.contains(kind)) {
        return document;
    }
    let value = Tree::parse(&document).and_then(|tree| tree.to_value());
    // What cannot be read is for the function to refuse.
    let Ok(value) = value else {
        return document;
    };
    let kind = value
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_set = value
        .pointer("/metadata/namespace")
        .is_some_and(|set| !set.is_null() && set != "");
    if !KINDS.contains(&kind) || is_set || !value.get("metadata").is_some_and(Value::is_object) {
        return document;
    }
    let add = json!([{"op": "add", "path": "/metadata/namespace", "value": namespace}]);
    let edited = serde_json::from_value::<Vec<_>>(add)
        .ok()
        .and_then(|patch| yaml_splice::apply(&document, &patch).ok());
    edited.unwrap_or(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_added_where_it_is_missing() {
        let set = |text: &str| set(text.to_owned(), "ci");
        let bare = "# a\nkind: Secret # b\nmetadata:\n  name: x # c\n";
        assert_eq!(
            set(bare),
            "# a\nkind: Secret # b\nmetadata:\n  name: x # c\n  namespace: ci\n"
        );
        for same in [
            "kind: Secret\nmetadata: {name: x, namespace: y}\n",
            "kind: Namespace\nmetadata: {name: Secret}\n",
            "kind: Secret\n",
            "kind: Secret\n: : :\n",
        ] {
            assert_eq!(set(same), same);
        }
    }
}
