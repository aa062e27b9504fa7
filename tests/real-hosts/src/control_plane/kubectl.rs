//! kubectl, as the administrator of a control plane.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::credentials::{Credentials, TOKEN};
use crate::command;
use crate::programs::host;

#[derive(Debug)]
pub(super) struct Kubectl {
    config: PathBuf,
    cache: PathBuf,
}

impl Kubectl {
    /// Writes the configuration, so that the user's own is not read.
    pub(super) fn new(folder: &Path, credentials: &Credentials, port: u16) -> Self {
        let config = folder.join("kubeconfig");
        write_config(&config, credentials, port, TOKEN, "default");
        Self {
            config,
            cache: folder.join("kubectl-cache"),
        }
    }

    pub(super) fn run(&self, args: &[&str], input: &str) -> Output {
        let mut kubectl = Command::new(host("kubectl"));
        kubectl
            .arg("--kubeconfig")
            .arg(&self.config)
            .arg("--cache-dir")
            .arg(&self.cache);
        command::run(kubectl.args(args), input.as_bytes())
    }

    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    pub(super) fn is_server_ready(&self) -> bool {
        self.run(&["get", "--raw", "/readyz"], "").status.success()
    }
}

/// Writes a kubeconfig with this token, and with this default namespace.
pub(super) fn write_config(
    path: &Path,
    credentials: &Credentials,
    port: u16,
    token: &str,
    namespace: &str,
) {
    let json = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority": credentials.authority,
        }}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {
            "cluster": "test",
            "user": "user",
            "namespace": namespace,
        }}],
        "current-context": "test",
    });
    fs::write(path, json.to_string()).expect("a temporary file can be written");
}
