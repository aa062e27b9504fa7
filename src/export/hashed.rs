//! Names that kustomize appends a content hash to: those of generated ConfigMaps and Secrets.
//!
//! kustomize appends the hash last. So a patch finds such a resource by its name without the hash,
//! and references to that name are updated later.

use std::collections::BTreeMap;

use krm::resource::without_hash;
use krm::results::field_path;
use serde_json::Value;

use super::change::{Change, identity};
use super::lists::{Schema, difference};

/// The names with a hash, mapped to those without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashedNames(BTreeMap<String, String>);

/// A resource that differs between two lists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{resource} {difference}")]
pub struct NotTheSame {
    /// The resource.
    pub resource: String,
    /// What differs.
    pub difference: String,
}

impl HashedNames {
    /// Collects the names of ConfigMaps and Secrets in a kustomization's output that look hashed.
    pub fn of<'v>(resources: impl IntoIterator<Item = &'v Value>) -> Self {
        let found = resources.into_iter().map(identity).filter_map(|found| {
            let is_generated = ["ConfigMap", "Secret"].contains(&found.kind.as_str());
            let without = without_hash(&found.name).filter(|_| is_generated)?;
            Some((found.name.clone(), without.to_owned()))
        });
        Self(found.collect())
    }

    /// Removes the hash wherever such a name is a complete value.
    pub fn remove_from(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(without) = self.0.get(text) {
                    text.clone_from(without);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.remove_from(item)),
            Value::Object(members) => members.values_mut().for_each(|one| self.remove_from(one)),
            _ => {}
        }
    }

    /// Removes the hashes from changes.
    pub fn remove_from_changes(&self, changes: &mut [Change]) {
        for change in changes {
            let values = [&mut change.before, &mut change.after];
            for value in values.into_iter().flatten() {
                self.remove_from(value);
            }
        }
    }
}

/// Compares the output of a kustomization with the expected resources, in any order. Null members,
/// and empty annotations and labels, count as absent: Kubernetes ignores them, and kustomize drops
/// them where it merges a patch.
///
/// # Errors
/// The first resource that differs.
pub fn compare(built: &[Value], expected: &[Value]) -> Result<(), NotTheSame> {
    let differs = |value: &Value, difference: &str| NotTheSame {
        resource: identity(value).to_string(),
        difference: difference.to_owned(),
    };
    let mut left: Vec<Value> = built.iter().map(without_empty_members).collect();
    for value in expected {
        let name = identity(value);
        let mut named = left.iter().enumerate();
        let wanted = without_empty_members(value);
        let Some((place, found)) = named.find(|(_, found)| identity(found) == name) else {
            return Err(differs(value, "is missing"));
        };
        let schema = Schema::of(&name.api_version, &name.kind);
        if let Some(pointer) = difference(schema, found, &wanted, &mut Vec::new()) {
            let difference = format!("has another {}", field_path(&pointer));
            return Err(differs(value, &difference));
        }
        left.swap_remove(place);
    }
    match left.first() {
        Some(more) => Err(differs(more, "should not be there")),
        None => Ok(()),
    }
}

fn without_empty_members(value: &Value) -> Value {
    let mut value = value.clone();
    remove_nulls(&mut value);
    if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
        let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
        metadata.retain(|name, value| {
            !(["annotations", "labels"].contains(&name.as_str()) && is_empty(value))
        });
    }
    value
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(remove_nulls);
        }
        _ => {}
    }
}
