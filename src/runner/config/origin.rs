//! Where the file at a path of a container comes from: a key of an object that is mounted there, or
//! what commands copy there before the runner starts.

use serde_json::Value;

use super::copies::{Copies, Part, Written};
use super::environment::{environment, expand};
use super::file_path::FilePath;
use super::holder;
use super::mounts::{Source, Volume, mounted_at, path_of, volume, volumes_of};
use crate::runner::shell::{Pipeline, pipelines};
use crate::runner::workload::text;
use crate::runner::{Container, Workload};
use krm::resource_list::ResourceList;
use krm::results::Refusal;

/// Copies of copies are followed this far, and so are scripts that run scripts.
const MOST_STEPS: usize = 6;

/// Where a file comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin<'w> {
    /// A key of an object. Of several, as a projected volume has, the first that exists.
    Keys(Vec<Key<'w>>),
    /// Several files or texts that a container's commands put together.
    Joined {
        /// `init container join`
        container: String,
        parts: Vec<Origin<'w>>,
    },
    /// No volume is mounted there: the folder is that of the image.
    Image,
    /// A volume that no manifest holds, in words.
    Outside(String),
    /// A volume that is empty when the pod starts; its name.
    Empty(&'w str),
    /// A volume that the pod does not have; its name.
    Undeclared(&'w str),
    /// The text of a container's commands; the container in words.
    Commands(String),
}

/// A key of an object.
#[derive(Clone, Debug)]
pub(super) struct Key<'w> {
    pub(super) source: Source<'w>,
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
    list: &'w ResourceList<'a>,
    workload: &'w Workload,
    /// The init containers in the order in which they run, and the runner's container at last.
    containers: Vec<&'w Value>,
}

/// What a container runs.
#[derive(Default)]
struct Commands {
    pipelines: Vec<Pipeline>,
    /// The scripts of mounted objects that it runs.
    scripts: Vec<FilePath>,
    /// It runs a program or a script that no manifest shows.
    is_hidden: bool,
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

    /// Where the runner's own container has the file at a path from.
    pub(super) fn origin(&self, path: &FilePath) -> Result<Origin<'w>, Refusal> {
        let runner = self.containers.len().saturating_sub(1);
        let origin = self.origin_in(runner, path, 0)?;
        if matches!(origin, Origin::Image | Origin::Empty(_))
            && let Some(beside) = self.beside_script(runner, path)?
        {
            return Ok(beside);
        }
        Ok(origin)
    }

    /// Whether a container of the pod is given a file as the template that `gitlab-runner register`
    /// reads.
    pub(super) fn is_template(&self, path: &FilePath) -> bool {
        self.templates().iter().any(|template| template.is(path))
    }

    /// The files that `--template-config` and `TEMPLATE_CONFIG_FILE` name.
    pub(super) fn templates(&self) -> Vec<FilePath> {
        let mut templates = Vec::new();
        for (stage, container) in self.containers.iter().enumerate() {
            let variables = environment(self.list, self.workload, container);
            if let Some(path) = variables.get("TEMPLATE_CONFIG_FILE") {
                templates.push(FilePath::parse(path));
            }
            for command in self
                .commands(stage)
                .pipelines
                .iter()
                .flat_map(|p| &p.commands)
            {
                for (index, word) in command.words.iter().enumerate() {
                    let path = match word.trim_start_matches('-').split_once('=') {
                        Some(("template-config", path)) if word.starts_with('-') => Some(path),
                        _ if matches!(word.as_str(), "--template-config" | "-template-config") => {
                            command.words.get(index + 1).map(String::as_str)
                        }
                        _ => None,
                    };
                    templates.extend(path.map(FilePath::parse));
                }
            }
        }
        templates
    }

    /// Whether a container of the pod runs `gitlab-runner register`, which writes a `config.toml`.
    pub(super) fn registers(&self) -> bool {
        (0..self.containers.len()).any(|stage| {
            let commands = self.commands(stage);
            let mut commands = commands.pipelines.iter().flat_map(|p| &p.commands);
            commands.any(|command| {
                command.words.iter().any(|word| word == "register")
                    && command
                        .words
                        .iter()
                        .any(|word| word.contains("gitlab-runner"))
            })
        })
    }

    fn name(&self, stage: usize) -> String {
        let name = self.containers.get(stage).map_or("", |c| text(c, "name"));
        if stage + 1 == self.containers.len() {
            format!("container {name}")
        } else {
            format!("init container {name}")
        }
    }

    fn origin_in(
        &self,
        stage: usize,
        path: &FilePath,
        depth: usize,
    ) -> Result<Origin<'w>, Refusal> {
        let Some(container) = self.containers.get(stage).copied() else {
            return Ok(Origin::Image);
        };
        let Some(mounted) = mounted_at(self.list, self.workload, container, path)? else {
            let origin = self.copied(stage, path, None, false, depth)?;
            return Ok(origin.unwrap_or(Origin::Image));
        };
        let otherwise = match volume(self.workload, mounted.volume) {
            Volume::Objects(sources) => {
                let keys = sources.into_iter().filter_map(|source| {
                    let key = source.key(&mounted.relative, path.ignores_case())?;
                    Some(Key { source, key })
                });
                return Ok(Origin::Keys(keys.collect()));
            }
            Volume::Empty => Origin::Empty(mounted.volume),
            Volume::Outside(what) => Origin::Outside(what),
            Volume::Undeclared => Origin::Undeclared(mounted.volume),
        };
        let place = (mounted.volume, mounted.relative.as_slice());
        // What is copied only where nothing is yet is copied once in the life of such a volume.
        let is_lasting = matches!(otherwise, Origin::Outside(_));
        let copied = self.copied(stage, path, Some(place), is_lasting, depth)?;
        Ok(copied.unwrap_or(otherwise))
    }

    /// What the containers up to this one copy to a path, or to the place of a volume that is
    /// mounted there.
    fn copied(
        &self,
        stage: usize,
        path: &FilePath,
        place: Option<(&str, &[String])>,
        is_lasting: bool,
        depth: usize,
    ) -> Result<Option<Origin<'w>>, Refusal> {
        if depth >= MOST_STEPS {
            return Ok(None);
        }
        let is_runner = stage + 1 == self.containers.len();
        let mut parts: Vec<Origin<'w>> = Vec::new();
        let mut by = String::new();
        for (number, container) in self.containers.iter().enumerate().take(stage + 1) {
            let target = if number == stage {
                is_runner.then(|| path.clone())
            } else {
                place.and_then(|(volume, relative)| {
                    path_of(self.list, self.workload, container, volume, relative)
                })
            };
            let Some(target) = target else {
                continue;
            };
            let commands = self.commands(number);
            if let Some(written) = self.written(number, &commands, &target) {
                if is_lasting && !written.replaces {
                    return Ok(None);
                }
                if written.replaces {
                    parts.clear();
                }
                by = self.name(number);
                for part in written.parts {
                    parts.push(match part {
                        Part::Text => Origin::Commands(by.clone()),
                        Part::File(file) if file.is(&target) => continue,
                        Part::File(file) => self.origin_in(number, &file, depth + 1)?,
                    });
                }
            } else if number < stage && commands.is_hidden {
                // Its image knows what it does. It can only hand on what it has been given.
                let mut given = self.given(number, target.name());
                if given.len() == 1 {
                    by = self.name(number);
                    parts = std::mem::take(&mut given);
                }
            }
        }
        let mut distinct: Vec<Origin<'w>> = Vec::new();
        for part in parts {
            let is_known = distinct.iter().any(|known| match (known, &part) {
                (Origin::Keys(known), Origin::Keys(part)) => {
                    known.len() == part.len() && known.iter().zip(part).all(|(a, b)| a.is(b))
                }
                _ => false,
            });
            if !is_known {
                distinct.push(part);
            }
        }
        Ok(match distinct.len() {
            0 => None,
            1 => distinct.pop(),
            _ => Some(Origin::Joined {
                container: by,
                parts: distinct,
            }),
        })
    }

    /// The objects that show a container a file of this name.
    fn given(&self, stage: usize, name: &str) -> Vec<Origin<'w>> {
        let container = self.containers.get(stage).copied().unwrap_or(&Value::Null);
        let mut given = Vec::new();
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
                given.push(Origin::Keys(keys));
            }
        }
        given
    }

    /// The file of the config's name that stands beside a script which the container runs, as in
    /// the upstream chart: a script whose copying is not understood has been given it for that.
    fn beside_script(&self, stage: usize, path: &FilePath) -> Result<Option<Origin<'w>>, Refusal> {
        for script in self.commands(stage).scripts {
            let file = script.parent().join(path.name());
            if self.is_template(&file) {
                continue;
            }
            if let Origin::Keys(keys) = self.origin_in(stage, &file, 0)? {
                let mut keys = keys.into_iter();
                let found = keys
                    .find(|key| holder::has_key(self.list, self.workload, &key.source, &key.key));
                if let Some(key) = found {
                    return Ok(Some(Origin::Keys(vec![key])));
                }
            }
        }
        Ok(None)
    }

    fn written(&self, stage: usize, commands: &Commands, target: &FilePath) -> Option<Written> {
        let container = self.containers.get(stage).copied()?;
        let is_given = |path: &FilePath| {
            let mounted = mounted_at(self.list, self.workload, container, path);
            mounted.is_ok_and(|place| place.is_some_and(|place| !place.relative.is_empty()))
        };
        let variables = environment(self.list, self.workload, container);
        let mut copies = Copies::new(target, variables, working_dir(container), &is_given);
        for pipeline in &commands.pipelines {
            copies.run(pipeline);
        }
        copies.finish()
    }

    /// The commands of a container, with those of the mounted scripts that it runs.
    fn commands(&self, stage: usize) -> Commands {
        let mut commands = Commands::default();
        let Some(container) = self.containers.get(stage).copied() else {
            return commands;
        };
        let variables = environment(self.list, self.workload, container);
        let mut words: Vec<String> = ["command", "args"]
            .iter()
            .filter_map(|field| container.get(field)?.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .map(|word| expand(word, &variables).0)
            .collect();
        let has_command = container.get("command").is_some_and(Value::is_array);
        let image = text(container, "image");
        let repository = image.rsplit('/').next().unwrap_or_default();
        let repository = repository.split([':', '@']).next();
        if !has_command && repository == Some("gitlab-runner") {
            // The entrypoint of the image hands its arguments to gitlab-runner.
            words.insert(0, "gitlab-runner".to_owned());
        } else {
            commands.is_hidden = !has_command;
        }
        self.follow(stage, &words, false, &mut commands, 0);
        commands
    }

    /// Adds a command, or those of the script that it runs.
    fn follow(
        &self,
        stage: usize,
        words: &[String],
        is_conditional: bool,
        commands: &mut Commands,
        depth: usize,
    ) {
        let words = behind_wrappers(words);
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        let is_option = |word: &String| word.starts_with(['-', '+']);
        let is_shell = matches!(
            name,
            "sh" | "bash" | "ash" | "dash" | "busybox" | "source" | "."
        );
        // The arguments of an image whose entrypoint is a shell: `-c`, `script`.
        let is_of_shell = depth == 0 && is_option(program);
        if is_shell || is_of_shell {
            let arguments = if is_of_shell { words } else { arguments };
            let options = arguments
                .iter()
                .take_while(|word| is_option(word) || *word == "sh");
            let runs_text = options
                .clone()
                .any(|word| !word.starts_with("--") && word.ends_with('c'));
            let Some(script) = arguments.get(options.count()) else {
                return;
            };
            if runs_text {
                commands.is_hidden = false;
                return self.follow_script(stage, script, is_conditional, commands, depth);
            }
            return self.follow_file(stage, script, is_conditional, commands, depth);
        }
        if program.contains('/') && depth < MOST_STEPS && self.script(stage, program).is_some() {
            return self.follow_file(stage, program, is_conditional, commands, depth);
        }
        if depth == 0 && !is_known_program(name) {
            commands.is_hidden = true;
        }
        let pipeline = Pipeline::of_words(words.to_vec(), is_conditional);
        commands.pipelines.push(pipeline);
    }

    fn follow_file(
        &self,
        stage: usize,
        path: &str,
        is_conditional: bool,
        commands: &mut Commands,
        depth: usize,
    ) {
        match self.script(stage, path) {
            Some((path, text)) => {
                commands.scripts.push(path);
                commands.is_hidden = false;
                self.follow_script(stage, &text, is_conditional, commands, depth);
            }
            None => commands.is_hidden = true,
        }
    }

    fn follow_script(
        &self,
        stage: usize,
        text: &str,
        is_conditional: bool,
        commands: &mut Commands,
        depth: usize,
    ) {
        for mut pipeline in pipelines(text) {
            pipeline.is_conditional |= is_conditional;
            let runs_script = match pipeline.commands.as_slice() {
                [command] if command.output.is_none() && depth < MOST_STEPS => Some(&command.words),
                _ => None,
            };
            match runs_script.map(|words| behind_wrappers(words)) {
                Some(words @ [program, ..]) if runs_other(program) => {
                    self.follow(stage, words, pipeline.is_conditional, commands, depth + 1);
                }
                _ => commands.pipelines.push(pipeline),
            }
        }
    }

    /// A script of a mounted object, and its path.
    fn script(&self, stage: usize, path: &str) -> Option<(FilePath, String)> {
        let container = self.containers.get(stage).copied()?;
        let path = working_dir(container).join(path);
        let mounted = mounted_at(self.list, self.workload, container, &path).ok()??;
        let Volume::Objects(sources) = volume(self.workload, mounted.volume) else {
            return None;
        };
        sources.into_iter().find_map(|source| {
            let key = source.key(&mounted.relative, path.ignores_case())?;
            let text = holder::text_of(self.list, self.workload, source.kind, source.name, &key)?;
            Some((path.clone(), text))
        })
    }
}

