//! `kind: SessionServer`

use serde::Deserialize;
use serde_json::Value;

use super::{ConfigureSpec, Envelope, NetworkPolicySpec, Reader, reader};
use crate::address::Address;
use crate::exposure::{Exposure, ExposureKind};
use crate::fields::{
    ConfigError, ConfigReference, Port, RunnerSelector, Seconds, read, unset_when_empty,
};

/// Adds the session server to the GitLab Runners of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionServer {
    /// `metadata.name`
    pub name: String,
    /// The requested settings.
    pub spec: SessionServerSpec,
}

/// What the user asks for. Every field is optional.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a mapping with the fields of a SessionServer's spec"
)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(bound = "E: schemars::JsonSchema + Default")
)]
pub struct SessionServerSpec<E = Exposure> {
    /// `false` removes what an earlier run added, and adds nothing.
    pub enabled: bool,
    /// Which runners of the list. All of them when not set.
    pub runner: RunnerSelector,
    /// The name of the container that runs gitlab-runner. The one whose image or command is that of
    /// gitlab-runner when not set.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub container: Option<String>,
    /// The object that holds the runner's `config.toml`, if the manifests do not tell. It applies to
    /// one runner. The one that is mounted at the path that the runner reads when not set.
    pub config: Option<ConfigReference>,
    /// When the runner's `config.toml` gets its `[session_server]`: at the build, or when a pod starts.
    /// At the build when not set.
    pub configure: ConfigureSpec,
    /// What to do with a runner that has several replicas. `Refuse` when not set.
    pub replicas: Replicas,
    /// The port on which the session server listens in its pod. That of the runner's configuration,
    /// else 8093 when not set.
    pub listen_port: Option<Port>,
    /// How long a terminal may stay open after its job has ended. That of the runner's configuration,
    /// else 30m when not set.
    pub session_timeout: Option<Seconds>,
    /// The address at which GitLab reaches the session server, if you know it in advance: `host`,
    /// `host:port` or `[v6]:port`, without a scheme.
    #[serde(deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub advertise_address: Option<String>,
    /// Service accounts that may read the address of the session server's Service: those that run
    /// the function AdvertiseAddress, such as that of Argo CD's repo-server.
    pub readers: Vec<Reader>,
    /// Adds a NetworkPolicy that allows these peers to connect to the session server.
    pub network_policy: Option<NetworkPolicySpec>,
    /// How the session server is reached from outside its pod. A LoadBalancer when not set.
    pub exposure: E,
}

/// What to do with a runner that has several replicas: a terminal lives in one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Replicas {
    /// Refuse the runner, and say what to do.
    #[default]
    Refuse,
    /// Replace the workload by one workload per replica, NAME-0 and so on, each with its own
    /// configuration, Service and address. `{index}` in exposure.host is the number of the shard.
    Shard,
}

impl<E: Default> Default for SessionServerSpec<E> {
    fn default() -> Self {
        Self {
            enabled: true,
            runner: RunnerSelector::default(),
            container: None,
            config: None,
            configure: ConfigureSpec::default(),
            replicas: Replicas::Refuse,
            listen_port: None,
            session_timeout: None,
            advertise_address: None,
            readers: Vec::new(),
            network_policy: None,
            exposure: E::default(),
        }
    }
}

impl SessionServerSpec {
    /// Checks the fields that matter if each pod is reached individually.
    fn check_per_pod(&self) -> Result<(), ConfigError> {
        if !self.exposure.is_per_pod() {
            return Ok(());
        }
        if !self.configure.is_at_pod_start() {
            return Err(ConfigError::new(
                "spec.configure.at",
                "has to be PodStart with this exposure, as each pod advertises an address of its own, \
                 which is known when it starts: write configure: {at: PodStart, image: …}",
            ));
        }
        let unread = [
            ("spec.advertiseAddress", self.advertise_address.is_some()),
            ("spec.readers", !self.readers.is_empty()),
            ("spec.replicas", self.replicas == Replicas::Shard),
        ];
        match unread.iter().find(|(_, is_set)| *is_set) {
            Some((field, _)) => Err(ConfigError::new(
                *field,
                "is not read with this exposure, as each pod has an address of its own: leave it out",
            )),
            None => Ok(()),
        }
    }
}

/// Explains that the field is not a number, which is a likely mistake.
fn replicas_are_no_number(mut error: ConfigError, spec: &Value) -> ConfigError {
    let is_number = |value: &Value| match value {
        Value::String(text) => text.parse::<u64>().is_ok(),
        value => value.is_number(),
    };
    if error.path == "spec.replicas" && spec.get("replicas").is_some_and(is_number) {
        error
            .message
            .push_str(". The number of replicas is set on the workload");
    }
    error
}

impl SessionServer {
    /// Reads a functionConfig of this kind.
    ///
    /// # Errors
    /// An unknown field, a value of the wrong type, an address that no runner can advertise, or a
    /// reader that is named twice.
    pub fn parse(value: &Value) -> Result<Self, ConfigError> {
        let envelope: Envelope = read("", value)?;
        // The exposure is parsed separately, so that an error in it has its own path.
        let spec: SessionServerSpec<Value> = match &envelope.spec {
            Value::Null => SessionServerSpec::default(),
            spec => read("spec", spec).map_err(|error| replicas_are_no_number(error, spec))?,
        };
        let spec = SessionServerSpec {
            exposure: Exposure::parse("spec.exposure", &spec.exposure)?,
            network_policy: spec.network_policy,
            enabled: spec.enabled,
            runner: spec.runner,
            container: spec.container,
            config: spec.config,
            configure: spec.configure,
            replicas: spec.replicas,
            listen_port: spec.listen_port,
            session_timeout: spec.session_timeout,
            advertise_address: spec.advertise_address,
            readers: spec.readers,
        };
        if let Some(address) = &spec.advertise_address {
            Address::parse(address)
                .map_err(|error| ConfigError::new("spec.advertiseAddress", error.to_string()))?;
        }
        if let Some(config) = &spec.config {
            config.check()?;
        }
        spec.configure.check("spec.configure")?;
        spec.check_per_pod()?;
        if !spec.configure.is_at_pod_start() {
            spec.exposure.check_at_build("spec.exposure")?;
        }
        if let Some(policy) = &spec.network_policy {
            let knows_peer = matches!(spec.exposure.kind, ExposureKind::Relay(_));
            policy.check("spec.networkPolicy", knows_peer)?;
        }
        reader::check_distinct("spec.readers", &spec.readers)?;
        Ok(Self {
            name: envelope.name(),
            spec,
        })
    }
}
