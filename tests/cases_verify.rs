//! `kind: VerifyTerminals` on the cases in `tests/cases/verify`. The first line of each says what the
//! worst finding is, and some of its words.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;

use krm::results::Severity;

/// What the first line of a case says.
fn expectation(text: &str) -> (Severity, &str) {
    let first = text.lines().next().unwrap();
    let (what, words) = first.strip_prefix("# ").unwrap().split_once(": ").unwrap();
    let severity = match what {
        "Right" => Severity::Info,
        "Warning" => Severity::Warning,
        "Error" => Severity::Error,
        other => panic!("{other}"),
    };
    (severity, words)
}

fn cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/verify");
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            text,
        )
    });
    let mut cases: Vec<_> = files.collect();
    cases.sort();
    cases
}

#[test]
fn each_case_is_as_its_first_line_says() {
    let cases = cases();
    assert!(cases.len() > 40, "{}", cases.len());
    let mut wrong = Vec::new();
    for (name, text) in &cases {
        let (severity, words) = expectation(text);
        let outcome = runner_terminal::run(text.as_bytes());
        let worst = outcome.results().iter().map(|result| result.severity).max();
        let report = outcome.report();
        if worst != Some(severity) || !report.contains(words) {
            wrong.push(format!(
                "{name}: expected {severity:?} with {words:?}, got:\n{report}"
            ));
        }
        assert_eq!(outcome.failed(), severity == Severity::Error, "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Results are all that is written, whatever is found.
#[test]
fn nothing_else_than_results_is_written() {
    for (name, text) in &cases() {
        let outcome = runner_terminal::run(text.as_bytes());
        let output = outcome.text();
        let added = output.strip_prefix(text.as_str());
        assert!(
            added.is_some_and(|added| added.starts_with("results:")),
            "{name}: {output}"
        );
    }
}

/// `runner-terminal verify`, `resolve` and `check` ask in this way.
#[test]
fn a_function_config_of_another_kind_says_which_runners() {
    let (_, text) = cases()
        .into_iter()
        .find(|(name, _)| name == "namespace-above.yaml")
        .unwrap();
    let expected = runner_terminal::verify(text.as_bytes()).unwrap();
    assert_eq!(expected.len(), 1);
    for kind in ["SessionServer", "AdvertiseAddress"] {
        let other = text.replace("VerifyTerminals", kind);
        assert_eq!(
            runner_terminal::verify(other.as_bytes()).unwrap(),
            expected,
            "{kind}"
        );
        let none = other.replace("spec: {}", "spec: {runner: {name: none}}");
        let refusal = runner_terminal::verify(none.as_bytes()).unwrap_err();
        assert!(
            refusal.message.contains("found no GitLab Runner"),
            "{refusal}"
        );
    }
}
