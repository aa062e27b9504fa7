//! How GitLab reaches the relay: the Service in front of it, and the objects that route to that.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{TLS_PORT, labels};
use crate::exposure::host_name::NoHost;
use crate::exposure::ingress::Controller;
use crate::exposure::{
    ClusterIp, ExposureStrategy as _, FixedAddress, Gateway, Ingress, LoadBalancer, NodePort,
    RoutedService, SERVICE_PORT, ServiceFields, record_exposure, service_fields,
};
use crate::fields::{ConfigError, read_among};
use krm::resource::Identity;

/// How the relay is reached from outside.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transform = as_it_is_read)
)]
pub struct RelayEntry {
    /// Its type, and the fields of that type.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    kind: EntryKind,
    /// What every Service may have.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    service: ServiceFields,
    /// The settings as written, with the port. Two functionConfigs that name the same relay must
    /// agree on them.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub(super) settings: Value,
}

/// The types by which a relay can be reached.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(tag = "type")
)]
enum EntryKind {
    /// A Service that the cloud gives an address.
    LoadBalancer(LoadBalancer),
    /// A port on every node.
    NodePort(NodePort),
    /// Inside the cluster alone, for a GitLab that runs there.
    #[cfg_attr(feature = "schema", schemars(rename = "ClusterIP"))]
    ClusterIp(ClusterIp),
    /// The wildcard host at an ingress controller that lets TLS through.
    Ingress(Ingress<NoHost>),
    /// The wildcard host at a Gateway that lets TLS through.
    Gateway(Gateway<NoHost>),
}

/// The types by name.
const TYPES: [&str; 5] = [
    "LoadBalancer",
    "NodePort",
    "ClusterIP",
    "Ingress",
    "Gateway",
];

/// Why an exposure type is not possible for a relay.
fn why_not(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "PodIP" | "HostPort" => {
            "reaches each pod by an address of its own, and all pods of the relay have one address"
        }
        "Headless" => "gives a name to the pod of a StatefulSet, and the relay is a Deployment",
        "ApiServer" | "Relay" => "would put another relay in front of this one",
        _ => return None,
    })
}

impl Default for RelayEntry {
    fn default() -> Self {
        Self {
            kind: EntryKind::LoadBalancer(LoadBalancer::default()),
            service: ServiceFields::default(),
            settings: json!({"type": "LoadBalancer"}),
        }
    }
}

impl RelayEntry {
    /// Parses the entry. If it sets no port, it gets the port that GitLab connects to.
    ///
    /// A type that is not possible, an unknown field, a value of the wrong type, or conflicting
    /// fields.
    pub(super) fn parse(
        path: &str,
        value: &Value,
        advertised: Option<u16>,
    ) -> Result<Self, ConfigError> {
        let mut settings = match value {
            Value::Null => Map::new(),
            Value::Object(fields) => fields.clone(),
            other => {
                return Err(ConfigError::new(
                    path,
                    format!(
                        "{other} is not an exposure: write a mapping such as {{type: LoadBalancer}}"
                    ),
                ));
            }
        };
        let kind = settings
            .entry("type")
            .or_insert_with(|| "LoadBalancer".into())
            .clone();
        let port = match kind.as_str() {
            Some("NodePort") => "nodePort",
            _ => "port",
        };
        if let Some(advertised) = advertised
            && settings.get(port).is_none_or(Value::is_null)
        {
            settings.insert(port.to_owned(), advertised.into());
        }
        let mut fields = settings.clone();
        fields.shift_remove("type");
        let service = ServiceFields::take(path, &mut fields)?;
        let kind = EntryKind::read(&kind, path, &Value::Object(fields))?;
        kind.check(path)?;
        Ok(Self {
            kind,
            service,
            settings: Value::Object(settings),
        })
    }

    /// The port at which GitLab reaches it.
    pub(super) fn port(&self) -> u16 {
        match &self.kind {
            EntryKind::LoadBalancer(balancer) => balancer.port(),
            // Checked on parsing.
            EntryKind::NodePort(nodes) => nodes.node_port.map_or(SERVICE_PORT, |port| port.0),
            EntryKind::ClusterIp(inside) => inside.port.map_or(SERVICE_PORT, |port| port.0),
            EntryKind::Ingress(ingress) => ingress.port(),
            EntryKind::Gateway(gateway) => gateway.port(),
        }
    }

