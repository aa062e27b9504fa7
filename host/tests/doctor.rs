//! `runner-terminal doctor`: the first thing that is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use program::{Ended, command, run, verify_case};

fn doctor(arguments: &[&str], input: &str) -> Ended {
    let mut command = command(&["doctor", "-"]);
    command.args(arguments).env("KUBECONFIG", "/nonexistent");
    run(&mut command, input.as_bytes())
}

/// Asserts that a step has a problem, after this many that are right.
fn problem(ended: &Ended, right: usize, words: &str) {
    let page = ended.text();
    let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ended.code, 1, "{page}");
    assert_eq!(page.matches("✓ ok").count(), right, "{page}");
    assert_eq!(page.matches("- skipped").count(), 7 - right, "{page}");
    assert!(flat.contains(words), "{page}");
    assert!(
        page.lines().all(|line| line.chars().count() <= 80),
        "{page}"
    );
}

#[test]
fn the_first_problem_is_named() {
    problem(
        &doctor(&[], "kind: Pod\n"),
        0,
        "✗ problem manifests: error: found no GitLab Runner",
    );
    let without = verify_case("without-session-server");
    problem(
        &doctor(&[], &without),
        1,
        "✗ problem function: warning: Deployment ci/runner",
    );
    problem(
        &doctor(&[], &verify_case("pending")),
        1,
        "✗ problem function: ",
    );
    let wrong = verify_case("namespace-above");
    problem(
        &doctor(&[], &wrong),
        2,
        "✗ problem verify: error: ConfigMap",
    );
    let start = verify_case("start");
    let ended = doctor(&[], &start);
    problem(&ended, 3, "✗ problem Service: ");
    problem(&ended, 3, "give --kubeconfig or --context");
    // A known address needs its Service as well.
    let name = verify_case("cluster-name");
    problem(
        &doctor(&["--timeout", "1s"], &name),
        3,
        "✗ problem Service: ",
    );
}

#[test]
fn offline_stops_before_the_cluster() {
    let ended = doctor(&["--offline"], &verify_case("start"));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.text().matches("- skipped").count(), 5);
    let ended = doctor(&["--offline"], &verify_case("namespace-above"));
    assert_eq!(ended.code, 1);
}
