//! `type: ClusterIP`: inside the cluster only.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::cluster_name::ClusterDomain;
use super::{AddressSource, ExposureContext, ExposureStrategy, SERVICE_PORT, set_members};
use crate::fields::Port;
use krm::results::Refusal;

/// A Service of type ClusterIP, for a GitLab that runs in the same cluster.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClusterIp {
    /// The port of the Service. 9000 when not set.
    pub port: Option<Port>,
    /// The cluster's domain. `cluster.local` when not set.
    pub cluster_domain: ClusterDomain,
}

impl ExposureStrategy for ClusterIp {
    fn service_spec(&self) -> Map<String, Value> {
        set_members([("type", json!("ClusterIP"))])
    }

    fn service_port(&self, _context: ExposureContext<'_>) -> u16 {
        self.port.map_or(SERVICE_PORT, |port| port.0)
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        let Some(name) = self.cluster_domain.service_name(context)? else {
            return Ok(AddressSource::Given);
        };
        let port = self.service_port(context);
        Ok(AddressSource::Known(format!("{name}:{port}")))
    }
}
