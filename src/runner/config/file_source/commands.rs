//! The commands that a container runs, including those in mounted scripts.

use serde_json::Value;

use super::{MOST_STEPS, Pod};
use crate::runner::config::environment::{environment, expand};
use crate::runner::config::file_path::FilePath;
use crate::runner::config::holder;
use crate::runner::config::mounts::{Volume, mounted_at, volume};
use crate::runner::program::{file_name, is_wrapper, repository, unwrapped};
use crate::runner::shell::{Pipeline, pipelines};
use crate::runner::workload::text;
use yaml_splice::pointer::At as _;

/// What a container runs.
#[derive(Default)]
pub(super) struct Commands {
    pub(super) pipelines: Vec<Pipeline>,
    /// The scripts of mounted objects that it runs.
    pub(super) scripts: Vec<FilePath>,
    /// It runs a program or a script that is not in the manifests.
    pub(super) is_hidden: bool,
}

impl Pod<'_, '_> {
    /// The commands of a container, with those of the mounted scripts that it runs.
    pub(super) fn commands(&self, stage: usize) -> Commands {
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
        if !has_command && repository(text(container, "image")) == "gitlab-runner" {
            // The entrypoint of the image passes its arguments to gitlab-runner.
            words.insert(0, "gitlab-runner".to_owned());
        } else {
            commands.is_hidden = !has_command;
        }
        self.follow(stage, &words, false, &mut commands, 0);
        commands
    }

    /// The commands of a container's hook `postStart`, which run beside its own.
    pub(super) fn commands_after_start(&self, stage: usize) -> Commands {
        let mut commands = Commands::default();
        let container = self.containers.get(stage);
        let words = container.and_then(|container| {
            let words = container.at("/lifecycle/postStart/exec/command");
            words?.as_array()
        });
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        let words: Vec<String> = words.map(str::to_owned).collect();
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
        let words = unwrapped(words);
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        let name = file_name(program);
        if name == "su" {
            let mut words = arguments.iter();
            words.find(|word| *word == "-c" || *word == "--command");
            let script = words.next();
            if let Some(script) = script {
                commands.is_hidden = false;
                self.follow_script(stage, script, is_conditional, commands, depth + 1);
            }
            return;
        }
        let is_option = |word: &str| word.starts_with(['-', '+']);
        let is_shell = matches!(
            name,
            "sh" | "bash" | "ash" | "dash" | "busybox" | "source" | "."
        );
        // The arguments of an image whose entrypoint is a shell: `-c`, `script`.
        let is_of_shell = depth == 0 && is_option(program);
        if is_shell || is_of_shell {
            let arguments = if is_of_shell { &words } else { arguments };
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
        let pipeline = Pipeline::of_words(words, is_conditional);
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
            match runs_script {
                Some(words) if words.first().is_some_and(|program| runs_other(program)) => {
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

/// The base of relative paths. All images of GitLab Runner use the root folder.
pub(super) fn working_dir(container: &Value) -> FilePath {
    FilePath::parse(match text(container, "workingDir") {
        "" => "/",
        folder => folder,
    })
}

/// Whether a command of a script may run another script.
fn runs_other(program: &str) -> bool {
    program.contains('/') || matches!(program, "source" | "." | "su") || is_wrapper(program)
}

/// Programs whose arguments show everything that they write.
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
