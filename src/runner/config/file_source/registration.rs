//! `gitlab-runner register`, which writes a `config.toml` from a template.

use super::Pod;
use crate::runner::config::environment::environment;
use crate::runner::config::file_path::FilePath;
use crate::runner::program::is_runner;
use crate::runner::shell::Pipeline;
use crate::runner::workload::text;

impl Pod<'_, '_> {
    /// Whether a container of the pod uses a file as the template for `gitlab-runner register`.
    pub(in crate::runner::config) fn is_template(&self, path: &FilePath) -> bool {
        self.templates().iter().any(|template| template.is(path))
    }

    /// The files that `--template-config` and `TEMPLATE_CONFIG_FILE` name.
    pub(in crate::runner::config) fn templates(&self) -> Vec<FilePath> {
        let mut templates = Vec::new();
        for (stage, container) in self.containers.iter().enumerate() {
            let variables = environment(self.list, self.workload, container);
            if let Some(path) = variables.get("TEMPLATE_CONFIG_FILE") {
                templates.push(FilePath::parse(path));
            }
            for command in self.with_hook(stage).iter().flat_map(|p| &p.commands) {
                let values = command.words.iter().skip(1).map(Some).chain([None]);
                let paths = command.words.iter().zip(values);
                let paths = paths.filter_map(|(word, next)| template_option(word, next));
                templates.extend(paths.map(FilePath::parse));
            }
        }
        templates
    }

    /// The commands of a container and of its hook `postStart`.
    fn with_hook(&self, stage: usize) -> Vec<Pipeline> {
        let mut pipelines = self.commands(stage).pipelines;
        pipelines.extend(self.commands_after_start(stage).pipelines);
        pipelines
    }

    /// Whether a container of the pod runs `gitlab-runner register`, which writes a `config.toml`.
    pub(in crate::runner::config) fn registers(&self) -> bool {
        (0..self.containers.len()).any(|stage| self.registers_in(stage))
    }

    /// Whether this container runs `gitlab-runner register`.
    pub(super) fn registers_in(&self, stage: usize) -> bool {
        let pipelines = self.with_hook(stage);
        let mut commands = pipelines.iter().flat_map(|p| &p.commands);
        commands.any(|command| {
            let mut words = command.words.iter();
            words.clone().any(|word| word == "register") && words.any(|word| is_runner(word))
        })
    }

    /// Whether this container registers a runner only if a file does not exist: `[ -f FILE ] ||
    /// gitlab-runner register`.
    pub(super) fn registers_without(&self, stage: usize, path: &FilePath) -> bool {
        let commands = self.commands(stage);
        let mut commands = commands.pipelines.iter().flat_map(|p| &p.commands);
        let path = path.to_string();
        self.registers_in(stage)
            && commands.any(|command| {
                let mut words = command.words.iter();
                words.any(|word| ["[", "[[", "test"].contains(&word.as_str()))
                    && words.any(|word| *word == path)
            })
    }

    /// Whether this container has variables that only `gitlab-runner register` reads. Then the
    /// script of its image probably runs that command.
    ///
    /// Source: the `env` tags of `RegisterCommand` in GitLab Runner's `commands/register.go`.
    pub(super) fn has_registration_variables(&self, stage: usize) -> bool {
        const READ: [&str; 4] = [
            "CI_SERVER_TOKEN",
            "REGISTER_NON_INTERACTIVE",
            "REGISTER_RUN_UNTAGGED",
            "REGISTRATION_TOKEN",
        ];
        let container = self.containers.get(stage);
        let variables = container.and_then(|container| container.get("env")?.as_array());
        let mut variables = variables.into_iter().flatten();
        variables.any(|variable| READ.contains(&text(variable, "name")))
    }
}

/// The value of `--template-config`, which is given behind `=` or as the next word.
fn template_option<'w>(word: &'w str, next: Option<&'w String>) -> Option<&'w str> {
    let option = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    match option.split_once('=') {
        Some(("template-config", path)) => Some(path),
        None if option == "template-config" => next.map(String::as_str),
        _ => None,
    }
}
