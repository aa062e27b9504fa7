//! The chart's exposure types for a session server.
//!
//! Source: the chart's `service-session-server.yaml` (the Service), `_env_vars.tpl` (the address
//! that is advertised) and `configmap.yaml`, `set-session-server-address` and `-port` (the address
//! and the port that are looked up at each start).

use serde_json::{Value, json};

use super::draft::{Draft, Part};
use super::values::Values;
use super::{ChartValuesError, ingress};
use runner_terminal::address::{Address, Host};
use runner_terminal::exposure::Exposure;

/// The chart's default `externalPort`.
const EXTERNAL_PORT: u16 = 9000;

const PUBLIC_IP: [&str; 2] = ["sessionServer", "publicIP"];
const SERVICE_TYPE: [&str; 2] = ["sessionServer", "serviceType"];
const EXTERNAL: [&str; 2] = ["sessionServer", "externalPort"];
const NODE_PORT: [&str; 2] = ["sessionServer", "nodePort"];
const SOURCE_RANGES: [&str; 2] = ["sessionServer", "loadBalancerSourceRanges"];
const EXTERNAL_POLICY: [&str; 2] = ["sessionServer", "externalTrafficPolicy"];
const INTERNAL_POLICY: [&str; 2] = ["sessionServer", "internalTrafficPolicy"];
const ANNOTATIONS: [&str; 2] = ["sessionServer", "annotations"];
const LABELS: [&str; 2] = ["sessionServer", "labels"];

/// The chart's `serviceType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServiceType {
    LoadBalancer,
    NodePort,
    ClusterIp,
    /// A ClusterIP Service with `clusterIP: None`.
    Headless,
}

/// The values that apply to every exposure.
struct Common {
    host: Option<Host>,
    /// `externalPort`, if it is set.
    external_port: Option<u32>,
    /// `nodePort`, if it is set.
    node_port: Option<u32>,
}

/// Reads the exposure.
///
/// # Errors
/// A `serviceType` that the chart does not know, or a value that the chart cannot use.
pub(super) fn read(draft: &mut Draft<'_>) -> Result<(), ChartValuesError> {
    let values = draft.values;
    let service_type = service_type(values)?;
    let common = Common {
        host: values.host(&PUBLIC_IP)?,
        external_port: values.port(&EXTERNAL)?,
        node_port: values.port(&NODE_PORT)?,
    };
    let is_ingress = values.switch(&["sessionServer", "ingress", "enabled"])?;
    if is_ingress {
        if service_type != ServiceType::ClusterIp && values.set(&SERVICE_TYPE).is_some() {
            draft.note(
                Part::Exposure,
                &SERVICE_TYPE,
                "the Service behind the Ingress is of type ClusterIP here: traffic comes by way of \
                 the ingress controller alone",
            );
        }
        ingress::read(draft, common.host.as_ref(), common.external_port)?;
    } else {
        match service_type {
            ServiceType::LoadBalancer => load_balancer(draft, &common),
            ServiceType::NodePort => node_port(draft, &common),
            ServiceType::ClusterIp | ServiceType::Headless => {
                cluster_ip(draft, &common, service_type);
            }
        }
    }
    let way = if is_ingress {
        ServiceType::ClusterIp
    } else {
        service_type
    };
    unused(draft, &common, way, is_ingress);
    if !is_ingress && is_pod_ip(draft, &common, service_type) {
        without_service(draft);
        return Ok(());
    }
    if way == ServiceType::LoadBalancer {
        source_ranges(draft)?;
    }
    if matches!(way, ServiceType::LoadBalancer | ServiceType::NodePort) {
        traffic_policy(draft, &EXTERNAL_POLICY, "externalTrafficPolicy")?;
    }
    traffic_policy(draft, &INTERNAL_POLICY, "internalTrafficPolicy")?;
    metadata(draft, &ANNOTATIONS, "annotations")?;
    metadata(draft, &LABELS, "labels")
}

/// Whether each pod is reached by its own IP address, which is known at pod start.
fn is_pod_ip(draft: &Draft<'_>, common: &Common, service_type: ServiceType) -> bool {
    service_type == ServiceType::Headless && draft.is_at_start && common.host.is_none()
}

