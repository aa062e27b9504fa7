//! A list with names that would become markup in a diagram if they are not escaped.

use serde_json::json;

/// A list in which everything that a user can name has this name.
pub(crate) fn list(text: &str) -> String {
    // Readers of YAML refuse a longer key.
    let key: String = text.chars().take(250).collect();
    let metadata = |name: &str| {
        json!({"name": name, "namespace": text, "annotations": {
            "runner-terminal.dev/owned-by": "SessionServer",
            "internal.config.kubernetes.io/path": text,
            key.as_str(): text,
        }})
    };
    let config = format!(
        "[session_server]\nlisten_address = \"0.0.0.0:8093\"\nadvertise_address = {}\n",
        toml_edit::Value::from(text)
    );
    let list = json!({
        "apiVersion": "config.kubernetes.io/v1",
        "kind": "ResourceList",
        "items": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(text),
                "data": {"config.toml": config}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(text), "spec": {
                "template": {"metadata": {"labels": {"a": text}}, "spec": {
                    "containers": [{"name": text, "image": "gitlab-runner",
                        "volumeMounts": [{"name": text}]}],
                    "volumes": [{"name": text, "configMap": {"name": text}}],
                }},
            }},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata(&format!("{text}-x")),
                "spec": {"type": "ClusterIP", "selector": {"a": text}, "ports": [
                    {"name": "session-server", "port": 9000, "targetPort": text}]}},
            {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata(text),
                "spec": {"rules": [{"host": text, "http": {"paths": [
                    {"path": "/", "backend": {"service": {"name": format!("{text}-x")}}}]}}]}},
        ],
        "functionConfig": {"apiVersion": "runner-terminal.dev/v1alpha1", "kind": "SessionServer",
            "metadata": {"name": text}},
    });
    list.to_string()
}
