//! How a session server is reached from outside its pod.
//!
//! Each exposure is a module. It says which resources it adds, which port is advertised, where the
//! address comes from, and which configurations it refuses. GitLab trusts only the runner's
//! self-signed certificate, so every exposure passes TCP, or TLS, through unchanged.
//!
//! | module | what it adds | the address |
//! |---|---|---|
//! | [`load_balancer`] | a Service that a cloud gives an address | the live Service's status, or a reserved IP |
//! | [`node_port`] | a Service with a port on every node | a node's address and the Service's node port |
//! | [`cluster_ip`] | a Service inside the cluster | its name in the cluster's DNS |
//! | [`headless`] | a Service without an IP | the pod's own name in the cluster's DNS |
//! | [`ingress`] | a Service, and a TLS passthrough of an ingress controller | a host of its own |
//! | [`gateway`] | a Service, and a TLSRoute | a host of its own |
//! | [`api_server`] | a Service, and an account for the relay | a host of its own at the relay |
//! | [`pod_ip`] | nothing | the pod's IP, which the pod knows |
//! | [`host_port`] | a port on the pod's node | the node's IP, which the pod knows |
//! | [`relay`] | one relay in front of all runners | the pod's name below a domain |
//!
//! | module | what it knows |
//! |---|---|
//! | [`service_fields`] | the fields of a Service that every exposure has |
//! | [`host_name`] | host names in functionConfigs |
//! | [`cluster_name`] | names in the cluster's own DNS |
//! | [`pod_names`] | the names of a workload's pods |
//! | [`fixed`] | addresses that only one runner can have |

mod api_server;
mod cluster_ip;
mod cluster_name;
mod fixed;
mod gateway;
mod headless;
mod host_name;
mod host_port;
mod ingress;
mod load_balancer;
mod node_port;
mod pod_ip;
pub(crate) mod pod_names;
mod relay;
mod service_fields;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::fields::{ConfigError, did_you_mean, read_among};
use crate::runner::Workload;
pub use api_server::ApiServer;
pub use cluster_ip::ClusterIp;
pub use fixed::FixedAddress;
pub use gateway::{GROUP as GATEWAY_GROUP, Gateway};
pub use headless::Headless;
pub use host_port::HostPort;
pub use ingress::Ingress;
use krm::bookkeeping::PREFIX;
use krm::resource::Identity;
use krm::results::{FunctionResult, Refusal};
pub use load_balancer::LoadBalancer;
pub use node_port::{NODE_ADDRESS, NodePort};
pub use pod_ip::PodIp;
pub use relay::{
    DEFAULT_RELAY, Dial, RELAY_KINDS, RELAY_NAMESPACE, Relay, RelaySpec, RemoteRelay,
    labels as relay_labels, relay_name,
};
pub use service_fields::{Cidr, IpFamily, IpFamilyPolicy, ServiceFields, TrafficPolicy};

/// The name of the session server's port, in a pod and in a Service.
pub const PORT_NAME: &str = "session-server";
/// The default port of a Service.
pub const SERVICE_PORT: u16 = 9000;

/// On a resource of ours: the annotations, labels and node port that the exposure has set, as in
/// `annotations/example.com/a labels/b nodePort`. They are removed when it no longer sets them.
pub const SET_BY_EXPOSURE: &str = "runner-terminal.dev/set-by-exposure";
/// In [`SET_BY_EXPOSURE`]: `nodePort` of the session server's port.
pub const NODE_PORT: &str = "nodePort";

/// How a session server is reached.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transform = as_it_is_read)
)]
pub struct Exposure {
    /// Its type, and the fields of that type.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub kind: ExposureKind,
    /// What every Service may have.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub service: ServiceFields,
}

/// The types of exposure.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(tag = "type")
)]
pub enum ExposureKind {
    /// A Service that the cloud gives an address.
    LoadBalancer(LoadBalancer),
    /// A port on every node.
    NodePort(NodePort),
    /// Inside the cluster alone, for a GitLab that runs there.
    #[cfg_attr(feature = "schema", schemars(rename = "ClusterIP"))]
    ClusterIp(ClusterIp),
    /// The pod itself, by its name in the cluster's DNS; for a StatefulSet.
    Headless(Headless),
    /// A host at an ingress controller that lets TLS through.
    Ingress(Ingress),
    /// A host at a Gateway that lets TLS through.
    Gateway(Gateway),
    /// A host at a relay, which reaches the pod through the Kubernetes API.
    ApiServer(ApiServer),
    /// Each pod, by its own IP address.
    #[cfg_attr(feature = "schema", schemars(rename = "PodIP"))]
    PodIp(PodIp),
    /// Each pod, by a port of its node.
    HostPort(HostPort),
    /// Each pod, by its own name, through one relay in front of all runners.
    Relay(Box<Relay>),
}

