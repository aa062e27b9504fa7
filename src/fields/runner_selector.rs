//! Which runners a functionConfig applies to.

use serde::Deserialize;

use super::LabelSelector;

/// Which runners of the list. All fields that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "a mapping with name, namespace or labelSelector"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunnerSelector {
    /// The workload's name.
    pub name: String,
    /// The workload's namespace.
    pub namespace: String,
    /// The workload's labels, as a selector in the syntax of `kubectl -l`.
    pub label_selector: LabelSelector,
}
