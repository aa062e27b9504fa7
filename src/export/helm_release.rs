//! The post-renderer of a Flux HelmRelease.
//!
//! It patches what the chart renders, but cannot add resources. New resources become files beside
//! the HelmRelease.
//!
//! Source: `spec.postRenderers` in Flux's `helm.toolkit.fluxcd.io/v2`.

use krm::resource::Identity;
use serde_json::{Value, json};

use super::change::{Change, identity};
use super::component::{added, inline, target};
use super::compose::Export;
use super::documents::{EditedDocumentError, Wanted};
use super::files::{ExportedFile, KUSTOMIZATION, Names, head, is_ours};

const GROUP: &str = "helm.toolkit.fluxcd.io";
const KIND: &str = "HelmRelease";
const RENDERERS: &str = "/spec/postRenderers";

/// Why a HelmRelease cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum HelmReleaseError {
    /// Its file cannot be edited.
    #[error(transparent)]
    Document(#[from] EditedDocumentError),
    /// A field does not have the type that Flux defines.
    #[error("{path}: {field} of the HelmRelease is not {expected}")]
    Field {
        /// The path of the file, as given.
        path: String,
        /// The field.
        field: String,
        /// The expected type.
        expected: &'static str,
    },
}

/// The patches of a post-renderer. The text of each begins with the export marker.
pub fn post_renderer(export: &Export) -> Vec<Value> {
    let patches = export.patches.iter();
    let patches =
        patches.map(|patch| json!({"target": target(&patch.target), "patch": inline(patch)}));
    patches.collect()
}

/// The lines of a HelmRelease that has this post-renderer; empty where there are no patches.
pub fn post_renderer_lines(export: &Export) -> String {
    let patches = post_renderer(export);
    match patches.is_empty() {
        true => String::new(),
        false => yaml_splice::document(&json!({
            "spec": {"postRenderers": [{"kustomize": {"patches": patches}}]}
        })),
    }
}

/// The files beside the HelmRelease: a kustomization with the new resources. Empty if there are
/// none. Resources without a namespace get the namespace of the release, if it is known.
pub fn release_files(export: &Export, namespace: Option<&str>) -> Vec<ExportedFile> {
    if export.added.is_empty() {
        return Vec::new();
    }
    let mut export = export.clone();
    if let Some(namespace) = namespace {
        for one in &mut export.added {
            set_namespace(&mut one.value, namespace);
        }
    }
    let mut lines = head(
        "what belongs beside the HelmRelease, whose post-renderer adds no resources",
        None,
    );
    lines
        .push_str("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n");
    let mut files = Vec::new();
    for (file, purpose) in added(&export, &mut Names::default()) {
        let purpose = krm::text::printable(&purpose).into_owned();
        lines.push_str(&format!(
            "# {purpose}\n{}",
            yaml_splice::document(&json!([file.name]))
        ));
        files.push(file);
    }
    files.push(ExportedFile {
        name: KUSTOMIZATION.to_owned(),
        text: lines,
    });
    files
}

/// Sets the namespace of a namespaced resource, and of the service accounts that it binds, if they
/// have none.
fn set_namespace(value: &mut Value, namespace: &str) {
    let kind = value
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_of_cluster = ["ClusterRole", "ClusterRoleBinding", "Namespace"].contains(&kind);
    if !is_of_cluster && let Some(Value::Object(metadata)) = value.get_mut("metadata") {
        metadata
            .entry("namespace")
            .or_insert_with(|| json!(namespace));
    }
    let subjects = value.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten() {
        let is_account = subject
            .get("kind")
            .is_some_and(|kind| kind == "ServiceAccount");
        if let (true, Some(subject)) = (is_account, subject.as_object_mut()) {
            subject
                .entry("namespace")
                .or_insert_with(|| json!(namespace));
        }
    }
}

/// A release's file with these patches, and the namespace into which the release is installed.
///
/// Patches that an export wrote are replaced. The user's own patches stay, and so do comments and
/// layout. The first export adds a separate renderer after those of the user.
///
/// # Errors
/// The file has no HelmRelease or several, or cannot be edited.
pub fn set_post_renderer(
    path: &str,
    text: &str,
    patches: Vec<Value>,
) -> Result<(String, Option<String>), HelmReleaseError> {
    let release = Wanted::find(path, text, KIND, GROUP)?;
    let namespace = ["/spec/targetNamespace", "/metadata/namespace"];
    let namespace = namespace
        .iter()
        .find_map(|field| release.value.pointer(field)?.as_str());
    let namespace = namespace.map(str::to_owned);
    let renderers = renderers(path, &release.value)?;
    let operations = operations(&renderers, &release.value, patches);
    Ok((release.edited(operations)?, namespace))
}

