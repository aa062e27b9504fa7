//! The object that holds a runner's `config.toml`, named by the user.

use serde::Deserialize;

use super::ConfigError;

/// The object and the key that hold the runner's `config.toml`, for runners whose manifests do not
/// tell: an init container joins several files, or an operator creates the object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with name, and kind or key where they are not ConfigMap and config.toml"
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigReference {
    /// The object's kind. `ConfigMap` when not set.
    #[serde(default)]
    pub kind: HolderKind,
    /// The object's name; its namespace is the runner's.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub name: String,
    /// The key of the object that holds the file.
    #[serde(default = "default_key")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub key: String,
}

/// The kinds of objects that can hold a `config.toml`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HolderKind {
    /// `data` of a ConfigMap.
    #[default]
    ConfigMap,
    /// `stringData` or `data` of a Secret.
    Secret,
    /// `spec.target.template.data` of an ExternalSecret.
    ExternalSecret,
    /// `spec.template.data` of a SealedSecret.
    SealedSecret,
}

impl HolderKind {
    /// The kind as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ExternalSecret => "ExternalSecret",
            Self::SealedSecret => "SealedSecret",
        }
    }
}

fn default_key() -> String {
    "config.toml".to_owned()
}

impl ConfigReference {
    /// Refuses a reference that names nothing.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for (field, value) in [("name", &self.name), ("key", &self.key)] {
            if value.is_empty() {
                return Err(ConfigError::new(
                    format!("spec.config.{field}"),
                    "is empty: name the object and the key that hold config.toml",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use serde_json::json;

    fn parse(value: serde_json::Value) -> Result<ConfigReference, ConfigError> {
        let reference: ConfigReference = read("spec.config", &value)?;
        reference.check()?;
        Ok(reference)
    }

    #[test]
    fn only_the_name_has_no_default() {
        let reference = parse(json!({"name": "runner"})).unwrap();
        assert_eq!(reference.kind, HolderKind::ConfigMap);
        assert_eq!(reference.key, "config.toml");
        let all = parse(json!({"kind": "SealedSecret", "name": "r", "key": "a.toml"})).unwrap();
        assert_eq!(
            (all.kind.as_str(), all.key.as_str()),
            ("SealedSecret", "a.toml")
        );
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for (value, path) in [
            (json!({}), "spec.config.name"),
            (json!({"name": ""}), "spec.config.name"),
            (json!({"name": "r", "key": ""}), "spec.config.key"),
            (json!({"name": "r", "kind": "Pod"}), "spec.config.kind"),
            (
                json!({"name": "r", "namespace": "ci"}),
                "spec.config.namespace",
            ),
        ] {
            assert_eq!(parse(value.clone()).unwrap_err().path, path, "{value}");
        }
        assert_eq!(parse(json!("runner")).unwrap_err().path, "spec.config");
    }
}
