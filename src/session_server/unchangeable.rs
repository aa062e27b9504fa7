//! Objects that cannot take the change: immutable ones, and those whose file SOPS has encrypted.

use serde_json::Value;

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS};
use super::settings;
use crate::plan::Plan;
use crate::runner::{Runner, field};
use krm::patch::Patches;
use krm::resource::Resource;
use krm::results::FunctionResult;
use yaml_splice::pointer::At as _;

/// Refuses a runner whose configuration has to change, now or once the address is known, and cannot.
pub fn refuse_unchangeable(runner: &Runner, plan: &mut Plan) {
    let config = &runner.config;
    let text = settings::current_text(config, &mut plan.patches);
    let is_right = ConfigFile::parse(&text).is_ok_and(|file| {
        text == config.text
            && [LISTEN_ADDRESS, ADVERTISE_ADDRESS]
                .iter()
                .all(|key| file.get(key).is_some())
    });
    if !is_right {
        refuse_immutable(runner, plan);
    }
    refuse_encrypted(runner, !is_right, plan);
}

/// Refuses a change to a configuration that cannot be changed, where one has been planned.
pub(super) fn refuse_unwanted_change(runner: &Runner, plan: &mut Plan) {
    let config = &runner.config;
    let changes = settings::current_text(config, &mut plan.patches) != config.text;
    if changes {
        refuse_immutable(runner, plan);
    }
    refuse_encrypted(runner, changes, plan);
}

/// Where an object says that it, or the Secret that is made of it, is immutable.
const IMMUTABLE: [&str; 4] = [
    "/immutable",
    "/spec/target/immutable",
    "/spec/externalSecretSpec/target/immutable",
    "/spec/template/immutable",
];

/// The field by which the API server takes no change, where kustomize makes no new object either.
fn immutable_by(object: &Resource, patches: &mut Patches) -> Option<&'static str> {
    // kustomize makes a new object of each content.
    if object.gets_a_hash() {
        return None;
    }
    let object = patches.current(object);
    let is_true = |pointer: &&&str| object.at(pointer) == Some(&Value::Bool(true));
    IMMUTABLE.iter().find(is_true).copied()
}

fn refuse_immutable(runner: &Runner, plan: &mut Plan) {
    let Some(by) = immutable_by(&runner.config.object, &mut plan.patches) else {
        return;
    };
    let object = &runner.config.object.identity;
    let way_on = match object.kind.as_str() {
        "ConfigMap" | "Secret" => {
            "drop immutable and delete the object in the cluster, or generate it with a new name for \
             each content, as kustomize's configMapGenerator and secretGenerator do where this \
             function is a transformer beside them"
        }
        _ => "drop immutable and delete the Secret in the cluster, which is then made anew",
    };
    plan.results.push(
        FunctionResult::error(format!(
            "is immutable, so the API server takes no change to {}: {way_on}",
            runner.config.key
        ))
        .about(object)
        .at(field(by)),
    );
}

/// The MAC of SOPS is over the values of the whole file.
fn refuse_encrypted(runner: &Runner, changes_config: bool, plan: &mut Plan) {
    let config = (&runner.config.object, changes_config);
    let changes_workload = {
        let workload = &runner.workload.resource;
        *plan.patches.current(workload) != *workload.value
    };
    for (object, changes) in [config, (&runner.workload.resource, changes_workload)] {
        let Some(sops) = object
            .value
            .get("sops")
            .filter(|sops| sops.is_object() && changes)
        else {
            continue;
        };
        let why = match sops.get("mac_only_encrypted") {
            Some(Value::Bool(true)) => "",
            _ => ", whose MAC covers the values in clear too, so that any edit breaks it",
        };
        plan.results.push(
            FunctionResult::error(format!(
                "is encrypted by SOPS{why}. Run the function after decryption, as behind ksops in \
                 kustomize or helm-secrets in Helm"
            ))
            .about(&object.identity)
            .at("sops"),
        );
    }
}
