//! Helm, isolated from the user's own configuration.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::command;
use crate::launcher::without_clusters;
use crate::programs::{artifact, host, path_with_launcher, workspace_root};

/// One Helm, with its own plugins, caches and configuration.
#[derive(Debug)]
pub struct Helm {
    program: PathBuf,
    home: TempDir,
    kubeconfig: Option<PathBuf>,
    path: OsString,
}

/// A post-renderer that changes nothing.
pub const RECORDER: &str = "recorder";

impl Helm {
    /// Helm 4, whose post-renderers are plugins.
    pub fn four() -> Self {
        Self::new("helm")
    }

    /// Helm 3, whose post-renderers are programs.
    pub fn three() -> Self {
        Self::new("helm3")
    }

    fn new(program: &str) -> Self {
        Self {
            program: host(program),
            home: tempfile::tempdir().expect("a temporary folder can be made"),
            kubeconfig: None,
            path: path_with_launcher(),
        }
    }

    /// The same Helm, with a cluster.
    pub fn at(mut self, kubeconfig: &Path) -> Self {
        self.kubeconfig = Some(kubeconfig.to_owned());
        self
    }

    /// The same Helm, with only these programs on the PATH.
    ///
    /// # Panics
    ///
    /// If one of them is not on the PATH here.
    pub fn with_only(mut self, programs: &[&str]) -> Self {
        let folder = self.file("bin");
        fs::create_dir(&folder).expect("a temporary folder can be made");
        let path = env::var_os("PATH").unwrap_or_default();
        for program in programs {
            let found = env::split_paths(&path)
                .map(|folder| folder.join(program))
                .find(|path| path.is_file())
                .unwrap_or_else(|| panic!("{program} is not on the PATH"));
            std::os::unix::fs::symlink(found, folder.join(program)).expect("a link can be made");
        }
        self.path = folder.into_os_string();
        self
    }

    /// A path in a folder that exists as long as this value.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file there.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("a temporary folder can be made");
        }
        fs::write(&path, text).expect("a temporary file can be written");
        path
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut helm = Command::new(&self.program);
        without_clusters(&mut helm);
        for (name, _) in env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"HELM_") {
                helm.env_remove(name);
            }
        }
        helm.env("HELM_CACHE_HOME", self.file("cache"))
            .env("HELM_CONFIG_HOME", self.file("config"))
            .env("HELM_DATA_HOME", self.file("data"))
            .env("PATH", &self.path)
            .current_dir(workspace_root());
        // Empty counts as none; without the variable, Helm would use the user's own.
        match &self.kubeconfig {
            Some(kubeconfig) => helm.env("KUBECONFIG", kubeconfig),
            None => helm.env("KUBECONFIG", self.file("no-kubeconfig")),
        };
        command::run(helm.args(args), b"")
    }

    /// Runs it to its end, and returns its output.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn succeeds(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {args:?}: {said}");
        String::from_utf8(output.stdout).expect("Helm prints UTF-8")
    }

    /// Runs it to its end, and returns its error.
    ///
    /// # Panics
    ///
    /// If it does not fail, or prints anything else.
    pub fn fails(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "helm {args:?}: {printed}");
        assert_eq!(printed, "", "helm {args:?}");
        String::from_utf8(output.stderr).expect("Helm says UTF-8")
    }

    /// Installs the plugin in a folder.
    pub fn install_plugin(&self, folder: &Path) {
        let folder = folder.to_string_lossy();
        self.succeeds(&["plugin", "install", &folder]);
    }

    /// Installs [`RECORDER`], and returns the file where each of its runs stores its input.
    pub fn install_recorder(&self) -> PathBuf {
        let seen = self.file("seen.yaml");
        let plugin = self.write(
            "recorder/plugin.yaml",
            format!(
                "apiVersion: v1\ntype: postrenderer/v1\nname: {RECORDER}\nversion: 0.1.0\n\
                 runtime: subprocess\nconfig: {{}}\nruntimeConfig:\n  platformCommand:\n  \
                 - command: tee\n    args: ['{}']\n",
                seen.display()
            ),
        );
        let folder = plugin.parent().expect("the file is in a folder");
        self.install_plugin(folder);
        seen
    }

    /// Installs the plugin for Helm's own sandbox, assembled as docs/helm.md says.
    pub fn install_wasm_plugin(&self) {
        let source = workspace_root().join("kustomization/helm-wasm/plugin.yaml");
        let text = fs::read(source).expect("the plugin is in the workspace");
        let plugin = self.write("helm-wasm/plugin.yaml", text);
        fs::copy(helm_module(), plugin.with_file_name("plugin.wasm"))
            .expect("the module can be copied");
        let folder = plugin.parent().expect("the file is in a folder");
        self.install_plugin(folder);
    }
}

/// Runs the Helm module in Extism's own Go SDK, as Helm does, on a message.
pub fn run_helm_module(message: &[u8], configuration: &[&str]) -> Output {
    let mut extism = Command::new(host("extism-run"));
    extism
        .arg(helm_module())
        .arg("helm_plugin_main")
        .args(configuration);
    command::run(&mut extism, message)
}

fn helm_module() -> PathBuf {
    artifact("runner-terminal-helm.wasm")
}
