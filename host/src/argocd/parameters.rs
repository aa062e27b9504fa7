//! The parameters of an application: those that the plugin knows, their announcement to Argo CD, and
//! their values.

use std::collections::BTreeMap;
use std::env;

use serde_json::{Value, json};
use thiserror::Error;

use super::kind::ApplicationKind;

/// The type of a parameter's value, of the three that Argo CD has. All items are strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterType {
    Text,
    List,
    Map,
}

impl ParameterType {
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::List => "a list of texts",
            Self::Map => "a map of texts",
        }
    }

    /// The field of Argo CD's JSON that holds such a value.
    fn field(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::List => "array",
            Self::Map => "map",
        }
    }
}

/// A parameter that the plugin knows.
#[derive(Debug)]
struct Known {
    name: &'static str,
    value_type: ParameterType,
    /// `None` if it is for the functions, and so for every application: `plugin.yaml` announces it.
    announced: Option<Announced>,
}

/// A parameter for one kind of application, and how the user interface shows it.
#[derive(Debug)]
struct Announced {
    kind: ApplicationKind,
    title: &'static str,
    tooltip: &'static str,
}

/// All parameters.
const KNOWN: [Known; 19] = [
    for_functions("config", ParameterType::List),
    for_functions("exposure-type", ParameterType::Text),
    for_functions("exposure", ParameterType::Map),
    for_functions("advertise-address", ParameterType::Text),
    for_functions("session-timeout", ParameterType::Text),
    for_functions("replicas", ParameterType::Text),
    for_functions("runner-name", ParameterType::Text),
    for_functions("runner-selector", ParameterType::Text),
    for_functions("container", ParameterType::Text),
    for_functions("readers", ParameterType::List),
    for_functions("source", ParameterType::Text),
    for_functions("when-pending", ParameterType::Text),
    for_functions("wait-timeout", ParameterType::Text),
    for_functions("context", ParameterType::Text),
    Known {
        name: "helm-values-files",
        value_type: ParameterType::List,
        announced: Some(Announced {
            kind: ApplicationKind::Chart,
            title: "Values files",
            tooltip: "Files in the chart's folder, the later ones win.",
        }),
    },
    Known {
        name: "helm-values",
        value_type: ParameterType::Text,
        announced: Some(Announced {
            kind: ApplicationKind::Chart,
            title: "Values",
            tooltip: "YAML; it wins over the values files.",
        }),
    },
    Known {
        name: "helm-parameters",
        value_type: ParameterType::Map,
        announced: Some(Announced {
            kind: ApplicationKind::Chart,
            title: "Parameters",
            tooltip: "Single values by their path, as helm --set takes them.",
        }),
    },
    Known {
        name: "helm-release-name",
        value_type: ParameterType::Text,
        announced: Some(Announced {
            kind: ApplicationKind::Chart,
            title: "Release name",
            tooltip: "Empty - the application's name.",
        }),
    },
    Known {
        name: "recurse",
        value_type: ParameterType::Text,
        announced: Some(Announced {
            kind: ApplicationKind::Directory,
            title: "Folders in the folder",
            tooltip: "true - the manifests in them as well.",
        }),
    },
];

const fn for_functions(name: &'static str, value_type: ParameterType) -> Known {
    Known {
        name,
        value_type,
        announced: None,
    }
}

/// The announcement of the parameters for one kind of application, as JSON.
pub(super) fn announcement(kind: ApplicationKind) -> String {
    let announced = KNOWN.iter().filter_map(|known| {
        let announced = known.announced.as_ref()?;
        let (title, tooltip) = (announced.title, announced.tooltip);
        let mut one = json!({"name": known.name, "title": title, "tooltip": tooltip});
        let (field, value) = match known.value_type {
            ParameterType::List => ("collectionType", "array"),
            ParameterType::Map => ("collectionType", "map"),
            ParameterType::Text if known.name == "recurse" => ("itemType", "boolean"),
            ParameterType::Text => ("itemType", "string"),
        };
        one.as_object_mut()?.insert(field.to_owned(), value.into());
        (announced.kind == kind).then_some(one)
    });
    format!("{}\n", json!(announced.collect::<Vec<_>>()))
}

