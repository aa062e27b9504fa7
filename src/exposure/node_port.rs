//! `type: NodePort`: a port on every node.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::host_name::NodeAddress;
use super::{
    AddressSource, ExposureContext, ExposureStrategy, SERVICE_PORT, TrafficPolicy, set_members,
};
use crate::fields::{ConfigError, Port, unset_when_empty};
use krm::results::Refusal;

/// On our Service: the address of the nodes, for the follow-up that learns the port.
pub const NODE_ADDRESS: &str = "runner-terminal.dev/node-address";

/// A Service of type NodePort, and the address of a node, or of what stands in front of the nodes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodePort {
    /// Where GitLab reaches the nodes: a host name or IP address, without a port. When it is not
    /// set, the function AdvertiseAddress takes the address of a node.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub node_address: Option<NodeAddress>,
    /// The port on every node, from the cluster's range (30000-32767). The cluster chooses one when
    /// it is not set, and the function AdvertiseAddress reads it. Shards have this one and the next.
    pub node_port: Option<Port>,
    /// The port of the Service inside the cluster. 9000 when not set.
    pub port: Option<Port>,
    /// `spec.externalTrafficPolicy`. With `Local`, only the node of the runner's pod answers.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<TrafficPolicy>"))]
    pub external_traffic_policy: Option<TrafficPolicy>,
}

impl NodePort {
    /// Checks that the address can be known before the pod starts.
    pub(super) fn check_at_build(&self, path: &str) -> Result<(), ConfigError> {
        if self.node_address.is_none() && self.external_traffic_policy == Some(TrafficPolicy::Local)
        {
            return Err(ConfigError::new(
                format!("{path}.nodeAddress"),
                "is missing: with externalTrafficPolicy: Local only the node of the runner's pod \
                 answers, and it is not known beforehand which one that is. With \
                 spec.configure.at: PodStart, each pod takes the address of its own node",
            ));
        }
        Ok(())
    }
}

impl ExposureStrategy for NodePort {
    fn service_spec(&self) -> Map<String, Value> {
        set_members([
            ("type", json!("NodePort")),
            ("externalTrafficPolicy", json!(self.external_traffic_policy)),
        ])
    }

    fn service_port(&self, _context: ExposureContext<'_>) -> u16 {
        self.port.map_or(SERVICE_PORT, |port| port.0)
    }

    fn node_port(&self, context: ExposureContext<'_>) -> Option<u16> {
        self.node_port.map(|port| context.nth(port.0))
    }

    fn advertised_port(&self, context: ExposureContext<'_>) -> Option<u16> {
        self.node_port(context)
    }

    fn reads_nodes(&self) -> bool {
        self.node_address.is_none()
    }

    fn annotations(&self) -> Vec<(String, String)> {
        let address = self.node_address.as_ref();
        address
            .map(|address| (NODE_ADDRESS.to_owned(), address.to_string()))
            .into_iter()
            .collect()
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        if let Some(first) = &self.node_port {
            context.check_nth("spec.exposure.nodePort", first.0)?;
        }
        Ok(match (&self.node_address, self.node_port(context)) {
            (Some(address), Some(port)) => AddressSource::Known(address.with_port(port)),
            _ => AddressSource::LiveService,
        })
    }
}