/// Where relative paths begin. No image of GitLab Runner sets another folder than the root.
fn working_dir(container: &Value) -> FilePath {
    FilePath::parse(match text(container, "workingDir") {
        "" => "/",
        folder => folder,
    })
}

/// Whether a command of a script may run another script.
fn runs_other(program: &str) -> bool {
    program.contains('/') || matches!(program, "sh" | "bash" | "ash" | "dash" | "source" | ".")
}

/// The command behind `dumb-init --` and the like.
fn behind_wrappers(words: &[String]) -> &[String] {
    let mut words = words;
    while let [wrapper, rest @ ..] = words {
        let name = wrapper.rsplit('/').next().unwrap_or_default();
        if !matches!(
            name,
            "dumb-init" | "tini" | "catatonit" | "exec" | "env" | "nice" | "--"
        ) {
            break;
        }
        let options = rest
            .iter()
            .take_while(|word| word.starts_with('-') || name == "env" && word.contains('='));
        words = rest.get(options.count()..).unwrap_or_default();
    }
    words
}

/// Programs whose arguments say all that they write.
fn is_known_program(name: &str) -> bool {
    let known = [
        "cp",
        "mv",
        "install",
        "ln",
        "rsync",
        "cat",
        "sed",
        "tee",
        "envsubst",
        "chmod",
        "chown",
        "mkdir",
        "touch",
        "true",
        "sleep",
        "echo",
        "rm",
        "test",
        "gitlab-runner",
        "sysctl",
    ];
    known.contains(&name)
}
