//! What a container sees at a path: the volume that is mounted there.

use serde_json::Value;

use super::environment::{environment, expand};
use super::file_path::{FilePath, same, segments};
use crate::runner::Workload;
use crate::runner::workload::text;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// A place in a volume.
#[derive(Debug)]
pub(super) struct Mounted<'w> {
    /// The volume's name.
    pub(super) volume: &'w str,
    /// The path in the volume.
    pub(super) relative: Vec<String>,
}

/// A volume, by its content.
#[derive(Debug)]
pub(super) enum Volume<'w> {
    /// Keys of ConfigMaps and Secrets. If two have the same path, the first one wins.
    Objects(Vec<ObjectSource<'w>>),
    /// An empty folder at the pod's start.
    Empty,
    /// A volume whose content is not in the manifests, in words: `the volume claim runner`.
    Outside(String),
    /// The pod has no volume of this name.
    Undeclared,
}

/// A ConfigMap or Secret in a volume.
#[derive(Clone, Debug)]
pub(super) struct ObjectSource<'w> {
    pub(super) volume: &'w str,
    pub(super) kind: &'static str,
    pub(super) name: &'w str,
    /// `items:` of the source: key and path. `None` when every key is shown under its own name.
    items: Option<Vec<(&'w str, &'w str)>>,
    /// JSON pointer of the source in the workload.
    pub(super) pointer: String,
}

/// The mount that provides a path: its index among the container's mounts, the mount, and the path
/// below it. If there are several, the longest `mountPath` wins.
pub(super) fn mount_at<'w, 'p>(
    container: &'w Value,
    path: &'p FilePath,
) -> Option<(usize, &'w Value, &'p [String])> {
    let mut best: Option<(usize, &Value, &[String])> = None;
    for (place, mount) in mounts(container).enumerate() {
        let Some(below) = path.below(&FilePath::parse(text(mount, "mountPath"))) else {
            continue;
        };
        if best.is_none_or(|(.., shortest)| below.len() < shortest.len()) {
            best = Some((place, mount, below));
        }
    }
    best
}

/// The volume that a container sees at a path.
///
/// # Errors
/// A `subPathExpr` with a variable that is not in the manifests.
pub(super) fn mounted_at<'w>(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: &'w Value,
    path: &FilePath,
) -> Result<Option<Mounted<'w>>, Refusal> {
    let Some((_, mount, below)) = mount_at(container, path) else {
        return Ok(None);
    };
    let mut relative = sub_path(list, workload, container, mount).map_err(|variable| {
        Box::new(
            FunctionResult::error(format!(
                "subPathExpr {:?} has the variable {variable}, whose value is not in the manifests, \
                 so the file that the runner reads is not known: name the object in spec.config of \
                 the functionConfig",
                text(mount, "subPathExpr")
            ))
            .about(&workload.resource.identity)
            .at(field_path(&workload.pod_pointer("/spec/containers"))),
        )
    })?;
    relative.extend_from_slice(below);
    Ok(Some(Mounted {
        volume: text(mount, "name"),
        relative,
    }))
}

/// The path at which a container sees a place of a volume.
pub(super) fn path_of(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: &Value,
    volume: &str,
    relative: &[String],
) -> Option<FilePath> {
    mounts(container)
        .filter(|mount| text(mount, "name") == volume)
        .find_map(|mount| {
            let above = sub_path(list, workload, container, mount).ok()?;
            let (start, below) = relative.split_at_checked(above.len())?;
            same(start, &above, false)
                .then(|| FilePath::parse(text(mount, "mountPath")).child(below))
        })
}

/// The volumes that a container mounts.
pub(super) fn volumes_of(container: &Value) -> impl Iterator<Item = (&str, FilePath)> {
    mounts(container).map(|mount| {
        (
            text(mount, "name"),
            FilePath::parse(text(mount, "mountPath")),
        )
    })
}

fn mounts(container: &Value) -> impl Iterator<Item = &Value> {
    let mounts = container.get("volumeMounts").and_then(Value::as_array);
    mounts.into_iter().flatten()
}

/// `subPath`, or `subPathExpr` with its variables expanded. The error is the name of an unknown
/// variable.
fn sub_path(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: &Value,
    mount: &Value,
) -> Result<Vec<String>, String> {
    let expression = text(mount, "subPathExpr");
    if expression.is_empty() {
        return Ok(segments(text(mount, "subPath"), false));
    }
    match expand(expression, &environment(list, workload, container)) {
        (path, None) => Ok(segments(&path, false)),
        (_, Some(unknown)) => Err(unknown),
    }
}