    /// What the wildcard DNS name must resolve to, for messages.
    pub(super) fn reached_at(&self) -> &'static str {
        match &self.kind {
            EntryKind::LoadBalancer(_) => "its load balancer",
            EntryKind::NodePort(_) => "the nodes",
            EntryKind::ClusterIp(_) => "its Service, for GitLab in the cluster",
            EntryKind::Ingress(_) => "the ingress controller",
            EntryKind::Gateway(_) => "the Gateway",
        }
    }

    /// True if a wildcard matches only one label, so that a pod with a dot in its name is not
    /// reachable.
    ///
    /// Source: `IngressRule` in Kubernetes' `networking/v1` API.
    pub(super) fn takes_one_label(&self) -> bool {
        match &self.kind {
            EntryKind::Ingress(ingress) => ingress.controller.makes_an_ingress(),
            _ => false,
        }
    }

    /// True if it supports only one wildcard.
    pub(super) fn takes_one_domain(&self) -> bool {
        matches!(&self.kind, EntryKind::Ingress(ingress) if ingress.controller == Controller::Contour)
    }

    /// The addresses that no other resource may have.
    pub(super) fn fixed_addresses(&self, hosts: &[String]) -> Vec<FixedAddress> {
        match &self.kind {
            EntryKind::NodePort(nodes) => {
                let port = nodes.node_port.map(|port| FixedAddress::NodePort(port.0));
                port.into_iter().collect()
            }
            EntryKind::LoadBalancer(balancer) => {
                let ip = balancer.load_balancer_ip;
                ip.map(|ip| FixedAddress::LoadBalancerIp(ip, balancer.port()))
                    .into_iter()
                    .collect()
            }
            EntryKind::Ingress(_) | EntryKind::Gateway(_) => {
                hosts.iter().cloned().map(FixedAddress::Host).collect()
            }
            EntryKind::ClusterIp(_) => Vec::new(),
        }
    }

    /// The Service in front of the relay, and the objects that route these hosts to it.
    pub(super) fn objects(&self, relay: &Identity, hosts: &[String]) -> Vec<Value> {
        let service = Identity {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            ..relay.clone()
        };
        let routed = RoutedService {
            identity: &service,
            port_name: TLS_PORT,
        };
        let routes = match &self.kind {
            EntryKind::Ingress(ingress) => ingress.routes(routed, hosts),
            EntryKind::Gateway(gateway) => gateway.routes(&service, hosts),
            EntryKind::LoadBalancer(_) | EntryKind::NodePort(_) | EntryKind::ClusterIp(_) => {
                Vec::new()
            }
        };
        let mut object = service.skeleton();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            let mut annotations = self.annotations();
            annotations.extend(self.service.annotations.clone());
            // The node port is written as part of the whole spec.
            record_exposure(&mut annotations, &self.service.labels, false);
            for (section, texts) in [
                ("annotations", annotations),
                ("labels", self.service.labels.clone()),
            ] {
                if !texts.is_empty() {
                    metadata.insert(section.to_owned(), json!(texts));
                }
            }
        }
        object.insert("spec".to_owned(), self.service_spec(&relay.name));
        [Value::Object(object)].into_iter().chain(routes).collect()
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let pairs = match &self.kind {
            EntryKind::LoadBalancer(balancer) => balancer.annotations(),
            _ => Vec::new(),
        };
        pairs.into_iter().collect()
    }

    fn service_spec(&self, relay: &str) -> Value {
        let (mut spec, number) = match &self.kind {
            EntryKind::LoadBalancer(balancer) => (balancer.service_spec(), balancer.port()),
            EntryKind::NodePort(nodes) => {
                let port = nodes.port.map_or(SERVICE_PORT, |port| port.0);
                (nodes.service_spec(), port)
            }
            EntryKind::ClusterIp(inside) => (inside.service_spec(), self.port()),
            EntryKind::Ingress(_) | EntryKind::Gateway(_) => (
                Map::from_iter([("type".to_owned(), json!("ClusterIP"))]),
                SERVICE_PORT,
            ),
        };
        spec.extend(self.service.spec());
        spec.insert("selector".to_owned(), Value::Object(labels(relay)));
        let mut port = json!({
            "name": TLS_PORT, "port": number, "protocol": "TCP", "targetPort": TLS_PORT,
        });
        if let (EntryKind::NodePort(nodes), Some(port)) = (&self.kind, port.as_object_mut())
            && let Some(node_port) = nodes.node_port
        {
            port.insert("nodePort".to_owned(), json!(node_port.0));
        }
        spec.insert("ports".to_owned(), json!([port]));
        Value::Object(spec)
    }
}

