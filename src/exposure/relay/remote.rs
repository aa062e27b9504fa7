//! The relay of `type: ApiServer`, for the cluster where GitLab can reach it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::deployment::{RelayDeployment, Scheduling};
use super::{TLS_PORT, labels, selector};
use crate::digest::short_hash;
use crate::exposure::ExposureContext;
use crate::fields::unset_when_empty;
use krm::resource::Identity;

/// On our Service: the namespace of the relay's manifests, by which a later run finds them.
pub const RELAY_NAMESPACE: &str = "runner-terminal.dev/relay-namespace";

/// A relay that runs in a cluster: a Deployment, and a Service in front of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemoteRelay {
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

/// The name of the objects of a Service's relay. It is used as a Service name and a label value,
/// both limited to 63 characters.
pub fn relay_name(service: &str) -> String {
    const SUFFIX: &str = "-relay";
    if service.len() + SUFFIX.len() <= 63 {
        return format!("{service}{SUFFIX}");
    }
    let hash = short_hash(service);
    let kept: String = service.chars().take(63 - SUFFIX.len() - 9).collect();
    format!("{}-{hash}{SUFFIX}", kept.trim_end_matches('-'))
}

impl RemoteRelay {
    /// Its Deployment and its Service.
    pub(in crate::exposure) fn objects(
        &self,
        context: ExposureContext<'_>,
        host: &str,
        port: u16,
    ) -> Vec<Value> {
        let name = relay_name(&context.service.name);
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
                metadata.insert("labels".to_owned(), Value::Object(labels(&name)));
            }
            object.insert("spec".to_owned(), spec);
            Value::Object(object)
        };
        let kind = match self.service_type {
            RelayServiceType::LoadBalancer => "LoadBalancer",
            RelayServiceType::NodePort => "NodePort",
            RelayServiceType::ClusterIP => "ClusterIP",
        };
        let service = json!({
            "type": kind,
            "selector": labels(&name),
            "ports": [{"name": TLS_PORT, "port": port, "protocol": "TCP", "targetPort": TLS_PORT}],
        });
        vec![
            object(
                "apps/v1",
                "Deployment",
                self.deployment(context, host, &name),
            ),
            object("v1", "Service", service),
        ]
    }

    fn deployment(&self, context: ExposureContext<'_>, host: &str, name: &str) -> Value {
        let default = format!("{name}-kubeconfig");
        let secret = self.kubeconfig_secret.as_ref().unwrap_or(&default);
        let route = format!(
            "--route={host}={}/{}:{}",
            context.service.namespace,
            selector(&context.workload.selector()),
            context.listen_port
        );
        let deployment = RelayDeployment {
            name,
            image: &self.image,
            replicas: self.replicas,
            service_account: None,
            arguments: vec!["--kubeconfig=/etc/relay/kubeconfig".to_owned(), route],
            volume: json!({"secret": {"secretName": secret}}),
            mount_path: "/etc/relay",
            scheduling: Scheduling::default(),
        };
        deployment.spec()
    }
}
