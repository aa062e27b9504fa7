//! A folder with secrets everywhere, and the command in it.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::canaries::Canaries;
use crate::program::{self, Ended};

const PLACES: [&str; 21] = [
    "runner token",
    "cache key",
    "stringData",
    "registration token",
    "last-applied annotation",
    "docker config",
    "Secret in a List",
    "kubeconfig token",
    "kubeconfig password",
    "kubeconfig client key",
    "kubeconfig plugin argument",
    "kubeconfig plugin variable",
    "kubeconfig proxy password",
    "token file",
    "plugin output",
    "environment",
    "environment's proxy password",
    "chart values",
    "advertise_address password",
    "comment",
    "template token",
];

/// A folder whose files have canaries in them, and an environment that has some too.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) canaries: Canaries,
    runs: Cell<usize>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self {
            folder,
            canaries: Canaries::new(&PLACES),
            runs: Cell::new(0),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn script(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;

        self.write(name, &format!("#!/bin/sh\n{text}"));
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path().join(name), mode).unwrap();
    }

    /// Prints how many runs were searched, for how many canaries.
    pub(crate) fn tell(&self, what: &str) {
        let (runs, canaries) = (self.runs.get(), self.canaries.count());
        println!(
            "{what}: {canaries} canaries, {runs} runs, {} searches",
            canaries * runs
        );
        assert!(runs > 0);
    }

    /// The command with these arguments, and with secrets in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command(arguments);
        let home = self.path();
        let canary = |place| self.canaries.at(place);
        let proxy = canary("environment's proxy password");
        let proxy = proxy.replace('+', "%2B").replace('/', "%2F");
        command
            .env_clear()
            .current_dir(home)
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", home.join("bin").display()),
            )
            .env("HOME", home)
            .env("TMPDIR", home.join("tmp"))
            .env("KUBECONFIG", home.join("kubeconfig"))
            .env("HTTPS_PROXY", format!("http://user:{proxy}@127.0.0.1:1"))
            .env("CI_JOB_TOKEN", canary("environment"))
            .env("AWS_SECRET_ACCESS_KEY", canary("environment"))
            .env("ARGOCD_ENV_TOKEN", canary("environment"))
            // Debug logging may print more, but no secrets.
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env("CLICOLOR_FORCE", "1");
        command
    }

    /// Searches the messages of a run of the command and, unless it printed manifests, its output.
    #[track_caller]
    pub(crate) fn search(&self, how: &str, ended: &Ended, prints_manifests: bool) {
        self.runs.set(self.runs.get() + 1);
        let stderr = &ended.stderr;
        self.canaries
            .assert_not_in(&format!("standard error ({how})"), stderr);
        assert!(!stderr.contains("panicked"), "{how}: {stderr}");
        let stdout = String::from_utf8_lossy(&ended.stdout);
        // The results of a list are messages.
        let shown = match stdout.rfind("\nresults:") {
            Some(results) if prints_manifests => &stdout[results..],
            _ if prints_manifests => "",
            _ => &stdout,
        };
        self.canaries
            .assert_not_in(&format!("standard output ({how})"), shown);
        let left = fs::read_dir(self.path().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "{how}: a temporary file is left");
    }

    /// Runs the command, and searches its output.
    #[track_caller]
    pub(crate) fn run(&self, how: &str, arguments: &[&str], input: &str) -> Ended {
        let ended = program::run(&mut self.command(arguments), input.as_bytes());
        let prints_manifests = matches!(arguments, [] | ["argocd", "generate"])
            || arguments.first() == Some(&"apply-to") && !arguments.contains(&"--diff");
        self.search(&format!("{arguments:?}, {how}"), &ended, prints_manifests);
        ended
    }
}

/// Encodes text as Secrets do under `data`.
pub(crate) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}
