//! `type: HostPort`: each pod by a port of its node.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{AddressSource, ExposureContext, ExposureStrategy, PodReach, refuse};
use crate::fields::Port;
use krm::results::{Refusal, field_path};

/// No Service: each pod advertises the IP address of its node and a port of the node, which Kubernetes
/// leads to the pod. For machines that GitLab reaches, and DaemonSets. Needs `configure.at: PodStart`. A
/// node runs one such pod at most.
///
/// Source: `ContainerPort` in Kubernetes' `core/v1` API.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostPort {
    /// The port of the node: that of the session server when not set.
    pub host_port: Option<Port>,
}

impl ExposureStrategy for HostPort {
    fn service_spec(&self) -> Map<String, Value> {
        Map::new()
    }

    fn pod_reach(&self, context: ExposureContext<'_>) -> Option<PodReach> {
        let port = self.host_port.map_or(context.listen_port, |port| port.0);
        Some(PodReach::HostPort(port))
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        let is_on_host = context.workload.pod("/spec/hostNetwork") == Some(&Value::Bool(true));
        match self.host_port {
            Some(port) if is_on_host && port.0 != context.listen_port => Err(refuse(
                context,
                &field_path(&context.workload.pod_pointer("/spec/hostNetwork")),
                format!(
                    "runs in its node's network, where the session server's port {} is the node's \
                     own: leave spec.exposure.hostPort out, or set spec.listenPort to {}",
                    context.listen_port, port.0
                ),
            )),
            _ => Ok(AddressSource::Pod),
        }
    }
}
