//! The labels and annotations of a shard: a workload that stands for one replica of a larger one.

use serde_json::Value;

use super::Workload;
use crate::ownership::is_ours;

/// On a pod, and in the selectors of its workload and its Service: the number of the shard. On the
/// copy of its configuration: the name of its workload.
pub(crate) const SHARD: &str = "runner-terminal.dev/shard";
/// On the first shard: the original name and replicas of the workload.
pub(crate) const SHARDED: &str = "runner-terminal.dev/sharded";

/// The number of the shard, if the workload is one.
pub(crate) fn index(workload: &Workload) -> Option<u16> {
    workload.pod_labels().get(SHARD)?.as_str()?.parse().ok()
}

/// The name of the workload that a shard was made of; `None` when it is not a shard.
pub(crate) fn name_before(workload: &Workload) -> Option<String> {
    let resource = &workload.resource;
    if let Some(before) = resource.annotation(SHARDED) {
        let before: Value = serde_json::from_str(before).ok()?;
        return Some(before.get("name")?.as_str()?.to_owned());
    }
    let index = index(workload).filter(|_| is_ours(resource))?;
    let stem = resource.identity.name.strip_suffix(&format!("-{index}"))?;
    Some(stem.to_owned())
}
