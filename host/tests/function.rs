//! The command without arguments: the KRM function, as kustomize runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod program;

use std::iter;
use std::process::Stdio;

use program::{command, run};

/// A list of `count` resources that the function leaves alone.
fn list(count: usize) -> String {
    let resources = iter::repeat_n(
        "- {apiVersion: v1, kind: Secret, metadata: {name: x}}\n",
        count,
    );
    iter::once(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  apiVersion: \
         runner-terminal.dev/v1alpha1\n  kind: SessionServer\n  metadata:\n    name: x\nitems:\n",
    )
    .chain(resources)
    .collect()
}

#[test]
fn what_is_no_list_fails() {
    for input in ["", "kind: Pod\n", "\u{0}"] {
        let ended = run(&mut command(&[]), input.as_bytes());
        assert_eq!(ended.code, 1, "{input:?}");
        assert!(
            ended.stderr.starts_with("runner-terminal: "),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn memory_is_limited() {
    let mut command = command(&[]);
    command.env("RUNNER_TERMINAL_MAX_MIB", "24");
    let ended = run(&mut command, list(500_000).as_bytes());
    assert_eq!(
        ended.stderr,
        "runner-terminal: cannot read the ResourceList from standard input: it holds more than 24 MiB, \
         the limit that RUNNER_TERMINAL_MAX_MIB sets\n"
    );
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.is_empty());
}

#[test]
fn a_limit_that_is_no_number_is_named() {
    for (name, value) in [
        ("RUNNER_TERMINAL_MAX_MIB", "2G"),
        ("RUNNER_TERMINAL_MAX_MIB", "5000"),
        ("RUNNER_TERMINAL_MAX_SECONDS", "0"),
    ] {
        let ended = run(command(&[]).env(name, value), list(1).as_bytes());
        assert_eq!(ended.code, 1);
        assert!(
            ended.stderr.starts_with(&format!(
                "runner-terminal: {name} is {value:?}; give a whole"
            )),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn waiting_for_input_is_not_computing() {
    let mut child = command(&[])
        .env("RUNNER_TERMINAL_MAX_SECONDS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), list(1).as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let report = String::from_utf8(ended.stderr).unwrap();
    assert!(report.contains("found no GitLab Runner"), "{report}");
}

#[test]
fn a_closed_output_is_said_and_no_panic() {
    // More than a pipe holds.
    let ended = program::run_with_closed_output(&mut command(&[]), list(50_000).as_bytes());
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .starts_with("runner-terminal: cannot write the ResourceList"),
        "{}",
        ended.stderr
    );
}
