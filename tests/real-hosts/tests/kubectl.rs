//! The program as a plugin of kubectl: `kubectl runner-terminal`.

#![cfg(unix)]

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use real_hosts::{host, workspace_root};

/// Runs `kubectl runner-terminal` with the plugin alone on PATH.
fn plugin(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let program = workspace_root().join("target/release/runner-terminal");
    symlink(program, folder.path().join("kubectl-runner_terminal")).unwrap();
    Command::new(host("kubectl"))
        .arg("runner-terminal")
        .args(arguments)
        .current_dir(folder.path())
        .env("PATH", folder.path())
        .output()
        .unwrap()
}

#[test]
fn kubectl_runs_the_commands_and_the_usage_says_so() {
    for command in ["init", "doctor"] {
        let help = plugin(&[command, "--help"]);
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(help.status.success(), "{text}");
        let usage = format!("Usage: kubectl runner-terminal {command} ");
        assert!(text.contains(&usage), "{text}");
    }
    let none = plugin(&[]);
    assert_eq!(none.status.code(), Some(2));
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(said.contains("Usage: kubectl runner-terminal "), "{said}");
    let doctor = plugin(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    let page = String::from_utf8(doctor.stdout).unwrap();
    assert!(page.contains("the working directory has no"), "{page}");
}
