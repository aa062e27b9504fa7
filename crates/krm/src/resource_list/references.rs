//! Resolves names to objects of a list.
//!
//! In a cluster, a namespace and a name identify an object. In manifests, the namespace may be missing
//! on one side, and kustomize may have renamed the object but not yet the reference.

use super::{ReadError, ResourceList};
use crate::resource::{Resource, without_hash};

impl ResourceList<'_> {
    /// The objects of this kind that the reference `name` in `from` means.
    ///
    /// Several are returned only if they are indistinguishable. The rules, in order:
    ///
    /// 1. An object in the same namespace comes before one where either namespace is missing; an
    ///    object in another namespace never matches.
    /// 2. Among several, those with the same kustomize prefixes and suffixes as `from` come first.
    /// 3. An object of that very name comes before one that had it before kustomize renamed it.
    ///
    /// # Errors
    /// An item that mentions the name and cannot be parsed.
    pub fn referenced(
        &self,
        kind: &str,
        name: &str,
        from: &Resource,
    ) -> Result<Vec<Resource>, ReadError> {
        if name.is_empty() {
            return Ok(Vec::new());
        }
        let namespace = from.identity.namespace.as_str();
        let exact = self.named(kind, name, namespace);
        let exact: Vec<Resource> = exact
            .map(|item| self.resource(item))
            .collect::<Result<_, _>>()?;
        let is_settled = |object: &Resource| from.shares_renames(object) == 2;
        if exact.iter().any(is_settled) || !exact.is_empty() && !self.has_renamed_items() {
            return Ok(exact);
        }
        let mut found = Vec::new();
        for item in self.candidates(&[kind], without_hash(name).unwrap_or(name)) {
            let object = self.resource(item)?;
            if object.identity.kind == kind
                && is_compatible(&object.identity.namespace, namespace)
                && object.answers_to(name)
            {
                found.push(object);
            }
        }
        keep_best(&mut found, |object| object.identity.namespace == namespace);
        keep_best(&mut found, |object| from.shares_renames(object));
        keep_best(&mut found, |object| object.identity.name == name);
        Ok(found)
    }

    /// True when the reference `name` in `from` means this object.
    ///
    /// # Errors
    /// As [`Self::referenced`].
    pub fn refers_to(
        &self,
        from: &Resource,
        name: &str,
        object: &Resource,
    ) -> Result<bool, ReadError> {
        if !object.answers_to(name) {
            return Ok(false);
        }
        let meant = self.referenced(&object.identity.kind, name, from)?;
        Ok(meant.iter().any(|other| other.item == object.item))
    }
}

/// True if two objects may be in the same namespace: a manifest without one gets its namespace when
/// it is applied.
pub fn is_compatible(one: &str, other: &str) -> bool {
    one == other || one.is_empty() || other.is_empty()
}

/// Keeps the objects with the highest rank.
fn keep_best<R: Ord>(objects: &mut Vec<Resource>, rank: impl Fn(&Resource) -> R) {
    if let Some(best) = objects.iter().map(&rank).max() {
        objects.retain(|object| rank(object) == best);
    }
}
