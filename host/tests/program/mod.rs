//! Runs the command.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;

/// The function config for a session server without settings.
pub(crate) const SESSION_SERVER: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
";

/// The result of a run of the command.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// The command with arguments, in the folder of the fixtures, without colours or limits of the
/// person who runs the tests.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner-terminal"));
    command
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures"))
        .env_remove("CLICOLOR_FORCE")
        .env_remove("RUNNER_TERMINAL_MAX_MIB")
        .env_remove("RUNNER_TERMINAL_MAX_SECONDS");
    command
}

/// Runs it with input, to its end.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Ended {
    finish(command, input, |mut stdout| {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Runs it with input and an output that nobody reads.
pub(crate) fn run_with_closed_output(command: &mut Command, input: &[u8]) -> Ended {
    finish(command, input, |stdout| {
        drop(stdout);
        Vec::new()
    })
}

fn finish(
    command: &mut Command,
    input: &[u8],
    read: impl FnOnce(std::process::ChildStdout) -> Vec<u8> + Send,
) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    thread::scope(|scope| {
        let stdout = scope.spawn(|| read(stdout));
        // A command that ends early, or never reads, does not fail the test.
        scope.spawn(move || drop(stdin.write_all(input)));
        let mut report = String::new();
        stderr.read_to_string(&mut report).unwrap();
        let stdout = stdout.join().unwrap();
        let status = child.wait().unwrap();
        Ended {
            code: status.code().unwrap(),
            stdout,
            stderr: report,
        }
    })
}

/// The items of a case of `verify`, as plain manifests.
pub(crate) fn verify_case(case: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/verify/");
    let text = std::fs::read_to_string(format!("{path}{case}.yaml")).unwrap();
    let (_, items) = text.split_once("\nitems:\n").unwrap();
    let lines = items.lines().map(|line| match line.strip_prefix("- ") {
        Some(first) => format!("---\n{first}\n"),
        None => format!("{}\n", line.strip_prefix("  ").unwrap_or(line)),
    });
    lines.collect()
}