/// The types by name.
const TYPES: [&str; 10] = [
    "LoadBalancer",
    "NodePort",
    "ClusterIP",
    "Headless",
    "Ingress",
    "Gateway",
    "ApiServer",
    "PodIP",
    "HostPort",
    "Relay",
];

/// What an exposure knows of the runner.
#[derive(Clone, Copy, Debug)]
pub struct ExposureContext<'a> {
    /// The Service in front of the runner.
    pub service: &'a Identity,
    /// The runner's workload.
    pub workload: &'a Workload,
    /// The port of the session server in the pod.
    pub listen_port: u16,
    /// The number of the shard, if the runner is one.
    pub shard: Option<u16>,
    /// The user gives the address, so that the exposure does not have to know it.
    pub has_given_address: bool,
}

impl ExposureContext<'_> {
    /// The port of this shard, if the shards share an address and have one port each.
    /// [`Self::check_nth`] refuses ports that are too high.
    fn nth(self, port: u16) -> u16 {
        port.saturating_add(self.shard.unwrap_or(0))
    }

    /// Refuses a field with the first shard's port if this shard's would be above 65535.
    fn check_nth(self, field: &str, port: u16) -> Result<(), Refusal> {
        let shard = self.shard.unwrap_or(0);
        if port.checked_add(shard).is_some() {
            return Ok(());
        }
        let message = format!(
            "is {port}, and shard {shard} would have a port that does not exist, {}: start so low \
             that the last shard's is at most {}",
            u32::from(port) + u32::from(shard),
            u16::MAX
        );
        let refusal = FunctionResult::refuse_config(field, &message);
        Err(Box::new(refusal.about(&self.workload.resource.identity)))
    }
}

/// Where an address comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressSource {
    /// The exposure knows it: host:port.
    Known(String),
    /// The user gives it, and the exposure does not know it.
    Given,
    /// The status of the live Service.
    LiveService,
    /// Each pod has its own, as [`ExposureStrategy::pod_reach`] describes.
    Pod,
}

/// How the pods of a runner are reached one by one, without a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodReach {
    /// By the pod's IP address, at the port that the session server listens on.
    PodIp,
    /// By the IP address of the pod's node, at this port.
    HostPort(u16),
    /// By the pod's name below a domain, at this port, which leads to the relay.
    Name {
        /// The domain.
        domain: String,
        /// The port.
        port: u16,
    },
}

/// What each type of exposure decides.
pub trait ExposureStrategy {
    /// How each pod is reached individually; `None` if a Service forwards to the only pod.
    fn pod_reach(&self, _context: ExposureContext<'_>) -> Option<PodReach> {
        None
    }

    /// Fields of the Service's `spec`: `type`, and what the user has set.
    fn service_spec(&self) -> Map<String, Value>;

    /// The port of the Service that forwards to the pod's port.
    fn service_port(&self, _context: ExposureContext<'_>) -> u16 {
        SERVICE_PORT
    }

    /// The port on every node; `None` lets the cluster choose one.
    fn node_port(&self, _context: ExposureContext<'_>) -> Option<u16> {
        None
    }

    /// The port to advertise, where it is known without asking the cluster.
    fn advertised_port(&self, context: ExposureContext<'_>) -> Option<u16> {
        Some(self.service_port(context))
    }

    /// Annotations that the Service needs.
    fn annotations(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// True if the address is that of a node, which must be read from the cluster.
    fn reads_nodes(&self) -> bool {
        false
    }

    /// The resources to add besides the Service.
    fn objects(&self, _context: ExposureContext<'_>) -> Vec<Value> {
        Vec::new()
    }

    /// Where the address comes from.
    ///
    /// # Errors
    /// Why this runner cannot be reached through this exposure.
    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal>;
}

impl Default for ExposureKind {
    fn default() -> Self {
        Self::LoadBalancer(LoadBalancer::default())
    }
}

impl ExposureKind {
    fn read(kind: &str, path: &str, fields: &Value) -> Option<Result<Self, ConfigError>> {
        let common = service_fields::NAMES;
        Some(match kind {
            "LoadBalancer" => read_among(path, fields, &common).map(Self::LoadBalancer),
            "NodePort" => read_among(path, fields, &common).map(Self::NodePort),
            "ClusterIP" => read_among(path, fields, &common).map(Self::ClusterIp),
            "Headless" => read_among(path, fields, &common).map(Self::Headless),
            "Ingress" => read_among(path, fields, &common).map(Self::Ingress),
            "Gateway" => read_among(path, fields, &common).map(Self::Gateway),
            "ApiServer" => read_among(path, fields, &common).map(Self::ApiServer),
            "PodIP" => read_among(path, fields, &[]).map(Self::PodIp),
            "HostPort" => read_among(path, fields, &[]).map(Self::HostPort),
            "Relay" => Relay::parse(path, fields).map(|relay| Self::Relay(Box::new(relay))),
            _ => return None,
        })
    }

