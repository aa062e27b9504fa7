//! A live Service among the items, as exported from the cluster.
//!
//! | the item | what happens to it |
//! |---|---|
//! | has `config.kubernetes.io/local-config` | it is an observation, which is never applied: it stays, and the Service's manifest is a second item |
//! | has it, and the host is kustomize | it becomes the manifest: kustomize accepts only one item of a name, and drops items with the annotation |
//! | does not have it | it would be applied, so it becomes the manifest |
//!
//! A manifest must not have fields that only the cluster sets. What AdvertiseAddress reads of the live
//! Service is kept in the annotation [`LIVE_SERVICE`].

use serde_json::{Map, Value, json};

use crate::observed::{LIVE_SERVICE, is_live};
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::Resource;
use yaml_splice::pointer::At as _;

/// Source: kustomize's and kpt's documentation of local configuration.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
/// The prefix of the annotations by which kustomize matches a function's output with its own items.
const KUSTOMIZE: &str = "kustomize.config.k8s.io/";
/// Fields that the API server or a controller sets.
///
/// Source: `ObjectMeta` and `ServiceSpec` in Kubernetes' `meta/v1` and `core/v1` APIs.
const SET_BY_CLUSTER: [&str; 12] = [
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
    "/metadata/deletionTimestamp",
    "/metadata/deletionGracePeriodSeconds",
    "/metadata/finalizers",
    "/metadata/generation",
    "/metadata/managedFields",
    "/metadata/selfLink",
    "/spec/clusterIPs",
    "/spec/healthCheckNodePort",
    "/status",
];

/// True for a live Service that is not a manifest too. It is never edited.
pub(super) fn is_observation(service: &Resource) -> bool {
    is_live(service)
        && service
            .annotation(LOCAL_CONFIG)
            .is_some_and(|value| value != "false")
        && !is_of_kustomize(service)
}

fn is_of_kustomize(resource: &Resource) -> bool {
    let annotations = resource.value.at("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object);
    annotations.is_some_and(|all| all.keys().any(|key| key.starts_with(KUSTOMIZE)))
}

/// Turns a live Service of ours into a manifest.
pub(super) fn declare(live: &Resource, patches: &mut Patches) {
    let value = &live.value;
    patches.set(
        live,
        &annotation(LIVE_SERVICE),
        json!(seen(value).to_string()),
    );
    for name in [
        LOCAL_CONFIG,
        "kubectl.kubernetes.io/last-applied-configuration",
    ] {
        patches.remove(live, &annotation(name));
    }
    for pointer in SET_BY_CLUSTER {
        patches.remove(live, pointer);
    }
    if value.at("/spec/clusterIP") != Some(&json!("None")) {
        patches.remove(live, "/spec/clusterIP");
    }
    let ports = value.at("/spec/ports").and_then(Value::as_array);
    for index in 0..ports.map_or(0, Vec::len) {
        patches.remove(live, &format!("/spec/ports/{index}/nodePort"));
    }
}

/// The fields of a live Service that AdvertiseAddress reads.
fn seen(service: &Value) -> Value {
    let mut seen = Map::new();
    for pointer in [
        "/metadata/deletionTimestamp",
        "/spec/type",
        "/spec/ports",
        "/spec/externalIPs",
        "/spec/ipFamilies",
    ] {
        if let (Some(value), Some((_, name))) = (service.at(pointer), pointer.rsplit_once('/')) {
            seen.insert(name.to_owned(), value.clone());
        }
    }
    let status = service.at("/status/loadBalancer").cloned();
    seen.insert("loadBalancer".to_owned(), status.unwrap_or(json!({})));
    Value::Object(seen)
}
