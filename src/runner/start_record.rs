//! What `configure.at: PodStart` added to the pods of a workload, kept in an annotation so that it
//! can be found, checked and removed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::workload::text;
use krm::resource::Resource;
use yaml_splice::pointer::At as _;

/// On a workload: what this function has added to its pods besides a port.
pub const POD_START: &str = "runner-terminal.dev/pod-start";
/// The init container that configures the session server.
pub const INIT_CONTAINER: &str = "session-server";
/// The volume of the runner's `config.toml`, if there was no writable one.
pub const CONFIG_VOLUME: &str = "session-server-config";
/// The volume of the token by which the init container reads its Service.
pub const TOKEN_VOLUME: &str = "session-server-token";

/// The value of [`POD_START`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRecord {
    /// The runner's container.
    pub container: String,
    /// The mount of [`CONFIG_VOLUME`] in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<MountRecord>,
}

/// A mount that was added to the runner's container, or changed to another volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountRecord {
    /// Its `mountPath`.
    pub path: String,
    /// The volume that was mounted there; none where the mount was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// It was `readOnly: true`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// A change of a resource: a JSON pointer, and its new value; none removes it.
pub type PointerEdit = (String, Option<Value>);

impl StartRecord {
    /// Reads the record of an earlier run.
    pub fn read(resource: &Resource) -> Option<Self> {
        serde_json::from_str(resource.annotation(POD_START)?).ok()
    }

    /// The annotation's value.
    pub fn written(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// The edits that remove everything that was added, except for the annotation. `pod` is the
    /// JSON pointer of the pod's spec. They are in an order that keeps the pointers valid.
    pub fn removal(&self, resource: &Value, pod: &str) -> Vec<PointerEdit> {
        let mut edits = self.mount_removal(resource, pod);
        let volumes = format!("{pod}/volumes");
        let mut added: Vec<usize> = [CONFIG_VOLUME, TOKEN_VOLUME]
            .iter()
            .filter_map(|name| position(resource, &volumes, name))
            .collect();
        added.sort_unstable();
        let added = added.into_iter().rev();
        edits.extend(added.map(|place| (format!("{volumes}/{place}"), None)));
        let inits = format!("{pod}/initContainers");
        let place = position(resource, &inits, INIT_CONTAINER);
        edits.extend(place.map(|place| (format!("{inits}/{place}"), None)));
        edits
    }

    /// The edits that restore the runner's own mount.
    pub fn mount_removal(&self, resource: &Value, pod: &str) -> Vec<PointerEdit> {
        let (Some(record), Some(pointer)) = (&self.mount, self.mount_pointer(resource, pod)) else {
            return Vec::new();
        };
        let Some(volume) = &record.volume else {
            return vec![(pointer, None)];
        };
        let name = (
            format!("{pointer}/name"),
            Some(Value::from(volume.as_str())),
        );
        let read_only = || (format!("{pointer}/readOnly"), Some(Value::from(true)));
        [name]
            .into_iter()
            .chain(record.read_only.then(read_only))
            .collect()
    }

    /// JSON pointer of the mount of [`CONFIG_VOLUME`], even if the user has renamed its container
    /// or moved the mount.
    pub fn mount_pointer(&self, resource: &Value, pod: &str) -> Option<String> {
        let record = self.mount.as_ref()?;
        let containers = format!("{pod}/containers");
        let all = resource.at(&containers)?.as_array()?;
        let containers = containers.as_str();
        let is_own = |container: &Value| text(container, "name") == self.container;
        let is_in_place = |mount: &Value| text(mount, "mountPath") == record.path;
        let mounts = all.iter().enumerate().flat_map(|(place, container)| {
            let mounts = container.get("volumeMounts").and_then(Value::as_array);
            let mounts = mounts.into_iter().flatten().enumerate();
            let of_volume = mounts.filter(|(_, mount)| text(mount, "name") == CONFIG_VOLUME);
            of_volume.map(move |(number, mount)| {
                let pointer = format!("{containers}/{place}/volumeMounts/{number}");
                (is_own(container), is_in_place(mount), pointer)
            })
        });
        let likeliest = mounts.max_by_key(|(is_own, is_in_place, _)| (*is_own, *is_in_place));
        likeliest.map(|(.., pointer)| pointer)
    }
}

/// The index of the list entry with this name.
pub fn position(resource: &Value, list: &str, name: &str) -> Option<usize> {
    let all = resource.at(list)?.as_array()?;
    all.iter().position(|entry| text(entry, "name") == name)
}

/// A workload's value without the additions of an earlier run to its pods; `None` if there are
/// none.
pub(super) fn without_additions(resource: &Resource, pod: &str) -> Option<Value> {
    let record = StartRecord::read(resource)?;
    let mut value = Value::clone(&resource.value);
    for (pointer, new) in record.removal(&resource.value, pod) {
        let Some((above, last)) = pointer.rsplit_once('/') else {
            continue;
        };
        match (value.pointer_mut(above), new) {
            (Some(Value::Array(entries)), None) => {
                if let Some(place) = last.parse().ok().filter(|place| *place < entries.len()) {
                    let _: Value = entries.remove(place);
                }
            }
            (Some(Value::Object(members)), Some(new)) => {
                members.insert(last.to_owned(), new);
            }
            _ => {}
        }
    }
    Some(value)
}
