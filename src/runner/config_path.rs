//! The path of a runner's configuration file.
//!
//! Source: `--config`, `-c` and `CONFIG_FILE` of the commands `run` and `register` in GitLab
//! Runner's `commands`, and its `GetDefaultConfigFile`: as root `/etc/gitlab-runner/config.toml`,
//! else `.gitlab-runner/config.toml` in the home folder.

use std::collections::BTreeSet;

use serde_json::Value;

use super::config::environment::{CONFIG_FILE, Environment, environment};
use super::config::file_path::FilePath;
use super::program::{Invocation, Program, SWITCHED_TO, is_root};
use super::shell::WORKING_DIRECTORY;
use super::workload::text;
use super::{Container, Workload};
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// Where root's configuration is.
const OF_ROOT: &str = "/etc/gitlab-runner/config.toml";
/// Where the configuration is below the home folder of another user.
const BELOW_HOME: &str = ".gitlab-runner/config.toml";
/// The home folder of the user `gitlab-runner` in the images of GitLab Runner, and that of a user
/// who is unknown to the image.
const HOMES: [&str; 2] = ["/home/gitlab-runner", "/"];

/// The path, from the command, the environment or the runner's own default.
pub(super) fn config_path(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: Container<'_>,
) -> Result<FilePath, Refusal> {
    let paths = candidates(
        workload.program(container),
        &environment(list, workload, container.value),
        container.value,
        workload.pod("/spec"),
    );
    let paths = paths.map_err(|message| {
        let place = format!("/spec/containers/{}", container.index);
        Box::new(
            FunctionResult::error(format!(
                "{message}: name the object that holds it in spec.config of the functionConfig"
            ))
            .about(&workload.resource.identity)
            .at(field_path(&workload.pod_pointer(&place))),
        )
    })?;
    // The image's user is not in the manifests, but a volume at one of the paths gives it away.
    let mounted = paths.iter().find(|path| is_mounted(container, path));
    let path = mounted.or(paths.first()).cloned();
    Ok(path.unwrap_or_else(|| FilePath::parse(OF_ROOT)))
}

/// The possible paths of the file, most likely first. `pod` is the pod's spec.
///
/// # Errors
/// The command sets several, or uses a variable that is not in the manifests.
fn candidates(
    program: &Program,
    own: &Environment,
    container: &Value,
    pod: Option<&Value>,
) -> Result<Vec<FilePath>, String> {
    let invocations = match program {
        Program::Runner(invocations) => invocations.as_slice(),
        Program::Doubtful(_) | Program::Other => &[],
    };
    let said = said(invocations)?;
    let running = invocations.last();
    let variables = running.map_or(own, |run| &run.variables);
    let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    if let Some(path) = said.as_ref().or_else(|| variable(CONFIG_FILE)) {
        if path.contains('$') {
            return Err(format!(
                "its config.toml is {path}, with a variable whose value these manifests do not show, or \
                 that differs between the branches of its script"
            ));
        }
        let folder = match text(container, "workingDir") {
            "" => "/",
            folder => folder,
        };
        return Ok(vec![FilePath::parse(folder).join(path)]);
    }
    if let Some(unknown) = running.and_then(|run| unknown_word(&run.arguments)) {
        return Err(format!(
            "its command hands {unknown} to gitlab-runner, which may name its config.toml and which \
             these manifests do not show"
        ));
    }
    if let Some(program) = running
        .map(|run| &run.program)
        .filter(|program| is_exe(program))
    {
        // On Windows, it reads the file in its working directory.
        let folder = match text(container, "workingDir") {
            "" => FilePath::parse(program).join(".."),
            folder => FilePath::parse(folder),
        };
        return Ok(vec![folder.join("config.toml")]);
    }
    let homes = match variable("HOME") {
        Some(home) => vec![home.as_str()],
        None => HOMES.to_vec(),
    };
    let of_users = homes
        .into_iter()
        .map(|home| FilePath::parse(home).join(BELOW_HOME));
    let mut paths: Vec<FilePath> = of_users.collect();
    if may_be_root(container, pod) {
        // What is mounted shows whether the image knows the user that the command switches to.
        let switched_to = variables.get(SWITCHED_TO);
        let is_other_user = switched_to.is_some_and(|user| !is_root(user));
        let place = if is_other_user { paths.len() } else { 0 };
        paths.insert(place, FilePath::parse(OF_ROOT));
    }
    Ok(paths)
}

/// The path that the command line or the environment sets.
///
/// # Errors
/// They set several paths.
fn said(invocations: &[Invocation]) -> Result<Option<String>, String> {
    let said = |run: &Invocation| {
        let path = option(&run.arguments, &["config", "c"]);
        let path = path.or_else(|| run.variables.get(CONFIG_FILE).cloned());
        path.filter(|path| !path.is_empty()).map(|path| {
            match run.variables.get(WORKING_DIRECTORY) {
                Some(folder) if !is_absolute(&path) => format!("{folder}/{path}"),
                _ => path,
            }
        })
    };
    let all: BTreeSet<Option<String>> = invocations.iter().map(said).collect();
    if all.len() > 1 {
        let names: Vec<&str> = all
            .iter()
            .map(|path| path.as_deref().unwrap_or("the default"))
            .collect();
        return Err(format!(
            "its command runs gitlab-runner in several ways, with different configurations ({})",
            names.join(", ")
        ));
    }
    Ok(all.into_iter().flatten().next())
}

