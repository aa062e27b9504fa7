//! A TCP port.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A port number from 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(transparent)
)]
pub struct Port(#[cfg_attr(feature = "schema", schemars(range(min = 1)))] pub u16);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        value
            .as_u64()
            .and_then(|number| u16::try_from(number).ok())
            .filter(|port| *port > 0)
            .map(Self)
            .ok_or_else(|| {
                let is_quoted = value
                    .as_str()
                    .is_some_and(|text| text.parse::<u16>().is_ok());
                let how = if is_quoted { ", without quotes" } else { "" };
                serde::de::Error::custom(format!(
                    "{value} is not a port: a port is a number from 1 to 65535{how}"
                ))
            })
    }
}
