//! The volumes of a pod, as folders.
//!
//! Source: `AtomicWriter` in Kubernetes' `pkg/volume/util`, `SetVolumeOwnership` in `pkg/volume`, and the
//! volumes `configmap`, `secret`, `projected` and `emptydir` in `pkg/volume`.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{entries, security, text};
use crate::control_plane::ControlPlane;

/// How the name of a folder that `..data` leads to begins. Random characters follow.
const TIMESTAMP: &str = "..2026_01_01_00_00_00.";
/// The link to the folder with the files in use.
const DATA: &str = "..data";
/// The mode of a projected token if the kubelet knows who reads it.
const TOKEN_MODE: u32 = 0o600;
const SETGID: u32 = 0o2000;

/// The volumes by their names.
#[derive(Debug)]
pub(super) struct Volumes(BTreeMap<String, Volume>);

/// A volume.
#[derive(Debug)]
pub(super) struct Volume {
    pub(super) folder: PathBuf,
    /// True if it is read-only in every mount.
    pub(super) is_read_only: bool,
}

impl Volumes {
    /// Creates the volumes of a pod below a folder. `claim` returns the folders of claims.
    pub(super) fn make(
        plane: &ControlPlane,
        pod: &Value,
        below: &Path,
        claim: &dyn Fn(&str) -> PathBuf,
    ) -> Self {
        let maker = Maker::of(plane, pod);
        let volumes = entries(pod, "/spec/volumes").map(|volume| {
            let name = text(volume, "name");
            let folder = below.join("volumes").join(name);
            (name.to_owned(), maker.volume(volume, folder, claim))
        });
        Self(volumes.collect())
    }

