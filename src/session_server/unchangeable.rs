//! Objects that cannot be changed: immutable ones, and those in files that SOPS has encrypted.

use serde_json::Value;

use super::RunnerPlan;
use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS};
use crate::runner::Runner;
use krm::resource::Resource;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, field_path};
use yaml_splice::pointer::At as _;

/// Refuses a runner whose configuration cannot be changed but has to, now or once the address is known.
pub fn check_changeable(list: &ResourceList<'_>, plan: &RunnerPlan) -> Vec<FunctionResult> {
    let changes = plan.changes_config();
    let config = &plan.runner.config;
    // A file without an address changes once there is one, unless that is written at the pod's start.
    let is_settled = || {
        let keys = [LISTEN_ADDRESS, ADVERTISE_ADDRESS];
        plan.runner.start.is_some()
            || ConfigFile::parse(&config.text)
                .is_ok_and(|file| keys.iter().all(|key| file.get(key).is_some()))
    };
    let is_unchangeable = immutable_by(&config.object).is_some() || is_encrypted(&config.object);
    let is_to_change = plan.runner.start.is_none() && is_unchangeable && !is_settled();
    let changes = changes || is_to_change;
    let runner = &plan.runner;
    let mut refused = refuse(runner, changes, plan.changes_workload());
    // The workload changes in either way.
    let of_workload = &runner.workload.resource.identity;
    if refused.len() == 1
        && refused
            .iter()
            .all(|one| one.resource_ref.as_ref() != Some(of_workload))
    {
        let with_way_on = refused.into_iter().map(Box::new);
        let with_way_on = with_way_on.map(|refusal| *runner.or_at_start(list, refusal));
        refused = with_way_on.collect();
    }
    refused
}

/// Refuses the planned changes if the configuration or the workload cannot be changed.
pub(super) fn refuse(
    runner: &Runner,
    changes_config: bool,
    changes_workload: bool,
) -> Vec<FunctionResult> {
    let config = &runner.config.object;
    let workload = &runner.workload.resource;
    let immutable = changes_config.then(|| immutable(runner)).flatten();
    let encrypted = [(config, changes_config), (workload, changes_workload)];
    let encrypted = encrypted.into_iter().filter(|(_, changes)| *changes);
    immutable
        .into_iter()
        .chain(encrypted.filter_map(|(object, _)| encrypted_by_sops(object)))
        .collect()
}

/// Fields by which an object, or the Secret that is generated from it, is immutable.
const IMMUTABLE: [&str; 4] = [
    "/immutable",
    "/spec/target/immutable",
    "/spec/externalSecretSpec/target/immutable",
    "/spec/template/immutable",
];

/// The field that makes an object immutable. An object of kustomize's generators does not count:
/// kustomize creates a new one for each content.
fn immutable_by(object: &Resource) -> Option<&'static str> {
    if object.gets_a_hash() {
        return None;
    }
    let is_true = |pointer: &&&str| object.value.at(pointer) == Some(&Value::Bool(true));
    IMMUTABLE.iter().find(is_true).copied()
}

fn immutable(runner: &Runner) -> Option<FunctionResult> {
    let by = immutable_by(&runner.config.object)?;
    let object = &runner.config.object.identity;
    let advice = match object.kind.as_str() {
        "ConfigMap" | "Secret" => {
            "drop immutable and delete the object in the cluster, or generate it with a new name for \
             each content, as kustomize's configMapGenerator and secretGenerator do where this \
             function is a transformer beside them"
        }
        _ => "drop immutable and delete the Secret in the cluster, which is then made anew",
    };
    let message = format!(
        "is immutable, so the API server takes no change to {}: {advice}",
        runner.config.key
    );
    Some(
        FunctionResult::error(message)
            .about(object)
            .at(field_path(by)),
    )
}

fn is_encrypted(object: &Resource) -> bool {
    object.value.get("sops").is_some_and(Value::is_object)
}

/// The MAC of SOPS covers the values of the whole file.
fn encrypted_by_sops(object: &Resource) -> Option<FunctionResult> {
    let sops = object.value.get("sops").filter(|sops| sops.is_object())?;
    let why = match sops.get("mac_only_encrypted") {
        Some(Value::Bool(true)) => "",
        _ => ", whose MAC covers the values in clear too, so that any edit breaks it",
    };
    let message = format!(
        "is encrypted by SOPS{why}. Run the function after decryption, as behind ksops in kustomize \
         or helm-secrets in Helm"
    );
    Some(
        FunctionResult::error(message)
            .about(&object.identity)
            .at("sops"),
    )
}
