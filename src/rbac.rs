//! The objects that let service accounts read one Service, and nothing else.
//!
//! In: the Service's identity. Out: a Role and a RoleBinding in the Service's namespace, as plain
//! values, to add to the list or to show to somebody who applies them.
//!
//! Source: `Role` and `RoleBinding` in Kubernetes' `rbac/v1` API; its documentation, "Using RBAC
//! Authorization", on `resourceNames`: a `watch` is allowed if it selects that `metadata.name`.

use serde_json::{Value, json};

use krm::resource::Identity;

/// The API group of the objects.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// The name of a Service's Role and RoleBinding. A Service name has at most 63 characters, theirs
/// at most 253.
pub fn reader_name(service: &str) -> String {
    format!("{service}-reader")
}

/// A Role that may read this Service.
pub fn reader_role(service: &Identity) -> Value {
    let mut role = identity("Role", service).skeleton();
    role.insert(
        "rules".to_owned(),
        json!([{
            "apiGroups": [""],
            "resources": ["services"],
            "resourceNames": [service.name],
            "verbs": ["get", "watch"],
        }]),
    );
    Value::Object(role)
}

/// A ClusterRole that may list the nodes: nodes are not namespaced, and their names are not known
/// in advance.
pub fn node_role(name: &str) -> Value {
    let mut role = cluster_identity("ClusterRole", name).skeleton();
    role.insert(
        "rules".to_owned(),
        json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]),
    );
    Value::Object(role)
}

/// Binds these subjects to the ClusterRole of [`node_role`].
pub fn node_binding(name: &str, subjects: Vec<Value>) -> Value {
    let mut binding = cluster_identity("ClusterRoleBinding", name).skeleton();
    binding.insert(
        "roleRef".to_owned(),
        json!({"apiGroup": GROUP, "kind": "ClusterRole", "name": name}),
    );
    binding.insert("subjects".to_owned(), Value::Array(subjects));
    Value::Object(binding)
}

fn cluster_identity(kind: &str, name: &str) -> Identity {
    Identity {
        api_version: format!("{GROUP}/v1"),
        kind: kind.to_owned(),
        name: name.to_owned(),
        ..Identity::default()
    }
}

/// What the relay may do in the runner's namespace: find the pods and, if it reaches them through
/// the API, forward a port to them. RBAC cannot restrict this to pods with changing names, or to a
/// port.
///
/// Source: Kubernetes' `pods/portforward`; a WebSocket starts with a GET, and since 1.35 the API
/// server also requires `create`.
pub fn relay_rules(forwards: bool) -> Value {
    let mut rules =
        vec![json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]})];
    if forwards {
        rules.push(json!({
            "apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"],
        }));
    }
    Value::Array(rules)
}

/// Binds these subjects to the Role of [`reader_role`].
pub fn reader_binding(service: &Identity, subjects: Vec<Value>) -> Value {
    binding_of(&identity("Role", service), subjects)
}

/// Binds these subjects to a Role, with a RoleBinding of the same name and namespace.
pub fn binding_of(role: &Identity, subjects: Vec<Value>) -> Value {
    let mut binding = Identity {
        kind: "RoleBinding".to_owned(),
        ..role.clone()
    }
    .skeleton();
    let role = &role.name;
    binding.insert(
        "roleRef".to_owned(),
        json!({"apiGroup": GROUP, "kind": "Role", "name": role}),
    );
    binding.insert("subjects".to_owned(), Value::Array(subjects));
    Value::Object(binding)
}

/// A service account as a subject of a RoleBinding.
pub fn service_account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
}

/// A user, by the name known to the API server, as a subject of a RoleBinding.
pub fn user(name: &str) -> Value {
    json!({"apiGroup": GROUP, "kind": "User", "name": name})
}

fn identity(kind: &str, service: &Identity) -> Identity {
    Identity {
        api_version: format!("{GROUP}/v1"),
        kind: kind.to_owned(),
        name: reader_name(&service.name),
        namespace: service.namespace.clone(),
        ..Identity::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(namespace: &str) -> Identity {
        Identity {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            name: "runner-session-server".to_owned(),
            namespace: namespace.to_owned(),
            ..Identity::default()
        }
    }

    #[test]
    fn may_read_the_one_service() {
        let expected = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: runner-session-server-reader
  namespace: ci
rules:
- apiGroups:
  - \"\"
  resources:
  - services
  resourceNames:
  - runner-session-server
  verbs:
  - get
  - watch
";
        assert_eq!(
            yaml_splice::document(&reader_role(&service("ci"))),
            expected
        );
    }

    #[test]
    fn binds_the_subjects_in_their_order() {
        let subjects = vec![service_account("b", "two"), service_account("a", "one")];
        let expected = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: runner-session-server-reader
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: runner-session-server-reader
subjects:
- kind: ServiceAccount
  name: two
  namespace: b
- kind: ServiceAccount
  name: one
  namespace: a
";
        assert_eq!(
            yaml_splice::document(&reader_binding(&service(""), subjects)),
            expected
        );
    }
}