/// The segments of a mount's `subPath` or `subPathExpr`, not expanded.
pub(super) fn written_sub_path(mount: &Value) -> Vec<String> {
    let fields = ["subPathExpr", "subPath"].map(|field| text(mount, field));
    let written = fields.into_iter().find(|written| !written.is_empty());
    segments(written.unwrap_or_default(), false)
}

/// The content of a volume of the pod.
pub(super) fn volume<'w>(workload: &'w Workload, name: &'w str) -> Volume<'w> {
    let volumes = workload.pod("/spec/volumes").and_then(Value::as_array);
    let found = volumes
        .into_iter()
        .flatten()
        .enumerate()
        .find(|(_, volume)| text(volume, "name") == name);
    let Some((index, volume)) = found else {
        return match claim_template(workload, name) {
            true => Volume::Outside(format!("the volume claim that the template {name} makes")),
            false => Volume::Undeclared,
        };
    };
    let pointer = workload.pod_pointer(&format!("/spec/volumes/{index}"));
    if let Some(source) = source(name, volume, pointer.clone()) {
        return Volume::Objects(vec![source]);
    }
    if let Some(parts) = volume.at("/projected/sources").and_then(Value::as_array) {
        let sources = parts.iter().enumerate().rev().filter_map(|(place, part)| {
            source(name, part, format!("{pointer}/projected/sources/{place}"))
        });
        return Volume::Objects(sources.collect());
    }
    outside(volume).map_or(Volume::Empty, Volume::Outside)
}

/// How long the data that is written to a volume is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// The volume is read-only: the kubelet or a driver provides its content.
    ReadOnly,
    /// As long as the pod.
    Pod,
    /// It outlives the pod, and belongs to the pods of one workload.
    Claimed,
    /// It outlives the pod, and may be shared with others.
    Shared,
}

impl Storage {
    /// It outlives the pod.
    pub(super) fn is_lasting(self) -> bool {
        matches!(self, Self::Claimed | Self::Shared)
    }
}

/// The types of read-only volumes, with content from the cluster or a driver.
pub const OF_THE_CLUSTER: [&str; 6] = [
    "configMap",
    "secret",
    "projected",
    "csi",
    "downwardAPI",
    "image",
];

/// How long data in a volume of the pod is kept; `None` if the pod has no such volume.
pub(super) fn storage(workload: &Workload, name: &str) -> Option<Storage> {
    let volumes = workload.pod("/spec/volumes").and_then(Value::as_array);
    let mut volumes = volumes.into_iter().flatten();
    let Some(volume) = volumes.find(|volume| text(volume, "name") == name) else {
        return claim_template(workload, name).then_some(Storage::Claimed);
    };
    let members = volume.as_object()?;
    let Some((kind, source)) = members.iter().find(|(key, _)| *key != "name") else {
        return Some(Storage::Pod);
    };
    let is_read_only = source.get("readOnly") == Some(&Value::Bool(true));
    Some(match kind.as_str() {
        kind if OF_THE_CLUSTER.contains(&kind) || is_read_only => Storage::ReadOnly,
        "emptyDir" | "ephemeral" | "gitRepo" => Storage::Pod,
        _ => Storage::Shared,
    })
}

/// A file on a volume that outlives the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastingFile {
    /// The volume in words: `the volume claim runner`.
    pub volume: String,
    /// Set if the pods of other workloads may mount it too.
    pub shared: Option<SharedPlace>,
}

/// A place in a volume that several workloads may mount.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedPlace {
    /// What identifies the volume: the name of a claim, the path on a node, the server of an NFS.
    pub source: Vec<String>,
    /// The file's path in the volume.
    pub path: String,
}

/// The file `below` a mount, where its volume outlives the pod.
pub(super) fn lasting_file(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: &Value,
    mount: &Value,
    below: &[String],
) -> Option<LastingFile> {
    let name = text(mount, "name");
    let Volume::Outside(volume) = volume(workload, name) else {
        return None;
    };
    let shared = match storage(workload, name)? {
        Storage::ReadOnly | Storage::Pod => return None,
        Storage::Claimed => None,
        Storage::Shared => shared_place(list, workload, container, mount, below),
    };
    Some(LastingFile { volume, shared })
}