/// The variable that holds their values, as a JSON array.
const VARIABLE: &str = "ARGOCD_APP_PARAMETERS";

/// Why parameters cannot be read.
#[derive(Debug, Error)]
pub(super) enum ParameterError {
    /// The variable is not JSON.
    #[error("{VARIABLE} is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// The variable is JSON, but not an array.
    #[error("{VARIABLE} is not a JSON array")]
    NotAnArray,
    /// The plugin has no such parameter.
    #[error("there is no parameter {name:?}; the parameters are {}", names().join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The parameter is for another kind of application.
    #[error(
        "the parameter {name} is for {}, and this application is {}",
        .of.plural(),
        .application.singular()
    )]
    OtherKind {
        /// The parameter.
        name: &'static str,
        /// The kind that it is for.
        of: ApplicationKind,
        /// The kind of this application.
        application: ApplicationKind,
    },
    /// The parameter is set twice.
    #[error("the parameter {0} is given twice")]
    Twice(&'static str),
    /// The value has the wrong type.
    #[error(
        "the parameter {name} is {}: give it as `{}`, and as nothing else",
        .expected.noun(),
        .expected.field()
    )]
    Type {
        /// The parameter.
        name: &'static str,
        /// The type that it should be of.
        expected: ParameterType,
    },
}

/// A parameter's value.
#[derive(Debug)]
enum ParameterValue {
    Text(String),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
}

/// The parameters that are set. An empty value, which the user interface may leave, does not count.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<&'static str, ParameterValue>);

/// True if the application has set a parameter that the plugin knows.
pub(super) fn are_set() -> bool {
    let text = env::var(VARIABLE).unwrap_or_default();
    let parameters: Value = serde_json::from_str(&text).unwrap_or_default();
    let parameters = parameters.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names = parameters
        .iter()
        .filter_map(|one| one.get("name")?.as_str());
    names.any(|name| find(name).is_some())
}

impl Parameters {
    /// Reads the parameters of the environment, for an application of this kind.
    ///
    /// # Errors
    ///
    /// A parameter is unknown, set twice, of the wrong type, or for another kind of application.
    pub(super) fn from_environment(kind: ApplicationKind) -> Result<Self, ParameterError> {
        Self::parse(&env::var(VARIABLE).unwrap_or_default(), kind)
    }

    fn parse(text: &str, kind: ApplicationKind) -> Result<Self, ParameterError> {
        let mut parameters = Self::default();
        if text.is_empty() {
            return Ok(parameters);
        }
        let array: Value = serde_json::from_str(text).map_err(ParameterError::NotJson)?;
        let array = match &array {
            Value::Null => return Ok(parameters),
            Value::Array(array) => array,
            _ => return Err(ParameterError::NotAnArray),
        };
        for item in array {
            let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
            let known = find(name).ok_or_else(|| ParameterError::Unknown {
                name: name.to_owned(),
            })?;
            if let Some(announced) = &known.announced
                && announced.kind != kind
            {
                return Err(ParameterError::OtherKind {
                    name: known.name,
                    of: announced.kind,
                    application: kind,
                });
            }
            let Some(value) = read(known, item)? else {
                continue;
            };
            if parameters.0.insert(known.name, value).is_some() {
                return Err(ParameterError::Twice(known.name));
            }
        }
        Ok(parameters)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            ParameterValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none if it is not set.
    pub(super) fn list(&self, name: &str) -> &[String] {
        match self.0.get(name) {
            Some(ParameterValue::List(list)) => list,
            _ => &[],
        }
    }

    /// The entries of a map, sorted; none if it is not set.
    pub(super) fn map(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = match self.0.get(name) {
            Some(ParameterValue::Map(map)) => Some(map),
            _ => None,
        };
        map.into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The names of the parameters that set fields of function configs.
    pub(super) fn for_functions(&self) -> Vec<&'static str> {
        let is_for_functions = |name: &&str| {
            *name != "config" && find(name).is_some_and(|known| known.announced.is_none())
        };
        self.0.keys().copied().filter(is_for_functions).collect()
    }
}

fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

fn names() -> Vec<&'static str> {
    KNOWN.iter().map(|known| known.name).collect()
}

