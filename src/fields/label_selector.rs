//! Kubernetes label selectors in their text form.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// `app=runner,tier!=test,env in (a, b),!legacy`, as for `kubectl -l`. An empty selector matches
/// everything.
///
/// Source: Kubernetes' documentation, "Labels and Selectors".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
}

impl LabelSelector {
    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let requirements = split_outside_parentheses(text)
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Requirement::parse)
            .collect::<Option<Vec<_>>>()?;
        Some(Self { requirements })
    }

    /// True when a resource with these labels is selected.
    pub fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        let label = |key: &str| labels.and_then(|labels| labels.get(key)?.as_str());
        self.requirements
            .iter()
            .all(|requirement| match requirement {
                Requirement::In(key, values) => {
                    label(key).is_some_and(|value| values.iter().any(|v| v == value))
                }
                Requirement::NotIn(key, values) => {
                    label(key).is_none_or(|value| values.iter().all(|v| v != value))
                }
                Requirement::Exists(key) => label(key).is_some(),
                Requirement::DoesNotExist(key) => label(key).is_none(),
            })
    }
}

impl Requirement {
    fn parse(text: &str) -> Option<Self> {
        if let Some(key) = text.strip_prefix('!') {
            return Some(Self::DoesNotExist(word(key)?));
        }
        if let Some((key, value)) = text.split_once("!=") {
            return Some(Self::NotIn(word(key)?, vec![value_word(value)?]));
        }
        if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
            return Some(Self::In(word(key)?, vec![value_word(value)?]));
        }
        let Some((head, list)) = text.split_once('(') else {
            return Some(Self::Exists(word(text)?));
        };
        let values = list
            .strip_suffix(')')?
            .split(',')
            .map(value_word)
            .collect::<Option<Vec<_>>>()?;
        let mut words = head.split_whitespace();
        let (key, operator) = (word(words.next()?)?, words.next()?);
        match (operator, words.next()) {
            ("in", None) => Some(Self::In(key, values)),
            ("notin", None) => Some(Self::NotIn(key, values)),
            _ => None,
        }
    }
}

fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    (!text.is_empty() && text.chars().all(allowed)).then(|| text.to_owned())
}

/// A label's value may be empty.
fn value_word(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        Some(String::new())
    } else {
        word(text)
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|c: char| {
        inside = match c {
            '(' => true,
            ')' => false,
            _ => inside,
        };
        c == ',' && !inside
    })
    .collect()
}

impl<'de> Deserialize<'de> for LabelSelector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is no label selector: write it as `kubectl -l` takes it, such as app=runner,tier!=test"
            ))
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for LabelSelector {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LabelSelector".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A label selector in its text form, as `kubectl -l` takes it.",
            "type": "string"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_as_kubectl_does() {
        let labels = serde_json::json!({"app": "runner", "env": "b", "empty": ""});
        let labels = labels.as_object();
        for (text, selected) in [
            ("", true),
            ("app=runner", true),
            ("app==runner", true),
            ("app=other", false),
            ("app!=other,env in (a, b)", true),
            ("env notin (a,b)", false),
            ("app,!legacy", true),
            ("!app", false),
            ("empty=", true),
            ("missing=", false),
            ("missing!=x", true),
        ] {
            let selector = LabelSelector::parse(text).unwrap();
            assert_eq!(selector.matches(labels), selected, "{text}");
        }
    }

    #[test]
    fn refuses_what_kubectl_refuses() {
        for text in [
            "a b", "in (a)", "a in b", "a in (b", "a is (b)", "=x", "a=b c",
        ] {
            assert_eq!(LabelSelector::parse(text), None, "{text}");
        }
    }
}
