//! How a session server is reached from outside its pod.
//!
//! Each way is a module of its own that says which resource it adds. GitLab trusts only the
//! certificate that the runner makes for itself, so every way here hands on TCP as it comes.

mod load_balancer;

use serde_json::{Map, Value};

use crate::function_config::{ConfigError, Port, read};
pub use load_balancer::{IpFamily, LoadBalancer};

/// One way to reach a session server.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(tag = "type")
)]
pub enum Exposure {
    /// A Service that the cloud gives an address.
    LoadBalancer(LoadBalancer),
}

impl Default for Exposure {
    fn default() -> Self {
        Self::LoadBalancer(LoadBalancer::default())
    }
}

impl Exposure {
    /// Reads an exposure; `type` is `LoadBalancer` when absent.
    ///
    /// # Errors
    /// An unknown type or field, or a value of the wrong type.
    pub fn parse(path: &str, value: &Value) -> Result<Self, ConfigError> {
        let mut fields = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(fields) => fields.clone(),
            other => {
                return Err(ConfigError::new(
                    path,
                    format!(
                        "{other} is no exposure: write a mapping such as {{type: LoadBalancer, port: 9000}}"
                    ),
                ));
            }
        };
        let kind = fields.shift_remove("type");
        let fields = Value::Object(fields);
        match kind.as_ref().map_or(Some("LoadBalancer"), Value::as_str) {
            Some("LoadBalancer") => read(path, &fields).map(Self::LoadBalancer),
            _ => Err(ConfigError::new(
                format!("{path}.type"),
                format!(
                    "{} is no type of exposure that this version knows; the types are LoadBalancer",
                    kind.unwrap_or_default()
                ),
            )),
        }
    }

    /// The port at which the address of this exposure answers.
    pub fn port(&self) -> u16 {
        match self {
            Self::LoadBalancer(load_balancer) => load_balancer.port.unwrap_or(Port(9000)).0,
        }
    }

    /// The `spec` of the Service, without its selector and ports.
    pub fn service_spec(&self) -> Map<String, Value> {
        match self {
            Self::LoadBalancer(load_balancer) => load_balancer.service_spec(),
        }
    }

    /// The annotations that the user wants on the Service.
    pub fn annotations(&self) -> &std::collections::BTreeMap<String, String> {
        match self {
            Self::LoadBalancer(load_balancer) => &load_balancer.annotations,
        }
    }

    /// The labels that the user wants on the Service.
    pub fn labels(&self) -> &std::collections::BTreeMap<String, String> {
        match self {
            Self::LoadBalancer(load_balancer) => &load_balancer.labels,
        }
    }

    /// Whether the user asked for anything but the defaults.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
