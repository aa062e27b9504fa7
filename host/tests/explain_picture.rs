//! `explain --html`, `--svg` and `--mermaid`: the path that a terminal takes, drawn from the
//! functions' real output.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod program;

use std::fs;

use program::{Ended, command, run, run_with_closed_output};

fn explain(arguments: &[&str], input: &str) -> Ended {
    run(command(&["explain"]).args(arguments), input.as_bytes())
}

const DEFAULT: &str = "chart/chart-default.yaml";
const PENDING: &str = "has no address yet";

#[test]
fn each_flag_prints_its_picture_and_the_results_go_to_standard_error() {
    for (flag, begins, ends) in [
        (
            "--html",
            "<!doctype html>\n<html lang=\"en\">\n",
            "</html>\n",
        ),
        (
            "--svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"",
            "</svg>\n",
        ),
        ("--mermaid", "%%{init: ", "\n"),
    ] {
        let ended = explain(&[flag, DEFAULT], "");
        assert_eq!(ended.code, 0, "{flag}: {}", ended.stderr);
        let text = ended.text();
        assert!(
            text.starts_with(begins) && text.ends_with(ends),
            "{flag}: {text}"
        );
        for part in [
            "Deployment ci/gr-gitlab-runner",
            "Load balancer",
            "pending",
            "Workhorse",
        ] {
            assert!(text.contains(part), "{flag}: {part}: {text}");
        }
        assert!(ended.stderr.contains(PENDING), "{flag}: {}", ended.stderr);
    }
}

#[test]
fn without_a_flag_it_is_a_diff_and_a_table() {
    let text = explain(&[DEFAULT], "").text().to_owned();
    assert!(text.starts_with("--- "), "{text}");
    assert!(
        text.contains("RESOURCE") && text.contains(PENDING),
        "{text}"
    );
}

#[test]
fn there_is_one_picture_at_a_time() {
    for pair in [
        ["--html", "--svg"],
        ["--svg", "--mermaid"],
        ["--mermaid", "--html"],
    ] {
        let ended = explain(&[&pair[..], &[DEFAULT]].concat(), "");
        assert_eq!(ended.code, 2, "{pair:?}");
        assert!(
            ended.stderr.contains("cannot be used with"),
            "{}",
            ended.stderr
        );
        assert!(ended.stdout.is_empty());
    }
}

#[test]
fn a_refusal_is_drawn_and_the_exit_code_stays_the_functions() {
    for flag in ["--html", "--svg", "--mermaid"] {
        let ended = explain(&[flag, "chart/chart-replicas-3.yaml"], "");
        assert_eq!(ended.code, 1, "{flag}");
        assert!(ended.text().contains("broken"), "{flag}: {}", ended.text());
        for text in [ended.text(), &ended.stderr] {
            assert!(text.contains("replicas is 3"), "{flag}: {text}");
        }
    }
}

/// The path is that of the last function: the first one's warning no longer holds.
#[test]
fn of_several_functions_the_last_result_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("configs.yaml");
    let of_kind = |kind: &str| {
        format!("apiVersion: runner-terminal.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: a\n")
    };
    let text = format!(
        "{}---\n{}spec:\n  source: Static\n  address: terminal.example.com\n",
        of_kind("SessionServer"),
        of_kind("AdvertiseAddress")
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let ended = explain(&["--mermaid", "-c", config, DEFAULT], "");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    // The next function of the run has replaced the warning.
    assert!(!ended.stderr.contains(PENDING), "{}", ended.stderr);
    let picture = ended.text();
    assert!(
        picture.contains("terminal.example.com<br/>port 9000<br/>configured"),
        "{picture}"
    );
    assert!(!picture.contains("pending:"), "{picture}");
}

/// If the second of two functions refuses, the picture shows the output of the first one, and the
/// refusal in it.
#[test]
fn a_function_that_fails_after_another_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("configs.yaml");
    let of_kind = |kind: &str, spec: &str| {
        format!(
            "apiVersion: runner-terminal.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: a\nspec: {spec}\n"
        )
    };
    let text = format!(
        "{}---\n{}",
        of_kind("SessionServer", "{exposure: {type: NodePort}}"),
        of_kind("AdvertiseAddress", "{source: Items, whenPending: Fail}")
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let ended = explain(&["--mermaid", "-c", config, DEFAULT], "");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let picture = ended.text();
    assert!(picture.contains("node1[\"Nodes<br/>broken: "), "{picture}");
    assert!(picture.contains("is not among the items"), "{picture}");
}

#[test]
fn a_resource_list_is_drawn_and_what_is_none_says_so() {
    let list = "session-server/address-known.yaml";
    let from_file = explain(&["--svg", list], "");
    assert_eq!(from_file.code, 0, "{}", from_file.stderr);
    assert!(from_file.text().contains("terminal.example.com"));
    let input = fs::read_to_string(format!(
        "{}/../tests/fixtures/{list}",
        env!("CARGO_MANIFEST_DIR")
    ));
    let from_stdin = explain(&["--svg"], &input.unwrap());
    assert_eq!(from_file.stdout, from_stdin.stdout);

    let none = explain(&["--mermaid"], "kind: ResourceList\n");
    assert_eq!(none.code, 1);
    assert!(none.text().contains("no path<br/>"), "{}", none.text());
}

#[test]
fn a_closed_output_is_no_panic() {
    let ended = run_with_closed_output(&mut command(&["explain", "--html", DEFAULT]), b"");
    assert_eq!(ended.code, 0);
    assert!(!ended.stderr.contains("panic"), "{}", ended.stderr);
}
