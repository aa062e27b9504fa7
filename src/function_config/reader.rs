//! Who may read a session server's Service.

use serde::{Deserialize, Deserializer};

use crate::fields::ConfigError;
use crate::fields::metadata::is_dns_label;

/// A service account that may read the address of the session server's Service: one that runs the
/// function AdvertiseAddress.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with namespace and serviceAccount"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reader {
    /// The service account's namespace.
    #[serde(deserialize_with = "namespace")]
    #[cfg_attr(
        feature = "schema",
        schemars(
            length(min = 1, max = 63),
            regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
        )
    )]
    pub namespace: String,
    /// The service account's name.
    #[serde(deserialize_with = "service_account")]
    #[cfg_attr(
        feature = "schema",
        schemars(
            length(min = 1, max = 253),
            regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
        )
    )]
    pub service_account: String,
}

/// Refuses a reader that is named twice.
pub(super) fn check_distinct(path: &str, readers: &[Reader]) -> Result<(), ConfigError> {
    for (index, reader) in readers.iter().enumerate() {
        if let Some(first) = readers.iter().take(index).position(|other| other == reader) {
            return Err(ConfigError::new(
                format!("{path}[{index}]"),
                format!("is the same as {path}[{first}]: name each service account once"),
            ));
        }
    }
    Ok(())
}

fn namespace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() <= 63 && is_dns_label(&text) {
        return Ok(text);
    }
    Err(serde::de::Error::custom(format!(
        "{text:?} is no namespace: its name has 1 to 63 lower-case letters, digits and \"-\", and \
         begins and ends with a letter or digit"
    )))
}

fn service_account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() <= 253 && text.split('.').all(is_dns_label) {
        return Ok(text);
    }
    Err(serde::de::Error::custom(format!(
        "{text:?} is no service account: its name has 1 to 253 lower-case letters, digits, \"-\" \
         and \".\", and each part between dots begins and ends with a letter or digit"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::read;
    use serde_json::json;

    fn parse(namespace: &str, name: &str) -> Result<Reader, ConfigError> {
        let value = json!({"namespace": namespace, "serviceAccount": name});
        read("spec.readers[0]", &value)
    }

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let long = |length: usize| "a".repeat(length);
        for namespace in ["argocd", "0", "a-1", &long(63)] {
            assert!(parse(namespace, "reader").is_ok(), "{namespace}");
        }
        for namespace in ["", "a.b", "A", "-a", "a-", "a_b", "ä", " a", &long(64)] {
            let error = parse(namespace, "reader").unwrap_err();
            assert_eq!(error.path, "spec.readers[0].namespace", "{namespace}");
        }
        for name in ["argocd-repo-server", "a.b", "0.1", &long(64), &long(253)] {
            assert!(parse("argocd", name).is_ok(), "{name}");
        }
        for name in ["", "a..b", ".a", "a.", "a.-b", "a:b", "A", &long(254)] {
            let error = parse("argocd", name).unwrap_err();
            assert_eq!(error.path, "spec.readers[0].serviceAccount", "{name}");
        }
    }

    #[test]
    fn a_reader_is_named_once() {
        let reader = |name: &str| parse("argocd", name).unwrap();
        let distinct = [reader("a"), reader("b")];
        assert_eq!(check_distinct("spec.readers", &distinct), Ok(()));
        let twice = [reader("a"), reader("b"), reader("a")];
        let error = check_distinct("spec.readers", &twice).unwrap_err();
        assert_eq!(error.path, "spec.readers[2]");
        assert!(error.message.contains("spec.readers[0]"));
    }
}
