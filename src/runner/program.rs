//! Which program a container runs.
//!
//! A container is a GitLab Runner only by the program that it runs: its image, or the executable of
//! its command. No other word of the command counts, as a tool may be told about `gitlab-runner`
//! in many ways.
//!
//! Sources: Kubernetes' documentation, "Define a Command and Arguments for a Container" (`command`
//! takes the place of the image's entrypoint, `args` of its arguments, `$(VAR)` is expanded in
//! both); the Dockerfiles and the `/entrypoint` of GitLab Runner's images, which hand their
//! arguments to `gitlab-runner`.

use serde_json::Value;

use super::config::environment::{Environment, expand};
use super::shell::{self, SimpleCommand};
use super::workload::text;

/// The program.
const RUNNER: &str = "gitlab-runner";
/// What it was called before version 10.
const OLD_RUNNER: &str = "gitlab-ci-multi-runner";

/// Other programs whose images are called `gitlab-runner-…`.
const OTHER_PROGRAMS: [&str; 8] = [
    "autoscaler",
    "cleanup",
    "docker-cleanup",
    "exporter",
    "helper",
    "operator",
    "pod-cleanup",
    "scaler",
];

/// Words in the names of images of GitLab Runner itself: distributions and platforms.
const FLAVOURS: [&str; 24] = [
    "alpine",
    "amd64",
    "arm",
    "arm64",
    "bookworm",
    "centos",
    "debian",
    "fips",
    "linux",
    "nanoserver",
    "ocp",
    "ppc64le",
    "rhel",
    "rhel8",
    "rhel9",
    "rocky",
    "s390x",
    "servercore",
    "slim",
    "ubi",
    "ubi8",
    "ubi9",
    "ubuntu",
    "windows",
];

/// Folders of the programs that a system ships. A program in another folder is the image's own.
const SYSTEM_FOLDERS: [&str; 4] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];

/// Programs that run the program among their arguments, with the options that take a value, and how
/// many arguments stand before the program.
const WRAPPERS: [(&str, &[&str], usize); 21] = [
    ("busybox", &[], 0),
    ("catatonit", &["-g"], 0),
    ("chroot", &[], 1),
    ("command", &[], 0),
    ("dumb-init", &["-r", "--rewrite"], 0),
    ("env", &["-u", "--unset", "-C", "--chdir"], 0),
    ("exec", &["-a"], 0),
    ("gosu", &[], 1),
    ("ionice", &["-c", "-n", "-p"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("nohup", &[], 0),
    ("runuser", &["-u", "-g", "-G"], 0),
    ("s6-setuidgid", &[], 1),
    ("setpriv", &["--reuid", "--regid", "--groups"], 0),
    ("setuidgid", &[], 1),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("su-exec", &[], 1),
    ("sudo", &["-u", "-g", "-h", "-p", "-C"], 0),
    ("timeout", &["-k", "--kill-after", "-s", "--signal"], 1),
    ("tini", &["-e", "-p"], 0),
    ("tini-static", &["-e", "-p"], 0),
];

const SHELLS: [&str; 8] = [
    "ash",
    "bash",
    "cmd",
    "dash",
    "ksh",
    "powershell",
    "sh",
    "zsh",
];

/// Commands within commands deeper than this are not looked into.
const MAX_DEPTH: usize = 8;
/// At most so many commands of one container are looked at: scripts may call each other.
const MAX_COMMANDS: usize = 10_000;

/// One run of the program gitlab-runner that starts a runner, or may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invocation {
    /// The program, as the command names it; empty where the image starts it.
    pub(super) program: String,
    /// The variables that it sees, as far as the manifests say them.
    pub(super) variables: Environment,
    /// What follows the program's name: `run --config /etc/gitlab-runner/config.toml`.
    pub(super) arguments: Vec<String>,
}

/// What a container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// gitlab-runner, and how as far as can be told.
    Runner(Vec<Invocation>),
    /// It may be gitlab-runner, and the reason for the doubt: a clause about the container.
    Doubtful(String),
    /// Something else.
    Other,
}

/// Looks at a container with these variables. `file` gives the text of a file that is mounted in it,
/// such as a script.
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
    let mut search = Search {
        file,
        found: Vec::new(),
        other: None,
        is_opaque: false,
        commands: 0,
    };
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
        // `run` is the argument by which the entrypoint of a runner's image starts it.
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

/// Another command of the program than `run`.
fn runs_another(command: &str) -> String {
    format!("runs `gitlab-runner {command}`, which starts no session server")
}

/// The command among the arguments of the program: `run`, `register`, `verify`.
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

