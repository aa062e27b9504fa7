//! The ways to run the function on a ResourceList.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::command;
use crate::programs::{artifact, host, workspace_root};

/// Something that runs the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// The command that users install: the module in the launcher's own sandbox.
    Launcher,
    /// The module in Node.js.
    Node,
    /// The module in wazero.
    Wazero,
    /// The function without a sandbox.
    Native,
}

impl Runtime {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Launcher, Self::Node, Self::Wazero, Self::Native];

    fn command(self) -> Command {
        match self {
            Self::Launcher => Command::new(artifact("release/runner-terminal")),
            Self::Native => Command::new(artifact("module/examples/native")),
            Self::Wazero => {
                let mut wazero = Command::new(host("wazero-run"));
                // Without a cache it would compile the module for seconds in each run.
                let cache = workspace_root().join("target/hosts/wazero-cache");
                wazero.arg(artifact(MODULE)).env("WAZERO_CACHE", cache);
                wazero
            }
            Self::Node => {
                let mut node = Command::new("node");
                node.arg(workspace_root().join("tests/hosts/node/run.mjs"))
                    .arg(artifact(MODULE));
                node
            }
        }
    }
}

const MODULE: &str = "runner-terminal.wasm";

/// Runs the function on a ResourceList to its end.
pub fn run_module(runtime: Runtime, input: &[u8]) -> Output {
    command::run(&mut runtime.command(), input)
}

/// The ResourceList that gives these items session servers. `spec` is the SessionServer's.
pub fn resource_list(items: &[Value], spec: &Value) -> Value {
    json!({
        "apiVersion": "config.kubernetes.io/v1",
        "kind": "ResourceList",
        "items": items,
        "functionConfig": {
            "apiVersion": "runner-terminal.dev/v1alpha1",
            "kind": "SessionServer",
            "metadata": {"name": "session-server"},
            "spec": spec,
        },
    })
}

/// The items that the launcher makes of a ResourceList.
///
/// # Panics
///
/// If it refuses them.
pub fn items_from(list: &str) -> Vec<Value> {
    let output = run_module(Runtime::Launcher, list.as_bytes());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let list: Value = yaml_serde::from_slice(&output.stdout).expect("it writes YAML");
    let items = list.get("items").and_then(Value::as_array);
    items.expect("it writes a ResourceList").clone()
}
