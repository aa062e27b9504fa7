//! Decides whether a Component can go into a kustomization itself or needs another kustomization
//! around it, and adds an entry to a list of a kustomization or a Kptfile.

use json_patch::PatchOperation;
use krm::Internal;
use serde_json::{Map, Value, json};
use yaml_splice::pointer::token;
use yaml_splice::{EditError, Tree, YamlError};

/// The fields of a kustomization that take effect before its components, or that do not change
/// anything that components refer to.
///
/// Source: `accumulateTarget` in kustomize's `api/internal/target`: resources, generators, components,
/// and then all transformers.
const HARMLESS: [&str; 18] = [
    "apiVersion",
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "components",
    "configMapGenerator",
    "configurations",
    "crds",
    "generatorOptions",
    "generators",
    "helmCharts",
    "helmGlobals",
    "images",
    "kind",
    "metadata",
    "openapi",
    "resources",
    "secretGenerator",
];

/// The first field of a kustomization that takes effect after its components, which see the names,
/// namespaces and fields from before it. `None` if there is none, or the text is not YAML.
pub fn own_transformers(kustomization: &str) -> Option<String> {
    let value = Tree::parse(kustomization).and_then(|tree| tree.to_value());
    let Ok(Value::Object(fields)) = value else {
        return None;
    };
    let late = |name: &&String| !HARMLESS.contains(&name.as_str()) && *name != "sortOptions";
    fields.keys().find(late).cloned()
}

/// Why an entry cannot be added to a file.
#[derive(Debug, thiserror::Error)]
pub enum AddEntryError {
    /// It is not YAML.
    #[error(transparent)]
    NotYaml(#[from] YamlError),
    /// The field is not a list.
    #[error("{0} is not a list")]
    NotAList(String),
    /// A field above it is not a mapping.
    #[error("{0} is not a mapping")]
    NotAMapping(String),
    /// The text cannot be edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A bug in this program.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// The text of a kustomization or a Kptfile with an entry appended to a list, such as
/// `["transformers"]` or `["pipeline", "mutators"]`. Missing parents are created, and the rest
/// stays byte for byte. `None` if the list already has the entry.
///
/// # Errors
/// The text is not YAML, or one of the fields has another type.
pub fn add_entry(
    text: &str,
    fields: &[&str],
    entry: &Value,
) -> Result<Option<String>, AddEntryError> {
    let root = Tree::parse(text)?.to_value()?;
    let mut pointer = String::new();
    let mut parent = &root;
    let mut rest = fields.iter();
    for field in rest.by_ref() {
        let Some(members) = parent.as_object() else {
            return Err(AddEntryError::NotAMapping(shown(&pointer)));
        };
        pointer.push_str(&format!("/{}", token(field)));
        match members.get(*field) {
            None | Some(Value::Null) => {
                parent = &Value::Null;
                break;
            }
            Some(member) => parent = member,
        }
    }
    let operation = match parent {
        Value::Array(entries) if entries.contains(entry) => return Ok(None),
        Value::Array(_) => json!({"op": "add", "path": format!("{pointer}/-"), "value": entry}),
        Value::Null => {
            let within =
                |value, field: &&str| Value::Object(Map::from_iter([((*field).to_owned(), value)]));
            let value = rest.rev().fold(json!([entry]), within);
            json!({"op": "add", "path": pointer, "value": value})
        }
        _ => return Err(AddEntryError::NotAList(shown(&pointer))),
    };
    let operation: PatchOperation = serde_json::from_value(operation)
        .map_err(|error| Internal::new(format!("an operation of its own is none: {error}")))?;
    Ok(Some(yaml_splice::apply(text, &[operation])?))
}

/// A JSON pointer in the notation that messages use for fields.
fn shown(pointer: &str) -> String {
    match pointer.trim_start_matches('/') {
        "" => "the file".to_owned(),
        path => path.replace('/', "."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_added_once_and_all_else_stays() {
        let entry = json!("session-server.yaml");
        let added = |text: &str| add_entry(text, &["transformers"], &entry).unwrap();
        for (before, after) in [
            (
                "namespace: ci   # ours\n\nresources: [runner.yaml]\n",
                "namespace: ci   # ours\n\nresources: [runner.yaml]\ntransformers:\n- \
                 session-server.yaml\n",
            ),
            (
                "transformers:\n  # first\n  - labels.yaml\nnamespace: ci\n",
                "transformers:\n  # first\n  - labels.yaml\n  - session-server.yaml\nnamespace: ci\n",
            ),
            (
                "transformers: [labels.yaml]   # in a line\n",
                "transformers: [labels.yaml, \"session-server.yaml\"]   # in a line\n",
            ),
            (
                "transformers: []\na: 1\n",
                "transformers: [\"session-server.yaml\"]\na: 1\n",
            ),
        ] {
            assert_eq!(added(before).as_deref(), Some(after));
            assert_eq!(added(after), None);
        }
    }

    #[test]
    fn what_is_missing_on_the_way_is_made() {
        let entry = json!({"exec": "runner-terminal", "configPath": "session-server.yaml"});
        let fields = ["pipeline", "mutators"];
        for before in [
            "kind: Kptfile\n",
            "kind: Kptfile\npipeline:\n  validators: []\n",
        ] {
            let after = add_entry(before, &fields, &entry).unwrap().unwrap();
            assert!(after.starts_with(before), "{after}");
            let value = Tree::parse(&after).unwrap().to_value().unwrap();
            assert_eq!(value["pipeline"]["mutators"], json!([entry]), "{after}");
        }
    }

    #[test]
    fn something_else_in_its_place_is_refused() {
        for (text, message) in [
            ("transformers: a.yaml\n", "transformers is not a list"),
            ("- a\n", ""),
            ("a: [\n", "line "),
        ] {
            let error = add_entry(text, &["transformers"], &json!("x")).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
        let error = add_entry("pipeline: a\n", &["pipeline", "mutators"], &json!("x")).unwrap_err();
        assert_eq!(error.to_string(), "pipeline is not a mapping");
    }
}