/// Reads a value; `None` if it is empty.
fn read(known: &Known, item: &Value) -> Result<Option<ParameterValue>, ParameterError> {
    let member = |name: &str| item.get(name).filter(|value| !value.is_null());
    let (text, list, map) = (member("string"), member("array"), member("map"));
    let wrong_type = || ParameterError::Type {
        name: known.name,
        expected: known.value_type,
    };
    let string = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong_type);
    let value = match (known.value_type, text, list, map) {
        (_, None, None, None) if member("value").is_some() => return Err(wrong_type()),
        (_, None, None, None) => return Ok(None),
        (ParameterType::Text, Some(text), None, None) => ParameterValue::Text(string(text)?),
        (ParameterType::List, None, Some(Value::Array(list)), None) => {
            ParameterValue::List(list.iter().map(string).collect::<Result<_, _>>()?)
        }
        (ParameterType::Map, None, None, Some(Value::Object(map))) => {
            let entries = map
                .iter()
                .map(|(key, value)| Ok((key.clone(), string(value)?)));
            ParameterValue::Map(entries.collect::<Result<_, ParameterError>>()?)
        }
        _ => return Err(wrong_type()),
    };
    let is_empty = match &value {
        ParameterValue::Text(text) => text.is_empty(),
        ParameterValue::List(list) => list.is_empty(),
        ParameterValue::Map(map) => map.is_empty(),
    };
    Ok((!is_empty).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_read() {
        let text = r#"[{"name": "exposure-type", "string": "NodePort"},
            {"name": "readers", "array": ["a/b"]}, {"name": "exposure", "map": {"port": "9"}},
            {"name": "source", "string": ""}, {"name": "recurse", "string": "true"}]"#;
        let read = Parameters::parse(text, ApplicationKind::Directory).unwrap();
        assert_eq!(read.text("exposure-type"), Some("NodePort"));
        assert_eq!(read.list("readers"), ["a/b"]);
        assert_eq!(read.map("exposure").next(), Some(("port", "9")));
        assert_eq!(read.text("source"), None);
        assert_eq!(
            read.for_functions(),
            ["exposure", "exposure-type", "readers"]
        );
        for nothing in ["", "null", "[]"] {
            assert!(
                Parameters::parse(nothing, ApplicationKind::Chart)
                    .unwrap()
                    .0
                    .is_empty()
            );
        }
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        for (text, said) in [
            ("{}", "not a JSON array"),
            ("[", "is not JSON"),
            (r#"[{"name": "x"}]"#, "the parameters are config,"),
            (r#"[{"string": "x"}]"#, "no parameter \"\""),
            (
                r#"[{"name": "exposure", "string": "x"}]"#,
                "give it as `map`",
            ),
            (
                r#"[{"name": "replicas", "array": []}]"#,
                "is a text: give it",
            ),
            (
                r#"[{"name": "exposure-type", "value": "NodePort"}]"#,
                "is a text: give it as `string`",
            ),
            (
                r#"[{"name": "replicas", "string": "a"}, {"name": "replicas", "string": "b"}]"#,
                "twice",
            ),
            (
                r#"[{"name": "helm-values", "string": "a: b"}]"#,
                "is for charts, and this application is a folder of manifests",
            ),
        ] {
            let error = Parameters::parse(text, ApplicationKind::Directory).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
