//! The parameters of an application: those that the plugin knows, what Argo CD's user interface is
//! told of them, and what it hands on.

use std::collections::BTreeMap;
use std::env;

use serde_json::{Value, json};

use super::application::Sort;

/// What a parameter holds. Argo CD has these three forms; all values are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    List,
    Map,
}

/// A parameter that the plugin knows.
#[derive(Debug)]
struct Known {
    name: &'static str,
    form: Form,
    /// None where it is for the functions, and so for every application: `plugin.yaml` announces it.
    announced: Option<Announced>,
}

/// A parameter for one sort of application, and what the user interface shows of it.
#[derive(Debug)]
struct Announced {
    sort: Sort,
    title: &'static str,
    tooltip: &'static str,
}

/// All of them.
const KNOWN: [Known; 19] = [
    of_functions("config", Form::List),
    of_functions("exposure-type", Form::Text),
    of_functions("exposure", Form::Map),
    of_functions("advertise-address", Form::Text),
    of_functions("session-timeout", Form::Text),
    of_functions("replicas", Form::Text),
    of_functions("runner-name", Form::Text),
    of_functions("runner-selector", Form::Text),
    of_functions("container", Form::Text),
    of_functions("readers", Form::List),
    of_functions("source", Form::Text),
    of_functions("when-pending", Form::Text),
    of_functions("wait-timeout", Form::Text),
    of_functions("context", Form::Text),
    Known {
        name: "helm-values-files",
        form: Form::List,
        announced: Some(Announced {
            sort: Sort::Chart,
            title: "Values files",
            tooltip: "Files in the chart's folder, the later ones win.",
        }),
    },
    Known {
        name: "helm-values",
        form: Form::Text,
        announced: Some(Announced {
            sort: Sort::Chart,
            title: "Values",
            tooltip: "YAML; it wins over the values files.",
        }),
    },
    Known {
        name: "helm-parameters",
        form: Form::Map,
        announced: Some(Announced {
            sort: Sort::Chart,
            title: "Parameters",
            tooltip: "Single values by their path, as helm --set takes them.",
        }),
    },
    Known {
        name: "helm-release-name",
        form: Form::Text,
        announced: Some(Announced {
            sort: Sort::Chart,
            title: "Release name",
            tooltip: "Empty - the application's name.",
        }),
    },
    Known {
        name: "recurse",
        form: Form::Text,
        announced: Some(Announced {
            sort: Sort::Directory,
            title: "Folders in the folder",
            tooltip: "true - the manifests in them as well.",
        }),
    },
];

const fn of_functions(name: &'static str, form: Form) -> Known {
    Known {
        name,
        form,
        announced: None,
    }
}

/// The announcement of those for one sort of application, as JSON.
pub(super) fn announcement(sort: Sort) -> String {
    let announced = KNOWN.iter().filter_map(|known| {
        let announced = known.announced.as_ref()?;
        let (title, tooltip) = (announced.title, announced.tooltip);
        let mut one = json!({"name": known.name, "title": title, "tooltip": tooltip});
        let (field, value) = match known.form {
            Form::List => ("collectionType", "array"),
            Form::Map => ("collectionType", "map"),
            Form::Text if known.name == "recurse" => ("itemType", "boolean"),
            Form::Text => ("itemType", "string"),
        };
        one.as_object_mut()?.insert(field.to_owned(), value.into());
        (announced.sort == sort).then_some(one)
    });
    format!("{}\n", json!(announced.collect::<Vec<_>>()))
}

/// The JSON array in which Argo CD gives them.
const VARIABLE: &str = "ARGOCD_APP_PARAMETERS";

/// A parameter's value.
#[derive(Debug)]
enum Given {
    Text(String),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
}

/// The parameters that are set. An empty value, as the user interface may leave it, is none.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<&'static str, Given>);

/// True when the application has set a parameter that the plugin knows.
pub(super) fn are_given() -> bool {
    let text = env::var(VARIABLE).unwrap_or_default();
    let given: Value = serde_json::from_str(&text).unwrap_or_default();
    let given = given.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names = given.iter().filter_map(|one| one.get("name")?.as_str());
    names.any(|name| find(name).is_some())
}

impl Parameters {
    /// Reads those of the environment, for an application of this sort.
    ///
    /// # Errors
    ///
    /// A sentence that names the parameter: it is unknown, given twice or in another form, or it is
    /// for another sort of application.
    pub(super) fn from_environment(sort: Sort) -> Result<Self, String> {
        Self::parse(&env::var(VARIABLE).unwrap_or_default(), sort)
    }

