//! `docs/dependencies.md`: which crates are in each program and module that people get.
//!
//! A crate that comes or goes fails this, so that it is seen. `UPDATE_DEPENDENCIES=1 cargo test -p dist`
//! writes the page anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/dependencies.md";

const LAUNCHER: &[&str] = &[
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-musl",
];
const WASI: &[&str] = &["wasm32-wasip1"];
const WASM: &[&str] = &["wasm32-unknown-unknown"];
const EMBEDDED: &str = "`runner-terminal.wasm`, which the launcher embeds";

/// What people get, its package, and the targets that it is built for.
const PROGRAMS: [(&str, &str, &[&str]); 5] = [
    ("the launcher", "runner-terminal-host", LAUNCHER),
    (EMBEDDED, "runner-terminal-wasi", WASI),
    ("`runner-terminal-kpt.wasm`", "runner-terminal-kpt", WASM),
    ("`runner-terminal-helm.wasm`", "runner-terminal-helm", WASM),
    ("the npm package", "runner-terminal-web", WASM),
];

fn page(root: &Path) -> String {
    let all = PROGRAMS.map(|(_, package, targets)| dist::crates(root, package, targets).unwrap());
    let mut in_all: BTreeSet<String> = all.iter().flatten().cloned().collect();
    in_all.retain(|name| all.iter().all(|crates| crates.contains(name)));
    let list = |names: &BTreeSet<String>| Vec::from_iter(names.clone()).join(", ");
    let mut text = format!(
        "# The crates in each program\n\nThose that are linked, on all targets together, by name. What \
         builds a program or tests it is not in it. The npm package needs no other npm package. The \
         versions, licences and checksums are in the release's bills of materials.\n\n## In all of \
         them: {}\n\n{}\n",
        in_all.len(),
        list(&in_all)
    );
    for ((what, ..), crates) in PROGRAMS.iter().zip(&all) {
        let more: BTreeSet<_> = crates.difference(&in_all).cloned().collect();
        text.push_str(&format!("\n## In {what}: {}\n\n", crates.len()));
        text.push_str(&match more.len() {
            0 => "No more.\n".to_owned(),
            number => format!("{number} more: {}\n", list(&more)),
        });
    }
    text
}

#[test]
fn no_crate_comes_or_goes_unseen() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let made = page(&root);
    if std::env::var_os("UPDATE_DEPENDENCIES").is_some() {
        fs::write(root.join(PAGE), &made).unwrap();
    }
    let kept = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    assert!(
        kept == made,
        "other crates than {PAGE} says are linked; if they are to be:\n\
         UPDATE_DEPENDENCIES=1 cargo test -p dist --test dependencies\n{made}"
    );
}
