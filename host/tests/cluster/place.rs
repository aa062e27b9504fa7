//! A home directory with a kubeconfig, and the command run in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::api_server::ApiServer;
use crate::program::{self, Ended};

/// Secrets that no output may hold. They are long enough not to occur by accident.
pub(crate) const TOKEN: &str = "canary-token-6f0d1b7c2a94e583";
pub(crate) const PLUGIN_TOKEN: &str = "canary-plugin-b83e5a1f90d7c264";
pub(crate) const PROXY_PASSWORD: &str = "canary-proxy-19c7e4d25f8ab306";

/// What the ConfigMap of [`list`] holds.
const CONFIG: &str = "    config.toml: |
      concurrent = 4   # jobs at once

      [[runners]]
        name = \"one\"
        executor = \"kubernetes\"
- apiVersion: apps/v1
";

/// A home directory, and an environment that refers to nothing else.
pub(crate) struct Place {
    folder: TempDir,
    environment: BTreeMap<String, String>,
    secrets: Vec<String>,
}

impl Place {
    /// Without a kubeconfig.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let environment = [
            ("HOME", home.as_str()),
            // Debug logging may print more, but no secrets.
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "1"),
        ];
        Self {
            environment: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            secrets: [TOKEN, PLUGIN_TOKEN, PROXY_PASSWORD]
                .into_iter()
                .flat_map(|secret| [secret.to_owned(), STANDARD.encode(secret)])
                .collect(),
            folder,
        }
    }

    /// With the kubeconfig of a server's user who has [`TOKEN`].
    pub(crate) fn of(server: &ApiServer) -> Self {
        Self::with(&json!({"server": server.url()}), &with_token())
    }

    /// With a kubeconfig of one cluster and one user.
    pub(crate) fn with(cluster: &Value, user: &Value) -> Self {
        Self::new().kubeconfig(&kubeconfig(cluster, user))
    }

    /// With this as the text of the kubeconfig.
    pub(crate) fn kubeconfig(self, text: &str) -> Self {
        let path = self.write("kubeconfig", text);
        self.env("KUBECONFIG", &path)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a secret that no output may hold: a key, of which every line is checked.
    pub(crate) fn secret(mut self, key: &str) -> Self {
        let lines = key
            .lines()
            .filter(|line| line.len() > 16 && !line.starts_with('-'));
        self.secrets.extend(lines.map(str::to_owned));
        self.secrets.push(STANDARD.encode(key));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes a shell script, and returns its path.
    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        let path = self.write(name, &format!("#!/bin/sh\n{text}"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The command, here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command(arguments);
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.path());
        command
    }

    /// Runs the command, and asserts that it prints no secret.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Ended {
        let ended = program::run(&mut self.command(arguments), input.as_bytes());
        for (name, text) in [("stdout", ended.text()), ("stderr", &ended.stderr)] {
            for secret in &self.secrets {
                assert!(!text.contains(secret), "{secret} is in {name}: {text}");
            }
        }
        ended
    }

    /// Runs the function on a list.
    #[track_caller]
    pub(crate) fn build(&self, list: &str) -> Ended {
        self.run(&[], list)
    }

    /// Asserts that the function writes this address, without a message.
    #[track_caller]
    pub(crate) fn assert_builds(&self, list: &str, address: &str) {
        assert_address(&self.build(list), address);
    }

    /// Asserts that the function fails with a message of these words, and passes the items through
    /// unchanged.
    #[track_caller]
    pub(crate) fn assert_fails(&self, list: &str, words: &[&str]) {
        assert_failed(&self.build(list), list, words);
    }
}

/// [`Place::assert_builds`], for a finished run.
#[track_caller]
pub(crate) fn assert_address(ended: &Ended, address: &str) {
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let output = ended.text();
    let line = format!("advertise_address = \"{address}\"");
    assert!(output.contains(&line), "{address}: {output}");
    assert_nothing_injected(output);
}

/// [`Place::assert_fails`], for a finished run.
#[track_caller]
pub(crate) fn assert_failed(ended: &Ended, list: &str, words: &[&str]) {
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "{word:?} is missing: {}",
            ended.stderr
        );
    }
    let output = ended.text();
    assert_eq!(items(output), items(list));
    assert!(output.contains("  severity: error\n"), "{output}");
}

/// Asserts that the function warns in these words, and leaves the configuration unchanged.
#[track_caller]
pub(crate) fn assert_pending(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for word in words.iter().chain(&["warning: "]) {
        assert!(
            ended.stderr.contains(word),
            "{word:?} is missing: {}",
            ended.stderr
        );
    }
    let output = ended.text();
    assert!(output.contains(CONFIG), "{output}");
    assert!(output.contains("  severity: warning\n"), "{output}");
    assert_nothing_injected(output);
}

#[track_caller]
fn assert_nothing_injected(output: &str) {
    for words in ["observed", "clusterIP", "192.0.2.7\n", "status:"] {
        assert!(!output.contains(words), "{words}: {output}");
    }
    let services = items(output).matches("  kind: Service\n").count();
    let declared = "      runner-terminal.dev/owned-by: SessionServer\n";
    assert_eq!(services, items(output).matches(declared).count());
}

/// The text of the items in a list.
fn items(list: &str) -> &str {
    let start = list.find("items:\n").unwrap();
    let end = list.find("functionConfig:\n").unwrap();
    &list[start..end]
}

/// A list with a runner, its Service, and an AdvertiseAddress with these fields.
pub(crate) fn list(fields: &[&str]) -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/refused-address/host-cannot-look.yaml"
    );
    let mut list = fs::read_to_string(path).unwrap();
    assert!(list.ends_with("  spec:\n    source: Cluster\n"));
    for field in fields {
        list.push_str(&format!("    {field}\n"));
    }
    list
}

/// A list that waits for addresses.
pub(crate) fn waiting_list() -> String {
    list(&["whenPending: Wait", "timeout: 20s"])
}

/// The list with a second runner, whose Service is `second-session-server`.
pub(crate) fn with_second_runner(list: &str) -> String {
    let first = items(list);
    let second = first
        .strip_prefix("items:\n")
        .unwrap()
        .replace("name: runner", "name: second")
        .replace("app: runner", "app: second");
    list.replace(first, &format!("{first}{second}"))
}

/// The list with this many more runners, whose Services are `runner-0-session-server` and so on.
pub(crate) fn with_runners(list: &str, count: usize) -> String {
    let first = items(list);
    let one = first.strip_prefix("items:\n").unwrap();
    let all: String = (0..count)
        .map(|number| {
            one.replace("name: runner", &format!("name: runner-{number}"))
                .replace("app: runner", &format!("app: runner-{number}"))
        })
        .collect();
    list.replace(first, &format!("items:\n{all}"))
}

/// The items of the list as plain manifests.
pub(crate) fn manifests() -> String {
    let list = list(&[]);
    let items = items(&list).strip_prefix("items:\n").unwrap();
    let lines = items.lines().map(|line| match line.strip_prefix("- ") {
        Some(first) => format!("---\n{first}\n"),
        None => format!("{}\n", line.strip_prefix("  ").unwrap_or(line)),
    });
    lines.collect()
}

/// A user who has [`TOKEN`].
pub(crate) fn with_token() -> Value {
    json!({ "token": TOKEN })
}

/// A kubeconfig with one context, which is called `test`.
pub(crate) fn kubeconfig(cluster: &Value, user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "cluster", "user": "user"}}],
    });
    format!("{config:#}\n")
}

/// Encodes text as in the fields of a kubeconfig that end in `-data`.
pub(crate) fn data(text: &str) -> String {
    STANDARD.encode(text)
}
