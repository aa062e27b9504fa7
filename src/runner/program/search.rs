//! Looks for gitlab-runner through wrappers, shells and scripts.

use std::collections::BTreeMap;

use super::names::{SHELLS, WRAPPERS, is_of_image, is_runner, name_of};
use super::{Invocation, subcommand};
use crate::runner::config::environment::Environment;
use crate::runner::shell::{self, SimpleCommand};

/// The user that a program such as gosu switches to, among the variables of a command. No variable of
/// an environment has such a name.
pub(in crate::runner) const SWITCHED_TO: &str = "switched to";

/// The maximum nesting depth of commands.
const MAX_DEPTH: usize = 8;

/// The maximum number of commands per container: scripts may call each other.
const MAX_COMMANDS: usize = 10_000;

/// Looks for gitlab-runner through wrappers, shells and scripts.
pub(super) struct Search<'f> {
    file: &'f dyn Fn(&str) -> Option<String>,
    /// The files that were looked up: a script may start the same program many times.
    files: BTreeMap<String, Option<String>>,
    pub(super) found: Vec<Invocation>,
    /// A subcommand of gitlab-runner other than `run`, if one was found.
    pub(super) other: Option<String>,
    /// A script, or a program of the image, was met that may start anything.
    pub(super) is_opaque: bool,
    /// How many commands have been examined.
    commands: usize,
}

impl<'f> Search<'f> {
    pub(super) fn new(file: &'f dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            file,
            files: BTreeMap::new(),
            found: Vec::new(),
            other: None,
            is_opaque: false,
            commands: 0,
        }
    }

    /// gitlab-runner is invoked: `run` starts a runner, and an unknown subcommand may.
    pub(super) fn invoke(
        &mut self,
        program: &str,
        variables: &Environment,
        arguments: Vec<String>,
    ) {
        match subcommand(&arguments) {
            Some(command) if command != "run" && !command.contains('$') => {
                self.other = Some(command.to_owned());
            }
            _ => self.found.push(Invocation {
                program: program.to_owned(),
                variables: variables.clone(),
                arguments,
            }),
        }
    }

    pub(super) fn run(&mut self, words: Vec<String>, variables: &Environment, depth: usize) {
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        if is_runner(program) {
            return self.invoke(program, variables, arguments.to_vec());
        }
        self.commands += 1;
        if depth > MAX_DEPTH || self.commands > MAX_COMMANDS {
            return;
        }
        let name = name_of(program);
        let wrapper = WRAPPERS.iter().find(|(wrapper, ..)| *wrapper == name);
        if let Some((_, with_value, before)) = wrapper {
            let (mut variables, rest) = behind_options(arguments, with_value, *before, variables);
            if let Some(user) = user_of(&name, arguments) {
                switch(&mut variables, user);
            }
            return self.run(rest, &variables, depth + 1);
        }
        if name == "su" {
            let mut variables = variables.clone();
            switch(&mut variables, user_of(&name, arguments).unwrap_or("root"));
            return self.shell(&name, arguments, &variables, depth);
        }
        if SHELLS.contains(&name.as_str()) {
            return self.shell(&name, arguments, variables, depth);
        }
        match name.as_str() {
            "eval" => self.script(&arguments.join(" "), &[], variables, depth),
            "source" | "." => self.script_file(arguments, variables, depth),
            // The entrypoint of GitLab Runner's images.
            "entrypoint" if program.starts_with('/') && self.file(program).is_none() => {
                if arguments.first().is_some_and(|first| is_runner(first)) {
                    self.run(arguments.to_vec(), variables, depth + 1);
                } else {
                    self.invoke("", variables, arguments.to_vec());
                }
            }
            _ => self.script_file(&words, variables, depth),
        }
    }

    /// `sh -c SCRIPT ARGUMENT…`, `bash FILE ARGUMENT…`, `su USER -c SCRIPT`.
    fn shell(&mut self, name: &str, arguments: &[String], variables: &Environment, depth: usize) {
        let is_windows = ["cmd", "powershell"].contains(&name);
        let is_script_option = |word: &str| match name {
            "cmd" => word.eq_ignore_ascii_case("/c"),
            "powershell" => {
                word.eq_ignore_ascii_case("-command") || word.eq_ignore_ascii_case("-c")
            }
            "su" => word == "-c" || word == "--command",
            _ => word.starts_with('-') && !word.starts_with("--") && word.contains('c'),
        };
        let mut rest = arguments;
        while let [word, behind @ ..] = rest {
            if is_script_option(word) {
                let behind = match behind {
                    [first, behind @ ..] if first == "--" => behind,
                    _ => behind,
                };
                let (script, parameters) = match behind {
                    // The first parameter is the shell's own name.
                    [script, _, parameters @ ..] if !is_windows => (script.clone(), parameters),
                    [script] if !is_windows => (script.clone(), &[][..]),
                    _ => (behind.join(" ").replace('\\', "/"), &[][..]),
                };
                return self.script(&script, parameters, variables, depth);
            }
            rest = match behind {
                [_, behind @ ..] if matches!(word.as_str(), "-o" | "+o" | "-O") => behind,
                _ => behind,
            };
            let is_option = word.starts_with(['-', '+']);
            if !is_option && name != "su" && !is_windows {
                let mut file = vec![word.clone()];
                file.extend_from_slice(behind);
                return self.script_file(&file, variables, depth);
            }
        }
        // The script comes from standard input, or an option is unknown.
        self.is_opaque |= is_windows || arguments.iter().any(|word| word == "-s");
    }

    /// The program is a file: a mounted script, or one of the image.
    fn script_file(&mut self, words: &[String], variables: &Environment, depth: usize) {
        let Some((path, parameters)) = words.split_first() else {
            return;
        };
        match self.file(path) {
            Some(script) => {
                self.is_opaque = true;
                self.script(&script, parameters, variables, depth);
            }
            None => self.is_opaque |= is_of_image(path),
        }
    }

    /// The text of a mounted file.
    fn file(&mut self, path: &str) -> Option<String> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let text = (self.file)(path);
        self.files.insert(path.to_owned(), text.clone());
        text
    }

    fn script(
        &mut self,
        script: &str,
        parameters: &[String],
        variables: &Environment,
        depth: usize,
    ) {
        let mut parameters = parameters.to_vec();
        for command in shell::commands(script, variables) {
            let SimpleCommand { variables, words } = command;
            if let [program, dashes, rest @ ..] = words.as_slice()
                && (program.as_str(), dashes.as_str()) == ("set", "--")
            {
                parameters = rest.to_vec();
                continue;
            }
            let words = words.into_iter().flat_map(|word| match word.as_str() {
                "$@" | "${@}" | "$*" => parameters.clone(),
                _ => vec![word],
            });
            self.run(words.collect(), &variables, depth + 1);
        }
    }
}

