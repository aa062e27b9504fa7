//! `type: Headless`: the pod itself, by its own name.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::cluster_name::ClusterDomain;
use super::{AddressSource, ExposureContext, ExposureStrategy, refuse, set_members};
use krm::results::Refusal;
use yaml_splice::pointer::At as _;

/// A Service without an IP address, which gives the pod of a StatefulSet a name in the cluster's
/// DNS. GitLab connects to the pod, at the port that the session server listens on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Headless {
    /// The cluster's domain. `cluster.local` when not set.
    pub cluster_domain: ClusterDomain,
}

impl ExposureStrategy for Headless {
    fn service_spec(&self) -> Map<String, Value> {
        set_members([("type", json!("ClusterIP")), ("clusterIP", json!("None"))])
    }

    fn service_port(&self, context: ExposureContext<'_>) -> u16 {
        context.listen_port
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        let resource = &context.workload.resource;
        let kind = &resource.identity.kind;
        if kind != "StatefulSet" {
            return Err(refuse(
                context,
                "kind",
                format!(
                    "is a {kind}, whose pods have no names in the cluster's DNS: exposure Headless \
                     is for a StatefulSet; use ClusterIP"
                ),
            ));
        }
        // The pod's DNS name is below that of the StatefulSet's governing Service.
        let governing = resource
            .value
            .at("/spec/serviceName")
            .and_then(Value::as_str);
        let service = &context.service.name;
        match governing {
            Some(name) if name == service => {}
            None | Some("") => {
                return Err(refuse(
                    context,
                    "spec.serviceName",
                    format!(
                        "is not set, and pods have names only below the Service that it names: set \
                         it to {service} (for a StatefulSet that exists, delete it first with \
                         --cascade=orphan)"
                    ),
                ));
            }
            Some(other) => {
                return Err(refuse(
                    context,
                    "spec.serviceName",
                    format!(
                        "is {other}, and pods have names only below that Service: set it to \
                         {service}, or use exposure ClusterIP"
                    ),
                ));
            }
        }
        let start = resource.value.at("/spec/ordinals/start");
        let ordinal = start.and_then(Value::as_u64).unwrap_or(0);
        let pod = &resource.identity.name;
        let Some(domain) = self.cluster_domain.service_name(context)? else {
            return Ok(AddressSource::Given);
        };
        Ok(AddressSource::Known(format!(
            "{pod}-{ordinal}.{domain}:{}",
            context.listen_port
        )))
    }
}
