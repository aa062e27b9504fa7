//! Refuses several runner processes behind one address: a terminal lives in one of them.

use serde_json::Value;

use super::Workload;
use krm::resource::Resource;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// The resources that may scale a workload: kind, and the pointer to the maximum number of
/// replicas.
const AUTOSCALERS: [(&str, &str); 2] = [
    ("HorizontalPodAutoscaler", "/spec/maxReplicas"),
    ("ScaledObject", "/spec/maxReplicaCount"),
];

const WHY: &str = "a terminal lives in the one runner process that runs its job, and behind one \
                   address the next connection may reach another: terminals would be lost";

const EACH_BY_ITSELF: &str = "In the SessionServer, set spec.exposure.type to Relay, PodIP or HostPort \
                              and spec.configure.at to PodStart, which give each pod an address of \
                              its own";

/// Refuses a workload if more than one process would answer at its address.
///
/// # Errors
/// The reason, with what to do; or an autoscaler that cannot be parsed.
pub fn check_single_process(list: &ResourceList<'_>, workload: &Workload) -> Result<(), Refusal> {
    let identity = &workload.resource.identity;
    let rollout = rollout_of(list, workload)?;
    let scaled = rollout.as_ref().unwrap_or(&workload.resource);
    let replicas = replicas_of(scaled);
    if replicas > 1 {
        let by = match &rollout {
            Some(rollout) => format!(" ({} runs it)", rollout.identity),
            None => String::new(),
        };
        return Err(Box::new(
            FunctionResult::error(format!(
                "replicas is {replicas}{by}, but {WHY}. {EACH_BY_ITSELF}; or set spec.replicas there to \
                 Shard, which makes one workload per replica; or set replicas: 1 here (one process \
                 runs as many jobs at once as `concurrent` allows)"
            ))
            .about(identity)
            .at("spec.replicas")
            .values(replicas, 1),
        ));
    }
    check_fixed_size(list, workload)
}

/// The number of processes that a workload requests; one by default.
pub fn replicas(workload: &Workload) -> i64 {
    replicas_of(&workload.resource)
}

fn replicas_of(resource: &Resource) -> i64 {
    match resource.value.at("/spec/replicas") {
        Some(Value::String(text)) => text.parse().unwrap_or(1),
        replicas => replicas.and_then(Value::as_i64).unwrap_or(1),
    }
}

/// Warns of a number of processes that is not known yet: a parameter, a placeholder.
pub fn unknown_replicas(workload: &Workload) -> Option<FunctionResult> {
    let Some(Value::String(text)) = workload.resource.value.at("/spec/replicas") else {
        return None;
    };
    text.parse::<i64>().is_err().then(|| {
        FunctionResult::warning(format!(
            "replicas is {text:?}, and what number that will be is not known here. Terminals need it \
             to be 1: {WHY}"
        ))
        .about(&workload.resource.identity)
        .at("spec.replicas")
    })
}

/// The Argo Rollout that runs a workload's pod template through its `workloadRef` and sets the
/// replicas.
fn rollout_of(list: &ResourceList<'_>, workload: &Workload) -> Result<Option<Resource>, Refusal> {
    for item in list.candidates(&["Rollout"], "workloadRef") {
        let rollout = list.resource(item)?;
        let reference = |field: &str| {
            let pointer = format!("/spec/workloadRef/{field}");
            rollout.value.at(&pointer).and_then(Value::as_str)
        };
        if rollout.identity.kind == "Rollout"
            && reference("kind") == Some(&workload.resource.identity.kind)
            && let Some(name) = reference("name")
            && list.refers_to(&rollout, name, &workload.resource)?
        {
            return Ok(Some(rollout));
        }
    }
    Ok(None)
}

/// Refuses a workload whose number of processes is set by another resource.
///
/// # Errors
/// The reason, with what to do; or an autoscaler that cannot be parsed.
pub fn check_fixed_size(list: &ResourceList<'_>, workload: &Workload) -> Result<(), Refusal> {
    let identity = &workload.resource.identity;
    let refuse = |message: String| FunctionResult::error(message).about(identity);
    if identity.kind == "DaemonSet" {
        return Err(Box::new(
            refuse(format!(
                "a DaemonSet runs one process on each node, but {WHY}. {EACH_BY_ITSELF}; or run \
                 this GitLab Runner as a Deployment with replicas: 1; or leave it out by spec.runner"
            ))
            .at("kind"),
        ));
    }
    let rollout = rollout_of(list, workload)?;
    let scaled = rollout.as_ref().unwrap_or(&workload.resource);
    for (kind, most_pointer) in AUTOSCALERS {
        for item in list.candidates(&[kind], "scaleTargetRef") {
            let scaler = list.resource(item)?;
            let target = |field: &str| {
                scaler
                    .value
                    .at(&format!("/spec/scaleTargetRef/{field}"))
                    .and_then(Value::as_str)
            };
            let Some(name) = target("name") else {
                continue;
            };
            let aims_here = scaler.identity.kind == kind
                && target("kind").unwrap_or("Deployment") == scaled.identity.kind
                && list.refers_to(&scaler, name, scaled)?;
            let most = scaler.value.at(most_pointer).and_then(Value::as_i64);
            if aims_here && most != Some(1) {
                let most = most.map_or("more than one".to_owned(), |most| format!("up to {most}"));
                return Err(Box::new(
                    refuse(format!(
                        "{} may run {most} replicas of it, but {WHY}. {EACH_BY_ITSELF}; or remove the \
                         autoscaler, or set its {} to 1",
                        scaler.identity,
                        field_path(most_pointer)
                    ))
                    .at("spec.replicas"),
                ));
            }
        }
    }
    Ok(())
}
