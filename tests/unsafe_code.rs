//! The locations of the project's unsafe code. Every addition needs a SAFETY comment for each use
//! (clippy requires it), and runs under Miri if possible (`cargo xtask miri`).
//!
//! The compiler ensures that nothing in the core may panic: `src/lib.rs` forbids it, and what is
//! forbidden cannot be allowed again in a module.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod rust_files;

use std::fs;
use std::path::Path;

use rust_files::rust_files;

/// Each file with unsafe code, and why.
const FILES: &[(&str, &str)] = &[
    (
        "crates/krm/src/resource_list/line_head/masks.rs",
        "calls a function that needs SSE2, which every x86-64 processor has; no address is involved",
    ),
    ("fuzz/targets/kpt_abi.rs", "a host of kpt's ABI that lies"),
    (
        "host/src/sandbox/compiled.rs",
        "the module's machine code is what the build made",
    ),
    (
        "host/src/sandbox/in_place.rs",
        "the pages with that code become executable",
    ),
    (
        "host/src/standard_output.rs",
        "standard output is looked at before the standard library replaces it",
    ),
    (
        "wasm/helm/src/extism.rs",
        "declares Extism's functions and exports one; no address crosses",
    ),
    ("wasm/kpt/src/go.rs", "kpt's ABI, by which addresses cross"),
    ("wasm/kpt/src/heap.rs", "an allocator, and its tests"),
    ("wasm/kpt/src/host.rs", "the tests' other side of that ABI"),
];

/// What may follow the word `unsafe` if it is the keyword.
const USES: [&str; 6] = [" {", " extern ", " fn ", " impl", " trait ", "("];

/// The roots of the crates that have such a file. All other crates' roots forbid it.
const MIXED: [&str; 4] = [
    "crates/krm/src/lib.rs",
    "host/src/main.rs",
    "wasm/helm/src/lib.rs",
    "wasm/kpt/src/main.rs",
];

#[test]
fn unsafe_code_is_where_it_is_known_to_be() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = rust_files(root);
    found.retain(|path| fs::read_to_string(path).unwrap().lines().any(has_unsafe));
    for path in &mut found {
        *path = path.strip_prefix(root).unwrap().to_owned();
    }
    found.sort();
    let known: Vec<_> = FILES.iter().map(|(path, _)| Path::new(path)).collect();
    assert_eq!(found, known);
}

#[test]
fn what_people_run_forbids_it_elsewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for crate_root in [
        "crates/relay/src/lib.rs",
        "src/lib.rs",
        "wasm/wasi/src/main.rs",
        "wasm/web/src/lib.rs",
    ] {
        let text = fs::read_to_string(root.join(crate_root)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{crate_root}");
    }
    for mixed in MIXED {
        let package = mixed.split_once("/src/").unwrap().0;
        let manifest = fs::read_to_string(root.join(package).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{mixed}");
    }
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"deny\"\n"));
}

/// Whether a line has the word as a keyword.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices("unsafe").any(|(at, word)| {
        let (before, behind) = (code.get(..at), code.get(at + word.len()..));
        let part_of_another = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        !before.unwrap_or_default().ends_with(part_of_another)
            && USES
                .iter()
                .any(|part| behind.unwrap_or_default().starts_with(part))
    })
}
