//! `type: Relay`: each pod by its own name, through one relay in the cluster of the runners.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::deployment::{OBSERVE_PORT, RelayDeployment, Scheduling};
use super::entry::RelayEntry;
use super::{labels, relay_name, selector};
use crate::exposure::host_name::PodHost;
use crate::exposure::pod_names::PodNames;
use crate::exposure::{
    AddressSource, ExposureContext, ExposureStrategy, FixedAddress, GATEWAY_GROUP, PodReach,
    SERVICE_PORT, refuse, require_namespace,
};
use crate::fields::{ConfigError, Port, check_resources, metadata, read, unset_when_empty};
use crate::rbac;
use krm::resource::Identity;
use krm::results::{FunctionResult, Refusal};

/// The maximum length of a DNS name, and of one of its labels. Source: RFC 1035, 2.3.4.
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Where the routes are mounted in the relay's pods.
const ROUTES_FOLDER: &str = "/etc/relay/routes";
/// The kinds of a relay's manifests, with their API groups, in the order in which they are added.
pub const RELAY_KINDS: [(&str, &str); 11] = [
    ("ServiceAccount", ""),
    ("ConfigMap", ""),
    ("Deployment", "apps"),
    ("PodDisruptionBudget", "policy"),
    ("NetworkPolicy", "networking.k8s.io"),
    ("Service", ""),
    ("Ingress", "networking.k8s.io"),
    ("IngressRouteTCP", "traefik.io"),
    ("HTTPProxy", "projectcontour.io"),
    ("Gateway", GATEWAY_GROUP),
    ("TLSRoute", GATEWAY_GROUP),
];

/// Each pod by its own name below a wildcard domain, through one relay that serves all runners of the
/// cluster. Any number of replicas, in any kind of workload. Needs `configure.at: PodStart`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    bound = "E: Deserialize<'de> + Default"
)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(bound = "E: schemars::JsonSchema + Default")
)]
pub struct Relay<E = RelayEntry> {
    /// What GitLab connects to: `{pod}`, which stands for the name of the pod, and a domain, such as
    /// `{pod}.terminals.example.com`. The wildcard DNS name `*.terminals.example.com` has to lead to the
    /// relay.
    pub host: PodHost,
    /// The port that GitLab connects to. The one of `relay.exposure` when not set.
    #[serde(default)]
    pub port: Option<Port>,
    /// The relay. All runners that name one share it.
    pub relay: RelaySpec<E>,
}

/// A relay that serves all runners that name it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    bound = "E: Deserialize<'de> + Default",
    expecting = "a mapping such as {namespace: runner-terminal}"
)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(bound = "E: schemars::JsonSchema + Default")
)]
pub struct RelaySpec<E = RelayEntry> {
    /// Its name. `runner-terminal-relay` when not set.
    #[serde(default = "default_name")]
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// An image that has `runner-terminal` on its PATH. `configure.image` when not set.
    #[serde(default, deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub image: Option<String>,
    /// How many pods; they share nothing. 2 when not set.
    #[serde(default = "two")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub replicas: u16,
    /// How it connects to the runners' pods. Pod when not set.
    #[serde(default)]
    pub dial: Dial,
    /// How GitLab reaches it. A LoadBalancer when not set.
    #[serde(default)]
    pub exposure: E,
    /// `resources` of its container. A small request when not set.
    #[serde(default)]
    pub resources: Option<Map<String, Value>>,
    /// `nodeSelector` of its pods.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// `tolerations` of its pods.
    #[serde(default)]
    pub tolerations: Vec<Map<String, Value>>,
}

/// How the relay connects to the runners' pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Dial {
    /// To the pod's IP address.
    #[default]
    Pod,
    /// By a port-forward of the Kubernetes API, where the network does not lead to the pods.
    #[serde(rename = "API")]
    Api,
}

/// The default name of a relay.
pub const DEFAULT_RELAY: &str = "runner-terminal-relay";

fn default_name() -> String {
    DEFAULT_RELAY.to_owned()
}

const fn two() -> u16 {
    2
}

