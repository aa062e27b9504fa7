//! The patches and new resources that turn the input into the function's output.

use json_patch::PatchOperation;
use krm::bookkeeping::OWNED_BY;
use krm::resource::Identity;
use serde_json::{Map, Value, json};

use super::change::{Change, identity};
use super::lists::{Schema, is_same};
use super::operations;
use super::purpose::{purpose, purpose_of_added};
use super::strategic::{self, DIRECTIVE};
use crate::digest::sha256;

/// What the function changes, as data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Export {
    /// The resources that it adds, in their order.
    pub added: Vec<Added>,
    /// Patches of the resources that it changes or removes, in the order in which they apply.
    pub patches: Vec<Patch>,
}

/// A new resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// The resource.
    pub value: Value,
    /// Its purpose, in one line.
    pub purpose: String,
    /// The sha256 of the resource that it is a copy of; `None` if it is not a copy.
    pub made_from: Option<String>,
}

/// A patch of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// The resource.
    pub target: Identity,
    /// Its purpose, in one line.
    pub purpose: String,
    /// The sha256 of the texts that it replaces; `None` if it replaces none, and so cannot become
    /// outdated.
    pub made_from: Option<String>,
    /// The format of the patch.
    pub form: Form,
}

/// The format of a patch.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A strategic merge patch, with the resource's `apiVersion`, `kind` and `metadata`.
    Strategic(Value),
    /// RFC 6902 operations.
    Operations(Vec<Value>),
}

/// Whether the data of Secrets may be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// A patch with data of a Secret is refused.
    Refuse,
    /// Such a patch is written.
    Include,
}

/// Why a change cannot be expressed as patches, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The resource is a member of an OpenShift Template.
    #[error(
        "{resource} is in a Template, which kustomize does not expand: export what `oc process` makes \
         of the Template"
    )]
    InTemplate {
        /// The resource.
        resource: String,
    },
    /// The resource has no name by which a patch could find it.
    #[error("{kind} has no metadata.name, by which a patch finds its resource: give it one")]
    NoName {
        /// Its kind.
        kind: String,
    },
    /// The resource gets its kind from the list around it.
    #[error(
        "a resource named {name:?} has no kind, which kustomize needs: write apiVersion and kind into \
         each item of its list"
    )]
    NoKind {
        /// Its name.
        name: String,
    },
    /// A new resource exists already.
    #[error(
        "{resource} is there already, and a kustomization holds a resource once: leave it out of the \
         manifests, or mark an exported live one by the annotation config.kubernetes.io/local-config: 'true'"
    )]
    IsThere {
        /// The resource.
        resource: String,
    },
    /// Two resources of the input have the same identity.
    #[error(
        "{resource} is there twice, and a patch would apply to both: leave one out, or set \
         metadata.namespace in each"
    )]
    Twice {
        /// The resource.
        resource: String,
    },
    /// The config.toml is in a Secret, and would be copied into a file.
    #[error(
        "{resource} holds data that would be copied into a file that people commit, with the tokens in \
         it: set configure.at: PodStart in the functionConfig, with which no file holds the data, or \
         include the data of Secrets"
    )]
    Secret {
        /// The resource.
        resource: String,
    },
    /// Neither format of patch produces the function's output.
    #[error(
        "what the function changes in {resource} cannot be said in a patch: run the function itself, by \
         kustomize or by runner-terminal apply-to"
    )]
    Inexpressible {
        /// The resource.
        resource: String,
    },
}

/// Composes the patches and new resources for changes. The result is deterministic.
///
/// # Errors
/// [`ExportError`] for the first change that cannot be expressed.
pub fn export(changes: &[Change], secrets: Secrets) -> Result<Export, ExportError> {
    let mut export = Export::default();
    for change in changes.iter().filter(|one| one.before != one.after) {
        let target = change.identity();
        if change.in_template {
            return Err(ExportError::InTemplate {
                resource: target.to_string(),
            });
        }
        if target.kind.is_empty() || target.api_version.is_empty() {
            return Err(ExportError::NoKind { name: target.name });
        }
        if target.name.is_empty() {
            return Err(ExportError::NoName { kind: target.kind });
        }
        if secrets == Secrets::Refuse && copies_a_secret(change) {
            return Err(ExportError::Secret {
                resource: target.to_string(),
            });
        }
        match (&change.before, &change.after) {
            (None, Some(value)) => {
                let is_it = |one: &Change| {
                    one.before
                        .as_ref()
                        .is_some_and(|one| identity(one) == target)
                };
                if changes.iter().any(is_it) {
                    return Err(ExportError::IsThere {
                        resource: target.to_string(),
                    });
                }
                export.added.push(Added {
                    value: value.clone(),
                    purpose: purpose_of_added(value),
                    made_from: copied_from(value, changes),
                });
            }
            (Some(before), after) => {
                must_be_alone(&target, changes)?;
                export
                    .patches
                    .extend(patches(target, before, after.as_ref())?);
            }
            (None, None) => {}
        }
    }
    Ok(export)
}

