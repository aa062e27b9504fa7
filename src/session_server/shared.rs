//! Runners that read one configuration, which says one address.

use std::collections::BTreeMap;

use super::{settings, shard};
use crate::patch::Plan;
use crate::results::FunctionResult;
use crate::runner::{Runner, field};

/// Refuses each runner that reads another one's configuration, where that is to change, or to be copied
/// for shards: the address in it leads to one of them.
pub fn refuse_shared(runners: &[Runner], plan: &mut Plan) {
    let mut readers = BTreeMap::new();
    for Runner {
        workload, config, ..
    } in runners
    {
        let place = (config.object.item, config.key.as_str());
        let first = *readers.entry(place).or_insert(workload);
        if first.resource.item == workload.resource.item {
            continue;
        }
        let is_sharded = [first, workload].map(shard::index) != [None, None];
        if !is_sharded && settings::current_text(config, &mut plan.patches) == config.text {
            continue;
        }
        let message = format!(
            "reads the same {} as {}, of {}, and the address in it leads to one of them: give each \
             runner a configuration of its own",
            config.key, first.resource.identity, config.object.identity
        );
        plan.results.push(
            FunctionResult::error(message)
                .about(&workload.resource.identity)
                .at(field(&workload.pod_pointer("/spec/volumes"))),
        );
    }
}