/// What an image's name says of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Image {
    /// GitLab Runner: `gitlab/gitlab-runner:alpine`, `gitlab-runner-ocp`.
    Runner,
    /// A name with `gitlab-runner` in it that says nothing for sure: `my-gitlab-runner`.
    Similar,
    /// Another program whose name begins so: `gitlab-runner-helper`.
    OtherProgram,
    /// A name without it.
    Unrelated,
}

impl Image {
    fn of(image: &str) -> Self {
        let name = repository(image);
        let (before, after) = match (name.split_once(RUNNER), name.split_once(OLD_RUNNER)) {
            (Some(parts), _) | (None, Some(parts)) => parts,
            (None, None) => return Self::Unrelated,
        };
        if !after.is_empty() && !after.starts_with(['-', '_', '.']) {
            return Self::Similar;
        }
        let words = after.trim_start_matches(['-', '_', '.']);
        if OTHER_PROGRAMS
            .iter()
            .any(|other| words == *other || words.starts_with(&format!("{other}-")))
        {
            return Self::OtherProgram;
        }
        if !before.is_empty() {
            return Self::Similar;
        }
        let is_flavour = |word: &str| {
            let word = word.trim_start_matches('v');
            FLAVOURS.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit())
        };
        if words.is_empty() || words.split(['-', '_']).all(is_flavour) {
            Self::Runner
        } else {
            Self::Similar
        }
    }
}

/// The last part of an image's repository: `gitlab-runner` of
/// `registry.example.com:5000/gitlab-org/gitlab-runner:alpine@sha256:…`.
pub(super) fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

/// The name of a program, without the folders and the ending of Windows.
fn name_of(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".exe")
        .map_or(name.clone(), str::to_owned)
}

fn is_runner(program: &str) -> bool {
    let name = name_of(program);
    // The binaries that GitLab publishes say their platform.
    let platform = name.strip_prefix("gitlab-runner-");
    let is_binary = platform.is_some_and(|platform| {
        ["linux-", "darwin-", "freebsd-", "windows-"]
            .iter()
            .any(|system| platform.starts_with(system))
    });
    name == RUNNER || name == OLD_RUNNER || is_binary
}

fn is_wrapper(program: &str) -> bool {
    let name = name_of(program);
    SHELLS.contains(&name.as_str()) || WRAPPERS.iter().any(|(wrapper, ..)| *wrapper == name)
}

/// Looks for gitlab-runner through wrappers, shells and scripts.
struct Search<'f> {
    file: &'f dyn Fn(&str) -> Option<String>,
    found: Vec<Invocation>,
    /// A command of gitlab-runner was met that is not `run`.
    other: Option<String>,
    /// A script, or a program of the image, was met that may start anything.
    is_opaque: bool,
    /// How many commands have been looked at.
    commands: usize,
}