/// A resource of rendered manifests of which none is in the namespace of the release. Charts may name
/// another namespace for some of their resources, but what is all elsewhere was rendered for another
/// release.
pub fn elsewhere(changes: &[Change], namespace: &str) -> Option<String> {
    let resources = changes.iter().filter_map(|change| change.before.as_ref());
    let with_namespace: Vec<Identity> = resources
        .map(identity)
        .filter(|identity| !identity.namespace.is_empty())
        .collect();
    let is_elsewhere = |identity: &Identity| identity.namespace != namespace;
    let first = with_namespace.first()?;
    with_namespace
        .iter()
        .all(is_elsewhere)
        .then(|| first.to_string())
}

/// The patches of each renderer.
fn renderers(path: &str, release: &Value) -> Result<Vec<Vec<Value>>, HelmReleaseError> {
    let fault = |field: String, expected| HelmReleaseError::Field {
        path: path.to_owned(),
        field,
        expected,
    };
    if !release.get("spec").is_some_and(Value::is_object) {
        return Err(fault("spec".to_owned(), "a mapping"));
    }
    let list = match release.pointer(RENDERERS) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(fault("spec.postRenderers".to_owned(), "a list")),
    };
    let patches = list.iter().enumerate().map(|(index, renderer)| {
        match renderer.pointer("/kustomize/patches") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(patches)) => Ok(patches.clone()),
            Some(_) => {
                let field = format!("spec.postRenderers[{index}].kustomize.patches");
                Err(fault(field, "a list"))
            }
        }
    });
    patches.collect()
}

fn is_own(patch: &Value) -> bool {
    let text = patch.get("patch").and_then(Value::as_str);
    text.is_some_and(is_ours)
}

/// The operations that put our patches into the renderers.
fn operations(renderers: &[Vec<Value>], release: &Value, patches: Vec<Value>) -> Vec<Value> {
    let with_own: Vec<usize> = (0..renderers.len())
        .filter(|place| {
            renderers
                .get(*place)
                .is_some_and(|one| one.iter().any(is_own))
        })
        .collect();
    let mut operations = Vec::new();
    let Some((first, others)) = with_own.split_first() else {
        if patches.is_empty() {
            return operations;
        }
        let renderer = json!({"kustomize": {"patches": patches}});
        operations.push(if release.pointer(RENDERERS).is_some_and(Value::is_array) {
            json!({"op": "add", "path": format!("{RENDERERS}/-"), "value": renderer})
        } else {
            json!({"op": "add", "path": RENDERERS, "value": [renderer]})
        });
        return operations;
    };
    let mut emptied = Vec::new();
    for (place, new) in others
        .iter()
        .rev()
        .map(|place| (*place, Vec::new()))
        .chain([(*first, patches)])
    {
        let old = renderers.get(place).map_or(&[][..], Vec::as_slice);
        let is_emptied = new.is_empty() && old.iter().all(is_own);
        if is_emptied {
            emptied.push(place);
        } else {
            replace_own(old, new, place, &mut operations);
        }
    }
    // In descending order, so that the remaining indexes stay valid.
    if emptied.len() == renderers.len() && (0..renderers.len()).all(|place| is_bare(release, place))
    {
        operations.push(json!({"op": "remove", "path": RENDERERS}));
        return operations;
    }
    for place in emptied {
        let path = match is_bare(release, place) {
            true => format!("{RENDERERS}/{place}"),
            false => format!("{RENDERERS}/{place}/kustomize/patches"),
        };
        operations.push(json!({"op": "remove", "path": path}));
    }
    operations
}

/// True for a renderer with nothing but patches.
fn is_bare(release: &Value, place: usize) -> bool {
    let renderer = release.pointer(&format!("{RENDERERS}/{place}"));
    let len = |value: Option<&Value>| value.and_then(Value::as_object).map(serde_json::Map::len);
    len(renderer) == Some(1) && len(renderer.and_then(|one| one.get("kustomize"))) == Some(1)
}

/// Replaces our patches in a renderer that has others too.
fn replace_own(old: &[Value], new: Vec<Value>, place: usize, operations: &mut Vec<Value>) {
    let list = format!("{RENDERERS}/{place}/kustomize/patches");
    let own: Vec<usize> = (0..old.len())
        .filter(|index| old.get(*index).is_some_and(is_own))
        .collect();
    let mut new = new.into_iter();
    let mut surplus = Vec::new();
    let mut last = 0;
    for index in own {
        match new.next() {
            Some(patch) => {
                if old.get(index) != Some(&patch) {
                    let path = format!("{list}/{index}");
                    operations.push(json!({"op": "replace", "path": path, "value": patch}));
                }
                last = index + 1;
            }
            None => surplus.push(index),
        }
    }
    for index in surplus.into_iter().rev() {
        operations.push(json!({"op": "remove", "path": format!("{list}/{index}")}));
    }
    for (offset, patch) in new.enumerate() {
        let path = format!("{list}/{}", last + offset);
        operations.push(json!({"op": "add", "path": path, "value": patch}));
    }
}
