//! `type: Gateway`: a host at a Gateway that passes TLS through.
//!
//! Source: the Gateway API's documentation, "TLSRoute" (in its standard channel since v1.5) and
//! "TLS routing".

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::host_name::HostName;
use super::{
    AddressSource, ExposureContext, ExposureStrategy, SERVICE_PORT, is_wildcard, object,
    set_members,
};
use crate::fields::{ConfigError, Port, unset_when_empty};
use krm::resource::Identity;
use krm::results::Refusal;

/// The API group of the Gateway API.
pub const GROUP: &str = "gateway.networking.k8s.io";
/// The name of the listener in a Gateway that this function creates.
const LISTENER: &str = "session-server";

/// A host at a Gateway: an existing one, or one that is made for it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gateway<H = HostName> {
    /// The DNS name by which GitLab reaches this runner, and nothing else. `{index}` in it stands
    /// for the number of the shard.
    pub host: H,
    /// An existing Gateway, with a listener of protocol TLS in mode Passthrough.
    #[serde(default)]
    pub gateway: Option<GatewayRef>,
    /// Make a Gateway of this class, with such a listener for the host.
    #[serde(default, deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub gateway_class_name: Option<String>,
    /// The listener's port. 443 when not set.
    #[serde(default)]
    pub port: Option<Port>,
    /// The version of the TLSRoute that the cluster has. v1 when not set.
    #[serde(default)]
    pub route_version: RouteVersion,
}

/// An existing Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with name, namespace or sectionName"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GatewayRef {
    /// Its name.
    pub name: String,
    /// Its namespace, if it is not the runner's.
    #[serde(default, deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub namespace: Option<String>,
    /// Its listener.
    #[serde(default, deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub section_name: Option<String>,
}

/// A version of TLSRoute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RouteVersion {
    /// Since Gateway API v1.5.
    #[default]
    V1,
    /// Gateway API v1.3 and v1.4, experimental channel.
    V1Alpha3,
    /// Gateway API up to v1.4, experimental channel.
    V1Alpha2,
}

impl<H> Gateway<H> {
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        let message = match (&self.gateway, &self.gateway_class_name) {
            (Some(_), Some(_)) => {
                "is set beside gatewayClassName: name an existing Gateway, or the class of one \
                 that is to be made"
            }
            (None, None) => {
                "is missing: name an existing Gateway ({name: …, sectionName: …}), or set \
                 gatewayClassName to have one made"
            }
            _ => return Ok(()),
        };
        Err(ConfigError::new(format!("{path}.gateway"), message))
    }

    /// The listener's port.
    pub(super) fn port(&self) -> u16 {
        self.port.map_or(443, |port| port.0)
    }

    /// The objects that route these hosts to a Service: a TLSRoute, and a Gateway if one is
    /// created.
    pub(super) fn routes(&self, service: &Identity, hosts: &[String]) -> Vec<Value> {
        let listeners: Vec<(&str, &String)> = hosts
            .iter()
            .map(|host| (listener_name(host), host))
            .collect();
        let only = match listeners.as_slice() {
            [(name, _)] => Some(*name),
            // A TLSRoute is attached to each listener that has one of its hosts.
            _ => None,
        };
        let parent = match &self.gateway {
            Some(gateway) => set_members([
                ("name", json!(gateway.name)),
                ("namespace", json!(gateway.namespace)),
                ("sectionName", json!(gateway.section_name)),
            ]),
            None => set_members([("name", json!(service.name)), ("sectionName", json!(only))]),
        };
        let version = match self.route_version {
            RouteVersion::V1 => "v1",
            RouteVersion::V1Alpha3 => "v1alpha3",
            RouteVersion::V1Alpha2 => "v1alpha2",
        };
        let route = json!({
            "parentRefs": [parent],
            "hostnames": hosts,
            "rules": [{"backendRefs": [{"name": service.name, "port": SERVICE_PORT}]}],
        });
        let route = object(&format!("{GROUP}/{version}"), "TLSRoute", service, route);
        let listener = |(name, host): (&str, &String)| {
            json!({
                "name": name,
                "hostname": host,
                "port": self.port(),
                "protocol": "TLS",
                "tls": {"mode": "Passthrough"},
                "allowedRoutes": {"namespaces": {"from": "Same"}, "kinds": [{"kind": "TLSRoute"}]},
            })
        };
        let made = self.gateway_class_name.as_ref().map(|class| {
            let listeners: Vec<Value> = listeners.into_iter().map(listener).collect();
            let spec = json!({"gatewayClassName": class, "listeners": listeners});
            object(&format!("{GROUP}/v1"), "Gateway", service, spec)
        });
        made.into_iter().chain([route]).collect()
    }
}

/// The listener of a host. There may be several wildcards, so each is named after its domain.
fn listener_name(host: &str) -> &str {
    match is_wildcard(host) {
        true => host.trim_start_matches("*."),
        false => LISTENER,
    }
}

impl ExposureStrategy for Gateway {
    fn service_spec(&self) -> Map<String, Value> {
        set_members([("type", json!("ClusterIP"))])
    }

    fn advertised_port(&self, _context: ExposureContext<'_>) -> Option<u16> {
        Some(self.port())
    }

    fn objects(&self, context: ExposureContext<'_>) -> Vec<Value> {
        self.routes(context.service, &[self.host.of(context)])
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        self.host.address_source(context, self.port())
    }
}
