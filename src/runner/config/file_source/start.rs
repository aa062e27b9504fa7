//! How a runner's `config.toml` can be written at the pod's start, after all other init containers and
//! before the runner's own container.

use serde_json::Value;

use super::{FileSource, MOST_STEPS, Pod};
use crate::runner::config::copies::{ContentPart, FileContent};
use crate::runner::config::file_path::FilePath;
use crate::runner::config::holder;
use crate::runner::config::kept_elsewhere::vault_annotation;
use crate::runner::config::mounts::{
    LastingFile, Storage, Volume, lasting_file, mount_at, mounted_at, storage, volume,
    written_sub_path,
};
use crate::runner::config::refusal;
use crate::runner::workload::text;
use krm::results::Refusal;

/// Image folders that hold files of other programs too.
const SHARED_FOLDERS: [&str; 17] = [
    "/", "/bin", "/dev", "/etc", "/home", "/lib", "/mnt", "/opt", "/proc", "/root", "/run",
    "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var",
];

/// The file that has to have `[session_server]` when the runner's container starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFile {
    /// Its path in the runner's container.
    pub path: String,
    /// How it gets there.
    pub form: StartForm,
}

/// How a file is written at the pod's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartForm {
    /// Its volume is read-only, or is shared with others: the file is replaced by a copy.
    Copied {
        /// The index of the mount in the runner's container.
        mount: usize,
        /// The segments of the mount's `subPath` or `subPathExpr`, not expanded.
        sub_path: Vec<String>,
        /// The file's path below the mount; empty where the mount is the file itself.
        below: Vec<String>,
    },
    /// Its volume is writable. The file may come from earlier init containers or pods, or not exist
    /// yet.
    InPlace {
        /// The index of the mount in the runner's container.
        mount: usize,
        /// The file's path below the mount; empty where the mount is the file itself.
        below: Vec<String>,
        /// The file, where the volume outlives the pod.
        lasting: Option<LastingFile>,
    },
    /// It is in a folder of the image, which becomes a volume: the runner registers there.
    ImageFolder {
        /// The folder.
        folder: String,
        /// The file's name.
        file: String,
    },
}

