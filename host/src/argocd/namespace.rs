//! Sets the application's namespace in manifests without one. Argo CD would do it after the functions,
//! which have to see it.

use krm::documents::{DocumentError, split};
use serde_json::{Value, json};
use yaml_splice::Tree;

use crate::manifests::File;

/// The namespaced kinds that matter to a runner. Other kinds are left alone.
const KINDS: [&str; 25] = [
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
    "Route",
    "ScaledObject",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
    "TLSRoute",
];

/// Sets the namespace in documents of these kinds that have none.
///
/// # Errors
///
/// A file cannot be split into documents.
pub(super) fn set_in(files: &mut [File], namespace: &str) -> Result<(), DocumentError> {
    for file in files {
        let texts = [(file.path.as_str(), file.text.as_str())];
        let documents = split(&texts)?;
        let mut text = file.text.clone();
        // From the end, so that the earlier ranges stay valid.
        for document in documents.iter().rev() {
            let set = set(document.text(&texts).to_owned(), namespace);
            text.replace_range(document.range.clone(), &set);
        }
        file.text = text;
    }
    Ok(())
}

fn set(document: String, namespace: &str) -> String {
    if namespace.is_empty() || !KINDS.iter().any(|kind| document.contains(kind)) {
        return document;
    }
    let value = Tree::parse(&document).and_then(|tree| tree.to_value());
    // If it cannot be read, the function says so.
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
