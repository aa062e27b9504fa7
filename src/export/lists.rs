//! How kustomize merges the lists of Kubernetes' own types.
//!
//! Source: the OpenAPI document in kustomize's `kyaml/openapi/kubernetesapi`, by
//! `x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys`.

use serde_json::{Map, Value};
use yaml_splice::pointer::token;

/// Of the types that the function changes or adds: those whose lists are merged.
const KNOWN: [(&str, &[&str]); 6] = [
    (
        "v1",
        &[
            "ConfigMap",
            "Pod",
            "ReplicationController",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "apps/v1",
        &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    ("batch/v1", &["CronJob", "Job"]),
    ("networking.k8s.io/v1", &["Ingress", "NetworkPolicy"]),
    (
        "rbac.authorization.k8s.io/v1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
];

/// A type, and what is known of its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// One of Kubernetes' own.
    Known {
        /// It is a Service.
        is_service: bool,
    },
    /// A custom resource, or an old version: kustomize replaces its lists.
    Unknown,
}

impl Schema {
    pub(super) fn of(api_version: &str, kind: &str) -> Self {
        let is_known = KNOWN
            .iter()
            .any(|(version, kinds)| *version == api_version && kinds.contains(&kind));
        match is_known {
            true => Self::Known {
                is_service: kind == "Service",
            },
            false => Self::Unknown,
        }
    }

    /// The fields that identify the elements of a list, if the list is merged by them and its order
    /// has no meaning. `path` has the keys from the root, without indexes.
    ///
    /// Init containers run in order, and environment variables may refer to earlier ones, so these
    /// lists are excluded.
    pub(super) fn keys(self, path: &[String]) -> Option<&'static [&'static str]> {
        let Self::Known { is_service } = self else {
            return None;
        };
        let mut names = path.iter().rev().map(String::as_str);
        let (field, parent) = (names.next()?, names.next().unwrap_or_default());
        match (field, parent) {
            ("containers" | "volumes", "spec") => Some(&["name"]),
            ("volumeMounts", _) => Some(&["mountPath"]),
            ("ports", "containers") => Some(&["containerPort", "protocol"]),
            ("ports", "spec") if is_service => Some(&["port", "protocol"]),
            _ => None,
        }
    }
}

/// True if each element can be identified by these keys, in both lists.
///
/// kustomize does not match a port without a protocol to one with a protocol, so a port number that
/// occurs more than once is ambiguous.
pub(super) fn are_told_apart(keys: &[&str], before: &[Value], after: &[Value]) -> bool {
    let Some(first) = keys.first() else {
        return false;
    };
    let is_unique = |list: &[Value]| {
        let firsts: Vec<Option<&Value>> = list.iter().map(|item| item.get(*first)).collect();
        let mut seen: Vec<&Value> = Vec::with_capacity(firsts.len());
        firsts.into_iter().all(|key| match key {
            Some(key) if !key.is_null() && !seen.contains(&key) => {
                seen.push(key);
                true
            }
            _ => false,
        })
    };
    let has_same_keys = |item: &Value| {
        let was = before
            .iter()
            .find(|was| was.get(*first) == item.get(*first));
        was.is_none_or(|was| key_of(keys, was) == key_of(keys, item))
    };
    is_unique(before) && is_unique(after) && after.iter().all(has_same_keys)
}

/// The members that identify an element.
pub(super) fn key_of(keys: &[&str], item: &Value) -> Map<String, Value> {
    let member = |key: &&str| Some(((*key).to_owned(), item.get(*key)?.clone()));
    keys.iter().filter_map(member).collect()
}

/// True if two values of a type are equivalent. The order of lists that are merged by a key is
/// ignored.
pub(super) fn is_same(schema: Schema, a: &Value, b: &Value, path: &mut Vec<String>) -> bool {
    difference(schema, a, b, path).is_none()
}

/// The JSON pointer, from this value, to the first difference of two values that are not the
/// [same](is_same).
pub(super) fn difference(
    schema: Schema,
    a: &Value,
    b: &Value,
    path: &mut Vec<String>,
) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let only_in_b = b.keys().filter(|key| !a.contains_key(*key));
            a.keys().chain(only_in_b).find_map(|key| {
                let below = match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => {
                        path.push(key.clone());
                        let below = difference(schema, a, b, path);
                        path.pop();
                        below?
                    }
                    _ => String::new(),
                };
                Some(format!("/{}{below}", token(key)))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let is_ordered = schema
                .keys(path)
                .is_none_or(|keys| !are_told_apart(keys, a, b));
            a.iter()
                .zip(b)
                .enumerate()
                .find_map(|(place, (one, other))| {
                    let below = match is_ordered {
                        true => difference(schema, one, other, path)?,
                        false if b.iter().any(|other| is_same(schema, one, other, path)) => {
                            return None;
                        }
                        false => String::new(),
                    };
                    Some(format!("/{place}{below}"))
                })
        }
        (a, b) => (a != b).then(String::new),
    }
}
