//! The `runner-terminal` command, isolated from the user's own clusters.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command;
use crate::process::Process;
use crate::programs::{artifact, host, path_with_launcher};

/// The variables that lead to clusters and proxies.
const ENVIRONMENT: [&str; 6] = [
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The command, with the cluster of a kubeconfig.
pub fn launcher(kubeconfig: &Path) -> Command {
    let mut command = Command::new(artifact("release/runner-terminal"));
    without_clusters(&mut command);
    command.env("KUBECONFIG", kubeconfig);
    command
}

/// The command that finds itself and kustomize on PATH, for `-k`.
pub fn launcher_with_kustomize(kubeconfig: &Path) -> Command {
    let kustomize = host("kustomize");
    let path = path_with_launcher();
    let folders = env::split_paths(&path).chain(kustomize.parent().map(Path::to_owned));
    let path = env::join_paths(folders).expect("no folder has a colon in its name");
    let mut command = launcher(kubeconfig);
    command.env("PATH", path);
    command
}

/// Runs it with an input to its end.
pub fn run_launcher(command: &mut Command, input: &[u8]) -> Output {
    command::run(command, input)
}

pub(crate) fn without_clusters(command: &mut Command) {
    for name in ENVIRONMENT {
        command.env_remove(name);
    }
}

/// A run that waits for a change.
#[derive(Debug)]
pub struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Waiting {
    /// Starts the command, and returns once it prints that it waits.
    ///
    /// # Panics
    ///
    /// If it ends without waiting.
    pub fn start(command: &mut Command, input: &[u8]) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command::start(command);
        let mut stdin = child.stdin.take().expect("stdin was asked for above");
        stdin.write_all(input).expect("the command reads its input");
        drop(stdin);
        let stderr = child.stderr.take().expect("stderr was asked for above");
        let mut stderr = BufReader::new(stderr);
        let mut said = String::new();
        stderr.read_line(&mut said).expect("it says UTF-8");
        assert!(said.contains(" waiting up to "), "{said}");
        Self {
            child,
            stderr,
            said,
        }
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    /// True while it has not ended.
    ///
    /// # Panics
    ///
    /// If the system does not know it.
    pub fn is_running(&mut self) -> bool {
        let ended = self.child.try_wait();
        ended.expect("a child can be asked for its state").is_none()
    }

    /// Waits until it ends, and kills it after a time. Its output must fit into a pipe, which has 64 KiB
    /// on Linux.
    ///
    /// # Panics
    ///
    /// If the system does not know it.
    pub fn end_within(mut self, patience: Duration) -> Output {
        let deadline = Instant::now() + patience;
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        // An error means that it has already ended.
        let _ = self.child.kill();
        self.end()
    }

    /// Waits until it ends.
    pub fn end(mut self) -> Output {
        let mut output = self
            .child
            .wait_with_output()
            .expect("its output can be read");
        self.stderr
            .read_to_string(&mut self.said)
            .expect("it says UTF-8");
        output.stderr = self.said.into_bytes();
        output
    }
}
