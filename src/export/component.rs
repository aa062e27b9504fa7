//! A kustomize Component: `kustomization.yaml`, a file for each new resource, and one for each patch.

use krm::resource::Identity;
use serde_json::{Map, Value, json};

use super::change::identity;
use super::compose::{Export, Form, Patch};
use super::files::{ExportedFile, KUSTOMIZATION, Names, head, text};

/// The files of a Component; empty if nothing changes. `usage` is a comment that says where the
/// Component belongs.
pub fn component(export: &Export, usage: &str) -> Vec<ExportedFile> {
    if export == &Export::default() {
        return Vec::new();
    }
    let mut names = Names::default();
    let mut files = Vec::new();
    let mut lines = head(usage, None);
    lines.push_str("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n");
    if !export.added.is_empty() {
        lines.push_str("resources:\n");
    }
    for (file, purpose) in added(export, &mut names) {
        lines.push_str(&entry(&purpose, &json!([file.name])));
        files.push(file);
    }
    if !export.patches.is_empty() {
        lines.push_str("patches:\n");
    }
    for patch in &export.patches {
        let (ending, value) = match &patch.form {
            Form::Strategic(value) => (".patch.yaml", value.clone()),
            Form::Operations(operations) => (".json-patch.yaml", json!(operations)),
        };
        let name = names.take(&patch.target, ending);
        lines.push_str(&entry(
            &patch.purpose,
            &json!([{"path": name, "target": target(&patch.target)}]),
        ));
        files.push(ExportedFile {
            name,
            text: text(&patch.purpose, patch.made_from.as_deref(), &value),
        });
    }
    files.push(ExportedFile {
        name: KUSTOMIZATION.to_owned(),
        text: lines,
    });
    files
}

/// The files of the new resources, and what each is for.
pub(super) fn added(export: &Export, names: &mut Names) -> Vec<(ExportedFile, String)> {
    let mut file = |added: &super::compose::Added| ExportedFile {
        name: names.take(&identity(&added.value), ".yaml"),
        text: text(&added.purpose, added.made_from.as_deref(), &added.value),
    };
    let files = export.added.iter();
    files
        .map(|added| (file(added), added.purpose.clone()))
        .collect()
}

/// An entry of a list, with a comment.
fn entry(purpose: &str, value: &Value) -> String {
    let comment = krm::text::printable(purpose);
    format!("# {comment}\n{}", yaml_splice::document(value))
}

/// The selector for the resource of a patch. kustomize treats names as regular expressions that
/// must match in full.
pub(super) fn target(resource: &Identity) -> Value {
    let (group, version) = match resource.api_version.split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", resource.api_version.as_str()),
    };
    let literal = |text: &str| json!(text.replace('.', r"\."));
    let mut target = Map::new();
    if !group.is_empty() {
        target.insert("group".to_owned(), json!(group));
    }
    target.insert("version".to_owned(), json!(version));
    target.insert("kind".to_owned(), json!(resource.kind));
    target.insert("name".to_owned(), literal(&resource.name));
    if !resource.namespace.is_empty() {
        target.insert("namespace".to_owned(), literal(&resource.namespace));
    }
    Value::Object(target)
}

/// The text of a patch, for a list of inline patches. kustomize trims inline patches, so a comment
/// at the end preserves the last line break of a block scalar.
pub(super) fn inline(patch: &Patch) -> String {
    let value = match &patch.form {
        Form::Strategic(value) => value.clone(),
        Form::Operations(operations) => json!(operations),
    };
    let mut text = text(&patch.purpose, patch.made_from.as_deref(), &value);
    if has_block(&value) {
        text.push_str("# The end of the patch\n");
    }
    text
}

/// True if a text has several lines, and so may be a block scalar.
fn has_block(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\n'),
        Value::Array(items) => items.iter().any(has_block),
        Value::Object(members) => members.values().any(has_block),
        _ => false,
    }
}
