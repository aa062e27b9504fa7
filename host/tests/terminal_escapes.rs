//! Untrusted names in messages, diffs and tables cannot forge a line, or control a terminal or a
//! log.

#![cfg(feature = "cluster")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;

use krm::text::steers;

const HOSTILE: &str =
    r#""x\e]0;pwn\a\e[31m\r\u009b31m\u202e\u2028\n::error::forged\n##[error]forged""#;

fn case() -> String {
    let case = "../tests/cases/service/names-that-steer-a-terminal.yaml";
    fs::read_to_string(format!("{}/{case}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The case, and siblings with hostile text in other places.
fn inputs() -> Vec<String> {
    let case = case();
    let name = case
        .lines()
        .find_map(|line| {
            line.strip_prefix("  name: \"")
                .map(|rest| format!("\"{rest}"))
        })
        .unwrap();
    let plain = case.replace(&name, "runner");
    let put = |from: &str, to: &str| {
        assert!(plain.contains(from), "{from}");
        plain.replacen(from, &to.replace("HOSTILE", HOSTILE), 1)
    };
    vec![
        case.clone(),
        plain.replace(
            "name: runner\n  namespace: ci\nspec",
            &format!("name: {HOSTILE}\n  namespace: ci\nspec"),
        ),
        plain.replace("namespace: ci", &format!("namespace: {HOSTILE}")),
        put(
            "- name: runner\n        image",
            "- name: HOSTILE\n        image",
        ),
        put("replicas: 1", "replicas: HOSTILE"),
        put(
            "- name: config\n        configMap",
            "- name: HOSTILE\n        configMap",
        ),
        put(
            "configMap:\n          name: runner",
            "configMap:\n          name: HOSTILE",
        ),
        put("t.example.com", "HOSTILE"),
        put("advertiseAddress:", "HOSTILE:"),
        put("kind: SessionServer", "kind: SessionServer\nHOSTILE: x"),
        put(
            "concurrent = 4",
            "[session_server]\n    listen_address = \"0.0.0.0:80\u{202e}\"\n    advertise_address = \"a\\u001b[31m\\u2028\"",
        ),
        put(
            "    concurrent = 4",
            "    concurrent = 4 # \u{202e}\n      ::error::forged\n      ##[error]forged",
        ),
        put("app: runner\n  template", "HOSTILE: x\n  template"),
    ]
}

#[track_caller]
fn assert_harmless(text: &str, what: &str) {
    for line in text.split('\n') {
        let bad: String = line.chars().filter(|c| steers(*c) && *c != '\t').collect();
        assert!(bad.is_empty(), "{what}: {bad:?} in {line:?}");
        let line = line.trim_start();
        for forged in ["::", "##[", "pwn", "error:"] {
            assert!(!line.starts_with(forged), "{what}: {line:?}");
        }
    }
}

#[test]
fn names_of_manifests_are_shown_as_they_are_and_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a\r\u{1b}[31m\u{202e}\n::error::x.yaml");
    for (number, input) in inputs().iter().enumerate() {
        fs::write(&file, input).unwrap();
        let path = file.to_str().unwrap();
        for arguments in [
            vec!["apply-to", "--diff", path],
            vec!["apply-to", "--check", path],
            vec!["explain", path],
            vec!["resolve", "-f", path],
            vec!["check", "--timeout", "1s", "-f", path],
            vec!["resolve", "-o", "json", "-f", path],
            vec!["convert", path],
        ] {
            let mut command = program::command(&arguments);
            command
                .env("KUBECONFIG", "/nonexistent\r\u{1b}[31m")
                .env("NO_COLOR", "1");
            let ended = program::run(&mut command, b"");
            let what = format!("input {number}, {:?}", &arguments[..2]);
            assert_harmless(&ended.stderr, &what);
            // Manifests and JSON are data: they come out as they are.
            let is_data = arguments[0] == "convert" || arguments[1] == "-o";
            if !is_data {
                assert_harmless(ended.text(), &what);
            }
        }
        let ended = program::run(&mut program::command(&["apply-to", path]), b"");
        assert_harmless(&ended.stderr, &format!("input {number}, apply-to"));
    }
}

#[test]
fn results_of_a_list_are_harmless_too() {
    for (number, input) in inputs().iter().enumerate() {
        let documents: Vec<String> = input
            .split("---\n")
            .map(|document| document.trim_end().replace('\n', "\n  "))
            .collect();
        let (config, items) = documents.split_last().unwrap();
        let list = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  {config}\nitems:\n- {}\n",
            items.iter().map(|item| item.trim_start_matches("# Expected: no message holds CR, C1 controls, bidi or line separators of a name.\n  ")).collect::<Vec<_>>().join("\n- ")
        );
        let ended = program::run(&mut program::command(&[]), list.as_bytes());
        assert_harmless(&ended.stderr, &format!("input {number}"));
        let results = ended
            .text()
            .split("\nresults:\n")
            .nth(1)
            .unwrap_or_default();
        assert_harmless(results, &format!("input {number}, results"));
    }
}

#[test]
fn arguments_in_messages_do_nothing() {
    let hostile = "x\r\n::error::y\u{1b}[31m\u{9b}\u{202e}\u{2028}";
    for arguments in [
        vec!["apply-to", hostile],
        vec!["apply-to", "-c", hostile, "chart/chart-default.yaml"],
        vec!["explain", "-k", hostile],
        vec!["check", hostile],
        vec!["schema", hostile],
        vec![hostile],
        vec!["completions", hostile],
        vec!["import-values", hostile],
        vec!["relay", "--route", hostile],
    ] {
        let ended = program::run(&mut program::command(&arguments), b"");
        assert_ne!(ended.code, 0, "{arguments:?}");
        assert_harmless(
            &ended.stderr.replace("error:", ""),
            &format!("{arguments:?}"),
        );
        assert_harmless(ended.text(), &format!("{arguments:?}"));
    }
}