/// A patch without a namespace selects resources in all namespaces.
fn must_be_alone(target: &Identity, changes: &[Change]) -> Result<(), ExportError> {
    let others = changes.iter().filter(|change| {
        let other = change.before.as_ref().map(identity);
        other.is_some_and(|other| {
            (&other.kind, &other.name, other.group())
                == (&target.kind, &target.name, target.group())
                && (target.namespace.is_empty() || target.namespace == other.namespace)
        })
    });
    match others.count() {
        0 | 1 => Ok(()),
        _ => Err(ExportError::Twice {
            resource: target.to_string(),
        }),
    }
}

/// True if data of a Secret would be copied into a patch or a new resource.
fn copies_a_secret(change: &Change) -> bool {
    let data = |value: &Option<Value>, member: &str| {
        let data = value.as_ref().and_then(|value| value.get(member));
        data.and_then(Value::as_object).cloned().unwrap_or_default()
    };
    change.identity().kind == "Secret"
        && ["data", "stringData"].iter().any(|member| {
            let (was, is) = (data(&change.before, member), data(&change.after, member));
            is.iter().any(|(key, value)| was.get(key) != Some(value))
        })
}

/// The patches that turn one resource into the function's output.
fn patches(
    target: Identity,
    before: &Value,
    after: Option<&Value>,
) -> Result<Vec<Patch>, ExportError> {
    let patch = |form, made_from| Patch {
        purpose: purpose(&target, &form),
        target: target.clone(),
        made_from,
        form,
    };
    let Some(after) = after else {
        let mut gone = Map::from_iter([(DIRECTIVE.to_owned(), json!("delete"))]);
        gone.extend(target.skeleton());
        return Ok(vec![patch(Form::Strategic(Value::Object(gone)), None)]);
    };
    let inexpressible = || ExportError::Inexpressible {
        resource: target.to_string(),
    };
    let made_from = replaced_texts(before, after);
    let schema = Schema::of(&target.api_version, &target.kind);
    let mut patches = Vec::new();
    let mut now = before.clone();
    if schema != Schema::Unknown {
        let (Some(was), Some(is)) = (now.as_object_mut(), after.as_object()) else {
            return Err(inexpressible());
        };
        let difference = strategic::difference(schema, was, is, &mut Vec::new());
        if !difference.is_empty() {
            strategic::apply(schema, was, &difference, &mut Vec::new());
            let whole = with_identity(&target, difference);
            patches.push(patch(Form::Strategic(whole), made_from.clone()));
        }
    }
    let operations = operations::between(schema, &now, after);
    if !operations.is_empty() {
        let applied: Result<Vec<PatchOperation>, _> =
            serde_json::from_value(Value::Array(operations.clone()));
        let applied = applied.map_err(|_| inexpressible())?;
        json_patch::patch(&mut now, &applied).map_err(|_| inexpressible())?;
        patches.push(patch(Form::Operations(operations), made_from));
    }
    if !is_same(schema, &now, after, &mut Vec::new()) {
        return Err(inexpressible());
    }
    Ok(patches)
}

/// Adds the identity of the resource, which a strategic merge patch needs.
fn with_identity(target: &Identity, mut patch: Map<String, Value>) -> Value {
    let mut whole = target.skeleton();
    if let (Some(Value::Object(metadata)), Some(Value::Object(changed))) =
        (whole.get_mut("metadata"), patch.shift_remove("metadata"))
    {
        metadata.extend(changed);
    }
    whole.extend(patch);
    Value::Object(whole)
}

/// The checksum of the multi-line texts and encoded data that a patch replaces, such as the user's
/// `config.toml`.
fn replaced_texts(before: &Value, after: &Value) -> Option<String> {
    let mut texts = String::new();
    collect_replaced(before, after, false, &mut texts);
    (!texts.is_empty()).then(|| sha256(&texts))
}

fn collect_replaced(before: &Value, after: &Value, is_data: bool, texts: &mut String) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, new) in after {
                let is_data = is_data || ["data", "stringData"].contains(&key.as_str());
                if let Some(old) = before.get(key) {
                    collect_replaced(old, new, is_data, texts);
                }
            }
        }
        (Value::String(old), Value::String(new))
            if old != new && (is_data || new.contains('\n')) =>
        {
            texts.push_str(old);
        }
        _ => {}
    }
}

/// The checksum of the resources that a new one is copied from: the workloads and configurations
/// that change along with it. The function's own resources are not copies.
fn copied_from(value: &Value, changes: &[Change]) -> Option<String> {
    let annotations = value.pointer("/metadata/annotations");
    if annotations.is_some_and(|annotations| annotations.get(OWNED_BY).is_some()) {
        return None;
    }
    let kind = identity(value).kind;
    let changed = changes.iter().filter(|one| one.before != one.after);
    let sources = changed.filter_map(|one| one.before.as_ref());
    let sources = sources.filter(|before| identity(before).kind == kind);
    let texts: String = sources.map(Value::to_string).collect();
    Some(sha256(&texts))
}