impl<'w> Pod<'w, '_> {
    /// Whether the file that the runner's container reads at a path can be written at the pod's start.
    pub(in crate::runner::config) fn can_start(&self, path: &FilePath) -> bool {
        self.start_file(path).is_ok()
    }

    /// How the file that the runner's container reads at a path can be written at the pod's start.
    ///
    /// # Errors
    /// It cannot.
    pub(in crate::runner::config) fn start_file(
        &self,
        path: &FilePath,
    ) -> Result<StartFile, Refusal> {
        self.start_file_at(path, 0)
    }

    fn start_file_at(&self, path: &FilePath, depth: usize) -> Result<StartFile, Refusal> {
        if path.ignores_case() {
            return Err(refusal::at_start(
                self.workload,
                format!("its {path} is a file of Windows, and the init container runs on Linux"),
            ));
        }
        if let Some(annotation) = vault_annotation(self.workload, path) {
            return Err(refusal::at_start(
                self.workload,
                format!(
                    "the Vault agent writes its {path} (annotation {annotation}) after the init \
                     containers of these manifests, and again whenever the secret changes: put \
                     [session_server] into what the agent writes"
                ),
            ));
        }
        let selects_windows = self.workload.pod("/spec/os/name") == Some(&Value::from("windows"))
            || self.workload.pod("/spec/nodeSelector/kubernetes.io~1os")
                == Some(&Value::from("windows"));
        if selects_windows {
            return Err(refusal::at_start(
                self.workload,
                "its pods run on Windows, and the init container runs on Linux".to_owned(),
            ));
        }
        let runner = self.containers.len().saturating_sub(1);
        let Some(container) = self.containers.get(runner).copied() else {
            return Err(refusal::of_source(
                self.workload,
                self,
                path,
                &FileSource::Image,
            ));
        };
        let mount = mount_at(container, path);
        let storage = match mount {
            None => None,
            Some((_, mount, _)) => {
                let name = text(mount, "name");
                let Some(storage) = storage(self.workload, name) else {
                    let source = FileSource::Undeclared(name);
                    return Err(refusal::of_source(self.workload, self, path, &source));
                };
                Some(storage)
            }
        };
        if let Some(copied) = self.copied_by_runner(runner, path, depth, storage)? {
            return self.start_file_at(&copied, depth + 1);
        }
        if storage != Some(Storage::ReadOnly) && self.registers_without(runner, path) {
            return Err(refusal::at_start(
                self.workload,
                format!(
                    "{} registers only where its {path} is not there yet, and an init container would \
                     make it: register in an init container",
                    self.name(runner)
                ),
            ));
        }
        let (Some((place, mount, below)), Some(storage)) = (mount, storage) else {
            return self.in_image(runner, path, depth);
        };
        // Another pod may use the same claim, and this runner is not meant to write to it.
        let is_read_only = mount.get("readOnly") == Some(&Value::Bool(true));
        let is_copied = match storage {
            Storage::ReadOnly => true,
            Storage::Claimed | Storage::Shared => is_read_only,
            Storage::Pod => false,
        };
        let form = if is_copied {
            // The kubelet can resolve all variables of a subPathExpr, even those that are not in
            // the manifests.
            if let Ok(Some(shown)) = mounted_at(self.list, self.workload, container, path) {
                self.check_shown(path, mount, &shown.relative)?;
            }
            StartForm::Copied {
                mount: place,
                sub_path: written_sub_path(mount),
                below: below.to_vec(),
            }
        } else {
            self.check_folder(path, mount, below)?;
            StartForm::InPlace {
                mount: place,
                below: below.to_vec(),
                lasting: lasting_file(self.list, self.workload, container, mount, below),
            }
        };
        Ok(StartFile {
            path: path.to_string(),
            form,
        })
    }

    /// The file that the runner's container itself copies to a path before it starts the runner, if
    /// any.
    fn copied_by_runner(
        &self,
        runner: usize,
        path: &FilePath,
        depth: usize,
        storage: Option<Storage>,
    ) -> Result<Option<FilePath>, Refusal> {
        let content = self.content(runner, &self.commands(runner), path);
        let Some(FileContent { parts, replaces }) = content else {
            let may_be_copied = matches!(storage, None | Some(Storage::Pod));
            return Ok(may_be_copied
                .then(|| self.file_beside_script(runner, path))
                .flatten());
        };
        let name = self.name(runner);
        let refuse = |what: String| Err(refusal::at_start(self.workload, what));
        if parts.contains(&ContentPart::Text) {
            return refuse(format!(
                "the commands of {name} write or delete its {path}, which they do after every init \
                 container: keep the file in a ConfigMap or Secret that is mounted or copied there"
            ));
        }
        let files = parts.into_iter().filter_map(|part| match part {
            ContentPart::File(file) if !file.is(path) => Some(file),
            ContentPart::File(_) | ContentPart::Text => None,
        });
        let files: Vec<FilePath> = files.collect();
        let [file] = files.as_slice() else {
            if files.is_empty() {
                return Ok(None);
            }
            let names: Vec<String> = files.iter().map(ToString::to_string).collect();
            return refuse(format!(
                "{name} makes its {path} of {}, so which of them is to have [session_server] is not \
                 known: put them together in an init container",
                names.join(" and ")
            ));
        };
        if !replaces && storage.is_some_and(Storage::is_lasting) {
            return refuse(format!(
                "{name} copies {file} to its {path} only where that is not there yet, and an init \
                 container would make it: copy it in an init container"
            ));
        }
        if depth >= MOST_STEPS {
            return refuse(format!(
                "{name} copies its {path} in too many steps to be followed"
            ));
        }
        Ok(Some(file.clone()))
    }

    /// The file of this name next to a script that the container runs but that cannot be
    /// interpreted, as in the upstream chart.
    fn file_beside_script(&self, runner: usize, path: &FilePath) -> Option<FilePath> {
        let container = self.containers.get(runner).copied()?;
        let scripts = self.commands(runner).scripts.into_iter();
        let mut files = scripts.map(|script| script.parent().join(path.name()));
        files.find(|file| {
            !file.is(path) && !self.is_template(file) && {
                let mount = mount_at(container, file);
                let shown = mount.map(|(_, mount, _)| volume(self.workload, text(mount, "name")));
                let place = mounted_at(self.list, self.workload, container, file);
                match (shown, place) {
                    (Some(Volume::Objects(sources)), Ok(Some(place))) => {
                        sources.iter().any(|source| {
                            let key = source.key(&place.relative, false);
                            key.is_some_and(|key| {
                                holder::has_key(self.list, self.workload, source, &key)
                            })
                        })
                    }
                    _ => false,
                }
            }
        })
    }

    /// Refuses a single-file mount whose folder in the volume is unknown: the init container keeps
    /// a record next to the file.
    fn check_folder(
        &self,
        path: &FilePath,
        mount: &Value,
        below: &[String],
    ) -> Result<(), Refusal> {
        let name = ["subPath", "subPathExpr"].iter().find_map(|field| {
            let sub_path = text(mount, field).trim_end_matches('/');
            sub_path.rsplit('/').next().filter(|name| !name.is_empty())
        });
        if !below.is_empty() || name.is_some_and(|name| !name.contains("$(")) {
            return Ok(());
        }
        Err(refusal::at_start(
            self.workload,
            format!(
                "its {path} is a mount of the file alone, and the init container has to write beside \
                 it: mount the folder that it is in"
            ),
        ))
    }

    /// A file in the image, which a runner that registers creates.
    fn in_image(&self, runner: usize, path: &FilePath, depth: usize) -> Result<StartFile, Refusal> {
        let registers = self.registers_in(runner) || self.has_registration_variables(runner);
        if depth > 0 || !registers {
            return Err(refusal::of_source(
                self.workload,
                self,
                path,
                &FileSource::Image,
            ));
        }
        let folder = path.parent().to_string();
        if SHARED_FOLDERS.contains(&folder.as_str()) {
            return Err(refusal::at_start(
                self.workload,
                format!(
                    "its {path} is in the image's {folder}, and a volume there would hide what else the \
                     image has in it: give the file a folder of its own by --config"
                ),
            ));
        }
        Ok(StartFile {
            path: path.to_string(),
            form: StartForm::ImageFolder {
                folder,
                file: path.name().to_owned(),
            },
        })
    }

    /// Refuses a volume that does not provide the file, as far as its content is known from the
    /// manifests.
    fn check_shown(
        &self,
        path: &FilePath,
        mount: &'w Value,
        relative: &[String],
    ) -> Result<(), Refusal> {
        let Volume::Objects(sources) = volume(self.workload, text(mount, "name")) else {
            return Ok(());
        };
        let mut looked_at = Vec::new();
        for source in &sources {
            let Some(key) = source.key(relative, false) else {
                continue;
            };
            let objects = holder::objects(self.list, self.workload, source.kind, source.name)?;
            match objects.first() {
                Some(object) if !holder::has_key(self.list, self.workload, source, &key) => {
                    looked_at.push((object.identity.clone(), key));
                }
                // It has the file, or is not in the list.
                _ => return Ok(()),
            }
        }
        let looked_at = looked_at
            .iter()
            .map(|(object, key)| (object.clone(), key.as_str()));
        let looked_at: Vec<_> = looked_at.collect();
        Err(refusal::not_in_list(self.workload, path, &[], &looked_at))
    }
}