    fn check(&self, path: &str) -> Result<(), ConfigError> {
        match self {
            Self::LoadBalancer(exposure) => exposure.check(path),
            Self::Ingress(exposure) => exposure.check(path),
            Self::Gateway(exposure) => exposure.check(path),
            Self::NodePort(_)
            | Self::ClusterIp(_)
            | Self::Headless(_)
            | Self::ApiServer(_)
            | Self::PodIp(_)
            | Self::HostPort(_)
            | Self::Relay(_) => Ok(()),
        }
    }
}

impl Exposure {
    /// Parses an exposure; `type` defaults to `LoadBalancer`.
    ///
    /// # Errors
    /// An unknown type or field, a value of the wrong type, or conflicting fields.
    pub fn parse(path: &str, value: &Value) -> Result<Self, ConfigError> {
        let mut fields = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(fields) => fields.clone(),
            other => {
                return Err(ConfigError::new(
                    path,
                    format!(
                        "{other} is not an exposure: write a mapping such as {{type: LoadBalancer, port: 9000}}"
                    ),
                ));
            }
        };
        let kind = fields.shift_remove("type");
        let service = ServiceFields::take(path, &mut fields)?;
        let fields = Value::Object(fields);
        let name = kind
            .as_ref()
            .map_or(Some("LoadBalancer"), Value::as_str)
            .unwrap_or_default();
        if name == "Ingress" && fields.get("tls").is_some() {
            return Err(ConfigError::new(
                format!("{path}.tls"),
                "makes an Ingress terminate TLS, and GitLab trusts only the runner's own certificate: \
                 leave it out, so that TLS is passed through to the runner",
            ));
        }
        let read = ExposureKind::read(name, path, &fields).ok_or_else(|| {
            ConfigError::new(
                format!("{path}.type"),
                format!(
                    "{} is not a type of exposure that this version knows{}; the types are {}",
                    kind.as_ref().unwrap_or_default(),
                    did_you_mean(name, TYPES),
                    TYPES.join(", ")
                ),
            )
        })?;
        let kind = read.map_err(|error| of_another_type(error, name, path, &fields))?;
        kind.check(path)?;
        let exposure = Self { kind, service };
        if exposure.is_per_pod() && exposure.service != ServiceFields::default() {
            let way_on = match exposure.kind {
                ExposureKind::Relay(_) => {
                    "and it is the relay that has a Service: write them in relay.exposure"
                }
                _ => "and there is none with this type: leave them out",
            };
            return Err(ConfigError::new(
                path,
                format!(
                    "has fields of a Service ({}), {way_on}",
                    service_fields::NAMES.join(", ")
                ),
            ));
        }
        Ok(exposure)
    }

    /// True if each pod is reached individually, so that any number of pods may run.
    pub fn is_per_pod(&self) -> bool {
        matches!(
            self.kind,
            ExposureKind::PodIp(_) | ExposureKind::HostPort(_) | ExposureKind::Relay(_)
        )
    }

    /// Checks what must be known if the address is written at build time.
    ///
    /// # Errors
    /// A required field is missing.
    pub fn check_at_build(&self, path: &str) -> Result<(), ConfigError> {
        match &self.kind {
            ExposureKind::NodePort(exposure) => exposure.check_at_build(path),
            _ => Ok(()),
        }
    }