fn service_type(values: &Values<'_>) -> Result<ServiceType, ChartValuesError> {
    match values.text(&SERVICE_TYPE)? {
        None | Some("LoadBalancer") => Ok(ServiceType::LoadBalancer),
        Some("NodePort") => Ok(ServiceType::NodePort),
        Some("ClusterIP") => Ok(ServiceType::ClusterIp),
        Some("Headless") => Ok(ServiceType::Headless),
        Some(_) => Err(values.wrong(
            &SERVICE_TYPE,
            "is not a type that the chart knows: it knows LoadBalancer, NodePort, ClusterIP and \
             Headless",
        )),
    }
}

/// An IP address is requested and advertised; a name is only advertised.
fn load_balancer(draft: &mut Draft<'_>, common: &Common) {
    draft.set(Part::Exposure, "type", json!("LoadBalancer"));
    draft.set_some(
        Part::Exposure,
        "port",
        common.external_port.map(Value::from),
    );
    match &common.host {
        None => draft.has_follow_up = true,
        Some(Host::Ip(ip)) => {
            draft.note(
                Part::Exposure,
                &PUBLIC_IP,
                "as in the chart, the cloud is asked for this IP address, and it is advertised. \
                 If the cloud cannot give it (it belongs to a proxy in front, say), set \
                 spec.advertiseAddress to it instead",
            );
            draft.set(Part::Exposure, "loadBalancerIP", json!(ip.to_string()));
        }
        Some(Host::Name(_)) => advertise(draft, common),
    }
}

/// The chart advertises the pod's own node, by its IP address.
fn node_port(draft: &mut Draft<'_>, common: &Common) {
    draft.set(Part::Exposure, "type", json!("NodePort"));
    let is_local = draft.values.set(&EXTERNAL_POLICY) == Some(&json!("Local"));
    match &common.host {
        Some(host) => draft.set(Part::Exposure, "nodeAddress", json!(text(host))),
        None if is_local && !draft.is_at_start => draft.ask(
            Part::Exposure,
            "nodeAddress",
            "node-1.example.com",
            &SERVICE_TYPE,
            "without publicIP the chart advertises the IP address of the node that the pod runs \
             on, the only one that answers with externalTrafficPolicy Local. Give that node's \
             address, and keep the pod there",
        ),
        // The pods advertise it as well.
        None if draft.is_at_start => {}
        None => draft.note(
            Part::Exposure,
            &SERVICE_TYPE,
            "without publicIP the chart advertises the IP address of the node that the pod runs \
             on. Every node has the port, so AdvertiseAddress takes the address of one that is \
             ready; set nodeAddress to a name for them all where there is one",
        ),
    }
    draft.set_some(
        Part::Exposure,
        "nodePort",
        common.node_port.map(Value::from),
    );
    draft.set_some(
        Part::Exposure,
        "port",
        common.external_port.map(Value::from),
    );
    draft.has_follow_up = common.node_port.is_none() || common.host.is_none();
}

/// Inside the cluster, or behind the user's own proxy, which `publicIP` names.
fn cluster_ip(draft: &mut Draft<'_>, common: &Common, service_type: ServiceType) {
    if is_pod_ip(draft, common, service_type) {
        draft.note(
            Part::Exposure,
            &SERVICE_TYPE,
            "as with Headless in the chart, each pod advertises its own IP address, here at the port \
             at which it listens. It needs no Service",
        );
        draft.set(Part::Exposure, "type", json!("PodIP"));
        return;
    }
    if service_type == ServiceType::Headless {
        draft.note(
            Part::Exposure,
            &SERVICE_TYPE,
            "with Headless the chart advertises the IP address of the pod and the Service's port, \
             at which the pod does not listen. Pods of a Deployment have no names of their own, so \
             this is a Service of type ClusterIP, whose name stays when the pod goes",
        );
    }
    draft.set(Part::Exposure, "type", json!("ClusterIP"));
    draft.set_some(
        Part::Exposure,
        "port",
        common.external_port.map(Value::from),
    );
    if common.host.is_some() {
        advertise(draft, common);
    }
}

/// Advertises `publicIP:externalPort`, as the chart does.
fn advertise(draft: &mut Draft<'_>, common: &Common) {
    let port = common
        .external_port
        .and_then(|port| u16::try_from(port).ok());
    if let Some(host) = common.host.clone() {
        let address = Address { host, port };
        let address = address.with_default_port(EXTERNAL_PORT);
        draft.set(Part::Spec, "advertiseAddress", json!(address));
    }
}

