//! Who may connect to a session server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exposure::Cidr;

/// Whose connections the cluster's network lets through to the session server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with from"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkPolicySpec {
    /// The peers, as in a NetworkPolicy. A load balancer's connections come from the nodes, or from
    /// the client where it keeps the client's address.
    pub from: Vec<Peer>,
}

/// A peer of a NetworkPolicy. Both selectors together mean pods of those namespaces.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with ipBlock, namespaceSelector or podSelector"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Peer {
    /// A network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
    /// Namespaces by their labels; `{}` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<Selector>,
    /// Pods by their labels; `{}` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<Selector>,
}

/// A network, without parts of it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IpBlock {
    /// In CIDR notation.
    pub cidr: Cidr,
    /// Networks inside it that are excepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Cidr>,
}

/// A label selector as Kubernetes' APIs have it. An empty one takes everything.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selector {
    /// Labels that must be there with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Conditions that must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Expression>,
}

/// A condition on a label.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Expression {
    /// The label.
    pub key: String,
    /// How its value is compared.
    pub operator: Operator,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label's value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Operator {
    /// It is one of the values.
    In,
    /// It is none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl Operator {
    /// True when a label with this value, `None` where it is missing, fits.
    pub fn holds(self, label: Option<&str>, values: &[String]) -> bool {
        let is_among = |label: &str| values.iter().any(|value| value == label);
        match self {
            Self::In => label.is_some_and(is_among),
            Self::NotIn => !label.is_some_and(is_among),
            Self::Exists => label.is_some(),
            Self::DoesNotExist => label.is_none(),
        }
    }
}