/// A command without the programs before it that only run it: `gosu USER`, `exec`, `dumb-init --`.
pub(in crate::runner) fn unwrapped(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    while let Some((program, arguments)) = words.split_first() {
        let name = name_of(program);
        let Some((_, with_value, before)) = WRAPPERS.iter().find(|(wrapper, ..)| *wrapper == name)
        else {
            break;
        };
        words = behind_options(arguments, with_value, *before, &Environment::new()).1;
    }
    words
}

/// The user, or `user:group`, that a program switches to before it runs another.
fn user_of<'a>(program: &str, arguments: &'a [String]) -> Option<&'a str> {
    let options: &[&str] = match program {
        "gosu" | "su-exec" | "setuidgid" | "s6-setuidgid" => &[],
        "runuser" | "sudo" => &["-u", "--user"],
        "setpriv" => &["--reuid"],
        "su" => &[],
        _ => return None,
    };
    let mut words = arguments.iter().map(String::as_str);
    if options.is_empty() {
        return words.find(|word| !word.starts_with('-'));
    }
    while let Some(word) = words.next() {
        if options.contains(&word) {
            return words.next();
        }
        let value = word.split_once('=');
        if let Some((_, user)) = value.filter(|(option, _)| options.contains(option)) {
            return Some(user);
        }
    }
    None
}

/// Programs that switch the user also set `HOME`.
fn switch(variables: &mut Environment, user: &str) {
    let name = user.split(':').next().unwrap_or(user);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if is_name && !is_root(name) {
        variables.insert("HOME".to_owned(), format!("/home/{name}"));
    } else {
        variables.remove("HOME");
    }
    variables.insert(SWITCHED_TO.to_owned(), name.to_owned());
}

/// Whether a user is root, by name or by number.
pub(in crate::runner) fn is_root(user: &str) -> bool {
    user == "root" || user == "0"
}

/// The words behind a wrapper's options and its own arguments, and the variables that it sets.
fn behind_options(
    arguments: &[String],
    with_value: &[&str],
    before: usize,
    variables: &Environment,
) -> (Environment, Vec<String>) {
    let mut variables = variables.clone();
    let mut before = before;
    let mut words = arguments.iter();
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        if word == "--" && before == 0 {
            rest = words.cloned().collect();
            break;
        }
        if word.starts_with('-') && word.len() > 1 {
            if with_value.contains(&word.as_str()) {
                words.next();
            }
        } else if let Some((name, value)) = shell::assignment(word) {
            variables.insert(name, value);
        } else if before > 0 {
            before -= 1;
        } else {
            rest.push(word.clone());
            rest.extend(words.cloned());
            break;
        }
    }
    (variables, rest)
}
