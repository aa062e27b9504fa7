//! Whose pods a Service would select.

use std::collections::BTreeMap;

use super::service::selects;
use crate::results::FunctionResult;
use crate::runner::{Refusal, Runner, Workload};

/// The runners of a list by the labels of their pods.
#[derive(Debug)]
pub struct Pods<'r> {
    by_label: BTreeMap<Label<'r>, Vec<&'r Workload>>,
}

/// Namespace, key and value; a value that is no text stands as an empty one.
type Label<'r> = (&'r str, &'r str, &'r str);

impl<'r> Pods<'r> {
    /// Looks at each runner's pod template.
    pub fn of(runners: &'r [Runner]) -> Self {
        let mut by_label = BTreeMap::<_, Vec<_>>::new();
        for Runner { workload, .. } in runners {
            let namespace = workload.resource.identity.namespace.as_str();
            for (key, value) in workload.pod_labels() {
                let label = (namespace, key.as_str(), value.as_str().unwrap_or_default());
                by_label.entry(label).or_default().push(workload);
            }
        }
        Self { by_label }
    }

    /// Refuses a workload by whose labels a Service would also select another one's pods.
    pub(super) fn check_selector(&self, workload: &Workload) -> Result<(), Refusal> {
        let selector = workload.selector();
        let identity = &workload.resource.identity;
        if selector.is_empty() {
            return Err(Box::new(
                FunctionResult::error("has no labels, so no Service can select it: give it one")
                    .about(identity)
                    .at("metadata.labels"),
            ));
        }
        // Those with the rarest of the labels: a selector wants all of them.
        let rarest = selector
            .iter()
            .map(|(key, value)| {
                let value = value.as_str().unwrap_or_default();
                let label = (identity.namespace.as_str(), key.as_str(), value);
                self.by_label.get(&label).map_or(&[][..], Vec::as_slice)
            })
            .min_by_key(|runners| runners.len());
        for other in rarest.unwrap_or_default() {
            if other.resource.item != workload.resource.item && selects(&selector, other) {
                return Err(Box::new(
                    FunctionResult::error(format!(
                        "its labels also select the pods of {}, so terminals would reach the wrong \
                         process. Give one of them a label that the other has not",
                        other.resource.identity
                    ))
                    .about(identity)
                    .at("spec.selector"),
                ));
            }
        }
        Ok(())
    }
}