/// `None` if each pod has its own folder in the volume.
fn shared_place(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: &Value,
    mount: &Value,
    below: &[String],
) -> Option<SharedPlace> {
    let folder = match sub_path(list, workload, container, mount) {
        Ok(folder) => folder,
        Err(variable) if is_of_pod(container, &variable) => return None,
        Err(_) => written_sub_path(mount),
    };
    let volumes = workload.pod("/spec/volumes").and_then(Value::as_array);
    let mut volumes = volumes.into_iter().flatten();
    let volume = volumes.find(|volume| text(volume, "name") == text(mount, "name"))?;
    let mut members = volume.as_object()?.iter();
    let (kind, source) = members.find(|(key, _)| *key != "name")?;
    let texts = source.as_object().into_iter().flatten();
    let texts = texts.filter_map(|(_, value)| value.as_str());
    let mut source: Vec<String> = texts.chain([kind.as_str()]).map(str::to_owned).collect();
    source.sort_unstable();
    Some(SharedPlace {
        source,
        path: [&folder, below].concat().join("/"),
    })
}

/// Whether a variable differs between pods.
fn is_of_pod(container: &Value, variable: &str) -> bool {
    let variables = container.get("env").and_then(Value::as_array);
    let mut variables = variables.into_iter().flatten();
    let found = variables.find(|entry| text(entry, "name") == variable);
    let field = found.and_then(|entry| entry.at("/valueFrom/fieldRef/fieldPath")?.as_str());
    matches!(
        field,
        Some("metadata.name" | "metadata.uid" | "status.podIP" | "status.podIPs")
    )
}

/// A volume's `persistentVolumeClaim`, `hostPath` and the like, in words.
fn outside(volume: &Value) -> Option<String> {
    let member = |field: &str| volume.get(field);
    if let Some(claim) = member("persistentVolumeClaim") {
        return Some(format!("the volume claim {}", text(claim, "claimName")));
    }
    if let Some(host) = member("hostPath") {
        return Some(format!("the node's path {}", text(host, "path")));
    }
    if let Some(csi) = member("csi") {
        let class = csi.at("/volumeAttributes/secretProviderClass");
        return Some(match class.and_then(Value::as_str) {
            Some(class) => format!("the CSI volume of SecretProviderClass {class}"),
            None => format!("a CSI volume of {}", text(csi, "driver")),
        });
    }
    let members = volume.as_object()?;
    let kind = members
        .keys()
        .find(|key| !matches!(key.as_str(), "name" | "emptyDir"))?;
    Some(match kind.as_str() {
        "ephemeral" => "an ephemeral volume claim".to_owned(),
        "downwardAPI" => "a downwardAPI volume".to_owned(),
        kind => format!("a volume of type {kind}"),
    })
}

fn claim_template(workload: &Workload, name: &str) -> bool {
    let templates = workload.resource.value.at("/spec/volumeClaimTemplates");
    let mut templates = templates.and_then(Value::as_array).into_iter().flatten();
    templates.any(|template| template.at("/metadata/name").and_then(Value::as_str) == Some(name))
}

fn source<'w>(volume: &'w str, part: &'w Value, pointer: String) -> Option<ObjectSource<'w>> {
    let (kind, object) = match part.get("configMap") {
        Some(object) => ("ConfigMap", object),
        None => ("Secret", part.get("secret")?),
    };
    // A volume uses `secretName`, a projected source uses `name`.
    let name = match text(object, "secretName") {
        "" => text(object, "name"),
        name => name,
    };
    let items = object.get("items").and_then(Value::as_array);
    Some(ObjectSource {
        volume,
        kind,
        name,
        items: items.map(|items| {
            items
                .iter()
                .map(|item| (text(item, "key"), text(item, "path")))
                .collect()
        }),
        pointer,
    })
}

impl ObjectSource<'_> {
    /// The key at a path of the volume.
    pub(super) fn key(&self, relative: &[String], ignores_case: bool) -> Option<String> {
        match &self.items {
            Some(items) => items
                .iter()
                .find(|(_, path)| same(&segments(path, false), relative, ignores_case))
                .map(|(key, _)| (*key).to_owned()),
            None => match relative {
                [key] => Some(key.clone()),
                _ => None,
            },
        }
    }

    /// `ConfigMap runner (volume config)`
    pub(super) fn written(&self) -> String {
        format!("{} {} (volume {})", self.kind, self.name, self.volume)
    }
}
