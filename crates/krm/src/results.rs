//! The `results` of a ResourceList.

use std::collections::BTreeMap;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::Internal;
use crate::resource::{Identity, display_name};
use crate::text;
use yaml_splice::pointer::name_of;

/// A tag of a result whose message ends with manifests to apply: the message without them, for hosts
/// that show one line.
pub const SUMMARY_TAG: &str = "runner-terminal.dev/summary";

/// The severities of the KRM Functions Specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was done that the user may want to know about.
    Info,
    /// The output is right, and something more is needed before the terminal works.
    Warning,
    /// Nothing was changed: the process exits with 1.
    Error,
}

/// One entry of `results`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionResult {
    /// What is wrong or was done, and what to do about it.
    pub message: String,
    /// Whether it is an error.
    pub severity: Severity,
    /// The resource it is about.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "resource_ref"
    )]
    pub resource_ref: Option<Identity>,
    /// The field it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    /// The file that the resource came from, where the list says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// Further facts, for programs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The field of the functionConfig that it is about, by its path from the root.
    #[serde(skip)]
    pub config_field: Option<String>,
    /// The YAML manifests at the end of the message, to be applied; usually empty.
    #[serde(skip)]
    pub manifests: String,
}

/// The `field` of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// `spec.template.spec.containers[0].ports`
    #[serde(serialize_with = "printable")]
    pub path: String,
    /// The current value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_value: Option<serde_json::Value>,
    /// The correct value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed_value: Option<serde_json::Value>,
}

/// The `file` of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// The path that the host put into the resource's annotations.
    #[serde(serialize_with = "printable")]
    pub path: String,
    /// The document's place in that file, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

/// A result of severity error: the reason why nothing is done.
pub type Refusal = Box<FunctionResult>;

impl From<Internal> for Refusal {
    fn from(error: Internal) -> Self {
        Self::new(FunctionResult::error(error.to_string()))
    }
}

impl FunctionResult {
    /// A result without a subject yet. Its message is one line: a name in it can neither start
    /// another line nor control a terminal.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            message: text::printable(&message.into()).into_owned(),
            severity,
            resource_ref: None,
            field: None,
            file: None,
            tags: BTreeMap::new(),
            config_field: None,
            manifests: String::new(),
        }
    }

    /// A result with [`Severity::Info`].
    pub fn info(message: impl Into<String>) -> Self {
        Self::new(Severity::Info, message)
    }

    /// A result with [`Severity::Warning`].
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    /// A result with [`Severity::Error`].
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// A result about a field of the functionConfig, by its path from the root.
    pub fn about_config(severity: Severity, field: &str, message: &str) -> Self {
        let mut result = Self::new(severity, format!("functionConfig {field}: {message}"));
        result.config_field = Some(field.to_owned());
        result
    }

    /// A refusal about a field of the functionConfig, by its path from the root.
    pub fn refuse_config(field: &str, message: &str) -> Refusal {
        Box::new(Self::about_config(Severity::Error, field, message))
    }

    /// The same result, with manifests to apply, if any, after its message. They keep their lines.
    #[must_use]
    pub fn with_manifests(mut self, manifests: &str) -> Self {
        if manifests.is_empty() {
            return self;
        }
        self.manifests = text::lines(manifests).into_owned();
        let message = format!("{}:\n\n{}", self.message, self.manifests);
        let summary = std::mem::replace(&mut self.message, message);
        self.tagged(SUMMARY_TAG, &summary)
    }

    /// The message without manifests.
    pub fn summary(&self) -> &str {
        self.tags.get(SUMMARY_TAG).unwrap_or(&self.message)
    }

    /// The same result, about a resource.
    #[must_use]
    pub fn about(mut self, resource: &Identity) -> Self {
        self.resource_ref = Some(resource.clone());
        self.file = resource.path.clone().map(|path| File {
            path,
            index: resource.index,
        });
        self
    }

    /// The same result, about a field.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.field = Some(Field {
            path: path.into(),
            current_value: None,
            proposed_value: None,
        });
        self
    }

    /// The same result, with a tag.
    #[must_use]
    pub fn tagged(mut self, tag: &str, value: &str) -> Self {
        self.tags.insert(tag.to_owned(), value.to_owned());
        self
    }

    /// The same result, with the field's current value and the requested one.
    #[must_use]
    pub fn values(
        mut self,
        current: impl Into<serde_json::Value>,
        proposed: impl Into<serde_json::Value>,
    ) -> Self {
        if let Some(field) = &mut self.field {
            field.current_value = Some(current.into());
            field.proposed_value = Some(proposed.into());
        }
        self
    }
}

