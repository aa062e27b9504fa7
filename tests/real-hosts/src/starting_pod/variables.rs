//! The environment of a container.

use serde_json::Value;

use super::volumes::objects;
use super::{StartingPod, entries, text};

/// The variables, in their order.
#[derive(Debug)]
pub(super) struct Variables(Vec<(String, String)>);

impl Variables {
    /// The API server's variables, as in every pod, and those of the manifest.
    pub(super) fn of(pod: &StartingPod, container: &Value) -> Self {
        let mut variables = Self(vec![
            ("KUBERNETES_SERVICE_HOST".to_owned(), "127.0.0.1".to_owned()),
            (
                "KUBERNETES_SERVICE_PORT".to_owned(),
                pod.plane.api_port().to_string(),
            ),
        ]);
        for variable in entries(container, "/env") {
            let value = match variable.get("valueFrom") {
                Some(source) => source_value(pod, source),
                None => variables.expand(text(variable, "value")),
            };
            variables.0.push((text(variable, "name").to_owned(), value));
        }
        variables
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Replaces `$(NAME)`. `$$` stands for `$`, and unknown names stay.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let reference = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
            let known = reference.and_then(|(name, after)| Some((self.get(name)?, after)));
            match known {
                Some((value, after)) => {
                    out.push_str(value);
                    rest = after;
                }
                None => out.push('$'),
            }
        }
        out + rest
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut latest = self.0.iter().rev();
        latest
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }
}

fn source_value(pod: &StartingPod, source: &Value) -> String {
    if let Some(field) = source
        .pointer("/fieldRef/fieldPath")
        .and_then(Value::as_str)
    {
        return field_value(pod, field);
    }
    for (reference, kind) in [("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")] {
        if let Some(reference) = source.get(reference) {
            let data = objects(&pod.plane, pod.namespace(), kind, text(reference, "name"));
            let value = data.and_then(|mut data| data.remove(text(reference, "key")));
            return String::from_utf8(value.unwrap_or_default()).expect("a variable is UTF-8");
        }
    }
    panic!("no test needs this source of a variable: {source}");
}

fn field_value(pod: &StartingPod, field: &str) -> String {
    let first = |ips: &[String]| ips.first().cloned().unwrap_or_default();
    match field {
        "status.podIP" => first(&pod.pod_ips),
        "status.podIPs" => pod.pod_ips.join(","),
        "status.hostIP" => first(&pod.host_ips),
        "status.hostIPs" => pod.host_ips.join(","),
        "metadata.name" | "metadata.namespace" => {
            let pointer = format!("/{}", field.replace('.', "/"));
            let value = pod.pod.pointer(&pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        }
        _ => panic!("no test needs the field {field} in a variable"),
    }
}
