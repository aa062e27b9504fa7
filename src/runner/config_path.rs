//! The path of the `config.toml` that a container's gitlab-runner reads.
//!
//! Source: `GetDefaultConfigFile` in gitlab-runner's `commands/config.go`, and its global flag
//! `--config`, `-c`, of the environment `CONFIG_FILE`.

use serde_json::Value;

use super::config::environment::{environment, expand};
use super::config::file_path::FilePath;
use super::workload::text;
use super::{Container, Workload};
use crate::pointer::At as _;
use crate::resource_list::ResourceList;

/// Where root's configuration is.
const OF_ROOT: &str = "/etc/gitlab-runner/config.toml";

/// The path, as the command, the environment or the runner's own default say.
pub(super) fn config_path(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: Container<'_>,
) -> String {
    let variables = environment(list, workload, container.value);
    let words: Vec<String> = ["command", "args"]
        .iter()
        .filter_map(|field| container.value.get(field)?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .map(|word| expand(word, &variables).0)
        .collect();
    if let Some(path) = flag(&words) {
        return absolute(&path, container.value);
    }
    if let Some(path) = variables.get("CONFIG_FILE").filter(|path| !path.is_empty()) {
        return absolute(path, container.value);
    }
    if let Some(program) = words.first().filter(|word| is_exe(word)) {
        // On Windows it reads the file of its working directory.
        let folder = match text(container.value, "workingDir") {
            "" => FilePath::parse(program).join(".."),
            folder => FilePath::parse(folder),
        };
        return folder.join("config.toml").to_string();
    }
    let home = variables
        .get("HOME")
        .map_or("/home/gitlab-runner", String::as_str);
    let of_user = format!("{home}/.gitlab-runner/config.toml");
    let (first, second) = if is_root(workload, container) {
        (OF_ROOT.to_owned(), of_user)
    } else {
        (of_user, OF_ROOT.to_owned())
    };
    // Which user the image has is not in the manifests: a volume at one of the two says it.
    if !is_mounted(container, &first) && is_mounted(container, &second) {
        second
    } else {
        first
    }
}

/// The file of the last `--config`, also where it stands in the string that a shell runs.
fn flag(words: &[String]) -> Option<String> {
    let mut found = None;
    let is_shell = words.iter().any(|word| {
        let program = word.rsplit('/').next().unwrap_or_default();
        matches!(program, "sh" | "bash" | "ash" | "dash")
    });
    for (index, word) in words.iter().enumerate() {
        let inner: Vec<String> = word
            .split(|c: char| c.is_whitespace() || ";&|()'\"".contains(c))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        if inner.len() > 1 {
            found = flag(&inner).or(found);
            continue;
        }
        let value = match word.as_str() {
            "--config" | "-config" => words.get(index + 1).cloned(),
            // A shell has a -c of its own.
            "-c" if !is_shell => words.get(index + 1).cloned(),
            word => ["--config=", "-config=", "-c="]
                .iter()
                .find_map(|flag| word.strip_prefix(flag))
                .map(str::to_owned),
        };
        found = value.or(found);
    }
    found
}

fn is_exe(program: &str) -> bool {
    program.to_ascii_lowercase().ends_with(".exe")
}

/// A relative path is one in the container's working directory.
fn absolute(path: &str, container: &Value) -> String {
    let folder = match text(container, "workingDir") {
        "" => "/",
        folder => folder,
    };
    FilePath::parse(folder).join(path).to_string()
}

fn is_root(workload: &Workload, container: Container<'_>) -> bool {
    let of_pod = workload.pod("/spec/securityContext");
    let of_container = container.value.at("/securityContext");
    let setting = |field: &str| {
        [of_container, of_pod]
            .into_iter()
            .find_map(|context| context?.get(field))
    };
    match setting("runAsUser").and_then(Value::as_i64) {
        Some(user) => user == 0,
        None => setting("runAsNonRoot") != Some(&Value::Bool(true)),
    }
}

fn is_mounted(container: Container<'_>, path: &str) -> bool {
    let path = FilePath::parse(path);
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
