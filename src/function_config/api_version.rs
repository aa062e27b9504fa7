//! The versions of the API: `runner-terminal.dev/v1alpha1` and those after it.
//!
//! Works like Kubernetes' own API versioning: each served version has a conversion into the types
//! of this folder, and the rest of the function knows only these types. The policy is in
//! `docs/api-versions.md`.

use std::borrow::Cow;
use std::fmt;

use json_patch::PatchOperation;
use serde_json::Value;

use crate::fields::ConfigError;

/// A served version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// `runner-terminal.dev/v1alpha1`
    V1Alpha1,
    /// `runner-terminal.dev/v1beta1`
    V1Beta1,
}

impl ApiVersion {
    /// All served versions, oldest first.
    pub const SERVED: [Self; 2] = [Self::V1Alpha1, Self::V1Beta1];

    /// The version of the functionConfigs that this project generates.
    pub const WRITTEN: Self = Self::V1Alpha1;

    /// The newest version, the default target of conversions.
    pub const NEWEST: Self = Self::V1Beta1;

    /// `runner-terminal.dev/v1alpha1`, as written in a functionConfig.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1Alpha1 => "runner-terminal.dev/v1alpha1",
            Self::V1Beta1 => "runner-terminal.dev/v1beta1",
        }
    }

    /// `v1alpha1`, the short name.
    pub fn name(self) -> &'static str {
        let text = self.as_str();
        text.split_once('/').map_or(text, |(_, name)| name)
    }

    /// Parses a version as written in a functionConfig, or its short name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::SERVED
            .into_iter()
            .find(|version| [version.as_str(), version.name()].contains(&text))
    }

    /// The version of a functionConfig.
    ///
    /// # Errors
    /// It has none, or one that is not served.
    pub fn of(config: &Value) -> Result<Self, ConfigError> {
        let text = config.get("apiVersion").and_then(Value::as_str);
        let text = text.unwrap_or_default();
        let is_it = |version: &Self| version.as_str() == text;
        Self::SERVED.into_iter().find(is_it).ok_or_else(|| {
            ConfigError::new(
                "apiVersion",
                format!("is {text:?}; this function reads {}", Self::list("and")),
            )
        })
    }

    /// The served versions as a phrase, joined by `and` or `or`.
    pub fn list(word: &str) -> String {
        Self::SERVED.map(Self::as_str).join(&format!(" {word} "))
    }

    /// Why functionConfigs should use another version; `None` if this one is not deprecated.
    pub fn warning(self) -> Option<String> {
        self.deprecated().map(|period| period.warning(self))
    }

    /// The deprecation of a version. None is deprecated today.
    const fn deprecated(self) -> Option<Deprecated> {
        match self {
            Self::V1Alpha1 | Self::V1Beta1 => None,
        }
    }

    /// How its fields map to those of the types here, and back.
    pub(super) const fn conversion(self) -> Conversion {
        match self {
            // The fields are the same.
            Self::V1Alpha1 | Self::V1Beta1 => Conversion {
                to_types: |_| Vec::new(),
                from_types: |_| Vec::new(),
            },
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The conversion of a version. The same operations parse a functionConfig and rewrite its text, so
/// that the text keeps its meaning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion {
    /// The operations that turn the fields of a functionConfig of this version into those of the
    /// types.
    pub(super) to_types: fn(&Value) -> Vec<PatchOperation>,
    /// The operations that turn such fields into those of this version.
    pub(super) from_types: fn(&Value) -> Vec<PatchOperation>,
}

impl Conversion {
    /// A functionConfig of this version with the fields of the types.
    pub(super) fn read(self, config: &Value) -> Result<Cow<'_, Value>, ConfigError> {
        let operations = (self.to_types)(config);
        if operations.is_empty() {
            return Ok(Cow::Borrowed(config));
        }
        patched(config, &operations).map(Cow::Owned)
    }

    /// The operations that convert a functionConfig of this version to version `to`.
    pub(super) fn operations(
        self,
        to: Self,
        config: &Value,
    ) -> Result<Vec<PatchOperation>, ConfigError> {
        let mut operations = (self.to_types)(config);
        let types = patched(config, &operations)?;
        operations.extend((to.from_types)(&types));
        Ok(operations)
    }
}

