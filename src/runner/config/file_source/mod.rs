//! Where the file at a path of a container comes from: a key of a mounted object, or commands that
//! copy it before the runner starts.

mod commands;
mod copied;
mod registration;
mod start;

use serde_json::Value;

pub use start::{StartFile, StartForm};

use super::file_path::FilePath;
use super::mounts::{ObjectSource, Volume, mounted_at, volume};
use crate::runner::workload::text;
use crate::runner::{Container, Workload};
use krm::resource_list::ResourceList;
use krm::results::Refusal;

/// Limits how many copies of copies, and scripts that run scripts, are followed.
const MOST_STEPS: usize = 6;

/// Where a file comes from.
#[derive(Clone, Debug)]
pub(super) enum FileSource<'w> {
    /// A key of an object. If there are several, as in a projected volume, the first that exists
    /// counts.
    Keys(Vec<Key<'w>>),
    /// Several files or texts that a container's commands put together.
    Joined {
        /// `init container join`
        container: String,
        parts: Vec<FileSource<'w>>,
    },
    /// No volume is mounted there: the folder is that of the image.
    Image,
    /// A volume whose content is not in the manifests, in words.
    Outside(String),
    /// A volume that is empty when the pod starts; its name.
    Empty(&'w str),
    /// A volume that the pod does not have; its name.
    Undeclared(&'w str),
    /// The text of a container's commands; names the container.
    Commands(String),
}

/// A key of an object.
#[derive(Clone, Debug)]
pub(super) struct Key<'w> {
    pub(super) source: ObjectSource<'w>,
    pub(super) key: String,
}

impl Key<'_> {
    fn is(&self, other: &Self) -> bool {
        (self.source.kind, self.source.name, &self.key)
            == (other.source.kind, other.source.name, &other.key)
    }
}

/// A pod and its list.
pub(super) struct Pod<'w, 'a> {
    pub(super) list: &'w ResourceList<'a>,
    pub(super) workload: &'w Workload,
    /// The init containers in the order in which they run, followed by the runner's container.
    pub(super) containers: Vec<&'w Value>,
}

impl<'w, 'a> Pod<'w, 'a> {
    pub(super) fn new(
        list: &'w ResourceList<'a>,
        workload: &'w Workload,
        container: Container<'w>,
    ) -> Self {
        let inits = workload
            .pod("/spec/initContainers")
            .and_then(Value::as_array);
        let mut containers: Vec<&Value> = inits.into_iter().flatten().collect();
        containers.push(container.value);
        Self {
            list,
            workload,
            containers,
        }
    }

    /// The source of the file at a path of the runner's container.
    pub(super) fn source(&self, path: &FilePath) -> Result<FileSource<'w>, Refusal> {
        let runner = self.containers.len().saturating_sub(1);
        let source = self.source_in(runner, path, 0)?;
        if matches!(source, FileSource::Image | FileSource::Empty(_))
            && let Some(beside) = self.beside_script(runner, path)?
        {
            return Ok(beside);
        }
        Ok(source)
    }

    fn name(&self, stage: usize) -> String {
        let name = self.containers.get(stage).map_or("", |c| text(c, "name"));
        if stage + 1 == self.containers.len() {
            format!("container {name}")
        } else {
            format!("init container {name}")
        }
    }

    fn source_in(
        &self,
        stage: usize,
        path: &FilePath,
        depth: usize,
    ) -> Result<FileSource<'w>, Refusal> {
        let Some(container) = self.containers.get(stage).copied() else {
            return Ok(FileSource::Image);
        };
        let Some(mounted) = mounted_at(self.list, self.workload, container, path)? else {
            let source = self.copied(stage, path, None, false, depth)?;
            return Ok(source.unwrap_or(FileSource::Image));
        };
        let otherwise = match volume(self.workload, mounted.volume) {
            Volume::Objects(sources) => {
                let keys = sources.into_iter().filter_map(|source| {
                    let key = source.key(&mounted.relative, path.ignores_case())?;
                    Some(Key { source, key })
                });
                return Ok(FileSource::Keys(keys.collect()));
            }
            Volume::Empty => FileSource::Empty(mounted.volume),
            Volume::Outside(what) => FileSource::Outside(what),
            Volume::Undeclared => FileSource::Undeclared(mounted.volume),
        };
        let place = (mounted.volume, mounted.relative.as_slice());
        // Such a volume keeps its files, so `cp -n` copies only once.
        let is_lasting = matches!(otherwise, FileSource::Outside(_));
        let copied = self.copied(stage, path, Some(place), is_lasting, depth)?;
        Ok(copied.unwrap_or(otherwise))
    }
}
