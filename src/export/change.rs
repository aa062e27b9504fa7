//! The resources before and after a run.

use krm::alignment::Sequence;
use krm::documents::{Document, FileResource, resources_of};
use krm::resource::{INDEX_ANNOTATIONS, Identity, PATH_ANNOTATIONS, Resource};
use serde_json::Value;
use yaml_splice::Tree;

use crate::runner::start_record::POD_START;
use crate::session_server::CONFIG_CHECKSUM;

/// Marks a resource that is not applied, such as an exported live Service: kustomize does not print
/// it.
const LOCAL: &str = "config.kubernetes.io/local-config";
/// Prefixes of the bookkeeping annotations that hosts of functions add to items. They are not in
/// any file.
const BOOKKEEPING: [&str; 2] = ["internal.config.kubernetes.io/", "config.k8s.io/"];

/// A resource before and after a run: one of the two is `None` if it is new or removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The resource before the run.
    pub before: Option<Value>,
    /// The resource after the run.
    pub after: Option<Value>,
    /// It is a member of an OpenShift Template.
    pub in_template: bool,
}

impl Change {
    /// The identity before the run; for a new resource, the one after.
    pub(super) fn identity(&self) -> Identity {
        let value = self.before.as_ref().or(self.after.as_ref());
        identity(value.unwrap_or(&Value::Null))
    }
}

/// The identity of a resource.
pub(super) fn identity(value: &Value) -> Identity {
    let text = |pointer: &str| {
        let found = value.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    Identity {
        api_version: text("/apiVersion"),
        kind: text("/kind"),
        name: text("/metadata/name"),
        namespace: text("/metadata/namespace"),
        ..Identity::default()
    }
}

/// Pairs the resources of files before and after a run. Files are given as (path, text), together
/// with their documents. `resources_now` maps the later resources to the earlier ones.
pub fn changes(
    before: (&[(&str, &str)], &[Document]),
    after: (&[(&str, &str)], &[Document]),
    resources_now: &Sequence,
) -> Vec<Change> {
    let (was, is) = (values(before), values(after));
    let pairs = resources_now.pairs(was.len()).into_iter().map(|pair| {
        let was = pair.before.and_then(|place| was.get(place));
        let is = pair.after.and_then(|place| is.get(place));
        Change {
            before: was.and_then(Found::manifest),
            after: is.and_then(Found::manifest),
            in_template: was.or(is).is_some_and(|one| one.in_template),
        }
    });
    let manifests = pairs.filter(|one| one.before.is_some() || one.after.is_some());
    let mut changes = join_again(manifests.collect());
    changes.iter_mut().for_each(keep_checksum);
    changes
}

/// Keeps the checksum of `config.toml` as it was if an init container writes that file. The
/// function updates the checksum on each run, which restarts the pods; an exported file would keep
/// it until the next export.
fn keep_checksum(change: &mut Change) {
    let Change { before, after, .. } = change;
    let Some(after) = after else {
        return;
    };
    let is_configured_at_start = after
        .pointer("/metadata/annotations")
        .is_some_and(|annotations| annotations.get(POD_START).is_some());
    if !is_configured_at_start {
        return;
    }
    for metadata in ["/spec/template/metadata", "/metadata"] {
        let had = before.as_ref().and_then(|before| {
            let annotations = before.pointer(metadata)?.get("annotations")?;
            Some(annotations.get(CONFIG_CHECKSUM).cloned())
        });
        let Some(Value::Object(metadata)) = after.pointer_mut(metadata) else {
            continue;
        };
        let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else {
            continue;
        };
        match had.clone().flatten() {
            Some(checksum) => annotations.insert(CONFIG_CHECKSUM.to_owned(), checksum),
            None => annotations.shift_remove(CONFIG_CHECKSUM),
        };
        if annotations.is_empty() && had.is_none() {
            metadata.shift_remove("annotations");
        }
    }
}

struct Found {
    value: Value,
    in_template: bool,
}

impl Found {
    /// Its value without the bookkeeping annotations of hosts; `None` if it is not applied.
    fn manifest(&self) -> Option<Value> {
        let mut value = self.value.clone();
        let Some(Value::Object(annotations)) = value.pointer_mut("/metadata/annotations") else {
            return Some(value);
        };
        if annotations.get(LOCAL).is_some_and(|local| local == "true") {
            return None;
        }
        let had_some = !annotations.is_empty();
        annotations.retain(|name, _| !is_bookkeeping(name));
        if let (true, Some(Value::Object(metadata))) = (
            annotations.is_empty() && had_some,
            value.get_mut("metadata"),
        ) {
            metadata.shift_remove("annotations");
        }
        Some(value)
    }
}

fn is_bookkeeping(annotation: &str) -> bool {
    BOOKKEEPING
        .iter()
        .any(|prefix| annotation.starts_with(prefix))
        || PATH_ANNOTATIONS.contains(&annotation)
        || INDEX_ANNOTATIONS.contains(&annotation)
}

fn values((files, documents): (&[(&str, &str)], &[Document])) -> Vec<Found> {
    let found = resources_of(files, documents).into_iter();
    let found = found.map(|resource: FileResource<'_>| Found {
        value: resource.item.value(),
        in_template: resource.path.starts_with("objects")
            && kind(resource.document.text(files)) == "Template",
    });
    found.collect()
}

fn kind(document: &str) -> String {
    let value = Tree::parse(document).and_then(|tree| tree.to_value());
    value
        .map(|value| Resource::new(0, value).identity.kind)
        .unwrap_or_default()
}

/// Treats a resource that one function removed and a later one added again as one resource. If the
/// name changed, it stays two: a patch finds its resource by name.
fn join_again(changes: Vec<Change>) -> Vec<Change> {
    let mut split = Vec::with_capacity(changes.len());
    for change in changes {
        match (change.before, change.after) {
            (Some(was), Some(is)) if identity(&was) != identity(&is) => {
                let alone = |before, after| Change {
                    before,
                    after,
                    in_template: change.in_template,
                };
                split.push(alone(Some(was), None));
                split.push(alone(None, Some(is)));
            }
            (before, after) => split.push(Change {
                before,
                after,
                in_template: change.in_template,
            }),
        }
    }
    let mut added: Vec<Change> = split
        .extract_if(.., |change| change.before.is_none())
        .collect();
    for change in split.iter_mut().filter(|change| change.after.is_none()) {
        let wanted = change.identity();
        if let Some(place) = added.iter().position(|new| new.identity() == wanted) {
            change.after = added.remove(place).after;
        }
    }
    split.append(&mut added);
    split
}