impl Relay {
    /// Parses the exposure.
    ///
    /// # Errors
    /// An unknown field, a value of the wrong type, or conflicting fields.
    pub(in crate::exposure) fn parse(path: &str, fields: &Value) -> Result<Self, ConfigError> {
        let Relay { host, port, relay } = read::<Relay<Value>>(path, fields)?;
        let relay = relay.with_entry(&format!("{path}.relay"), port.map(|port| port.0))?;
        // The shortest name of a pod, and a dot.
        if host.domain().len() + 2 > LONGEST_HOST {
            return Err(ConfigError::new(
                format!("{path}.host"),
                "is so long that no pod's name fits before it: a DNS name has at most 253 characters",
            ));
        }
        Ok(Self { host, port, relay })
    }

    /// The port that GitLab connects to.
    pub fn advertised_port(&self) -> u16 {
        self.port.map_or(self.relay.exposure.port(), |port| port.0)
    }

    /// Warns of a port at which nothing of the relay's own answers.
    pub fn check_port(&self) -> Option<FunctionResult> {
        let (advertised, own) = (self.advertised_port(), self.relay.exposure.port());
        (advertised != own).then(|| {
            FunctionResult::warning(format!(
                "GitLab connects to port {advertised} (spec.exposure.port), and this Service answers at \
                 {own}: GitLab reaches it only where a proxy passes TCP through from port {advertised} \
                 to it. Otherwise leave one of the two ports out"
            ))
            .about(&self.relay.identity("v1", "Service"))
        })
    }

    /// The relay's route to a runner: `*.DOMAIN=NAMESPACE/SELECTOR:PORT`.
    pub fn route(&self, context: ExposureContext<'_>) -> String {
        format!(
            "*.{}={}/{}:{}",
            self.host.domain(),
            context.service.namespace,
            selector(&context.workload.selector()),
            context.listen_port
        )
    }

    /// Refuses a workload whose pods have names that cannot be part of the host.
    fn check_names(&self, context: ExposureContext<'_>) -> Result<(), Refusal> {
        let names = PodNames::of(context.workload);
        let domain = self.host.domain();
        let longest = names.longest();
        let mut labels = longest.iter().flat_map(|name| name.split('.'));
        if let Some(label) = labels.find(|label| label.len() > LONGEST_LABEL) {
            return Err(refuse(
                context,
                "metadata.name",
                format!(
                    "its pods' names are part of the host that GitLab connects to, and {label} has {} \
                     characters: a label of a DNS name has at most {LONGEST_LABEL}. Give it a shorter \
                     name",
                    label.len()
                ),
            ));
        }
        let host = names.longest_length() + 1 + domain.len();
        if host > LONGEST_HOST {
            return Err(refuse(
                context,
                "metadata.name",
                format!(
                    "its pods' names have up to {} characters, and with .{domain} behind them {host}: a \
                     DNS name has at most {LONGEST_HOST}. Give it a shorter name, or \
                     spec.exposure.host a shorter domain",
                    names.longest_length()
                ),
            ));
        }
        if names.has_dots() && self.relay.exposure.takes_one_label() {
            return Err(refuse(
                context,
                "metadata.name",
                format!(
                    "its name has a dot, so its pods have hosts of several labels below {domain}, and \
                     the wildcard of an Ingress stands for one label: give it a name without dots, or \
                     the relay another exposure"
                ),
            ));
        }
        Ok(())
    }
}

impl RelaySpec<Value> {
    fn with_entry(self, path: &str, advertised: Option<u16>) -> Result<RelaySpec, ConfigError> {
        let exposure = RelayEntry::parse(&format!("{path}.exposure"), &self.exposure, advertised)?;
        let relay = RelaySpec {
            exposure,
            name: self.name,
            namespace: self.namespace,
            image: self.image,
            replicas: self.replicas,
            dial: self.dial,
            resources: self.resources,
            node_selector: self.node_selector,
            tolerations: self.tolerations,
        };
        relay.check(path)?;
        Ok(relay)
    }
}

