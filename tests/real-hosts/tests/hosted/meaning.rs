//! What manifests mean, however they are written.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sequence::Manifests;

/// Resources by what identifies them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meaning(BTreeMap<[String; 4], Value>);

/// Lists whose members have keys, so that their order means nothing.
const KEYED: [&str; 5] = ["containers", "env", "ports", "volumeMounts", "volumes"];
/// Annotations about how something was written, for when it is restored.
const STYLE: [&str; 2] = [
    "runner-terminal.dev/empty-before",
    "runner-terminal.dev/written-before",
];
const CHECKSUM: &str = "runner-terminal.dev/config-checksum";

impl Meaning {
    pub(crate) fn of(manifests: &Manifests) -> Self {
        let mut resources = BTreeMap::new();
        for resource in manifests.meaning() {
            let text = |pointer| {
                let found = resource.pointer(pointer).and_then(Value::as_str);
                found.unwrap_or_default().to_owned()
            };
            let places = [
                "/apiVersion",
                "/kind",
                "/metadata/namespace",
                "/metadata/name",
            ];
            let name = places.map(text);
            let twin = resources.insert(name.clone(), canonical(resource));
            assert!(twin.is_none(), "there are two of {name:?} in\n{manifests}");
        }
        Self(resources)
    }

    /// The same wherever kustomize has put what it patched: it comes first in its list.
    pub(crate) fn in_any_order(&self) -> Self {
        self.map(|value| in_any_order(value, ""))
    }

    /// The same without the checksum of config.toml in pods, which `export` leaves out.
    pub(crate) fn without_checksum(&self) -> Self {
        self.map(|value| canonical(without_checksum(value)))
    }

    fn map(&self, change: impl Fn(Value) -> Value) -> Self {
        let resources = self.0.iter();
        Self(
            resources
                .map(|(name, value)| (name.clone(), change(value.clone())))
                .collect(),
        )
    }

    /// The resources that differ, one after the other.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let mut text = String::new();
        for name in self
            .0
            .keys()
            .chain(other.0.keys().filter(|name| !self.0.contains_key(*name)))
        {
            let (one, two) = (self.0.get(name), other.0.get(name));
            if one != two {
                let shown = |value: Option<&Value>| {
                    value.map_or_else(|| "none".to_owned(), ToString::to_string)
                };
                text.push_str(&format!("{name:?}:\n  {}\n  {}\n", shown(one), shown(two)));
            }
        }
        text
    }
}

/// The same without members that mean that there is nothing, in the order of their names.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .into_iter()
                .map(|(name, value)| (name, canonical(value)))
                .filter(|(name, value)| !is_nothing(name, value))
                .collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        other => other,
    }
}

fn is_nothing(name: &str, value: &Value) -> bool {
    let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
    let is_empty = is_empty && ["annotations", "labels"].contains(&name);
    value.is_null() || is_empty || STYLE.contains(&name)
}

fn in_any_order(value: Value, name: &str) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = in_any_order(value, &name);
                (name, value)
            })
            .collect(),
        Value::Array(items) => {
            let mut items: Vec<_> = items
                .into_iter()
                .map(|item| in_any_order(item, ""))
                .collect();
            if KEYED.contains(&name) {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        other => other,
    }
}

fn without_checksum(mut value: Value) -> Value {
    for metadata in ["/spec/template/metadata", "/metadata"] {
        let annotations = value.pointer_mut(&format!("{metadata}/annotations"));
        if let Some(Value::Object(annotations)) = annotations {
            annotations.remove(CHECKSUM);
        }
    }
    value
}