/// What a message is about: `Deployment ci/runner, spec.replicas, in runner.yaml`. Empty if it has
/// no subject.
pub fn place(resource: Option<String>, field: Option<&str>, file: Option<&str>) -> String {
    let field = field.map(str::to_owned);
    let file = file.map(|file| format!("in {file}"));
    let parts: Vec<String> = [resource, field, file].into_iter().flatten().collect();
    parts.join(", ")
}

/// `/spec/containers/0/ports` as `spec.containers[0].ports`, the form that results use.
pub fn field_path(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        let token = name_of(token);
        let is_index = !token.is_empty() && token.chars().all(|c| c.is_ascii_digit());
        if is_index || token.contains(['.', '/']) {
            path.push_str(&format!("[{token}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&token);
        }
    }
    path
}

/// `warning: Deployment ci/runner, spec.replicas (file.yaml): message`
impl std::fmt::Display for FunctionResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: ")?;
        let resource = self.resource_ref.as_ref();
        let resource = resource.map(|one| display_name(&one.kind, &one.name, &one.namespace));
        let place = place(
            resource,
            self.field.as_ref().map(|field| field.path.as_str()),
            self.file.as_ref().map(|file| file.path.as_str()),
        );
        if !place.is_empty() {
            write!(f, "{}: ", text::printable(&place))?;
        }
        f.write_str(&self.message)
    }
}

/// Serialises a resource as `resourceRef`.
fn resource_ref<S: Serializer>(
    resource: &Option<Identity>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Some(resource) = resource else {
        return serializer.serialize_none();
    };
    let mut members = serializer.serialize_map(None)?;
    let fields = [
        ("apiVersion", resource.api_version.as_str()),
        ("kind", &resource.kind),
        ("name", &resource.name),
        ("namespace", &resource.namespace),
    ];
    for (field, value) in fields {
        if field != "namespace" || !value.is_empty() {
            members.serialize_entry(field, &text::printable(value))?;
        }
    }
    members.end()
}

/// Escapes text, as programs print these fields directly.
fn printable<S: Serializer>(value: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text::printable(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_forges_no_line() {
        let hostile = "x\r\n::error::y\u{1b}[31m\u{202e}\u{2028}";
        let identity = Identity {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: hostile.to_owned(),
            namespace: hostile.to_owned(),
            path: Some(hostile.to_owned()),
            index: None,
        };
        let result = FunctionResult::error(hostile).about(&identity).at(hostile);
        let shown = [
            result.to_string(),
            serde_json::to_string(&result).unwrap(),
            FunctionResult::error(hostile)
                .with_manifests(&format!("a\n{hostile}"))
                .message
                .replace('\n', " "),
        ];
        for text in shown {
            assert!(!text.contains(text::steers), "{text:?}");
        }
    }

    #[test]
    fn manifests_after_a_message_stay_lines() {
        let result = FunctionResult::error("may not").with_manifests("kind: Role\n---\na: b\n");
        assert_eq!(result.message, "may not:\n\nkind: Role\n---\na: b\n");
        assert_eq!(result.manifests, "kind: Role\n---\na: b\n");
        assert_eq!(result.summary(), "may not");
        let result = FunctionResult::error("one:\n\ntwo").with_manifests("");
        assert_eq!(result.message, r"one:\u{a}\u{a}two");
        assert_eq!(result.summary(), result.message);
    }
}
