//! Manifests as a ResourceList, as kustomize passes them, or as a file that is edited in place.

use std::fmt;

use json_patch::PatchOperation;
use krm::documents::{self, to_resource_list};
use serde_json::{Value, json};
use yaml_splice::Tree;

use crate::lists::{List, with_config, without_config};

const FILE: &str = "runner.yaml";

/// The text of some manifests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Manifests {
    /// A ResourceList. Its functionConfig is `null` here.
    List(String),
    /// A file of documents.
    File(String),
}

/// What a run gives.
pub(crate) struct Ran {
    /// `None` if it was refused.
    pub(crate) manifests: Option<Manifests>,
    /// What was said.
    pub(crate) report: String,
}

impl Ran {
    /// The manifests, unless the run was refused.
    pub(crate) fn changed(self) -> Option<Manifests> {
        self.manifests
    }
}

impl Manifests {
    pub(crate) fn new(list: &List, in_files: bool) -> Self {
        match in_files {
            true => Self::File(list.file()),
            false => Self::List(list.text(&Value::Null)),
        }
    }

    /// Runs the function of a functionConfig.
    pub(crate) fn run(&self, config: &Value) -> Ran {
        match self {
            Self::List(text) => {
                let list = with_config(text, config);
                let outcome = runner_terminal::run(list.as_bytes());
                let without_results = || with_config(&outcome.text(), &Value::Null);
                Ran {
                    manifests: (!outcome.failed()).then(|| Self::List(without_results())),
                    report: outcome.report(),
                }
            }
            Self::File(text) => {
                let files = [(FILE, text.as_str())];
                let list = to_resource_list(&files, &format!("{config}\n")).unwrap();
                let outcome = runner_terminal::run(list.text.as_bytes());
                let edited = || {
                    let items = &outcome.alignment().items;
                    let edited = list.edited(&files, &outcome.text(), items).unwrap();
                    Self::File(edited.texts[0].clone())
                };
                Ran {
                    manifests: (!outcome.failed()).then(edited),
                    report: outcome.report(),
                }
            }
        }
    }

    /// The resources, in their order.
    pub(crate) fn resources(&self) -> Vec<Value> {
        match self {
            Self::List(text) => {
                let list = Tree::parse(text).unwrap().to_value().unwrap();
                list["items"].as_array().unwrap().clone()
            }
            Self::File(text) => {
                let files = [(FILE, text.as_str())];
                let documents = documents::split(&files).unwrap();
                let texts = documents.iter().map(|document| document.text(&files));
                let trees = texts.map(|text| Tree::parse(text).unwrap().to_value().unwrap());
                trees.collect()
            }
        }
    }

    /// The resources, without how they are written.
    pub(crate) fn meaning(&self) -> Vec<Value> {
        let mut resources = self.resources();
        for secret in resources.iter_mut().filter(|it| it["kind"] == "Secret") {
            let data = secret.get_mut("data").and_then(Value::as_object_mut);
            for value in data.into_iter().flat_map(|data| data.values_mut()) {
                // Line breaks in base64 mean nothing.
                if let Some(text) = value.as_str() {
                    *value = json!(text.replace(['\n', ' '], ""));
                }
            }
        }
        resources
    }

    /// Applies operations to a resource, by its place. `None` if they cannot be.
    pub(crate) fn patched(&self, place: usize, operations: &Value) -> Option<Self> {
        match self {
            Self::List(text) => {
                let mut operations = operations.clone();
                for operation in operations.as_array_mut().unwrap() {
                    let path = operation["path"].as_str().unwrap();
                    operation["path"] = json!(format!("/items/{place}{path}"));
                }
                Some(Self::List(apply(text, &operations)?))
            }
            Self::File(text) => {
                let files = [(FILE, text.as_str())];
                let range = documents::split(&files).ok()?[place].range.clone();
                let edited = apply(&text[range.clone()], operations)?;
                let (before, after) = (&text[..range.start], &text[range.end..]);
                Some(Self::File(format!("{before}{edited}{after}")))
            }
        }
    }

    /// The same resources, all rewritten by another program.
    pub(crate) fn written_anew(&self) -> Self {
        let resources = self.resources().into_iter().map(sorted);
        match self {
            Self::List(_) => {
                let list = json!({
                    "apiVersion": "config.kubernetes.io/v1",
                    "kind": "ResourceList",
                    "items": resources.collect::<Vec<_>>(),
                });
                let text = yaml_serde::to_string(&list).unwrap();
                Self::List(format!("{text}functionConfig: null\n"))
            }
            Self::File(_) => {
                let texts = resources.map(|resource| yaml_serde::to_string(&resource).unwrap());
                Self::File(texts.collect::<Vec<_>>().join("---\n"))
            }
        }
    }
}

impl fmt::Display for Manifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(text) => f.write_str(&without_config(text)),
            Self::File(text) => f.write_str(text),
        }
    }
}

fn apply(text: &str, operations: &Value) -> Option<String> {
    let operations: Vec<PatchOperation> = serde_json::from_value(operations.clone()).unwrap();
    yaml_splice::apply(text, &operations).ok()
}

/// The same with the members of all mappings in the order of their names.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            let members = members
                .into_iter()
                .map(|(name, value)| (name, sorted(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
