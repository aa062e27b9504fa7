//! Names in the cluster's own DNS.
//!
//! Source: Kubernetes' documentation, "DNS for Services and Pods".

use serde::{Deserialize, Deserializer};

use super::{ExposureContext, require_namespace};
use krm::results::Refusal;

/// The domain of a cluster: `cluster.local` in most.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transparent)
)]
pub struct ClusterDomain(String);

impl Default for ClusterDomain {
    fn default() -> Self {
        Self("cluster.local".to_owned())
    }
}

impl<'de> Deserialize<'de> for ClusterDomain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_label = |label: &str| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if text.split('.').all(is_label) {
            Ok(Self(text))
        } else {
            Err(serde::de::Error::custom(format!(
                "{text:?} is not the domain of a cluster: write it as in the kubelet's clusterDomain, \
                 such as cluster.local"
            )))
        }
    }
}

impl ClusterDomain {
    /// The name of a Service; `None` if its namespace is not known and the name is not needed, as the
    /// user gives the address.
    ///
    /// # Errors
    /// The manifests do not set a namespace, which is part of the name.
    pub(super) fn service_name(
        &self,
        context: ExposureContext<'_>,
    ) -> Result<Option<String>, Refusal> {
        let service = context.service;
        if context.has_given_address && service.namespace.is_empty() {
            return Ok(None);
        }
        require_namespace(context, "the name by which this exposure is reached")?;
        Ok(Some(format!(
            "{}.{}.svc.{}",
            service.name, service.namespace, self.0
        )))
    }
}
