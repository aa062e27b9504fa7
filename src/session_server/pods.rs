//! Which pods of the list's workloads a Service selects.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::runner::{Runner, Workload};
use krm::resource::Identity;
use krm::resource_list::{ReadError, ResourceList, is_compatible};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// The kinds that create pods, each with the JSON pointer of the pods' labels.
const KINDS: [(&str, &str); 10] = [
    ("CronJob", "/spec/jobTemplate/spec/template/metadata/labels"),
    ("DaemonSet", TEMPLATE_LABELS),
    ("Deployment", TEMPLATE_LABELS),
    ("DeploymentConfig", TEMPLATE_LABELS),
    ("Job", TEMPLATE_LABELS),
    ("Pod", "/metadata/labels"),
    ("ReplicaSet", TEMPLATE_LABELS),
    ("ReplicationController", TEMPLATE_LABELS),
    ("Rollout", TEMPLATE_LABELS),
    ("StatefulSet", TEMPLATE_LABELS),
];
const TEMPLATE_LABELS: &str = "/spec/template/metadata/labels";

/// The pods of a list, indexed by their labels.
#[derive(Debug)]
pub(super) struct Pods {
    groups: Vec<PodGroup>,
    /// Indices in `groups` by key and value. A value that is not a string counts as empty.
    by_label: BTreeMap<(String, String), Vec<usize>>,
}

/// The pods of one workload.
#[derive(Debug)]
struct PodGroup {
    workload: Identity,
    /// The workload's place in the list, or the place of a new shard.
    item: usize,
    labels: Map<String, Value>,
}

impl Pods {
    /// Collects the pods of the runners, and of the other workloads that may have the same labels.
    ///
    /// # Errors
    /// A workload that mentions a runner's label and cannot be parsed.
    pub(super) fn of(list: &ResourceList<'_>, runners: &[Runner]) -> Result<Self, ReadError> {
        let mut groups: Vec<PodGroup> = runners
            .iter()
            .map(|Runner { workload, .. }| PodGroup {
                workload: workload.resource.identity.clone(),
                item: workload.resource.item,
                labels: workload.pod_labels().clone(),
            })
            .collect();
        let runner_items: BTreeSet<usize> = groups.iter().map(|group| group.item).collect();
        for item in others(list, runners) {
            if !runner_items.contains(&item)
                && let Some(group) = PodGroup::read(list, item)?
            {
                groups.push(group);
            }
        }
        let mut by_label = BTreeMap::<_, Vec<_>>::new();
        for (place, group) in groups.iter().enumerate() {
            for (key, value) in &group.labels {
                let label = (key.clone(), value.as_str().unwrap_or_default().to_owned());
                by_label.entry(label).or_default().push(place);
            }
        }
        Ok(Self { groups, by_label })
    }

    /// Refuses a workload if its labels also select the pods of another one.
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
        match self.other_than(workload, &selector) {
            None => Ok(()),
            Some(other) => Err(Box::new(
                FunctionResult::error(format!(
                    "its labels also select the pods of {other}, so terminals would reach the wrong \
                     process. Let {other} have another value of one of these labels; or add a label to \
                     this workload's pods and to its selector, which cannot change in the cluster: \
                     there it has to be deleted and applied again"
                ))
                .about(identity)
                .at("spec.selector"),
            )),
        }
    }

    /// Refuses a Service of the user's that also selects the pods of another workload.
    pub(super) fn check_service(
        &self,
        service: &Identity,
        selector: &Map<String, Value>,
        workload: &Workload,
    ) -> Result<(), Refusal> {
        match self.other_than(workload, selector) {
            None => Ok(()),
            Some(other) => Err(Box::new(
                FunctionResult::error(format!(
                    "leads to the session server of {}, and also selects the pods of {other}, so \
                     terminals would reach the wrong process. Give it a selector that only the \
                     runner's pods have",
                    workload.resource.identity
                ))
                .about(service)
                .at("spec.selector"),
            )),
        }
    }

    /// Another workload whose pods this selector selects.
    fn other_than(&self, workload: &Workload, selector: &Map<String, Value>) -> Option<&Identity> {
        let own = &workload.resource;
        // A selected pod has all the labels, so it is enough to check the pods with the rarest one.
        let rarest = selector
            .iter()
            .map(|(key, value)| {
                let label = (key.clone(), value.as_str().unwrap_or_default().to_owned());
                self.by_label.get(&label).map_or(&[][..], Vec::as_slice)
            })
            .min_by_key(|places| places.len())?;
        let mut groups = rarest.iter().filter_map(|place| self.groups.get(*place));
        let other = groups.find(|group| {
            group.item != own.item
                && is_compatible(&group.workload.namespace, &own.identity.namespace)
                && selector
                    .iter()
                    .all(|(key, value)| group.labels.get(key) == Some(value))
        });
        other.map(|group| &group.workload)
    }
}

impl PodGroup {
    /// `None` for a resource that creates no pods, or that another workload creates, which is read
    /// instead.
    fn read(list: &ResourceList<'_>, item: usize) -> Result<Option<Self>, ReadError> {
        let resource = list.resource(item)?;
        let kind = resource.identity.kind.as_str();
        let pointer = KINDS.iter().find(|(name, _)| *name == kind);
        let owners = resource.value.at("/metadata/ownerReferences");
        let mut owners = owners.and_then(Value::as_array).into_iter().flatten();
        let is_made = owners.any(|owner| {
            let kind = owner.get("kind").and_then(Value::as_str);
            KINDS.iter().any(|(name, _)| Some(*name) == kind)
        });
        let labels = pointer.and_then(|(_, pointer)| resource.value.at(pointer)?.as_object());
        Ok(labels.filter(|_| !is_made).map(|labels| Self {
            workload: resource.identity.clone(),
            item,
            labels: labels.clone(),
        }))
    }
}

/// The namespaces of runners.
pub(super) fn namespaces<W: Borrow<Workload>>(runners: &[W]) -> BTreeSet<&str> {
    let identities = runners.iter().map(|one| &one.borrow().resource.identity);
    identities.map(|one| one.namespace.as_str()).collect()
}

/// The workloads whose text mentions a label of a runner.
fn others(list: &ResourceList<'_>, runners: &[Runner]) -> Vec<usize> {
    let kinds = KINDS.map(|(kind, _)| kind);
    let selectors: Vec<_> = runners.iter().map(|one| one.workload.selector()).collect();
    // The longest value of a selector is the least likely to be in an item by chance.
    let words = selectors.iter().filter_map(|selector| {
        let values = selector.values().filter_map(Value::as_str);
        values.max_by_key(|value| value.len())
    });
    list.candidates_beside(&kinds, &namespaces(runners), &words.collect())
}
