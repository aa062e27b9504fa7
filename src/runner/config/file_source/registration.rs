//! `gitlab-runner register`, which writes a `config.toml` from a template.

use super::Pod;
use crate::runner::config::environment::environment;
use crate::runner::config::file_path::FilePath;

impl Pod<'_, '_> {
    /// Whether a container of the pod is given a file as the template that `gitlab-runner register`
    /// reads.
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
            let commands = self.commands(stage);
            for command in commands.pipelines.iter().flat_map(|p| &p.commands) {
                let values = command.words.iter().skip(1).map(Some).chain([None]);
                let paths = command.words.iter().zip(values);
                let paths = paths.filter_map(|(word, next)| template_option(word, next));
                templates.extend(paths.map(FilePath::parse));
            }
        }
        templates
    }

    /// Whether a container of the pod runs `gitlab-runner register`, which writes a `config.toml`.
    pub(in crate::runner::config) fn registers(&self) -> bool {
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