    /// The decisions of this type of exposure.
    pub fn strategy(&self) -> &dyn ExposureStrategy {
        match &self.kind {
            ExposureKind::LoadBalancer(exposure) => exposure,
            ExposureKind::NodePort(exposure) => exposure,
            ExposureKind::ClusterIp(exposure) => exposure,
            ExposureKind::Headless(exposure) => exposure,
            ExposureKind::Ingress(exposure) => exposure,
            ExposureKind::Gateway(exposure) => exposure,
            ExposureKind::ApiServer(exposure) => exposure,
            ExposureKind::PodIp(exposure) => exposure,
            ExposureKind::HostPort(exposure) => exposure,
            ExposureKind::Relay(exposure) => exposure.as_ref(),
        }
    }

    /// The `spec` of the Service, without its selector and ports.
    pub fn service_spec(&self) -> Map<String, Value> {
        let mut spec = self.strategy().service_spec();
        spec.extend(self.service.spec());
        spec
    }

    /// True if the user has set nothing but the defaults.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The error for a field that the type `chosen` does not have, with the types that have it.
fn of_another_type(error: ConfigError, chosen: &str, path: &str, fields: &Value) -> ConfigError {
    let is_unknown = |name: &String| error.is_unknown_field(path, name);
    let Some(name) = fields
        .as_object()
        .and_then(|f| f.keys().find(|name| is_unknown(name)))
    else {
        return error;
    };
    let field = json!({ name: null });
    let has_it = |kind: &&str| match ExposureKind::read(kind, path, &field) {
        Some(Err(error)) => !error.is_unknown_field(path, name),
        read => read.is_some(),
    };
    let types: Vec<&str> = TYPES.into_iter().filter(has_it).collect();
    if types.is_empty() {
        return error;
    }
    let message = format!(
        "is a field of the type {}, and the type is {chosen}: set {path}.type, or leave this out",
        types.join(", ")
    );
    ConfigError::new(error.path, message)
}

/// A Service that a host is routed to.
#[derive(Clone, Copy, Debug)]
struct RoutedService<'a> {
    identity: &'a Identity,
    port_name: &'a str,
}

/// True for a host such as `*.example.com`.
fn is_wildcard(host: &str) -> bool {
    host.starts_with("*.")
}

/// Adapts the schema to the parser: unknown fields are refused, and `type` is optional for
/// LoadBalancer.
#[cfg(feature = "schema")]
fn as_it_is_read(schema: &mut schemars::Schema) {
    schema.insert("unevaluatedProperties".to_owned(), false.into());
    if let Some(load_balancer) = schema.pointer_mut("/oneOf/0")
        && let Some(fields) = load_balancer.as_object_mut()
    {
        fields.remove("required");
    }
}

/// An object of the members that are set: neither null nor an empty list.
fn set_members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let is_set = |value: &Value| !value.is_null() && value.as_array().is_none_or(|a| !a.is_empty());
    members
        .into_iter()
        .filter(|(_, value)| is_set(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Adds [`SET_BY_EXPOSURE`] to the annotations that an exposure sets, if it sets anything. This
/// function's own annotations do not count.
pub fn record_exposure(
    annotations: &mut BTreeMap<String, String>,
    labels: &BTreeMap<String, String>,
    sets_node_port: bool,
) {
    let set = annotations.keys().filter(|name| !name.starts_with(PREFIX));
    let set = set.map(|name| format!("annotations/{name}"));
    let labels = labels.keys().map(|name| format!("labels/{name}"));
    let node_port = sets_node_port.then(|| NODE_PORT.to_owned());
    let all: Vec<String> = set.chain(labels).chain(node_port).collect();
    if !all.is_empty() {
        annotations.insert(SET_BY_EXPOSURE.to_owned(), all.join(" "));
    }
}

/// Refuses an exposure for a runner.
fn refuse(context: ExposureContext<'_>, field: &str, message: String) -> Refusal {
    let identity = &context.workload.resource.identity;
    Box::new(FunctionResult::error(message).about(identity).at(field))
}

/// Refuses a runner without a namespace, which `whole` needs.
fn require_namespace(context: ExposureContext<'_>, whole: &str) -> Result<(), Refusal> {
    if !context.service.namespace.is_empty() {
        return Ok(());
    }
    Err(refuse(
        context,
        "metadata.namespace",
        format!(
            "has no namespace, which is part of {whole}: set one before this function runs, or use \
             another exposure"
        ),
    ))
}

/// An object with the Service's name and namespace.
pub(crate) fn object(api_version: &str, kind: &str, service: &Identity, spec: Value) -> Value {
    let identity = Identity {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: service.name.clone(),
        namespace: service.namespace.clone(),
        ..Identity::default()
    };
    let mut object = identity.skeleton();
    object.insert("spec".to_owned(), spec);
    Value::Object(object)
}
