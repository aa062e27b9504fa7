//! A duration as people write it.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Whole seconds, at least one, read from `30m`, `1h30m`, or a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u32);

/// `5m`, `1h 30m`
impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        humantime::format_duration(Duration::from_secs(self.0.into())).fmt(f)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let seconds = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => humantime::parse_duration(text)
                .ok()
                .filter(|duration| duration.subsec_nanos() == 0)
                .map(|duration| duration.as_secs()),
            _ => None,
        };
        seconds
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0)
            .map(Self)
            .ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "{value} is not a length of time: write whole seconds (1800) or a duration (30m, 1h30m)"
                ))
            })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Seconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Whole seconds, or a duration such as 30m or 1h30m.",
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]
        })
    }
}
