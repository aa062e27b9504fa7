//! The files that commands of a container put at a path.

use super::commands::{Commands, working_dir};
use super::{FileSource, Key, MOST_STEPS, Pod};
use crate::runner::config::copies::{ContentPart, Copies, FileContent};
use crate::runner::config::environment::environment;
use crate::runner::config::file_path::FilePath;
use crate::runner::config::holder;
use crate::runner::config::mounts::{Volume, mounted_at, path_of, volume, volumes_of};
use krm::results::Refusal;

impl<'w> Pod<'w, '_> {
    /// The files that the containers up to this one copy to a path, or into the volume that is
    /// mounted there.
    pub(super) fn copied(
        &self,
        stage: usize,
        path: &FilePath,
        place: Option<(&str, &[String])>,
        is_lasting: bool,
        depth: usize,
    ) -> Result<Option<FileSource<'w>>, Refusal> {
        if depth >= MOST_STEPS {
            return Ok(None);
        }
        let mut found = Found::default();
        for number in 0..=stage {
            let Some(target) = self.target(number, stage, path, place) else {
                continue;
            };
            let commands = self.commands(number);
            if let Some(content) = self.content(number, &commands, &target) {
                if is_lasting && !content.replaces {
                    return Ok(None);
                }
                self.take(number, &target, content, depth, &mut found)?;
            } else if number < stage && commands.is_hidden {
                // What it does is unknown. It can only copy files that are mounted in it.
                let given = self.given(number, target.name());
                if given.len() == 1 {
                    found.by = self.name(number);
                    found.parts = given;
                }
            }
        }
        Ok(found.joined())
    }

    fn take(
        &self,
        number: usize,
        target: &FilePath,
        content: FileContent,
        depth: usize,
        found: &mut Found<'w>,
    ) -> Result<(), Refusal> {
        if content.replaces {
            found.parts.clear();
        }
        found.by = self.name(number);
        for part in content.parts {
            match part {
                ContentPart::Text => found.parts.push(FileSource::Commands(found.by.clone())),
                ContentPart::File(file) if file.is(target) => {}
                ContentPart::File(file) => {
                    found.parts.push(self.source_in(number, &file, depth + 1)?);
                }
            }
        }
        Ok(())
    }

    /// The path at which a container has the file that is at `path` of the container `stage`.
    fn target(
        &self,
        number: usize,
        stage: usize,
        path: &FilePath,
        place: Option<(&str, &[String])>,
    ) -> Option<FilePath> {
        if number == stage {
            let is_runner = stage + 1 == self.containers.len();
            return is_runner.then(|| path.clone());
        }
        let (volume, relative) = place?;
        let container = self.containers.get(number)?;
        path_of(self.list, self.workload, container, volume, relative)
    }

    /// The objects that are mounted in a container with a file of this name.
    fn given(&self, stage: usize, name: &str) -> Vec<FileSource<'w>> {
        let mut given = Vec::new();
        let Some(container) = self.containers.get(stage).copied() else {
            return given;
        };
        for (mounted, path) in volumes_of(container) {
            let Volume::Objects(sources) = volume(self.workload, mounted) else {
                continue;
            };
            let is_file = path.name() == name;
            let file = if is_file { path } else { path.join(name) };
            if self.is_template(&file) {
                continue;
            }
            let relative = match mounted_at(self.list, self.workload, container, &file) {
                Ok(Some(place)) => place.relative,
                _ => continue,
            };
            let keys: Vec<Key<'w>> = sources
                .into_iter()
                .filter_map(|source| {
                    let key = source.key(&relative, false)?;
                    let exists = holder::has_key(self.list, self.workload, &source, &key);
                    exists.then_some(Key { source, key })
                })
                .collect();
            if !keys.is_empty() {
                given.push(FileSource::Keys(keys));
            }
        }
        given
    }

    /// The file of this name next to a script that the container runs, as in the upstream chart: a
    /// script that cannot be interpreted probably copies it.
    pub(super) fn beside_script(
        &self,
        stage: usize,
        path: &FilePath,
    ) -> Result<Option<FileSource<'w>>, Refusal> {
        for script in self.commands(stage).scripts {
            let file = script.parent().join(path.name());
            if self.is_template(&file) {
                continue;
            }
            if let FileSource::Keys(keys) = self.source_in(stage, &file, 0)? {
                let mut keys = keys.into_iter();
                let found = keys
                    .find(|key| holder::has_key(self.list, self.workload, &key.source, &key.key));
                if let Some(key) = found {
                    return Ok(Some(FileSource::Keys(vec![key])));
                }
            }
        }
        Ok(None)
    }

    pub(super) fn content(
        &self,
        stage: usize,
        commands: &Commands,
        target: &FilePath,
    ) -> Option<FileContent> {
        let container = self.containers.get(stage).copied()?;
        let is_given = |path: &FilePath| {
            let mounted = mounted_at(self.list, self.workload, container, path);
            mounted.is_ok_and(|place| place.is_some_and(|place| !place.relative.is_empty()))
        };
        let mut variables = environment(self.list, self.workload, container);
        // The runner's own default is in its home folder.
        if let Some(home) = target
            .to_string()
            .strip_suffix("/.gitlab-runner/config.toml")
        {
            let home = home.to_owned();
            variables.entry("HOME".to_owned()).or_insert(home);
        }
        let mut copies = Copies::new(target, variables, working_dir(container), &is_given);
        for pipeline in &commands.pipelines {
            copies.run(pipeline);
        }
        copies.finish()
    }
}

/// What the containers have written to a path, in order.
#[derive(Default)]
struct Found<'w> {
    parts: Vec<FileSource<'w>>,
    /// The last container that has written there.
    by: String,
}

impl<'w> Found<'w> {
    /// Each part once; `None` when there is none.
    fn joined(self) -> Option<FileSource<'w>> {
        let mut distinct: Vec<FileSource<'w>> = Vec::new();
        for part in self.parts {
            if !distinct.iter().any(|known| are_same_keys(known, &part)) {
                distinct.push(part);
            }
        }
        match distinct.len() {
            0 | 1 => distinct.pop(),
            _ => Some(FileSource::Joined {
                container: self.by,
                parts: distinct,
            }),
        }
    }
}

fn are_same_keys(one: &FileSource<'_>, other: &FileSource<'_>) -> bool {
    match (one, other) {
        (FileSource::Keys(one), FileSource::Keys(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.is(b))
        }
        _ => false,
    }
}