impl RelaySpec {
    fn check(&self, path: &str) -> Result<(), ConfigError> {
        let refuse = |field: &str, message: String| {
            Err(ConfigError::new(format!("{path}.{field}"), message))
        };
        let is_name = |text: &str| text.len() <= LONGEST_LABEL && metadata::is_dns_label(text);
        if !is_name(&self.name) || self.name.starts_with(|c: char| c.is_ascii_digit()) {
            return refuse(
                "name",
                format!(
                    "{:?} is not the name of a Service: lower-case letters, digits and \"-\", at most \
                     63, the first one a letter",
                    self.name
                ),
            );
        }
        if !is_name(&self.namespace) {
            return refuse(
                "namespace",
                format!(
                    "{:?} is not the name of a namespace: lower-case letters, digits and \"-\", at \
                     most 63",
                    self.namespace
                ),
            );
        }
        if self.replicas == 0 {
            return refuse(
                "replicas",
                "is 0, so no terminal would open: write 1 or more".to_owned(),
            );
        }
        if let Some(image) = &self.image
            && (image.contains(char::is_whitespace) || image.contains("://"))
        {
            return refuse("image", format!("{image:?} is not the name of an image"));
        }
        if let Some(resources) = &self.resources {
            check_resources(resources, &format!("{path}.resources"))?;
        }
        for (key, value) in &self.node_selector {
            let path = format!("{path}.nodeSelector");
            metadata::check_label(&path, key, std::slice::from_ref(value))?;
        }
        Ok(())
    }

    /// The same, with the image filled in.
    #[must_use]
    pub fn with_image(&self, default: Option<&str>) -> Self {
        Self {
            image: self.image.clone().or(default.map(str::to_owned)),
            ..self.clone()
        }
    }

    /// The settings that all runners that share the relay must agree on, with sorted members.
    pub fn settings(&self) -> Value {
        sorted(&json!({
            "name": self.name,
            "namespace": self.namespace,
            "image": self.image,
            "replicas": self.replicas,
            "dial": self.dial,
            "exposure": self.exposure.settings,
            "resources": self.resources,
            "nodeSelector": self.node_selector,
            "tolerations": self.tolerations,
        }))
    }

    /// Parses the output of [`Self::settings`].
    ///
    /// # Errors
    /// The value has another form.
    pub fn from_settings(settings: &Value) -> Result<Self, ConfigError> {
        read::<RelaySpec<Value>>("", settings)?.with_entry("", None)
    }

    /// The identity of its manifest of a kind.
    pub fn identity(&self, api_version: &str, kind: &str) -> Identity {
        Identity {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: self.name_of(kind),
            namespace: self.namespace.clone(),
            ..Identity::default()
        }
    }

    /// The name of its manifest of a kind.
    pub fn name_of(&self, kind: &str) -> String {
        match kind {
            "ConfigMap" => format!("{}-routes", self.name),
            _ => self.name.clone(),
        }
    }

