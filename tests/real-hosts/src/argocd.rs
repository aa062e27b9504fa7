//! Argo CD's plugin server with the plugin, and the requests of argocd-repo-server.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::command;
use crate::programs::{artifact, host, workspace_root};

/// The log line of a server that listens.
const LISTENS: &str = "serving on";

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct PluginServer {
    child: Child,
    folder: TempDir,
    log: Arc<Mutex<String>>,
}

impl PluginServer {
    /// Starts it with the plugin, as a sidecar with this environment, and returns once it listens.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = |name: &str| folder.path().join(name);
        for name in ["config", "plugins", "work", "tmp"] {
            fs::create_dir(path(name)).expect("a folder can be made in a temporary one");
        }
        let plugin = workspace_root().join("kustomization/argocd/plugin.yaml");
        fs::copy(plugin, path("config/plugin.yaml")).expect("the plugin can be copied");

        let mut server = Command::new(host("argocd"));
        server
            .arg("cmp-server")
            .arg("--config-dir-path")
            .arg(path("config"))
            .env_clear()
            .env("PATH", programs())
            .env("TMPDIR", path("tmp"))
            .env("ARGOCD_PLUGINSOCKFILEPATH", path("plugins"))
            .env("ARGOCD_CMP_WORKDIR", path("work"))
            .envs(environment.iter().copied())
            .stderr(Stdio::piped());
        let mut child = command::start(&mut server);
        let stderr = child.stderr.take().expect("stderr was asked for above");
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        loop {
            let line = lines.next().and_then(Result::ok);
            let line = line.unwrap_or_else(|| panic!("the server ended: {said}"));
            said.push_str(&line);
            said.push('\n');
            if line.contains(LISTENS) {
                break;
            }
        }
        let log = Arc::new(Mutex::new(said));
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = kept.lock().expect("nobody panics with the log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, folder, log }
    }

    /// Whether the plugin accepts the application.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn matches(&self, application: &Application<'_>) -> bool {
        let answer = self.json("match", application);
        assert_eq!(answer.get("isDiscoveryEnabled"), Some(&Value::Bool(true)));
        answer.get("isSupported") == Some(&Value::Bool(true))
    }

    /// The announced parameters.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn parameters(&self, application: &Application<'_>) -> Vec<Value> {
        let answer = self.json("parameters", application);
        answer.as_array().expect("it is a list").clone()
    }

    /// Builds the application.
    pub fn generate(&self, application: &Application<'_>) -> Output {
        self.ask("generate", application)
    }

    /// What the server has logged so far.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it held the log.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with the log").clone()
    }

    /// The files that builds left in the sidecar's temporary folders.
    ///
    /// # Panics
    ///
    /// If they cannot be read.
    pub fn left_over(&self) -> Vec<PathBuf> {
        let files = |name| fs::read_dir(self.folder.path().join(name)).expect("it is a folder");
        files("tmp")
            .chain(files("work/_cmp_server"))
            .map(|entry| entry.expect("it can be read").path())
            .collect()
    }

    fn json(&self, what: &str, application: &Application<'_>) -> Value {
        let output = self.ask(what, application);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).expect("the answer is JSON")
    }

    fn ask(&self, what: &str, application: &Application<'_>) -> Output {
        let mut client = Command::new(host("argocd"));
        client.arg("cmp-client");
        for (name, value) in application.environment() {
            client.arg("--env").arg(format!("{name}={value}"));
        }
        let socket = self.folder.path().join("plugins/runner-terminal.sock");
        client
            .arg(socket)
            .arg(what)
            .arg(application.repository)
            .arg(application.path);
        command::run(&mut client, b"")
    }
}

impl Drop for PluginServer {
    fn drop(&mut self) {
        // It is not an error if it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sidecar's PATH: the command, kustomize and helm.
fn programs() -> std::ffi::OsString {
    let of = |path: PathBuf| path.parent().map(Path::to_owned).unwrap_or_default();
    let _ = host("helm");
    let folders = [
        of(artifact("release/runner-terminal")),
        of(host("kustomize")),
    ];
    env::join_paths(folders).expect("the workspace's path can be put on PATH")
}

/// An application whose source is a folder of a repository.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The repository.
    pub repository: &'a Path,
    /// The folder in it.
    pub path: &'a str,
    /// The namespace that it is deployed to.
    pub namespace: &'a str,
    /// `spec.source.plugin.parameters`, as JSON; empty if the application has no plugin section.
    pub parameters: &'a str,
}

impl Application<'_> {
    /// The environment that argocd-repo-server passes for it.
    fn environment(&self) -> Vec<(&str, &str)> {
        let mut environment = vec![
            ("ARGOCD_APP_NAME", "runner"),
            ("ARGOCD_APP_NAMESPACE", self.namespace),
            ("ARGOCD_APP_SOURCE_PATH", self.path),
            ("KUBE_VERSION", "1.37.2"),
            (
                "KUBE_API_VERSIONS",
                "apps/v1,apps/v1/Deployment,v1,v1/Service",
            ),
        ];
        if !self.parameters.is_empty() {
            environment.push(("ARGOCD_APP_PARAMETERS", self.parameters));
        }
        environment
    }
}

/// The folder with Argo CD's own manifests, in the Go module that the tests run.
///
/// # Panics
///
/// If it cannot be downloaded.
pub fn argo_cd_manifests() -> PathBuf {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", "github.com/argoproj/argo-cd/v3"])
        .current_dir(workspace_root().join("tests/hosts/argocd"));
    let output = command::run(&mut go, b"");
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("go prints JSON");
    let folder = answer.get("Dir").and_then(Value::as_str);
    PathBuf::from(folder.expect("go says where the module is")).join("manifests")
}