impl EntryKind {
    fn read(kind: &Value, path: &str, fields: &Value) -> Result<Self, ConfigError> {
        let common = service_fields::NAMES;
        let name = kind.as_str().unwrap_or_default();
        match name {
            "LoadBalancer" => read_among(path, fields, &common).map(Self::LoadBalancer),
            "NodePort" => read_among(path, fields, &common).map(Self::NodePort),
            "ClusterIP" => read_among(path, fields, &common).map(Self::ClusterIp),
            "Ingress" => read_among(path, fields, &common).map(Self::Ingress),
            "Gateway" => read_among(path, fields, &common).map(Self::Gateway),
            _ => Err(ConfigError::new(
                format!("{path}.type"),
                match why_not(name) {
                    Some(why) => format!("{name} {why}; the types are {}", TYPES.join(", ")),
                    None => format!(
                        "{kind} is not a type by which the relay can be reached; the types are {}",
                        TYPES.join(", ")
                    ),
                },
            )),
        }
    }

    fn check(&self, path: &str) -> Result<(), ConfigError> {
        let refuse =
            |field: &str, message: &str| Err(ConfigError::new(format!("{path}.{field}"), message));
        match self {
            Self::LoadBalancer(balancer) => balancer.check(path),
            Self::Gateway(gateway) => gateway.check(path),
            Self::Ingress(ingress) if ingress.controller == Controller::Nginx => refuse(
                "controller",
                "nginx passes TLS through for exact hosts alone, and each pod has a host of its own: \
                 use another controller, Gateway, or a LoadBalancer of the relay's own",
            ),
            Self::Ingress(ingress) if ingress.controller == Controller::OpenShift => refuse(
                "controller",
                "openshift leads one host by a Route, and each pod has a host of its own: use another \
                 controller, Gateway, or a LoadBalancer of the relay's own",
            ),
            Self::Ingress(ingress) => ingress.check(path),
            Self::NodePort(nodes) if nodes.node_address.is_some() => refuse(
                "nodeAddress",
                "is not read here: the wildcard DNS name of spec.exposure.host has to lead to the \
                 nodes. Leave it out",
            ),
            Self::NodePort(nodes) if nodes.node_port.is_none() => refuse(
                "nodePort",
                "is missing: each pod advertises the port when it starts, so it has to be known. \
                 Choose one of the cluster's range, such as 30443",
            ),
            Self::ClusterIp(inside) if inside.cluster_domain != Default::default() => refuse(
                "clusterDomain",
                "is not read here: the names of the pods are below the domain of \
                 spec.exposure.host. Leave it out",
            ),
            Self::NodePort(_) | Self::ClusterIp(_) => Ok(()),
        }
    }
}

/// Adapts the schema to the parser: unknown fields are refused, `type` is optional for
/// LoadBalancer, and there is no `host`.
#[cfg(feature = "schema")]
fn as_it_is_read(schema: &mut schemars::Schema) {
    crate::exposure::as_it_is_read(schema);
    let kinds = schema.pointer_mut("/oneOf").and_then(Value::as_array_mut);
    for kind in kinds.into_iter().flatten() {
        if let Some(properties) = kind.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("host");
        }
        if let Some(required) = kind.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|field| *field != "host");
        }
    }
}
