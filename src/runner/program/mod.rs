//! Which program a container runs.
//!
//! A container counts as a GitLab Runner only because of the program that it runs: its image, or
//! the executable of its command. Other words of the command do not count, as tools have many
//! reasons to mention `gitlab-runner`.
//!
//! Sources: Kubernetes' documentation, "Define a Command and Arguments for a Container" (`command`
//! takes the place of the image's entrypoint, `args` of its arguments, `$(VAR)` is expanded in
//! both); the Dockerfiles and the `/entrypoint` of GitLab Runner's images, which hand their
//! arguments to `gitlab-runner`.

mod image;
mod names;
mod search;

use serde_json::Value;

use super::config::environment::{Environment, expand};
use super::workload::text;
use image::Image;
pub(super) use image::repository;
pub(super) use names::{file_name, is_runner, is_wrapper};
use search::Search;
pub(super) use search::{SWITCHED_TO, is_root, unwrapped};

/// An invocation of gitlab-runner that starts a runner, or may start one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invocation {
    /// The program as written in the command; empty if the image starts it.
    pub(super) program: String,
    /// Its environment variables, as far as the manifests show them.
    pub(super) variables: Environment,
    /// The arguments of the program: `run --config /etc/gitlab-runner/config.toml`.
    pub(super) arguments: Vec<String>,
}

/// What a container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// gitlab-runner, with its known invocations.
    Runner(Vec<Invocation>),
    /// It may be gitlab-runner. The clause about the container explains the doubt.
    Doubtful(String),
    /// Something else.
    Other,
}

/// Examines a container with these variables. `file` returns the text of a mounted file, such as a
/// script.
pub(super) fn of(
    container: &Value,
    variables: &Environment,
    file: &dyn Fn(&str) -> Option<String>,
) -> Program {
    let image = text(container, "image");
    let kind = Image::of(image);
    if kind == Image::OtherProgram {
        return Program::Other;
    }
    let words = |field: &str| -> Vec<String> {
        let words = container.get(field).and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.map(|word| expand(word, variables).0).collect()
    };
    let (command, arguments) = (words("command"), words("args"));
    let mut search = Search::new(file);
    if command.is_empty() {
        return without_command(kind, image, arguments, variables.clone(), search);
    }
    let all: Vec<String> = command.iter().chain(&arguments).cloned().collect();
    search.run(all, variables, 0);
    let program = command.first().map_or("", String::as_str);
    match kind {
        _ if !search.found.is_empty() => Program::Runner(search.found),
        Image::Runner if search.is_opaque => Program::Runner(Vec::new()),
        _ if let Some(other) = &search.other => Program::Doubtful(runs_another(other)),
        Image::Runner => Program::Doubtful(format!(
            "has an image of GitLab Runner and runs another program ({program})"
        )),
        Image::Similar => Program::Doubtful(format!(
            "has an image called {}, and its command ({program}) is not gitlab-runner",
            repository(image)
        )),
        Image::OtherProgram | Image::Unrelated => Program::Other,
    }
}

/// The image says which program gets the arguments.
fn without_command(
    kind: Image,
    image: &str,
    arguments: Vec<String>,
    variables: Environment,
    mut search: Search<'_>,
) -> Program {
    let first = arguments.first().map_or("", String::as_str);
    match kind {
        // An image without an entrypoint runs its arguments. `-c` is for one whose entrypoint is a
        // shell.
        Image::Unrelated | Image::Similar
            if first == "-c" || is_runner(first) || is_wrapper(first) =>
        {
            let mut all = arguments.clone();
            if first == "-c" {
                all.insert(0, "sh".to_owned());
            }
            search.run(all, &variables, 0);
        }
        Image::Runner => search.invoke("", &variables, arguments),
        // The entrypoint of a runner image starts the runner if the argument is `run`.
        Image::Similar if first == "run" => search.invoke("", &variables, arguments),
        Image::OtherProgram | Image::Similar | Image::Unrelated => {}
    }
    match kind {
        _ if !search.found.is_empty() => Program::Runner(search.found),
        _ if let Some(other) = &search.other => Program::Doubtful(runs_another(other)),
        Image::Similar => Program::Doubtful(format!(
            "has an image called {}, which may be another program, and no command that says \
             gitlab-runner",
            repository(image)
        )),
        _ => Program::Other,
    }
}

/// The program runs a command other than `run`.
fn runs_another(command: &str) -> String {
    format!("runs `gitlab-runner {command}`, which starts no session server")
}

/// The subcommand among the program's arguments: `run`, `register`, `verify`.
pub(super) fn subcommand(arguments: &[String]) -> Option<&str> {
    /// Global options that take a value.
    const WITH_VALUE: [&str; 4] = ["--cpuprofile", "--log-format", "--log-level", "-l"];
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            return Some(word);
        }
        if WITH_VALUE.contains(&word.as_str()) {
            words.next();
        }
    }
    None
}

#[cfg(test)]
mod tests;