impl Search<'_> {
    /// gitlab-runner is started: `run` starts a runner, and a command that is not known may.
    fn invoke(&mut self, program: &str, variables: &Environment, arguments: Vec<String>) {
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

    fn run(&mut self, words: Vec<String>, variables: &Environment, depth: usize) {
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
            let (variables, rest) = behind_options(arguments, with_value, *before, variables);
            return self.run(rest, &variables, depth + 1);
        }
        if SHELLS.contains(&name.as_str()) || name == "su" {
            return self.shell(&name, arguments, variables, depth);
        }
        match name.as_str() {
            "eval" => self.script(&arguments.join(" "), &[], variables, depth),
            "source" | "." => self.script_file(arguments, variables, depth),
            // The entrypoint of GitLab Runner's images.
            "entrypoint" if program.starts_with('/') && (self.file)(program).is_none() => {
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
        let mut rest = arguments.iter().enumerate();
        while let Some((place, word)) = rest.next() {
            if is_script_option(word) {
                let behind = arguments.get(place + 1..).unwrap_or_default();
                let behind = match behind.split_first() {
                    Some((first, behind)) if first == "--" => behind,
                    _ => behind,
                };
                let (script, parameters) = match behind.split_first() {
                    Some((script, behind)) if !is_windows => (script.clone(), behind),
                    _ => (behind.join(" ").replace('\\', "/"), &[][..]),
                };
                // The first parameter is the shell's own name.
                let parameters = parameters.get(1..).unwrap_or_default();
                return self.script(&script, parameters, variables, depth);
            }
            if word == "-o" || word == "+o" || word == "-O" {
                rest.next();
            } else if !word.starts_with(['-', '+']) && name != "su" && !is_windows {
                let behind = arguments.get(place..).unwrap_or_default();
                return self.script_file(behind, variables, depth);
            }
        }
        // A script from the shell's input, or by an option that is not known here.
        self.is_opaque |= is_windows || arguments.iter().any(|word| word == "-s");
    }

    /// A program that is a file: a script that is mounted, or one of the image.
    fn script_file(&mut self, words: &[String], variables: &Environment, depth: usize) {
        let Some((path, parameters)) = words.split_first() else {
            return;
        };
        match (self.file)(path) {
            Some(script) => {
                self.is_opaque = true;
                self.script(&script, parameters, variables, depth);
            }
            None => self.is_opaque |= is_of_image(path),
        }
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

/// True for a program that the image brings along, which may start anything; false for one that
/// systems ship.
fn is_of_image(path: &str) -> bool {
    let is_script = [".sh", ".bash", ".py", ".pl", ".rb", ".ps1", ".bat", ".cmd"]
        .iter()
        .any(|ending| path.ends_with(ending));
    let folder = path.rsplit_once('/').map(|(folder, _)| folder);
    is_script || folder.is_some_and(|folder| !SYSTEM_FOLDERS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCRIPT: &str = "#!/bin/bash\nset -e\nexport CONFIG_FILE=/home/x/config.toml\n\
                          gitlab-runner register --non-interactive\nexec gitlab-runner run \"$@\"\n";

    fn file(path: &str) -> Option<String> {
        match path {
            "/scripts/start" => Some(SCRIPT.to_owned()),
            "/scripts/other" => Some("exec kubectl delete deployment gitlab-runner\n".to_owned()),
            "/scripts/exec" => Some("exec \"$@\"\n".to_owned()),
            _ => None,
        }
    }

    fn program(container: &Value) -> Program {
        let variables = Environment::from([("R".to_owned(), "gitlab-runner".to_owned())]);
        of(container, &variables, &file)
    }

    #[test]
    fn runners_are_known_by_image_or_executable() {
        for container in [
            json!({"image": "gitlab/gitlab-runner"}),
            json!({"image": "r.example.com:5000/a/gitlab-runner:alpine-v18.9.0"}),
            json!({"image": "r.example.com/gitlab-runner@sha256:0123"}),
            json!({"image": "gitlab-runner-ocp:v1"}),
            json!({"image": "x/gitlab-runner-ubi-fips:v1"}),
            json!({"image": "x/gitlab-runner-ubi9"}),
            json!({"image": "gitlab/gitlab-runner", "args": ["run", "--user=x"]}),
            json!({"image": "gitlab/gitlab-runner", "command": ["/usr/bin/dumb-init", "--", "/bin/bash", "/configmaps/entrypoint"]}),
            json!({"image": "gitlab/gitlab-runner", "command": ["/start.sh"]}),
            json!({"image": "gitlab/gitlab-runner", "command": ["/usr/bin/dumb-init", "/entrypoint", "run"]}),
            json!({"image": "alpine", "command": ["/usr/bin/gitlab-runner", "run"]}),
            json!({"image": "alpine", "command": ["gitlab-runner"], "args": ["run"]}),
            json!({"image": "alpine", "args": ["gitlab-runner", "run"]}),
            json!({"image": "alpine", "args": ["-c", "exec gitlab-runner run"]}),
            json!({"image": "alpine", "command": ["sh", "-ec", "cd /x && exec gitlab-runner run"]}),
            json!({"image": "alpine", "command": ["bash", "-o", "pipefail", "-c", "if true; then gitlab-runner run; fi"]}),
            json!({"image": "alpine", "command": ["tini", "-g", "--", "sudo", "-u", "x", "gitlab-runner", "run"]}),
            json!({"image": "alpine", "command": ["/bin/bash", "-c", "--"], "args": ["gitlab-runner run"]}),
            json!({"image": "alpine", "command": ["bash", "-ce", "gitlab-runner run"]}),
            json!({"image": "alpine", "command": ["s6-setuidgid", "x", "gitlab-runner", "run"]}),
            json!({"image": "gitlab-runner:windows", "command": ["powershell", "-File", "C:\\start.ps1"]}),
            json!({"image": "alpine", "command": ["su", "x", "-c", "gitlab-runner run"]}),
            json!({"image": "alpine", "command": ["env", "A=b", "gitlab-runner", "run"]}),
            json!({"image": "alpine", "command": ["sh", "/scripts/start"]}),
            json!({"image": "alpine", "command": ["/scripts/start"]}),
            json!({"image": "alpine", "command": ["sh", "-c", "set -- run -c /x; exec gitlab-runner \"$@\""]}),
            json!({"image": "alpine", "command": ["sh", "-c", "A='run -c /x'; exec gitlab-runner $A"]}),
            json!({"image": "alpine", "command": ["gitlab-runner", "-l", "debug", "run"]}),
            json!({"image": "alpine", "command": ["/scripts/exec"], "args": ["gitlab-runner", "run"]}),
            json!({"image": "alpine", "command": ["sh", "-c", ". /scripts/start"]}),
            json!({"image": "win", "command": ["C:\\GitLab-Runner\\gitlab-runner.exe", "run"]}),
            json!({"image": "win", "command": ["cmd", "/S", "/C", "C:\\r\\gitlab-runner.exe run"]}),
            json!({"image": "win", "command": ["powershell.exe", "-Command", "gitlab-runner.exe", "run"]}),
            json!({"image": "alpine", "command": ["/opt/gitlab-runner-linux-amd64", "run"]}),
            json!({"image": "x/my-gitlab-runner:1", "command": ["gitlab-runner", "run"]}),
            json!({"image": "x/my-gitlab-runner:1", "args": ["run"]}),
            json!({"image": "$(A)", "command": ["$(R)", "run"]}),
        ] {
            assert!(
                matches!(program(&container), Program::Runner(_)),
                "{container}"
            );
        }
    }

    #[test]
    fn other_programs_are_no_runners() {
        for container in [
            json!({}),
            json!({"image": "x/gitlab-runner-helper:v1", "command": ["gitlab-runner"]}),
            json!({"image": "x/gitlab-runner-operator:v1"}),
            json!({"image": "x/gitlab-runner-pod-cleanup:latest"}),
            json!({"image": "x/gitlab-runner-docker-cleanup"}),
            json!({"image": "x/gitlab-runner-scaler", "args": ["run"]}),
            json!({"image": "x/gitlab-runner-exporter"}),
            json!({"image": "gitlab-runner/other"}),
            json!({"image": "alpine", "args": ["gitlab-runner-helper"]}),
            json!({"image": "bitnami/kubectl", "args": ["rollout", "restart", "deployment", "gitlab-runner"]}),
            json!({"image": "bitnami/kubectl", "command": ["kubectl", "-n", "gitlab-runner", "get", "deployment/gitlab-runner"]}),
            json!({"image": "curl", "command": ["sh", "-c", "curl https://example.com/gitlab-runner"]}),
            json!({"image": "alpine", "command": ["sh", "-c", "echo 'gitlab-runner run'"]}),
            json!({"image": "alpine", "command": ["sh", "-c", "# gitlab-runner run\nsleep 1"]}),
            json!({"image": "alpine", "command": ["sh", "-c", "kubectl exec deployment/gitlab-runner -- gitlab-runner verify"]}),
            json!({"image": "alpine", "command": ["/scripts/other"]}),
            json!({"image": "helm", "command": ["helm", "upgrade", "gitlab-runner", "gitlab/gitlab-runner"]}),
        ] {
            assert_eq!(program(&container), Program::Other, "{container}");
        }
    }

    #[test]
    fn what_may_be_a_runner_is_doubtful() {
        for container in [
            json!({"image": "alpine", "command": ["sh", "-c", "gitlab-runner verify; sleep 60"]}),
            json!({"image": "gitlab/gitlab-runner", "args": ["register"]}),
            json!({"image": "gitlab/gitlab-runner", "args": ["--log-level", "debug", "list"]}),
            json!({"image": "alpine", "command": ["gitlab-runner", "--version"], "args": ["unregister"]}),
            json!({"image": "my-gitlab-runner"}),
            json!({"image": "mygitlab-runner"}),
            json!({"image": "gitlab-runner-custom"}),
            json!({"image": "my-gitlab-runner", "command": ["sleep", "infinity"]}),
            json!({"image": "gitlab/gitlab-runner", "command": ["sleep", "infinity"]}),
            json!({"image": "gitlab/gitlab-runner", "command": ["sh", "-c", "kubectl get pods"]}),
        ] {
            assert!(
                matches!(program(&container), Program::Doubtful(_)),
                "{container}"
            );
        }
    }

    #[test]
    fn arguments_and_variables_reach_the_program() {
        let container = json!({"image": "alpine", "command": ["bash", "/scripts/start"], "args": ["--config", "/x"]});
        let Program::Runner(found) = program(&container) else {
            panic!("not a runner");
        };
        assert_eq!(found[0].arguments, ["run", "--config", "/x"]);
        assert_eq!(found[0].variables["CONFIG_FILE"], "/home/x/config.toml");
    }
}
