//! The path of the file that a runner reads its configuration from.
//!
//! Source: `--config`, `-c` and `CONFIG_FILE` of the commands `run` and `register` in GitLab
//! Runner's `commands`, and `GetDefaultConfigFile` in its `commands/helpers` and `common`: as root
//! `/etc/gitlab-runner/config.toml`, else `.gitlab-runner/config.toml` in the home folder.

use serde_json::Value;

use super::program::{Invocation, Program, environment};
use crate::pointer::At as _;

/// Where root's configuration is.
pub(super) const DEFAULT: &str = "/etc/gitlab-runner/config.toml";
/// Where the configuration is below the home folder of another user.
const BELOW_HOME: &str = ".gitlab-runner/config.toml";
/// The home folder of the user `gitlab-runner` in the images of GitLab Runner, and that of a user
/// whom the image does not know.
const HOMES: [&str; 2] = ["/home/gitlab-runner", "/"];

/// What a container's command says of its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConfigPath {
    /// The paths that it may be at, the likeliest first. More than one only where the home folder
    /// is not known.
    pub(super) paths: Vec<String>,
    /// The user as whom the runner runs, where that is not root and decides the path.
    pub(super) user: Option<String>,
    /// The container runs `gitlab-runner register`, which writes the file.
    pub(super) registers: bool,
    /// The path of the `--template-config`.
    pub(super) template: Option<String>,
}

/// Reads it off the program that a container runs. `pod` is the pod's spec.
pub(super) fn of(program: &Program, container: &Value, pod: Option<&Value>) -> ConfigPath {
    let invocations = match program {
        Program::Runner(invocations) => invocations.as_slice(),
        Program::Doubtful(_) | Program::Other => &[],
    };
    let registering = invocations.iter().find(|one| is(one, "register"));
    let running = invocations.iter().rev().find(|one| !is(one, "register"));
    let own = environment(container);
    let variable = |name: &str| {
        let of = |one: Option<&Invocation>| one?.variables.get(name).cloned();
        of(running).or_else(|| own.get(name).cloned())
    };
    let said = running
        .and_then(|run| option(&run.arguments, &["config", "c"]))
        .or_else(|| variable("CONFIG_FILE"))
        .filter(|path| !path.is_empty());
    let template = registering
        .and_then(|one| option(&one.arguments, &["template-config"]))
        .or_else(|| {
            let of = registering?.variables.get("TEMPLATE_CONFIG_FILE")?;
            Some(of.clone())
        });
    let user = user(container, pod);
    let (paths, user) = match (said, user) {
        (Some(path), _) => (vec![path], None),
        (None, None) => (vec![DEFAULT.to_owned()], None),
        (None, Some(user)) => {
            let home = variable("HOME").filter(|home| !home.is_empty());
            let homes = match &home {
                Some(home) => vec![home.as_str()],
                None => HOMES.to_vec(),
            };
            let below = |home: &str| format!("{}/{BELOW_HOME}", home.trim_end_matches('/'));
            (homes.into_iter().map(below).collect(), Some(user))
        }
    };
    ConfigPath {
        paths,
        user,
        registers: registering.is_some(),
        template,
    }
}

fn is(invocation: &Invocation, command: &str) -> bool {
    let mut words = invocation.arguments.iter();
    words
        .find(|word| !word.starts_with('-'))
        .map(String::as_str)
        == Some(command)
}

/// The value of an option, the last one if it is given twice: `--config x`, `-config=x`, `-c x`.
fn option(arguments: &[String], names: &[&str]) -> Option<String> {
    let mut found = None;
    for (place, word) in arguments.iter().enumerate() {
        let Some(option) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            continue;
        };
        match option.split_once('=') {
            Some((name, value)) if names.contains(&name) => found = Some(value.to_owned()),
            None if names.contains(&option) => found = arguments.get(place + 1).cloned(),
            _ => {}
        }
    }
    found
}

/// The user as whom the container runs, where the manifest says that it is not root.
fn user(container: &Value, pod: Option<&Value>) -> Option<String> {
    let context = |field: &str| {
        container
            .at(&format!("/securityContext/{field}"))
            .or_else(|| pod?.at(&format!("/securityContext/{field}")))
    };
    match context("runAsUser").and_then(Value::as_i64) {
        Some(0) => None,
        Some(user) => Some(format!("user {user}")),
        None if context("runAsNonRoot") == Some(&Value::Bool(true)) => {
            Some("a user other than root".to_owned())
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::program;
    use super::*;

    fn path(container: &Value) -> ConfigPath {
        let program = program::of(container, &|_| None);
        of(
            &program,
            container,
            Some(&json!({"securityContext": {"fsGroup": 5}})),
        )
    }

    #[test]
    fn the_command_and_the_environment_say_the_path() {
        for (container, expected) in [
            (json!({"image": "gitlab-runner"}), DEFAULT),
            (
                json!({"image": "gitlab-runner", "args": ["run", "--config", "/x.toml"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "args": ["run", "--config=/x.toml"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "args": ["run", "-config", "/x.toml"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "args": ["run", "-c", "/x.toml"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "args": ["run", "-c=/x.toml"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["sh", "-c", "gitlab-runner run -c /x.toml"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["sh", "-c", "CONFIG_FILE=/x.toml gitlab-runner run"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["sh", "-c", "D=/y; exec gitlab-runner run --config $D/c.toml"]}),
                "/y/c.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["/usr/bin/dumb-init", "/entrypoint", "run", "--config", "/x.toml"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "env": [{"name": "CONFIG_FILE", "value": "/x.toml"}]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "env": [{"name": "CONFIG_FILE", "value": "/x.toml"}], "args": ["run", "-c", "/y.toml"]}),
                "/y.toml",
            ),
            (
                json!({"image": "gitlab-runner", "env": [{"name": "D", "value": "/d"}], "args": ["run", "-c", "$(D)/y.toml"]}),
                "/d/y.toml",
            ),
            (
                json!({"image": "gitlab-runner", "securityContext": {"runAsUser": 999}, "env": [{"name": "HOME", "value": "/h"}]}),
                "/h/.gitlab-runner/config.toml",
            ),
            (
                json!({"image": "gitlab-runner", "securityContext": {"runAsUser": 0}}),
                DEFAULT,
            ),
        ] {
            assert_eq!(path(&container).paths, [expected], "{container}");
        }
        let other =
            path(&json!({"image": "gitlab-runner", "securityContext": {"runAsNonRoot": true}}));
        assert_eq!(
            other.paths,
            [
                "/home/gitlab-runner/.gitlab-runner/config.toml",
                "/.gitlab-runner/config.toml"
            ]
        );
    }

    #[test]
    fn a_template_is_no_configuration() {
        let script = "gitlab-runner register -n --template-config /tmp/config.toml -c /a.toml && exec gitlab-runner run";
        let found = path(&json!({"image": "gitlab-runner", "command": ["sh", "-c", script]}));
        assert_eq!(found.paths, [DEFAULT]);
        assert_eq!(found.template.as_deref(), Some("/tmp/config.toml"));
        assert!(found.registers);
    }
}
