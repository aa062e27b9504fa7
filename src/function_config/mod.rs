//! The functionConfig: what a user asks for.

mod advertise_address;
mod api_version;
mod configure;
mod convert;
mod network_policy;
mod reader;
mod session_server;
mod verify_terminals;
mod wrapped;

use serde::Deserialize;
use serde_json::Value;

use crate::fields::{ConfigError, did_you_mean};

pub use advertise_address::{
    AddressKind, AdvertiseAddress, AdvertiseAddressSpec, Source, WhenPending,
};
pub use api_version::ApiVersion;
pub use configure::{ConfigureAt, ConfigureSpec, PullPolicy, StartWhenPending};
pub use convert::{ConvertError, Converted, convert};
pub use network_policy::{Expression, NetworkPolicySpec, Operator, Selector};
pub use reader::Reader;
pub use session_server::{Replicas, SessionServer, SessionServerSpec};
pub use verify_terminals::{VerifyTerminals, VerifyTerminalsSpec};
pub use wrapped::unused;

/// The group and version of the functionConfigs that this project makes itself.
pub const API_VERSION: &str = ApiVersion::WRITTEN.as_str();

/// A functionConfig of this project.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionConfig {
    /// `kind: SessionServer`: add the session server to the runners of the list.
    SessionServer(Box<SessionServer>),
    /// `kind: AdvertiseAddress`: fill in the address that the live Service has been given.
    AdvertiseAddress(AdvertiseAddress),
    /// `kind: VerifyTerminals`: check the finished manifests, and change nothing.
    VerifyTerminals(VerifyTerminals),
}

/// The kinds by name.
const KINDS: [&str; 3] = ["SessionServer", "AdvertiseAddress", "VerifyTerminals"];

/// The resource around a spec. Hosts add fields of their own to its metadata.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    spec: Value,
}

impl Envelope {
    fn name(&self) -> String {
        let name = self.metadata.get("name").and_then(Value::as_str);
        name.unwrap_or_default().to_owned()
    }
}

impl FunctionConfig {
    /// Reads a functionConfig.
    ///
    /// # Errors
    /// An apiVersion that is not served, an unknown kind or field, or a value of the wrong type, with
    /// the field's path.
    pub fn parse(value: &Value) -> Result<Self, ConfigError> {
        let value = ApiVersion::of(value)?.conversion().read(value)?;
        let kind = value.get("kind").and_then(Value::as_str);
        match kind.unwrap_or_default() {
            "SessionServer" => {
                SessionServer::parse(&value).map(|config| Self::SessionServer(Box::new(config)))
            }
            "AdvertiseAddress" => AdvertiseAddress::parse(&value).map(Self::AdvertiseAddress),
            "VerifyTerminals" => VerifyTerminals::parse(&value).map(Self::VerifyTerminals),
            other => Err(ConfigError::new(
                "kind",
                format!(
                    "is {other:?}{}; this function reads {}",
                    did_you_mean(other, KINDS),
                    KINDS.join(", ")
                ),
            )),
        }
    }
}
