//! Text to copy from the docs, the examples and the messages names this version.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where people find text to copy: files and folders.
const PLACES: [&str; 9] = [
    "README.md",
    "SECURITY.md",
    "SUPPORT.md",
    "docs",
    "host/src",
    "kustomization",
    "src",
    "wasm/playground/package-lock.json",
    "wasm/playground/src",
];

/// The text before a version, or on the same line.
const BEFORE: [&str; 7] = [
    "/runner-terminal:",
    " runner-terminal:",
    "/runner-terminal-kpt:",
    "git checkout v",
    "gh attestation verify runner-terminal-",
    "/blob/v",
    "/tree/v",
];

fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut left: Vec<_> = PLACES.iter().map(|place| root.join(place)).collect();
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path
            .extension()
            .is_none_or(|one| one != "png" && one != "svg")
        {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

/// The version at the beginning of a text; `None` if there is none.
fn version_at(text: &str) -> Option<&str> {
    let is_end = |c: char| !(c.is_ascii_digit() || c == '.');
    let version = text.split(is_end).next().unwrap().trim_end_matches('.');
    (!version.is_empty()).then_some(version)
}

#[test]
fn every_version_is_this_one() {
    let mut files = BTreeSet::new();
    for (name, text) in texts() {
        for before in BEFORE {
            for version in text.split(before).skip(1).filter_map(version_at) {
                assert_eq!(version, VERSION, "{name}: {before}{version}");
                files.insert(name.clone());
            }
        }
    }
    assert!(files.len() >= 15, "{files:?}");
}

/// The files with a field for it.
#[test]
fn every_package_has_this_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, line) in [
        ("kustomization/helm/plugin.yaml", "\nversion: "),
        ("kustomization/helm-wasm/plugin.yaml", "\nversion: "),
        ("docs/argo-cd.md", "\n  newTag: "),
        (
            "fuzz/Cargo.lock",
            "name = \"runner-terminal\"\nversion = \"",
        ),
        (
            "wasm/playground/package-lock.json",
            "\"name\": \"runner-terminal\",\n      \"version\": \"",
        ),
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let (_, after) = text
            .split_once(line)
            .unwrap_or_else(|| panic!("{file}: no {line:?}"));
        assert_eq!(version_at(after), Some(VERSION), "{file}");
    }
}
