//! The `runner-terminal` command, isolated from the user's own clusters.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use crate::command;
use crate::programs::artifact;

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
        assert!(said.contains(": waiting up to "), "{said}");
        Self {
            child,
            stderr,
            said,
        }
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
