//! The environment variables of a container, as far as the manifests show them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::holder;
use crate::runner::Workload;
use crate::runner::workload::text;
use krm::resource_list::ResourceList;
use yaml_splice::pointer::At as _;

/// Variables by name, except those whose value is not in the manifests.
pub(in crate::runner) type Environment = BTreeMap<String, String>;

/// The variable that names the configuration file.
pub(in crate::runner) const CONFIG_FILE: &str = "CONFIG_FILE";

/// The value of a variable that is set to something that is not known: a reference to itself, which
/// stays wherever the variable is used.
pub(in crate::runner) fn unknown(name: &str) -> String {
    format!("${{{name}}}")
}

/// The variables of a container: of `envFrom`, and then of `env`. `CONFIG_FILE` is there, as
/// [`unknown`], also if its value is not in the manifests.
pub(in crate::runner) fn environment(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: &Value,
) -> Environment {
    let mut environment = Environment::new();
    let members = |field: &str| container.get(field).and_then(Value::as_array);
    for source in members("envFrom").into_iter().flatten() {
        let prefix = text(source, "prefix");
        for (kind, field) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
            let name = source.get(field).map_or("", |object| text(object, "name"));
            for (key, value) in holder::texts(list, workload, kind, name) {
                environment.insert(format!("{prefix}{key}"), value);
            }
        }
    }
    for variable in members("env").into_iter().flatten() {
        let name = text(variable, "name").to_owned();
        let value = match variable.get("valueFrom") {
            Some(from) => value_from(list, workload, from),
            None => Some(expand(text(variable, "value"), &environment).0),
        };
        match value {
            Some(value) => environment.insert(name, value),
            None if name == CONFIG_FILE => environment.insert(name, unknown(CONFIG_FILE)),
            None => environment.remove(&name),
        };
    }
    environment
}

/// The value of a field of the pod, or of a key of an object.
fn value_from(list: &ResourceList<'_>, workload: &Workload, from: &Value) -> Option<String> {
    if let Some(path) = from.at("/fieldRef/fieldPath") {
        return field_of_pod(workload, path.as_str()?);
    }
    let (kind, reference) = match from.get("configMapKeyRef") {
        Some(reference) => ("ConfigMap", reference),
        None => ("Secret", from.get("secretKeyRef")?),
    };
    holder::text_of(
        list,
        workload,
        kind,
        text(reference, "name"),
        text(reference, "key"),
    )
}

/// The value of a downward API field, unless it depends on the pod's name.
fn field_of_pod(workload: &Workload, path: &str) -> Option<String> {
    let identity = &workload.resource.identity;
    match path {
        "metadata.namespace" if !identity.namespace.is_empty() => Some(identity.namespace.clone()),
        "metadata.name" if workload.is_pod() => Some(identity.name.clone()),
        path => {
            let key = path.strip_prefix("metadata.labels['")?.strip_suffix("']")?;
            Some(workload.pod_labels().get(key)?.as_str()?.to_owned())
        }
    }
}

/// The most bytes that a variable or an argument can have: with more, no program starts.
///
/// Source: `MAX_ARG_STRLEN` of Linux.
pub(in crate::runner) const LONGEST: usize = 128 * 1024;

/// Replaces each `$(NAME)` as Kubernetes does; `$$` is a dollar sign. The first unknown name is the
/// second value, and stays in the text. So does a name whose value would make the text longer than
/// Linux allows: variables that double each other have no end.
pub(in crate::runner) fn expand(text: &str, environment: &Environment) -> (String, Option<String>) {
    let mut out = String::new();
    let mut unknown = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = after
            .strip_prefix('(')
            .and_then(|reference| reference.split_once(')'))
        {
            match environment.get(name) {
                Some(value) if out.len() + value.len() <= LONGEST => out.push_str(value),
                _ => {
                    out.push_str(&format!("$({name})"));
                    unknown.get_or_insert_with(|| name.to_owned());
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    (out, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_expanded_as_kubernetes_does() {
        let environment = Environment::from([("A".to_owned(), "b".to_owned())]);
        for (text, expected, unknown) in [
            ("x", "x", None),
            ("$(A)/c", "b/c", None),
            ("$$(A)", "$(A)", None),
            ("$(B)/$(A)", "$(B)/b", Some("B")),
            ("$A $(A", "$A $(A", None),
        ] {
            let expanded = expand(text, &environment);
            assert_eq!(expanded, (expected.to_owned(), unknown.map(str::to_owned)));
        }
    }

    #[test]
    fn what_doubles_itself_has_an_end() {
        let mut environment = Environment::from([("A0".to_owned(), "x".to_owned())]);
        for number in 1..=60 {
            let text = format!("$(A{0})$(A{0})", number - 1);
            let (value, _) = expand(&text, &environment);
            environment.insert(format!("A{number}"), value);
        }
        assert_eq!(environment["A10"].len(), 1024);
        assert!(environment.values().all(|value| value.len() <= 2 * LONGEST));
    }
}