/// True for a path that does not depend on the working directory, or that is not known.
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\', '$']) || path.contains(':')
}

/// An argument that is a variable and may expand to anything: `$ARGS`, unless it is the value of an
/// option.
fn unknown_word(arguments: &[String]) -> Option<&str> {
    let before = [""].into_iter().chain(arguments.iter().map(String::as_str));
    let words = before.zip(arguments);
    words
        .filter(|(before, word)| word.starts_with('$') && !before.starts_with('-'))
        .map(|(_, word)| word.as_str())
        .next()
}

/// The value of an option, the last one if it is given twice: `--config x`, `-config=x`, `-c x`.
pub(super) fn option(arguments: &[String], names: &[&str]) -> Option<String> {
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

fn is_exe(program: &str) -> bool {
    program.to_ascii_lowercase().ends_with(".exe")
}

/// False if the manifest makes the container run as a user other than root.
fn may_be_root(container: &Value, pod: Option<&Value>) -> bool {
    let context = |field: &str| {
        container
            .at(&format!("/securityContext/{field}"))
            .or_else(|| pod?.at(&format!("/securityContext/{field}")))
    };
    match context("runAsUser").and_then(Value::as_i64) {
        Some(user) => user == 0,
        None => context("runAsNonRoot") != Some(&Value::Bool(true)),
    }
}

fn is_mounted(container: Container<'_>, path: &FilePath) -> bool {
    let mounts = container
        .value
        .get("volumeMounts")
        .and_then(Value::as_array);
    let mut mounts = mounts.into_iter().flatten();
    mounts.any(|mount| {
        let folder = FilePath::parse(text(mount, "mountPath"));
        path.below(&folder).is_some()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::program;
    use super::*;

    fn paths(container: &Value) -> Vec<String> {
        let variables = container.get("env").and_then(Value::as_array);
        let variables: Environment = variables
            .into_iter()
            .flatten()
            .map(|one| (text(one, "name").to_owned(), text(one, "value").to_owned()))
            .collect();
        let program = program::of(container, &variables, &|_| None);
        let pod = json!({"securityContext": {"fsGroup": 5}});
        let paths = candidates(&program, &variables, container, Some(&pod)).unwrap();
        paths.iter().map(FilePath::to_string).collect()
    }

    #[test]
    fn the_command_and_the_environment_say_the_path() {
        for (container, expected) in [
            (json!({"image": "gitlab-runner"}), OF_ROOT),
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
                json!({"image": "gitlab-runner", "command": ["sh", "-c", "CONFIG_FILE=/x.toml; gitlab-runner run"]}),
                OF_ROOT,
            ),
            (
                json!({"image": "gitlab-runner", "command": ["sh", "-c", "CONFIG_FILE=/x.toml; export CONFIG_FILE; gitlab-runner run"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["sh", "-c", "set -a; CONFIG_FILE=/x.toml; gitlab-runner run"]}),
                "/x.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["gosu", "gitlab-runner", "gitlab-runner", "run"]}),
                "/home/gitlab-runner/.gitlab-runner/config.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["sh", "-c", "chown -R ci /data; exec su-exec ci:ci gitlab-runner run"]}),
                "/home/ci/.gitlab-runner/config.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["su", "-", "ci", "-c", "gitlab-runner run"]}),
                "/home/ci/.gitlab-runner/config.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["sudo", "-H", "-u", "ci", "gitlab-runner", "run"]}),
                "/home/ci/.gitlab-runner/config.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["setpriv", "--reuid=999", "gitlab-runner", "run"]}),
                "/home/gitlab-runner/.gitlab-runner/config.toml",
            ),
            (
                json!({"image": "gitlab-runner", "command": ["gosu", "root", "gitlab-runner", "run"]}),
                OF_ROOT,
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
                OF_ROOT,
            ),
        ] {
            assert_eq!(paths(&container)[0], expected, "{container}");
        }
        let other = json!({"image": "gitlab-runner", "securityContext": {"runAsNonRoot": true}});
        assert_eq!(
            paths(&other),
            [
                "/home/gitlab-runner/.gitlab-runner/config.toml",
                "/.gitlab-runner/config.toml"
            ]
        );
    }

    #[test]
    fn registering_does_not_say_where_the_file_is_read() {
        let script = "gitlab-runner register -n --template-config /tmp/t.toml -c /a.toml && \
                      exec gitlab-runner run";
        let container = json!({"image": "gitlab-runner", "command": ["sh", "-c", script]});
        assert_eq!(paths(&container)[0], OF_ROOT);
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for script in [
            "if a; then gitlab-runner run -c /x; else gitlab-runner run; fi",
            "gitlab-runner run -c /x & gitlab-runner run -c /y",
            "exec gitlab-runner $ARGS",
            "exec gitlab-runner run \"${ARGS[@]}\"",
            "if [ \"$(cat /stage)\" = a ]; then export CONFIG_FILE=/x; else export CONFIG_FILE=/y; fi\n\
             exec gitlab-runner run",
            "C=/x; [ -f /prod ] && C=/y; exec gitlab-runner run -c \"$C\"",
            "C=/x; [ -f /prod ] || C=/y\nexec gitlab-runner run -c $C",
            "case $(uname) in a) C=/x;; *) C=/y;; esac; gitlab-runner run -c $C",
            "C=/x; while read -r line; do C=/y; done < /f; gitlab-runner run -c $C",
            "if [ \"$A\" = 1 ]; then F='-c /x'; fi; exec gitlab-runner run $F",
            "cd \"$(dirname \"$0\")\" && gitlab-runner run -c config.toml",
            "if test -d /x; then cd /x; fi; gitlab-runner run -c config.toml",
        ] {
            let container = json!({"image": "gitlab-runner", "command": ["sh", "-c", script]});
            let program = program::of(&container, &Environment::new(), &|_| None);
            assert!(
                candidates(&program, &Environment::new(), &container, None).is_err(),
                "{script}"
            );
        }
        for (script, expected) in [
            (
                "gitlab-runner run -c /x; gitlab-runner unregister --all-runners",
                "/x",
            ),
            ("gitlab-runner run --working-directory $HOME", OF_ROOT),
            ("ARGS='run -c /x'; exec gitlab-runner $ARGS", "/x"),
            ("set -- run -c /x; exec gitlab-runner \"$@\"", "/x"),
            ("unset CONFIG_FILE; gitlab-runner run", OF_ROOT),
            ("CONFIG_FILE=/x; gitlab-runner run", "/x"),
            (
                "CONFIG_FILE=/x; export CONFIG_FILE; gitlab-runner run",
                "/x",
            ),
            ("set -a; CONFIG_FILE=/x; gitlab-runner run", "/x"),
            ("C=/x; [ -f /prod ] && C=/x; gitlab-runner run -c $C", "/x"),
            (
                "if [ -z \"$C\" ]; then C=/x; else C=/y; fi; gitlab-runner run -c $C",
                "/x",
            ),
            (
                "S=prod; if [ $S = prod ]; then C=/x; elif [ $S = q ]; then C=/z; else C=/y; fi\n\
              gitlab-runner run -c $C",
                "/x",
            ),
            (
                "S=dev; if [ \"$S\" = prod ]; then C=/x; elif [ $S = q ]; then C=/z; else C=/y; fi\n\
              gitlab-runner run -c $C",
                "/y",
            ),
            (
                "S=dev; C=/x; [ $S = prod ] && C=/y; gitlab-runner run -c $C",
                "/x",
            ),
            (
                "S=dev\ncase \"$S\" in\n  prod) C=/x ;;\n  dev)\n    C=/y\n    ;;\n  *) C=/z;;\nesac\n\
              gitlab-runner run -c $C",
                "/y",
            ),
            (
                "test -d /x || mkdir /x; C=/x; gitlab-runner run -c $C",
                "/x",
            ),
            ("mkdir -p /x && C=/x && gitlab-runner run -c $C", "/x"),
            (
                "if [ \"$DEBUG\" = 1 ]; then F=--debug; fi; exec gitlab-runner $F run -c /x",
                "/x",
            ),
            (
                "if [ \"$A\" = 1 ]; then F=--debug; elif [ \"$A\" = 2 ]; then F=; fi\n\
                 exec gitlab-runner run \"$F\" -c /x",
                "/x",
            ),
            ("D=/x; C=${C:-$D/y}; gitlab-runner run -c $C", "/x/y"),
            ("D=/x; gitlab-runner run -c ${C:-${D}/${E:-y}}", "/x/y"),
            (
                "if [ \"$DEBUG\" = 1 ]; then F=--debug; fi; exec gitlab-runner $F run",
                OF_ROOT,
            ),
            (
                "cd /x && exec gitlab-runner run --config config.toml",
                "/x/config.toml",
            ),
            (
                "cd /x; cd y; CONFIG_FILE=c.toml gitlab-runner run",
                "/x/y/c.toml",
            ),
            ("cd /x; gitlab-runner run -c /y.toml", "/y.toml"),
            ("cd /x; gitlab-runner run", OF_ROOT),
            (
                "gitlab-runner run & gitlab-runner --log-level debug register -c /y",
                OF_ROOT,
            ),
        ] {
            let env = json!([{"name": "CONFIG_FILE", "value": if script.contains("unset") { "/z" } else { "" }}]);
            let container =
                json!({"image": "gitlab-runner", "env": env, "command": ["sh", "-c", script]});
            assert_eq!(paths(&container)[0], expected, "{script}");
        }
    }
}