    /// Writes the volumes of ConfigMaps again, as the kubelet does some time after one has changed.
    pub(super) fn update(&self, plane: &ControlPlane, pod: &Value) {
        let maker = Maker::of(plane, pod);
        for volume in entries(pod, "/spec/volumes") {
            if volume.get("configMap").is_some() {
                let folder = &self.get(text(volume, "name")).folder;
                write(folder, &maker.projected(volume, 0));
                if let Some(group) = maker.group {
                    give_to_group(folder, group, true);
                }
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> &Volume {
        let volume = self.0.get(name);
        volume.unwrap_or_else(|| panic!("the pod has no volume {name}"))
    }
}

/// What is needed to create volumes.
struct Maker<'a> {
    plane: &'a ControlPlane,
    namespace: &'a str,
    pod: &'a Value,
    /// `fsGroup`
    group: Option<u32>,
}

/// A file of a volume.
struct File {
    /// Below the volume.
    path: String,
    bytes: Vec<u8>,
    mode: u32,
    user: Option<u32>,
}

impl<'a> Maker<'a> {
    fn of(plane: &'a ControlPlane, pod: &'a Value) -> Self {
        let metadata = pod.get("metadata").expect("a pod has metadata");
        let group = pod.pointer("/spec/securityContext/fsGroup");
        Self {
            plane,
            namespace: text(metadata, "namespace"),
            pod,
            group: group.and_then(Value::as_u64).map(id),
        }
    }

    fn volume(&self, volume: &Value, folder: PathBuf, claim: &dyn Fn(&str) -> PathBuf) -> Volume {
        let make = |files: &[File]| {
            fs::create_dir_all(&folder).expect("a temporary folder can be made");
            set_mode(&folder, 0o777);
            write(&folder, files);
            folder.clone()
        };
        let (folder, is_read_only) = if volume.get("emptyDir").is_some() {
            (make(&[]), false)
        } else if let Some(source) = volume.get("persistentVolumeClaim") {
            let is_read_only = source.get("readOnly") == Some(&Value::Bool(true));
            (claim(text(source, "claimName")), is_read_only)
        } else if let Some(projected) = volume.get("projected") {
            let mode = default_mode(projected);
            let sources = entries(projected, "/sources");
            let files: Vec<File> = sources
                .flat_map(|source| self.projected(source, mode))
                .collect();
            (make(&files), true)
        } else {
            (make(&self.projected(volume, 0)), true)
        };
        if let Some(group) = self.group {
            give_to_group(&folder, group, is_read_only);
        }
        Volume {
            folder,
            is_read_only,
        }
    }

    /// The files of a volume with one object, or of one source of a projected volume, whose mode is
    /// given.
    fn projected(&self, source: &Value, mode: u32) -> Vec<File> {
        let own_mode = |source: &Value| match mode {
            0 => default_mode(source),
            mode => mode,
        };
        if let Some(source) = source.get("configMap") {
            return self.object("configmap", text(source, "name"), source, own_mode(source));
        }
        if let Some(source) = source.get("secret") {
            // A volume and a projection use different field names.
            let names = [text(source, "secretName"), text(source, "name")];
            return self.object("secret", &names.concat(), source, own_mode(source));
        }
        if let Some(source) = source.get("serviceAccountToken") {
            return vec![self.token(source, mode)];
        }
        if let Some(source) = source.get("downwardAPI") {
            let items = entries(source, "/items").map(|item| {
                let field = item.pointer("/fieldRef/fieldPath").and_then(Value::as_str);
                assert_eq!(field, Some("metadata.namespace"), "no test needs {item}");
                File {
                    path: text(item, "path").to_owned(),
                    bytes: self.namespace.as_bytes().to_owned(),
                    mode: own_mode(source),
                    user: None,
                }
            });
            return items.collect();
        }
        panic!("no test needs this volume: {source}");
    }

    fn object(&self, kind: &str, name: &str, source: &Value, mode: u32) -> Vec<File> {
        let Some(mut data) = objects(self.plane, self.namespace, kind, name) else {
            let is_optional = source.get("optional") == Some(&Value::Bool(true));
            assert!(
                is_optional,
                "MountVolume.SetUp failed: {kind} {name} not found"
            );
            return Vec::new();
        };
        let file = |path: &str, bytes: Vec<u8>, mode: u32| File {
            path: path.to_owned(),
            bytes,
            mode,
            user: None,
        };
        if source.get("items").is_none() {
            let files = data.into_iter();
            return files.map(|(key, bytes)| file(&key, bytes, mode)).collect();
        }
        let items = entries(source, "/items").map(|item| {
            let bytes = data.remove(text(item, "key"));
            let bytes = bytes.unwrap_or_else(|| panic!("{kind} {name} has no key of {item}"));
            let own = item.get("mode").and_then(Value::as_u64).map(id);
            file(text(item, "path"), bytes, own.unwrap_or(mode))
        });
        items.collect()
    }

    fn token(&self, source: &Value, mode: u32) -> File {
        let account = self.pod.pointer("/spec/serviceAccountName");
        let account = account.and_then(Value::as_str).unwrap_or("default");
        let seconds = source.get("expirationSeconds").and_then(Value::as_u64);
        let token = self
            .plane
            .token(self.namespace, account, seconds.unwrap_or(3600));
        let user = self.common_user();
        File {
            path: text(source, "path").to_owned(),
            bytes: token.into_bytes(),
            mode: match (user, self.group) {
                (None, None) => mode,
                _ => TOKEN_MODE,
            },
            user,
        }
    }

    /// The user of all containers, if it is the same one.
    fn common_user(&self) -> Option<u32> {
        let lists = ["/spec/initContainers", "/spec/containers"];
        let all = lists.iter().flat_map(|list| entries(self.pod, list));
        let mut users = all.map(|container| {
            let user = security(self.pod, container, "runAsUser")?;
            user.as_u64().map(id)
        });
        let first = users.next().flatten()?;
        users.all(|user| user == Some(first)).then_some(first)
    }
}

/// The data of a ConfigMap or a Secret; `None` if there is none.
pub(super) fn objects(
    plane: &ControlPlane,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Option<BTreeMap<String, Vec<u8>>> {
    let object = plane.find(namespace, &format!("{kind}/{name}"))?;
    let is_encoded = kind == "secret";
    let data = |field: &str, is_encoded: bool| -> Vec<(String, Vec<u8>)> {
        let members = object.get(field).and_then(Value::as_object);
        let members = members.into_iter().flatten().map(|(key, value)| {
            let value = value.as_str().unwrap_or_default();
            let bytes = match is_encoded {
                true => STANDARD
                    .decode(value)
                    .expect("the API server checks base64"),
                false => value.as_bytes().to_owned(),
            };
            (key.clone(), bytes)
        });
        members.collect()
    };
    let all = data("data", is_encoded).into_iter();
    Some(all.chain(data("binaryData", true)).collect())
}

/// Writes the files as the kubelet does: into a folder that a link leads to, with a link to each.
/// They replace the existing ones atomically.
fn write(folder: &Path, files: &[File]) {
    let old = fs::read_link(folder.join(DATA)).ok();
    if files.is_empty() && old.is_none() {
        return;
    }
    let data = tempfile::Builder::new()
        .prefix(TIMESTAMP)
        .tempdir_in(folder)
        .expect("a temporary folder can be made")
        .keep();
    for file in files {
        let path = data.join(&file.path);
        let parent = path.parent().expect("a file is in a folder");
        fs::create_dir_all(parent).expect("a temporary folder can be made");
        fs::write(&path, &file.bytes).expect("a temporary file can be written");
        set_mode(&path, file.mode);
        chown(&path, file.user, None).expect("root gives files away");
    }
    set_mode(&data, 0o755);
    let new = folder.join("..data_tmp");
    symlink(data.file_name().expect("it has a name"), &new).expect("a link can be made");
    fs::rename(new, folder.join(DATA)).expect("a link can be replaced");
    for file in files {
        let first = file.path.split('/').next().unwrap_or_default();
        let link = folder.join(first);
        if link.symlink_metadata().is_err() {
            symlink(Path::new(DATA).join(first), link).expect("a link can be made");
        }
    }
    if let Some(old) = old {
        remove_old(folder, &old);
    }
}

/// Removes the folder of the previous files, and links to files that no longer exist.
fn remove_old(folder: &Path, old: &Path) {
    fs::remove_dir_all(folder.join(old)).expect("a temporary folder can be removed");
    for entry in fs::read_dir(folder).expect("root reads any folder") {
        let path = entry.expect("root reads any folder").path();
        if path.is_symlink() && !path.exists() {
            fs::remove_file(path).expect("a link can be removed");
        }
    }
}

/// `fsGroup`: the group owns all files, and may read them, or also write them if the volume is
/// writable.
fn give_to_group(path: &Path, group: u32, is_read_only: bool) {
    lchown(path, None, Some(group)).expect("root gives files away");
    let metadata = path.symlink_metadata().expect("the file was found");
    if metadata.is_symlink() {
        return;
    }
    let read_write = if is_read_only { 0o440 } else { 0o660 };
    let of_folder = if metadata.is_dir() { SETGID | 0o110 } else { 0 };
    let mode = metadata.permissions().mode() & 0o7777;
    set_mode(path, mode | read_write | of_folder);
    if metadata.is_dir() {
        for entry in fs::read_dir(path).expect("root reads any folder") {
            let entry = entry.expect("root reads any folder");
            give_to_group(&entry.path(), group, is_read_only);
        }
    }
}

fn default_mode(source: &Value) -> u32 {
    let mode = source.get("defaultMode").and_then(Value::as_u64);
    mode.map_or(0o644, id)
}

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("root sets any mode");
}

/// A user, a group or a mode.
pub(super) fn id(number: u64) -> u32 {
    u32::try_from(number).expect("the API server checks it")
}