/// Conversions only touch fields that exist, so their operations always apply.
fn patched(config: &Value, operations: &[PatchOperation]) -> Result<Value, ConfigError> {
    let mut config = config.clone();
    json_patch::patch(&mut config, operations).map_err(|error| {
        ConfigError::new(
            error.path.to_string(),
            "cannot be converted to this version",
        )
    })?;
    Ok(config)
}

/// The deprecation of a version.
#[derive(Clone, Copy, Debug)]
struct Deprecated {
    /// The first version of runner-terminal that warns about it.
    since: &'static str,
    /// The first version that no longer reads it.
    until: &'static str,
}

impl Deprecated {
    fn warning(self, version: ApiVersion) -> String {
        format!(
            "{version} is deprecated since runner-terminal {}, and {} \
             does not read it any more; `runner-terminal convert --in-place FILE` makes it {}",
            self.since,
            self.until,
            ApiVersion::NEWEST
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yaml_splice::Tree;

    #[test]
    fn a_version_is_read_in_both_spellings() {
        for version in ApiVersion::SERVED {
            assert_eq!(ApiVersion::parse(version.as_str()), Some(version));
            assert_eq!(ApiVersion::parse(version.name()), Some(version));
        }
        for text in ["", "v1", "runner-terminal.dev/", "example.com/v1beta1"] {
            assert_eq!(ApiVersion::parse(text), None, "{text}");
        }
    }

    /// A functionConfig has the group too.
    #[test]
    fn an_unknown_version_is_refused_with_those_that_are_served() {
        for text in ["v1alpha1", "runner-terminal.dev/v1", ""] {
            let config = serde_json::json!({"apiVersion": text, "kind": "SessionServer"});
            let error = ApiVersion::of(&config).unwrap_err();
            assert_eq!(error.path, "apiVersion");
            assert_eq!(
                error.message,
                format!(
                    "is {text:?}; this function reads runner-terminal.dev/v1alpha1 and \
                     runner-terminal.dev/v1beta1"
                )
            );
        }
    }

    #[test]
    fn the_newest_is_the_last_that_is_served() {
        assert_eq!(ApiVersion::SERVED.last(), Some(&ApiVersion::NEWEST));
        assert!(ApiVersion::WRITTEN.warning().is_none());
        assert!(ApiVersion::NEWEST.warning().is_none());
    }

    /// The operations that move a field, if it exists.
    fn moved(config: &Value, from: &'static str, to: &'static str) -> Vec<PatchOperation> {
        let Some(value) = config.pointer(from) else {
            return Vec::new();
        };
        let operations = serde_json::json!([
            {"op": "remove", "path": from},
            {"op": "add", "path": to, "value": value},
        ]);
        serde_json::from_value(operations).unwrap()
    }

    /// How a version that renames a field will work: the same operations parse it and rewrite its
    /// text.
    #[test]
    fn a_field_of_another_name_is_read_and_rewritten() {
        const OTHER: Conversion = Conversion {
            to_types: |config| moved(config, "/spec/address", "/spec/advertiseAddress"),
            from_types: |config| moved(config, "/spec/advertiseAddress", "/spec/address"),
        };
        let value = |text: &str| Tree::parse(text).unwrap().to_value().unwrap();
        let same = ApiVersion::V1Alpha1.conversion();
        let text = "# ours\nkind: SessionServer\nspec:\n  enabled:   true   # on\n  \
            advertiseAddress: a.example.com\n# end\n";
        let there = same.operations(OTHER, &value(text)).unwrap();
        let there = yaml_splice::apply(text, &there).unwrap();
        assert_eq!(there, text.replace("advertiseAddress", "address"));
        let back = OTHER.operations(same, &value(&there)).unwrap();
        assert_eq!(yaml_splice::apply(&there, &back).unwrap(), text);

        let config = value(&there);
        let read = OTHER.read(&config).unwrap();
        assert_eq!(*read, value(text));
        assert!(matches!(same.read(&config), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn a_warning_says_until_when_and_what_to_do() {
        let period = Deprecated {
            since: "0.3.0",
            until: "0.6.0",
        };
        assert_eq!(
            period.warning(ApiVersion::V1Alpha1),
            "runner-terminal.dev/v1alpha1 is deprecated since \
             runner-terminal 0.3.0, and 0.6.0 does not read it any more; `runner-terminal convert \
             --in-place FILE` makes it runner-terminal.dev/v1beta1"
        );
    }
}
