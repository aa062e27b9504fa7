//! The runner of the upstream chart, as `helm template` renders it.

use std::fs;

use serde_json::{Value, json};

use crate::programs::workspace_root;

/// What the chart's script does with the file. The fixtures leave out the bodies of scripts.
const ENTRYPOINT: &str = "#!/bin/sh
set -e
mkdir -p /home/gitlab-runner/.gitlab-runner/
cp /configmaps/config.toml /home/gitlab-runner/.gitlab-runner/
gitlab-runner register --non-interactive --config /home/gitlab-runner/.gitlab-runner/config.toml
exec /entrypoint run --user=gitlab-runner --working-directory=/home/gitlab-runner
";

/// The documents of `tests/fixtures/chart/chart-NAME.yaml` in a namespace, with the body of the script
/// that starts the runner.
///
/// # Panics
///
/// If there is no such fixture.
pub fn chart(name: &str, namespace: &str) -> Vec<Value> {
    let path = format!("tests/fixtures/chart/chart-{name}.yaml");
    let text = fs::read_to_string(workspace_root().join(path)).expect("the fixture is there");
    let text = text.replace("\"ci\"", &format!("{namespace:?}"));
    let documents = text.split("---\n").filter(|one| !one.trim().is_empty());
    let parse = |one: &str| yaml_serde::from_str(one).expect("the fixture is YAML");
    let mut documents: Vec<Value> = documents.map(parse).collect();
    for document in &mut documents {
        let script = document.pointer_mut("/data/entrypoint");
        if let Some(script) = script {
            *script = json!(ENTRYPOINT);
        }
    }
    documents
}
