//! The messages in `docs/troubleshooting.md` are those of the program. The comment below a heading
//! names what produces the message: a case, a ResourceList, or a command, which
//! `tests/real-hosts/tests/readme.rs` runs. The messages of `check` are tested in
//! `host/src/check/problem.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and not everything of the harness is used here"
)]

mod harness;

use std::collections::BTreeSet;
use std::path::Path;

use harness::{Case, Kind};

/// The heading of the messages that `check` prints.
const CHECK: &str = "\n## What `check` says\n";

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Each message with what produces it.
fn messages(page: &str) -> Vec<(&str, &str)> {
    let (before, _) = page.split_once(CHECK).unwrap();
    let sections = before.split("\n### `").skip(1);
    let message = |section: &'_ str| -> (usize, usize, usize) {
        let end = section.find("`\n\n<!-- ").expect(section);
        let start = end + "`\n\n<!-- ".len();
        (end, start, section[start..].find(" -->\n").expect(section))
    };
    sections
        .map(|section| {
            let (end, start, length) = message(section);
            (&section[..end], &section[start..start + length])
        })
        .collect()
}

/// The report of a case or a ResourceList.
fn report(path: &str) -> String {
    let list = |text: &str| runner_terminal::run(text.as_bytes()).report();
    if path.starts_with("tests/fixtures/") {
        return list(&read(path));
    }
    let case = Case::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    match case.kind() {
        Kind::Manifests => case.ran().report.clone(),
        Kind::ResourceList => list(&case.text),
        Kind::Values => panic!("{path} has no report"),
    }
}

#[test]
fn each_message_is_one_of_the_program() {
    let page = read("docs/troubleshooting.md");
    let messages = messages(&page);
    let mut seen = BTreeSet::new();
    let mut tried = 0;
    for (message, origin) in messages {
        assert!(seen.insert(message), "{message} is there twice");
        if origin.starts_with("$ ") {
            continue;
        }
        let report = report(origin);
        assert!(
            report.contains(message),
            "{origin} does not say {message:?}:\n{report}"
        );
        tried += 1;
    }
    assert!(tried >= 25, "{tried}");
}

#[test]
fn a_message_without_its_origin_is_refused() {
    let page = format!("### x\n\n### `no origin`\n\nText.\n{CHECK}");
    assert!(std::panic::catch_unwind(|| messages(&page)).is_err());
    let page = format!("\n### `a`\n\n<!-- b -->\n\nText.\n{CHECK}");
    assert_eq!(messages(&page), [("a", "b")]);
}