    /// What the wildcard DNS name must resolve to, for messages.
    pub fn reached_at(&self) -> &'static str {
        self.exposure.reached_at()
    }

    /// The relay's pods as a peer of a NetworkPolicy. `None` if connections come through a
    /// port-forward, which no policy applies to.
    pub fn peer(&self) -> Option<Value> {
        (self.dial == Dial::Pod).then(|| {
            json!({
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": self.namespace},
                },
                "podSelector": {"matchLabels": labels(&self.name)},
            })
        })
    }

    /// The addresses that no other resource may have. `domains`: those of the routes.
    pub fn fixed_addresses(&self, domains: &BTreeSet<String>) -> Vec<FixedAddress> {
        self.exposure.fixed_addresses(&wildcards(domains))
    }

    /// Refuses domains that its entry cannot tell apart.
    ///
    /// # Errors
    /// There are several domains, and the entry supports one.
    pub fn check_domains(&self, domains: &BTreeSet<String>) -> Result<(), Refusal> {
        if domains.len() < 2 || !self.exposure.takes_one_domain() {
            return Ok(());
        }
        let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
        Err(FunctionResult::refuse_config(
            "spec.exposure.relay.exposure.controller",
            &format!(
                "is contour, whose HTTPProxy takes one host, and the runners of this relay have \
                 several domains ({}): give them one, or another relay",
                domains.join(", ")
            ),
        ))
    }

    /// Its manifests. `routes`: the content of its ConfigMap, by key; `domains`: those of the routes.
    pub fn objects(
        &self,
        routes: &BTreeMap<String, String>,
        domains: &BTreeSet<String>,
    ) -> Vec<Value> {
        let object = |api_version: &str, kind: &str, field: &str, value: Value| {
            let mut object = self.identity(api_version, kind).skeleton();
            object.insert(field.to_owned(), value);
            Value::Object(object)
        };
        let of_pods = json!({"matchLabels": labels(&self.name)});
        let mut objects = vec![
            object(
                "v1",
                "ServiceAccount",
                "automountServiceAccountToken",
                json!(false),
            ),
            object("v1", "ConfigMap", "data", json!(routes)),
            object("apps/v1", "Deployment", "spec", self.deployment()),
            object(
                "policy/v1",
                "PodDisruptionBudget",
                "spec",
                json!({"maxUnavailable": 1, "selector": of_pods}),
            ),
            object(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "spec",
                json!({
                    "podSelector": of_pods,
                    // It connects to the runners' pods and the API server, and their addresses are
                    // not in any manifest.
                    "policyTypes": ["Ingress"],
                    "ingress": [{"ports": [
                        {"port": SERVICE_PORT, "protocol": "TCP"},
                        {"port": OBSERVE_PORT, "protocol": "TCP"},
                    ]}],
                }),
            ),
        ];
        let identity = self.identity("v1", "Service");
        objects.extend(self.exposure.objects(&identity, &wildcards(domains)));
        for object in &mut objects {
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                let own = metadata.get("labels").and_then(Value::as_object).cloned();
                let mut all = labels(&self.name);
                all.extend(own.unwrap_or_default());
                metadata.insert("labels".to_owned(), Value::Object(all));
            }
        }
        objects
    }

    fn deployment(&self) -> Value {
        let mut arguments = vec![format!("--routes={ROUTES_FOLDER}")];
        arguments.extend(match self.dial {
            // An idle terminal takes 5 KiB in a relay that connects to pods directly.
            Dial::Pod => vec!["--dial=pod".to_owned(), "--max-connections=4096".to_owned()],
            Dial::Api => vec!["--dial=api".to_owned()],
        });
        let deployment = RelayDeployment {
            name: &self.name,
            image: self.image.as_deref().unwrap_or_default(),
            replicas: self.replicas,
            service_account: Some(&self.name),
            arguments,
            volume: json!({"configMap": {"name": self.name_of("ConfigMap")}}),
            mount_path: ROUTES_FOLDER,
            scheduling: Scheduling {
                resources: self.resources.as_ref(),
                node_selector: Some(&self.node_selector).filter(|labels| !labels.is_empty()),
                tolerations: &self.tolerations,
            },
        };
        deployment.spec()
    }
}

fn wildcards(domains: &BTreeSet<String>) -> Vec<String> {
    domains.iter().map(|domain| format!("*.{domain}")).collect()
}

/// The same value with the members of mappings sorted by name, and without null and empty ones.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<&String, Value> = members
                .iter()
                .map(|(name, member)| (name, sorted(member)))
                .filter(|(_, member)| {
                    !member.is_null() && *member != json!([]) && *member != json!({})
                })
                .collect();
            json!(members)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

impl ExposureStrategy for Relay {
    fn service_spec(&self) -> Map<String, Value> {
        Map::new()
    }

    fn pod_reach(&self, _context: ExposureContext<'_>) -> Option<PodReach> {
        Some(PodReach::Name {
            domain: self.host.domain().to_owned(),
            port: self.advertised_port(),
        })
    }

    fn objects(&self, context: ExposureContext<'_>) -> Vec<Value> {
        let identity = Identity {
            api_version: format!("{}/v1", rbac::GROUP),
            kind: "Role".to_owned(),
            name: relay_name(&context.service.name),
            namespace: context.service.namespace.clone(),
            ..Identity::default()
        };
        let mut role = identity.skeleton();
        let rules = rbac::relay_rules(self.relay.dial == Dial::Api);
        role.insert("rules".to_owned(), rules);
        let account = rbac::service_account(&self.relay.namespace, &self.relay.name);
        vec![
            Value::Object(role),
            rbac::binding_of(&identity, vec![account]),
        ]
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        require_namespace(context, "the relay's route to its pods")?;
        if context.workload.selector().is_empty() {
            return Err(refuse(
                context,
                "metadata.labels",
                "has no labels, by which the relay finds its pods: give it one, such as app: runner"
                    .to_owned(),
            ));
        }
        // With that name, a later run would mistake the relay for the runner's own.
        if self.relay.namespace == context.service.namespace
            && self.relay.name == relay_name(&context.service.name)
        {
            return Err(FunctionResult::refuse_config(
                "spec.exposure.relay.name",
                &format!(
                    "is what the Role of {} is called, in the same namespace: choose another name",
                    context.workload.resource.identity
                ),
            ));
        }
        self.check_names(context)?;
        Ok(AddressSource::Pod)
    }
}
