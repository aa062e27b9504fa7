//! The manifests that run `runner-terminal relay`, for the cluster where GitLab can reach it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ExposureContext, SERVICE_PORT};
use crate::digest::short_hash;
use crate::fields::unset_when_empty;
use krm::resource::Identity;

/// On our Service: the namespace of the relay's manifests, by which a later run finds them.
pub const RELAY_NAMESPACE: &str = "runner-terminal.dev/relay-namespace";

/// The label that tells its manifests from those of the runner's cluster.
const COMPONENT: &str = "app.kubernetes.io/component";
/// Where metrics and health are served; `runner-terminal relay` has it as its default.
const OBSERVE_PORT: u16 = 9100;
/// Longer than the relay waits for open terminals when it stops (30 s).
const GRACE_SECONDS: u16 = 40;

/// A relay that runs in a cluster: a Deployment, and a Service in front of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relay {
    /// An image that has `runner-terminal` on its PATH.
    pub image: String,
    /// The relay's namespace.
    pub namespace: String,
    /// The Secret in that namespace whose key `kubeconfig` leads to the runner's cluster.
    /// SERVICE-relay-kubeconfig when not set.
    #[serde(default, deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub kubeconfig_secret: Option<String>,
    /// How many; they share nothing. 2 when not set.
    #[serde(default = "two")]
    pub replicas: u16,
    /// The type of the Service in front of it. LoadBalancer when not set.
    #[serde(default)]
    pub service_type: RelayServiceType,
}

/// A type of Service.
#[allow(clippy::enum_variant_names, reason = "the names are the Service API's")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RelayServiceType {
    /// With an address of a load balancer.
    #[default]
    LoadBalancer,
    /// With a port on every node.
    NodePort,
    /// For a GitLab in the relay's own cluster.
    ClusterIP,
}

const fn two() -> u16 {
    2
}

/// The name of the objects of a Service's relay. It is a Service's name and a label's value, which may have
/// 63 characters.
pub fn relay_name(service: &str) -> String {
    const SUFFIX: &str = "-relay";
    if service.len() + SUFFIX.len() <= 63 {
        return format!("{service}{SUFFIX}");
    }
    let hash = short_hash(service);
    let kept: String = service.chars().take(63 - SUFFIX.len() - 9).collect();
    format!("{}-{hash}{SUFFIX}", kept.trim_end_matches('-'))
}

impl Relay {
    /// Its Deployment and its Service.
    pub(super) fn objects(
        &self,
        context: ExposureContext<'_>,
        host: &str,
        port: u16,
    ) -> Vec<Value> {
        let name = relay_name(&context.service.name);
        let labels = json!({
            "app.kubernetes.io/name": "runner-terminal",
            "app.kubernetes.io/instance": name,
            COMPONENT: "relay",
        });
        let object = |api_version: &str, kind: &str, spec: Value| {
            let identity = Identity {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                name: name.clone(),
                namespace: self.namespace.clone(),
                ..Identity::default()
            };
            let mut object = identity.skeleton();
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("labels".to_owned(), labels.clone());
            }
            object.insert("spec".to_owned(), spec);
            Value::Object(object)
        };
        let deployment = json!({
            "replicas": self.replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": self.pod(context, host, &name),
            },
        });
        let kind = match self.service_type {
            RelayServiceType::LoadBalancer => "LoadBalancer",
            RelayServiceType::NodePort => "NodePort",
            RelayServiceType::ClusterIP => "ClusterIP",
        };
        let service = json!({
            "type": kind,
            "selector": labels,
            "ports": [{"name": "tls", "port": port, "protocol": "TCP", "targetPort": "tls"}],
        });
        vec![
            object("apps/v1", "Deployment", deployment),
            object("v1", "Service", service),
        ]
    }

    fn pod(&self, context: ExposureContext<'_>, host: &str, name: &str) -> Value {
        let default = format!("{name}-kubeconfig");
        let secret = self.kubeconfig_secret.as_ref().unwrap_or(&default);
        let route = format!(
            "--route={host}={}/{}:{}",
            context.service.namespace,
            selector(&context.workload.selector()),
            context.listen_port
        );
        json!({
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "relay",
                "image": self.image,
                "command": ["runner-terminal", "relay"],
                "args": ["--kubeconfig=/etc/relay/kubeconfig", route],
                "ports": [
                    {"name": "tls", "containerPort": SERVICE_PORT, "protocol": "TCP"},
                    {"name": "observe", "containerPort": OBSERVE_PORT, "protocol": "TCP"},
                ],
                "readinessProbe": {"httpGet": {"path": "/readyz", "port": "observe"}},
                "livenessProbe": {"httpGet": {"path": "/healthz", "port": "observe"}},
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "relay", "mountPath": "/etc/relay", "readOnly": true}],
            }],
            "volumes": [{"name": "relay", "secret": {"secretName": secret}}],
        })
    }
}

/// Labels as a selector: `a=1,b=2`.
fn selector(labels: &Map<String, Value>) -> String {
    let sorted: BTreeMap<&String, &str> = labels
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .collect();
    let pairs: Vec<String> = sorted
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}
