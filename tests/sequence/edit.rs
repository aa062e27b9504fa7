//! Edits of manifests by other tools between two runs.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::manifests::Manifests;

/// An edit by another tool.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Of the workload of the runner with a number.
    Workload(usize, Change),
    /// A line at the end of the `config.toml` of the runner with a number.
    Config(usize),
    /// A program reads and writes the manifests: keys have another order, and comments are gone.
    WriteAnew,
}

/// A change of a workload.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Has a label.
    Label(&'static str),
    /// Has an annotation.
    Annotation(&'static str),
    /// Is scaled.
    Replicas(u8),
    /// Has another image.
    Image(&'static str),
    /// Has another container, before or behind the others.
    Container { is_first: bool },
}

/// Edits of any kind.
pub(crate) fn edits() -> impl Strategy<Value = Edit> {
    let text = prop::sample::select(vec!["one", "two"]);
    let image = prop::sample::select(vec![
        "gitlab/gitlab-runner:v18.10.0",
        "registry.example.com/gitlab-runner:alpine-v18.9.1",
    ]);
    let change = prop_oneof![
        text.clone().prop_map(Change::Label),
        text.prop_map(Change::Annotation),
        (1..4_u8).prop_map(Change::Replicas),
        image.prop_map(Change::Image),
        any::<bool>().prop_map(|is_first| Change::Container { is_first }),
    ];
    let runner = 0..3_usize;
    prop_oneof![
        6 => (runner.clone(), change).prop_map(|(runner, change)| Edit::Workload(runner, change)),
        2 => runner.prop_map(Edit::Config),
        1 => Just(Edit::WriteAnew),
    ]
}

const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Pod"];
const SHARDED: &str = "runner-terminal.dev/sharded";

impl Edit {
    /// The manifests after it, of which this many are runners; `None` if it cannot be made.
    pub(crate) fn apply(&self, manifests: &Manifests, runners: usize) -> Option<Manifests> {
        let resources = manifests.resources();
        match self {
            Self::WriteAnew => Some(manifests.written_anew()),
            Self::Workload(number, change) => {
                let place = workload(&resources, number % runners)?;
                manifests.patched(place, &change.operations(&resources[place])?)
            }
            Self::Config(number) => {
                let (place, operations) = config(&resources, number % runners)?;
                manifests.patched(place, &operations)
            }
        }
    }

    /// True if it may change the style of something that the function has also changed.
    pub(crate) fn restyles(&self) -> bool {
        match self {
            Self::WriteAnew | Self::Config(_) => true,
            Self::Workload(_, change) => matches!(change, Change::Annotation(_)),
        }
    }
}

/// How many runners there are.
pub(crate) fn runners(manifests: &Manifests) -> usize {
    let resources = manifests.resources();
    let numbers = (0..).take_while(|number| workload(&resources, *number).is_some());
    numbers.count()
}

/// The place of the workload of a runner: of its first shard, if it is sharded.
fn workload(resources: &[Value], number: usize) -> Option<usize> {
    let name = format!("runner-{number}");
    let is_it = |resource: &Value| {
        let metadata = &resource["metadata"];
        let sharded = metadata["annotations"][SHARDED].as_str();
        let before = sharded.map(|text| serde_json::from_str::<Value>(text).unwrap());
        let own = before.map_or_else(|| metadata["name"].clone(), |before| before["name"].clone());
        WORKLOADS.iter().any(|kind| resource["kind"] == *kind) && own == json!(name)
    };
    resources.iter().position(is_it)
}

/// The place of the object with a runner's `config.toml`, and what adds a line to the file.
fn config(resources: &[Value], number: usize) -> Option<(usize, Value)> {
    const LINE: &str = "\n[[runners]]\nname = \"added\"\n";
    let name = format!("runner-{number}");
    let is_it = |resource: &Value| {
        ["ConfigMap", "Secret"]
            .iter()
            .any(|kind| resource["kind"] == *kind)
            && resource["metadata"]["name"] == json!(name)
    };
    let place = resources.iter().position(is_it)?;
    let object = &resources[place];
    for section in ["data", "stringData"] {
        let Some(text) = object[section]["config.toml"].as_str() else {
            continue;
        };
        let is_encoded = object["kind"] == "Secret" && section == "data";
        let new = if is_encoded {
            let encoded = text.replace(['\n', ' '], "");
            let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
            BASE64_STANDARD.encode(format!("{decoded}{LINE}"))
        } else {
            format!("{text}{LINE}")
        };
        let path = format!("/{section}/config.toml");
        return Some((
            place,
            json!([{"op": "replace", "path": path, "value": new}]),
        ));
    }
    None
}

impl Change {
    /// The operations that make it in a workload; `None` if the workload has no such field.
    fn operations(&self, workload: &Value) -> Option<Value> {
        let pod = if workload["kind"] == "Pod" {
            ""
        } else {
            "/spec/template"
        };
        let containers = format!("{pod}/spec/containers");
        let operation = match self {
            Self::Label(text) => member(workload, "labels", text),
            Self::Annotation(text) => member(workload, "annotations", text),
            Self::Replicas(count) => {
                // The function has set those of a shard.
                let is_shard = workload["metadata"]["annotations"][SHARDED].is_string();
                if pod.is_empty() || is_shard || workload["kind"] == "DaemonSet" {
                    return None;
                }
                json!({"op": "add", "path": "/spec/replicas", "value": count})
            }
            Self::Image(image) => {
                let list = workload.pointer(&containers)?.as_array()?;
                let place = list.iter().position(|it| it["name"] == "runner")?;
                json!({"op": "replace", "path": format!("{containers}/{place}/image"), "value": image})
            }
            Self::Container { is_first } => {
                let list = workload.pointer(&containers)?.as_array()?;
                if list.iter().any(|container| container["name"] == "tool") {
                    return None;
                }
                let place = if *is_first { "0" } else { "-" };
                json!({"op": "add", "path": format!("{containers}/{place}"),
                    "value": {"name": "tool", "image": "example.com/tool:1"}})
            }
        };
        Some(json!([operation]))
    }
}

/// Sets a label or an annotation.
fn member(workload: &Value, members: &str, text: &str) -> Value {
    let path = format!("/metadata/{members}");
    match workload["metadata"][members].is_object() {
        true => json!({"op": "add", "path": format!("{path}/example.com~1tool"), "value": text}),
        false => json!({"op": "add", "path": path, "value": {"example.com/tool": text}}),
    }
}
