//! The sandboxed module gives the same output as the core, byte for byte: on every fixture,
//! whatever it is for, and on random lists.
//!
//! `PROPTEST_CASES` sets the number of random lists.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../tests/lists/mod.rs"]
mod lists;
mod program;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestRunner};

use program::{command, run};

/// Asserts that the command gives the bytes, the messages and the exit code of the core.
fn compare(input: &[u8]) -> Result<(), TestCaseError> {
    let expected = runner_terminal::run(input);
    let actual = run(&mut command(&[]), input);
    prop_assert_eq!(String::from_utf8_lossy(&actual.stdout), expected.text());
    prop_assert_eq!(actual.stderr, expected.report());
    prop_assert_eq!(actual.code, i32::from(expected.failed()));
    Ok(())
}

/// Each file of the fixtures is given to both as it is, be it a list or not.
#[test]
fn every_fixture_gives_what_the_core_gives() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")];
    let (mut count, mut asking) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let input = fs::read(&path).unwrap();
            // For these the command asks the cluster, and runs the core again.
            let asks = runner_terminal::run(&input).results().iter().any(|result| {
                result
                    .tags
                    .contains_key(runner_terminal::observed::OBSERVE_TAG)
            });
            if asks {
                asking += 1;
                continue;
            }
            if let Err(error) = compare(&input) {
                panic!("{}: {error}", path.display());
            }
            count += 1;
        }
    }
    println!("{count} fixtures, and {asking} that ask the cluster");
    assert!(
        count > 280 && asking < 30,
        "{count} fixtures, {asking} that ask"
    );
}

#[test]
fn random_lists_give_what_the_core_gives() {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok()).unwrap_or(100);
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/sandbox_equals_native.regressions",
        ))),
        ..ProptestConfig::default()
    });
    let damage = prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()));
    let cases = (lists::lists(), lists::configs(), damage);
    let result = runner.run(&cases, |(list, config, damage)| {
        let mut input = list.text(&config).into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(input.len());
            input[at] = byte;
        }
        compare(&input)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
