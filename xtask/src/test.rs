//! Every check, in one command.

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::process::{self, command};
use crate::{artifacts, book, count, fuzz, hosts, miri, playground, web};

/// One check, and the command that runs it alone.
type Step = (&'static str, fn(&str) -> Result<()>);

/// The steps in order: the quick checks first, then what the others need.
///
/// Tests are built without optimization, even though the hosts run optimized programs:
/// the release profile links each test program with fat LTO, which costs more than building the
/// dependencies again.
const STEPS: &[Step] = &[
    ("cargo fmt --all --check", as_written),
    ("cargo xtask build", |_| {
        // Linking the launcher takes minutes on one core; the hosts are built on the others.
        hosts::build_beside(&hosts::for_tests()?, artifacts::build)
    }),
    ("cargo xtask count", |_| count::run(false)),
    ("cargo xtask web", |_| web::check()),
    ("cargo xtask playground --check", |_| playground::check()),
    (TYPOS, as_written),
    ("cargo xtask book", |_| book::build()),
    ("cargo test --workspace --no-fail-fast", with_one_seed),
    (CLIPPY, as_written),
    (CLIPPY_WASM, as_written),
    (DENY, as_written),
    ("cargo xtask miri", |_| miri::run()),
    ("cargo xtask fuzz", |_| fuzz::run(&[], None)),
];

const CLIPPY: &str = "cargo clippy --workspace --all-targets -- -D warnings";
/// Code that is only compiled for Wasm is not checked otherwise.
const CLIPPY_WASM: &str = "cargo clippy --package runner-terminal-kpt --package \
     runner-terminal-helm --target wasm32-unknown-unknown -- -D warnings";
/// Its exceptions are in typos.toml.
const TYPOS: &str = "target/hosts/bin/typos";
const DENY: &str = "target/hosts/bin/cargo-deny --workspace check bans licenses sources";
const ADVISORIES: &str = "target/hosts/bin/cargo-deny --workspace check advisories";

/// Runs the steps and stops at the first that fails. A step with tests runs all of them first.
pub(crate) fn run(advisories: bool) -> Result<()> {
    let start = Instant::now();
    let advisories: Option<Step> = advisories.then_some((ADVISORIES, as_written));
    for (line, check) in STEPS.iter().chain(&advisories) {
        println!("\n── {line} ──");
        let step_start = Instant::now();
        check(line)
            .with_context(|| format!("a check failed; to run only this one again: {line}"))?;
        println!("── ok in {:.1?} ──", step_start.elapsed());
    }
    println!("\nall checks passed in {:.1?}", start.elapsed());
    Ok(())
}

fn as_written(line: &str) -> Result<()> {
    process::run(artifacts::use_module(&mut command(line)))
}

/// Runs the tests with the same random inputs each time, so that an unrelated change never fails.
/// Plain `cargo test` and the weekly workflow try new ones.
fn with_one_seed(line: &str) -> Result<()> {
    let mut tests = command(line);
    tests.env("PROPTEST_RNG_SEED", "20261129");
    process::run(artifacts::use_module(&mut tests))
}
