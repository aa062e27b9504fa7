//! `type: ApiServer`: through the Kubernetes API, by `runner-terminal relay`.
//!
//! Only the API server of the runner's cluster has to be reachable. The relay runs where GitLab can reach
//! it, and opens a port-forward to the runner's pod for each connection. This module makes the account
//! that the relay needs.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::host_name::HostName;
use super::relay::{RELAY_NAMESPACE, RemoteRelay, relay_name};
use super::{
    AddressSource, ExposureContext, ExposureStrategy, SERVICE_PORT, require_namespace, set_members,
};
use crate::fields::Port;
use crate::rbac;
use krm::resource::Identity;
use krm::results::Refusal;

/// A name at the relay, and in the runner's cluster an account for it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiServer {
    /// The DNS name that leads to the relay, and by which the relay tells this runner from others.
    /// `{index}` in it stands for the number of the shard.
    pub host: HostName,
    /// The relay's port. 9000 when not set.
    #[serde(default)]
    pub port: Option<Port>,
    /// Make a Secret with a token of the account that does not expire, for the relay's kubeconfig.
    #[serde(default = "yes", deserialize_with = "no_token")]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub token: bool,
    /// Make the manifests that run the relay too. They are for the cluster where GitLab can reach
    /// it, and have the label `app.kubernetes.io/component: relay`, by which they can be told apart.
    #[serde(default)]
    pub relay: Option<RemoteRelay>,
}

const fn yes() -> bool {
    true
}

/// The field may hold a token by mistake, and no message may show a token.
fn no_token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Value::deserialize(deserializer)?
        .as_bool()
        .ok_or_else(|| D::Error::custom("is true or false; a token does not belong here"))
}

impl ApiServer {
    fn port(&self) -> u16 {
        self.port.map_or(SERVICE_PORT, |port| port.0)
    }
}

impl ExposureStrategy for ApiServer {
    fn service_spec(&self) -> Map<String, Value> {
        set_members([("type", json!("ClusterIP"))])
    }

    fn advertised_port(&self, _context: ExposureContext<'_>) -> Option<u16> {
        Some(self.port())
    }

    fn annotations(&self) -> Vec<(String, String)> {
        let namespace = self.relay.as_ref().map(|relay| relay.namespace.clone());
        namespace
            .map(|namespace| (RELAY_NAMESPACE.to_owned(), namespace))
            .into_iter()
            .collect()
    }

    fn objects(&self, context: ExposureContext<'_>) -> Vec<Value> {
        let account = |kind: &str, version: &str| Identity {
            api_version: version.to_owned(),
            kind: kind.to_owned(),
            name: relay_name(&context.service.name),
            namespace: context.service.namespace.clone(),
            ..Identity::default()
        };
        let mut service_account = account("ServiceAccount", "v1").skeleton();
        service_account.insert("automountServiceAccountToken".to_owned(), json!(false));
        let identity = account("Role", &format!("{}/v1", rbac::GROUP));
        let mut role = identity.skeleton();
        role.insert("rules".to_owned(), rbac::relay_rules(true));
        let mut objects = vec![
            Value::Object(service_account),
            Value::Object(role),
            rbac::binding_of(
                &identity,
                vec![rbac::service_account(&identity.namespace, &identity.name)],
            ),
        ];
        if self.token {
            let mut secret = account("Secret", "v1").skeleton();
            secret.insert(
                "type".to_owned(),
                json!("kubernetes.io/service-account-token"),
            );
            if let Some(metadata) = secret.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert(
                    "annotations".to_owned(),
                    json!({"kubernetes.io/service-account.name": identity.name}),
                );
            }
            objects.push(Value::Object(secret));
        }
        if let Some(relay) = &self.relay {
            objects.extend(relay.objects(context, &self.host.of(context), self.port()));
        }
        objects
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        let source = self.host.address_source(context, self.port())?;
        require_namespace(context, "the relay's account")?;
        Ok(source)
    }
}
