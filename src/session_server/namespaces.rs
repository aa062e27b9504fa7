//! Namespaces that manifests may leave out.

/// True where two resources may be in one namespace: a manifest that names none goes where the others
/// go.
pub(super) fn may_be_one(one: &str, other: &str) -> bool {
    one == other || one.is_empty() || other.is_empty()
}
