//! `resources` of a container.

use serde_json::{Map, Value};

use super::ConfigError;

/// Checks for values with which the API server would reject the whole workload.
///
/// Source: `ResourceRequirements` in Kubernetes' `core/v1` API.
pub(crate) fn check_resources(
    resources: &Map<String, Value>,
    path: &str,
) -> Result<(), ConfigError> {
    for (field, value) in resources {
        let path = format!("{path}.{field}");
        let is_quantity = |value: &Value| value.is_string() || value.is_number();
        let is_right = match (field.as_str(), value) {
            ("claims", value) => value.is_array(),
            ("limits" | "requests", Value::Object(amounts)) => amounts.values().all(is_quantity),
            ("limits" | "requests", _) => false,
            _ => {
                return Err(ConfigError::new(
                    path,
                    "is no field of a container's resources: write limits or requests",
                ));
            }
        };
        if !is_right {
            return Err(ConfigError::new(
                path,
                format!("{value} is not a mapping of resources, such as {{memory: 32Mi}}"),
            ));
        }
    }
    Ok(())
}
