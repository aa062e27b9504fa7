//! What a restart of the pods means for terminals and for running jobs.
//!
//! Source: `DeploymentStrategy` in Kubernetes' `apps/v1` API; gitlab-runner's documentation, "Signals",
//! and its images, whose `STOPSIGNAL` is SIGQUIT: the runner waits for its jobs.

use serde_json::Value;

use crate::runner::Runner;
use krm::resource::Resource;
use krm::results::{FunctionResult, field_path};
use yaml_splice::pointer::At as _;

/// Kubernetes' default `terminationGracePeriodSeconds`.
const DEFAULT_GRACE: u64 = 30;

/// Warns of a Deployment that starts the new pod before the old one has ended.
pub(super) fn surge(runner: &Runner) -> Option<FunctionResult> {
    let resource = &runner.workload.resource;
    if resource.identity.kind != "Deployment" {
        return None;
    }
    let surge = resource.value.at("/spec/strategy/rollingUpdate/maxSurge")?;
    let is_none = match surge {
        Value::String(text) => matches!(text.as_str(), "0" | "0%"),
        number => number.as_u64() == Some(0),
    };
    let written = surge.as_str().map_or(surge.to_string(), str::to_owned);
    (!is_none).then(|| {
        FunctionResult::warning(format!(
            "maxSurge is {written}, so during a rollout two processes answer at one address, and \
             terminals may reach the wrong one: set spec.strategy to {{type: Recreate}}, or maxSurge \
             to 0 and maxUnavailable to 1"
        ))
        .about(&resource.identity)
        .at("spec.strategy.rollingUpdate.maxSurge")
    })
}

/// Warns of a Deployment whose new pod needs another node before the old one has ended: a host port
/// can be used by only one pod.
pub(super) fn surge_on_nodes(runner: &Runner) -> Option<FunctionResult> {
    let resource = &runner.workload.resource;
    starts_before_end(resource).then(|| {
        FunctionResult::warning(
            "a rollout starts a new pod before an old one has ended, and each needs a node on which the \
             host port is free: with as many replicas as nodes it never ends. Set maxSurge to 0 and \
             maxUnavailable to 1, or run it as a DaemonSet",
        )
        .about(&resource.identity)
        .at(MAX_SURGE)
    })
}

/// The same for pods in their node's network, where the port that the session server listens on is a
/// port of the node.
pub(super) fn surge_in_host_network(runner: &Runner, listen_port: u16) -> Option<FunctionResult> {
    let resource = &runner.workload.resource;
    starts_before_end(resource).then(|| {
        FunctionResult::warning(format!(
            "a rollout starts a new pod before an old one has ended, and with hostNetwork the new one \
             needs a node on which port {listen_port} is free: without such a node, as in a cluster of \
             one, the rollout may never end. Set spec.strategy to {{type: Recreate}}, or maxSurge to 0 \
             and maxUnavailable to 1"
        ))
        .about(&resource.identity)
        .at(MAX_SURGE)
    })
}

const MAX_SURGE: &str = "spec.strategy.rollingUpdate.maxSurge";

/// True for a Deployment that starts a new pod before an old one has ended.
fn starts_before_end(resource: &Resource) -> bool {
    let strategy = |below: &str| resource.value.at(&format!("/spec/strategy/{below}"));
    let recreates = strategy("type").and_then(Value::as_str) == Some("Recreate");
    let is_none =
        |surge: &Value| surge.as_u64() == Some(0) || matches!(surge.as_str(), Some("0" | "0%"));
    let has_no_surge = strategy("rollingUpdate/maxSurge").is_some_and(is_none);
    let is_deployment = resource.identity.kind == "Deployment";
    is_deployment && !recreates && !has_no_surge
}

/// Warns of a restart that leaves running jobs no time to end. `digest` is the new checksum of the
/// configuration, and `pointer` leads to the old one in the workload.
pub(super) fn restart(
    runner: &Runner,
    pointer: &str,
    digest: Option<&str>,
) -> Option<FunctionResult> {
    let workload = &runner.workload;
    let resource = &workload.resource;
    if resource.value.at(pointer)?.as_str() == Some(digest?) {
        return None;
    }
    let grace = workload.pod("/spec/terminationGracePeriodSeconds");
    let grace = grace.and_then(Value::as_u64).unwrap_or(DEFAULT_GRACE);
    (grace <= DEFAULT_GRACE).then(|| {
        FunctionResult::info(format!(
            "its pods restart whenever this configuration changes, and jobs that have not ended within \
             terminationGracePeriodSeconds ({grace}) are lost: set it to as long as a job may take"
        ))
        .about(&resource.identity)
        .at(field_path(
            &workload.pod_pointer("/spec/terminationGracePeriodSeconds"),
        ))
    })
}
