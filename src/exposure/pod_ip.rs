//! `type: PodIP`: each pod by its own IP address.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{AddressSource, ExposureContext, ExposureStrategy, PodReach};
use krm::results::Refusal;

/// No Service: each pod advertises its own IP address and the port that it listens on, for a GitLab that
/// reaches the pods' network: in the same cluster, or in a network that routes to it. Needs
/// `configure.at: PodStart`. Any number of replicas.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PodIp {}

impl ExposureStrategy for PodIp {
    fn service_spec(&self) -> Map<String, Value> {
        Map::new()
    }

    fn pod_reach(&self, _context: ExposureContext<'_>) -> Option<PodReach> {
        Some(PodReach::PodIp)
    }

    fn address_source(&self, _context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        Ok(AddressSource::Pod)
    }
}
