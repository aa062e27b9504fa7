//! Pods in their node's network: a port that they listen on is a port of the node, which only one pod of
//! the node can have.
//!
//! Source: `hostNetwork` of `PodSpec` and `hostPort` of `ContainerPort` in Kubernetes' `core/v1` API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::RunnerPlan;
use crate::runner::{WORKLOAD_KINDS, Workload, shard};
use krm::resource_list::{ReadError, ResourceList};
use krm::results::{FunctionResult, field_path};

/// True if the pods run in their node's network.
pub(super) fn is_on(workload: &Workload) -> bool {
    workload.pod("/spec/hostNetwork") == Some(&Value::Bool(true))
}

/// Warns of runners that listen on a port of the node that another workload of the list has too.
///
/// # Errors
/// A workload that cannot be parsed.
pub fn check_host_network(
    list: &ResourceList<'_>,
    plans: &[RunnerPlan],
) -> Result<Vec<FunctionResult>, ReadError> {
    let mut by_port: BTreeMap<u16, Vec<&Workload>> = BTreeMap::new();
    for plan in plans {
        let workload = &plan.runner.workload;
        if let Some(network) = &plan.network
            && is_on(workload)
        {
            let of_port = by_port.entry(network.port.number).or_default();
            of_port.push(workload);
        }
    }
    if by_port.is_empty() {
        return Ok(Vec::new());
    }
    let others = others(list, plans)?;
    let results = by_port.into_iter().filter_map(|(port, planned)| {
        let others = others.iter().filter(|other| has_port(other, port));
        let all: Vec<&Workload> = planned.into_iter().chain(others).collect();
        let meets_another = |workload: &&Workload| {
            let mut rest = all.iter().filter(|other| !std::ptr::eq(**other, *workload));
            rest.any(|other| may_share_a_node(workload, other))
        };
        let meeting: Vec<&Workload> = all.iter().copied().filter(meets_another).collect();
        warn(port, &meeting)
    });
    Ok(results.collect())
}

/// The workloads in their node's network that these plans do not change.
fn others(list: &ResourceList<'_>, plans: &[RunnerPlan]) -> Result<Vec<Workload>, ReadError> {
    let planned = plans.iter().map(|plan| plan.runner.workload.resource.item);
    let planned: BTreeSet<usize> = planned.collect();
    let mut others = Vec::new();
    for item in list.candidates(&WORKLOAD_KINDS, "hostNetwork") {
        if !planned.contains(&item) {
            others.extend(Workload::new(list.resource(item)?));
        }
    }
    others.retain(is_on);
    Ok(others)
}

/// True if a container of the workload has this port.
fn has_port(workload: &Workload, port: u16) -> bool {
    let items = |value: Option<&Value>| value.and_then(Value::as_array).cloned();
    let containers = items(workload.pod("/spec/containers"));
    let ports = containers.into_iter().flatten();
    let mut ports = ports.filter_map(|one| items(one.get("ports"))).flatten();
    ports.any(|entry| entry.get("containerPort").and_then(Value::as_u64) == Some(u64::from(port)))
}

/// False if the node selectors of two workloads exclude each other.
fn may_share_a_node(one: &Workload, other: &Workload) -> bool {
    let labels = |workload: &Workload| {
        let labels = workload
            .pod("/spec/nodeSelector")
            .and_then(Value::as_object);
        labels.cloned().unwrap_or_default()
    };
    let other = labels(other);
    let differs = |(key, value): (&String, &Value)| other.get(key).is_some_and(|o| o != value);
    !labels(one).iter().any(differs)
}

fn warn(port: u16, workloads: &[&Workload]) -> Option<FunctionResult> {
    let [first, rest @ ..] = workloads else {
        return None;
    };
    let names: Vec<String> = rest
        .iter()
        .map(|workload| workload.resource.identity.to_string())
        .collect();
    let is_sharded = workloads.iter().all(|one| shard::index(one).is_some());
    let advice = match is_sharded {
        true => "Keep them on different nodes, such as by podAntiAffinity",
        false => {
            "Give each runner another spec.listenPort, in a functionConfig of its own, or keep them on \
             different nodes"
        }
    };
    Some(
        FunctionResult::warning(format!(
            "is true, as in {}, and all of them listen on port {port}, which only one pod of a node can \
             have. {advice}",
            names.join(", ")
        ))
        .about(&first.resource.identity)
        .at(field_path(&first.pod_pointer("/spec/hostNetwork"))),
    )
}