/// Reports values that are set but do not apply to the exposure.
fn unused(draft: &mut Draft<'_>, common: &Common, way: ServiceType, is_ingress: bool) {
    let values = draft.values;
    if let Some(port) = common.node_port
        && way != ServiceType::NodePort
    {
        draft.note(
            Part::Exposure,
            &NODE_PORT,
            format!(
                "left out: it is for NodePort, though the chart advertises {port} with every type. \
                 If GitLab reaches the nodes at that port, use {{type: NodePort, nodePort: {port}, \
                 nodeAddress: …}}"
            ),
        );
    }
    if way != ServiceType::LoadBalancer && values.set(&SOURCE_RANGES).is_some() {
        let instead = if is_ingress {
            "; the ingress controller may have a list of its own"
        } else {
            ""
        };
        draft.note(
            Part::Exposure,
            &SOURCE_RANGES,
            format!("left out: it is for LoadBalancer{instead}"),
        );
    }
    let takes_external = matches!(way, ServiceType::LoadBalancer | ServiceType::NodePort);
    if !takes_external && values.set(&EXTERNAL_POLICY).is_some() {
        draft.note(
            Part::Exposure,
            &EXTERNAL_POLICY,
            "left out: it is for LoadBalancer and NodePort, and Kubernetes refuses it elsewhere",
        );
    }
}

fn source_ranges(draft: &mut Draft<'_>) -> Result<(), ChartValuesError> {
    let values = draft.values;
    let items = match values.set(&SOURCE_RANGES) {
        None => return Ok(()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(values.wrong(&SOURCE_RANGES, "is no list")),
    };
    for (index, item) in items.iter().enumerate() {
        if let Err(error) = judge("loadBalancerSourceRanges", json!([item])) {
            let index = index.to_string();
            let [server, ranges] = SOURCE_RANGES;
            return Err(values.error(&[server, ranges, &index], error));
        }
    }
    draft.set(Part::Exposure, "loadBalancerSourceRanges", json!(items));
    Ok(())
}

fn traffic_policy(
    draft: &mut Draft<'_>,
    path: &[&str],
    name: &'static str,
) -> Result<(), ChartValuesError> {
    if let Some(policy) = draft.values.set(path) {
        judge(name, policy.clone()).map_err(|error| draft.values.error(path, error))?;
        draft.set(Part::Exposure, name, policy.clone());
    }
    Ok(())
}

/// Reports values of a Service if none is needed.
fn without_service(draft: &mut Draft<'_>) {
    for path in [&INTERNAL_POLICY, &ANNOTATIONS, &LABELS] {
        if draft.values.set(path).is_some() {
            draft.note(
                Part::Exposure,
                path,
                "left out: it is for a Service, and PodIP needs none",
            );
        }
    }
}

/// The Service's annotations or labels, without those that break terminals or that Kubernetes
/// refuses.
fn metadata(
    draft: &mut Draft<'_>,
    path: &[&str; 2],
    field: &'static str,
) -> Result<(), ChartValuesError> {
    let mut taken = serde_json::Map::new();
    for (name, value) in draft.values.texts(path)? {
        match judge(field, json!({&name: &value})) {
            Ok(()) => {
                taken.insert(name, json!(value));
            }
            Err(error) => {
                let [server, key] = *path;
                // The function's message contains the name, and what was just done about it.
                let why = error.strip_prefix(&format!("{name} ")).unwrap_or(&error);
                let why = [": leave it out", ". Leave it out"]
                    .iter()
                    .find_map(|end| why.strip_suffix(end))
                    .unwrap_or(why);
                draft.note(
                    Part::Exposure,
                    &[server, key, &name],
                    format!("left out: it {why}"),
                );
            }
        }
    }
    if !taken.is_empty() {
        draft.set(Part::Exposure, field, Value::Object(taken));
    }
    Ok(())
}

/// The function's verdict on a field, checked with a LoadBalancer, which has all fields.
fn judge(name: &str, value: Value) -> Result<(), String> {
    match Exposure::parse("", &json!({"type": "LoadBalancer", name: value})) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.message),
    }
}

/// A host in its textual form.
pub(super) fn text(host: &Host) -> String {
    match host {
        Host::Name(name) => name.clone(),
        Host::Ip(ip) => ip.to_string(),
    }
}