    fn parse(text: &str, sort: Sort) -> Result<Self, String> {
        let mut parameters = Self::default();
        if text.is_empty() {
            return Ok(parameters);
        }
        let given: Value = serde_json::from_str(text)
            .map_err(|error| format!("{VARIABLE} is not JSON: {error}"))?;
        let given = match &given {
            Value::Null => return Ok(parameters),
            Value::Array(given) => given,
            _ => return Err(format!("{VARIABLE} is no JSON array")),
        };
        for one in given {
            let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
            let known = find(name).ok_or_else(|| unknown(name))?;
            if let Some(announced) = &known.announced
                && announced.sort != sort
            {
                return Err(format!(
                    "the parameter {name} is for {}, and this application is {}",
                    announced.sort.plural(),
                    sort.singular()
                ));
            }
            let Some(value) = read(known, one)? else {
                continue;
            };
            if parameters.0.insert(known.name, value).is_some() {
                return Err(format!("the parameter {name} is given twice"));
            }
        }
        Ok(parameters)
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Given::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A list; empty where there is none.
    pub(super) fn list(&self, name: &str) -> &[String] {
        match self.0.get(name) {
            Some(Given::List(list)) => list,
            _ => &[],
        }
    }

    /// The entries of a map, sorted; none where there is no map.
    pub(super) fn map(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = match self.0.get(name) {
            Some(Given::Map(map)) => Some(map),
            _ => None,
        };
        map.into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The names of those that say what the functions are to do.
    pub(super) fn of_functions(&self) -> Vec<&'static str> {
        let of_functions = |name: &&str| {
            *name != "config" && find(name).is_some_and(|known| known.announced.is_none())
        };
        self.0.keys().copied().filter(of_functions).collect()
    }
}

fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

fn unknown(name: &str) -> String {
    let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
    format!(
        "there is no parameter {name:?}; the parameters are {}",
        names.join(", ")
    )
}

/// Reads a value; none where it is empty.
fn read(known: &Known, one: &Value) -> Result<Option<Given>, String> {
    let member = |name: &str| one.get(name).filter(|value| !value.is_null());
    let (text, list, map) = (member("string"), member("array"), member("map"));
    let wrong = || {
        let (form, field) = match known.form {
            Form::Text => ("a text", "string"),
            Form::List => ("a list", "array"),
            Form::Map => ("a map", "map"),
        };
        let name = known.name;
        format!(
            "the parameter {name} is {form} of texts: give it as `{field}`, and as nothing else"
        )
        .replace("a text of texts", "a text")
    };
    let of_text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
    let value = match (known.form, text, list, map) {
        (_, None, None, None) => return Ok(None),
        (Form::Text, Some(text), None, None) => Given::Text(of_text(text)?),
        (Form::List, None, Some(Value::Array(list)), None) => {
            Given::List(list.iter().map(of_text).collect::<Result<_, _>>()?)
        }
        (Form::Map, None, None, Some(Value::Object(map))) => Given::Map(
            map.iter()
                .map(|(key, value)| Ok((key.clone(), of_text(value)?)))
                .collect::<Result<_, String>>()?,
        ),
        _ => return Err(wrong()),
    };
    let is_empty = match &value {
        Given::Text(text) => text.is_empty(),
        Given::List(list) => list.is_empty(),
        Given::Map(map) => map.is_empty(),
    };
    Ok((!is_empty).then_some(value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let text = r#"[{"name": "exposure-type", "string": "NodePort"},
            {"name": "readers", "array": ["a/b"]}, {"name": "exposure", "map": {"port": "9"}},
            {"name": "source", "string": ""}, {"name": "recurse", "string": "true"}]"#;
        let read = Parameters::parse(text, Sort::Directory).unwrap();
        assert_eq!(read.text("exposure-type"), Some("NodePort"));
        assert_eq!(read.list("readers"), ["a/b"]);
        assert_eq!(read.map("exposure").next(), Some(("port", "9")));
        assert_eq!(read.text("source"), None);
        assert_eq!(
            read.of_functions(),
            ["exposure", "exposure-type", "readers"]
        );
        for nothing in ["", "null", "[]"] {
            assert!(
                Parameters::parse(nothing, Sort::Chart)
                    .unwrap()
                    .0
                    .is_empty()
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("{}", "no JSON array"),
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
                r#"[{"name": "replicas", "string": "a"}, {"name": "replicas", "string": "b"}]"#,
                "twice",
            ),
            (
                r#"[{"name": "helm-values", "string": "a: b"}]"#,
                "is for charts, and this application is a folder of manifests",
            ),
        ] {
            let error = Parameters::parse(text, Sort::Directory).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
