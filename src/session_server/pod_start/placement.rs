//! Where the init container has the file, and what it mounts for it.

use serde_json::{Map, Value, json};

use super::text;
use crate::runner::StartForm;
use crate::runner::start_record::{CONFIG_VOLUME, MountRecord};
use krm::Internal;
use krm::results::Refusal;
use yaml_splice::pointer::At as _;

/// Where the init container has the folder of the file that it writes.
const CONFIG_FOLDER: &str = "/session-server/config";
/// Where it mounts the volume that it copies from.
const SOURCE_FOLDER: &str = "/session-server/source";

/// Where the init container has the file, and what it mounts for it.
pub(super) struct Placement {
    /// The path of `config.toml` in the init container.
    pub(super) config: String,
    /// `FROM=TO`, where a copy is made.
    pub(super) copy: Option<String>,
    /// The mounts of the init container.
    pub(super) mounts: Vec<Value>,
    /// Variables of the runner's container that the mounts refer to.
    pub(super) variables: Variables,
    /// The change to the mounts of the runner's container.
    pub(super) record: Option<MountRecord>,
}

impl Placement {
    /// The placement for a file of this form in the runner's container.
    ///
    /// # Errors
    /// The container has no such mount: a bug.
    pub(super) fn of(form: &StartForm, container: &Value) -> Result<Self, Refusal> {
        let mount_of = |place: usize| {
            let mount = container.at(&format!("/volumeMounts/{place}"));
            mount.ok_or_else(|| {
                Refusal::from(Internal::new(
                    "the mount of a config.toml is not among its container's",
                ))
            })
        };
        let own = |folder: &str| json!({"name": CONFIG_VOLUME, "mountPath": folder});
        Ok(match form {
            StartForm::Copied {
                mount,
                sub_path,
                below,
            } => {
                let mount = mount_of(*mount)?;
                // The kubelet creates a folder for a subPath that does not exist yet, so the whole
                // volume is mounted.
                let target = path(CONFIG_FOLDER, sub_path);
                let is_file = below.is_empty();
                let source = match is_file {
                    true => format!("{SOURCE_FOLDER}/{}", file_name(text(mount, "mountPath"))),
                    false => SOURCE_FOLDER.to_owned(),
                };
                Self {
                    config: path(&target, below),
                    copy: Some(format!("{source}={target}")),
                    mounts: vec![mount_like(mount, &source, true), own(CONFIG_FOLDER)],
                    variables: Variables::of(mount, container),
                    record: Some(MountRecord {
                        path: text(mount, "mountPath").to_owned(),
                        volume: Some(text(mount, "name").to_owned()),
                        read_only: mount.get("readOnly") == Some(&Value::Bool(true))
                            && mount.get("recursiveReadOnly").is_none(),
                    }),
                }
            }
            StartForm::InPlace { mount, below, .. } => {
                let mount = mount_of(*mount)?;
                let (like, config) = match below.is_empty() {
                    true => folder_of(mount),
                    false => (
                        mount_like(mount, CONFIG_FOLDER, false),
                        path(CONFIG_FOLDER, below),
                    ),
                };
                Self {
                    config,
                    copy: None,
                    variables: Variables::of(&like, container),
                    mounts: vec![like],
                    record: None,
                }
            }
            StartForm::ImageFolder { folder, file } => Self {
                config: format!("{CONFIG_FOLDER}/{file}"),
                copy: None,
                mounts: vec![own(CONFIG_FOLDER)],
                variables: Variables::default(),
                record: Some(MountRecord {
                    path: folder.clone(),
                    volume: None,
                    read_only: false,
                }),
            },
        })
    }

    /// The pod needs an extra volume for the file.
    pub(super) fn needs_volume(&self) -> bool {
        self.record.is_some()
    }
}

/// The mount of the folder around a single-file mount, and the name of the file in it: the file is
/// replaced as a whole, and has a record beside it.
fn folder_of(mount: &Value) -> (Value, String) {
    let mut like = Map::from_iter([
        ("name".to_owned(), json!(text(mount, "name"))),
        ("mountPath".to_owned(), json!(CONFIG_FOLDER)),
    ]);
    let mut file = file_name(text(mount, "mountPath"));
    for field in ["subPath", "subPathExpr"] {
        let sub_path = text(mount, field).trim_end_matches('/');
        if sub_path.is_empty() {
            continue;
        }
        file = file_name(sub_path);
        let folder = sub_path.strip_suffix(file).unwrap_or_default();
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() {
            like.insert(field.to_owned(), json!(folder));
        }
    }
    (Value::Object(like), format!("{CONFIG_FOLDER}/{file}"))
}

/// The init container's mount for a mount of the runner's container.
fn mount_like(mount: &Value, path: &str, is_read_only: bool) -> Value {
    let mut like = Map::from_iter([
        ("name".to_owned(), json!(text(mount, "name"))),
        ("mountPath".to_owned(), json!(path)),
    ]);
    for field in ["subPath", "subPathExpr"] {
        if let Some(value) = mount.get(field) {
            like.insert(field.to_owned(), value.clone());
        }
    }
    if is_read_only {
        like.insert("readOnly".to_owned(), json!(true));
    }
    Value::Object(like)
}

/// The variables in a mount's `subPathExpr`, including those that they refer to.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) env: Vec<Value>,
    /// The source of those that are not in `env`.
    pub(super) env_from: Option<Value>,
}

impl Variables {
    fn of(mount: &Value, container: &Value) -> Self {
        let mut texts = vec![text(mount, "subPathExpr")];
        let all = container.get("env").and_then(Value::as_array);
        let mut env = Vec::new();
        // A variable can refer to earlier ones.
        for variable in all.into_iter().flatten().rev() {
            let reference = format!("$({})", text(variable, "name"));
            if texts.iter().any(|text| text.contains(&reference)) {
                texts.push(text(variable, "value"));
                env.push(variable.clone());
            }
        }
        env.reverse();
        let references = texts.into_iter().flat_map(references);
        let is_in_env = |name: &str| env.iter().any(|variable| text(variable, "name") == name);
        let is_elsewhere = references.into_iter().any(|name| !is_in_env(name));
        let env_from = container.get("envFrom").filter(|_| is_elsewhere);
        Self {
            env_from: env_from.cloned(),
            env,
        }
    }
}

/// The names in the `$(NAME)` of a text.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("$(").skip(1);
    parts.filter_map(|part| Some(part.split_once(')')?.0))
}

/// A path below a folder.
fn path(folder: &str, below: &[String]) -> String {
    let mut path = folder.to_owned();
    for segment in below {
        path.push('/');
        path.push_str(segment);
    }
    path
}

fn file_name(path: &str) -> &str {
    path.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(path)
}
