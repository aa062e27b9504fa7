//! Who may connect to a session server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exposure::Cidr;
use crate::fields::{ConfigError, metadata};

/// The peers that may connect to the session server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with from"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkPolicySpec {
    /// The peers, as in a NetworkPolicy. A load balancer connects from the nodes' addresses, or from
    /// the client's if it preserves them. With `exposure.type: Relay`, the relay is one of them already,
    /// and the field may be left out.
    pub from: Option<Vec<Peer>>,
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
    /// A network and its exceptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
    /// Namespaces by their labels; `{}` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<Selector>,
    /// Pods by their labels; `{}` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<Selector>,
}

/// A network and its exceptions.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IpBlock {
    /// In CIDR notation.
    pub cidr: Cidr,
    /// Networks inside it that are excluded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Cidr>,
}

/// A label selector as in Kubernetes' APIs. An empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selector {
    /// Labels that must have these values.
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
    /// The values to compare with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label's value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Operator {
    /// One of the values.
    In,
    /// None of the values.
    NotIn,
    /// The label exists.
    Exists,
    /// The label does not exist.
    DoesNotExist,
}

impl NetworkPolicySpec {
    /// Checks for values that the API server would reject. `knows_peer`: the exposure determines
    /// who connects.
    ///
    /// Source: `ValidateNetworkPolicyPeer` and `ValidateIPBlock` in Kubernetes'
    /// `networking/validation`.
    pub(super) fn check(&self, path: &str, knows_peer: bool) -> Result<(), ConfigError> {
        if self.from.is_none() && !knows_peer {
            return Err(ConfigError::new(
                format!("{path}.from"),
                "is missing: it has no default",
            ));
        }
        for (index, peer) in self.from.iter().flatten().enumerate() {
            peer.check(&format!("{path}.from[{index}]"))?;
        }
        Ok(())
    }
}

impl Peer {
    fn check(&self, path: &str) -> Result<(), ConfigError> {
        let selectors = [
            ("namespaceSelector", &self.namespace_selector),
            ("podSelector", &self.pod_selector),
        ];
        let has_selector = selectors.iter().any(|(_, selector)| selector.is_some());
        match &self.ip_block {
            None if !has_selector => Err(ConfigError::new(
                path,
                "names nobody: set ipBlock, namespaceSelector or podSelector",
            )),
            Some(_) if has_selector => Err(ConfigError::new(
                path,
                "has an ipBlock beside a selector: write two entries",
            )),
            Some(block) => block.check(&format!("{path}.ipBlock")),
            None => Ok(()),
        }?;
        for (name, selector) in selectors {
            if let Some(selector) = selector {
                selector.check(&format!("{path}.{name}"))?;
            }
        }
        Ok(())
    }
}

impl IpBlock {
    fn check(&self, path: &str) -> Result<(), ConfigError> {
        for (index, except) in self.except.iter().enumerate() {
            if !self.cidr.holds(except) {
                return Err(ConfigError::new(
                    format!("{path}.except[{index}]"),
                    format!(
                        "{except} is not a part of {}: name networks inside it that may not connect",
                        self.cidr
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl Selector {
    fn check(&self, path: &str) -> Result<(), ConfigError> {
        for (key, value) in &self.match_labels {
            let path = format!("{path}.matchLabels");
            metadata::check_label(&path, key, std::slice::from_ref(value))?;
        }
        for (index, expression) in self.match_expressions.iter().enumerate() {
            let path = format!("{path}.matchExpressions[{index}]");
            metadata::check_label(&path, &expression.key, &expression.values)?;
            let takes_values = matches!(expression.operator, Operator::In | Operator::NotIn);
            let message = match (takes_values, expression.values.is_empty()) {
                (true, true) => "In and NotIn take at least one value",
                (false, false) => "Exists and DoesNotExist take no values",
                _ => continue,
            };
            return Err(ConfigError::new(format!("{path}.values"), message));
        }
        Ok(())
    }
}
