//! The layers are crates, whose dependencies point in one direction: docs/architecture.md has the
//! diagram.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where something is not as expected"
)]

mod rust_files;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rust_files::rust_files;
use serde_json::Value;

/// The crates, and what each may depend on. Those of `wasm/` and `host/` are at the top: nothing
/// depends on them.
const ARROWS: [(&str, &[&str]); 6] = [
    ("yaml-splice", &[]),
    ("runner-terminal-krm", &["yaml-splice"]),
    ("runner-terminal", &["runner-terminal-krm", "yaml-splice"]),
    ("runner-terminal-view", CORE),
    ("runner-terminal-chart-values", CORE),
    ("runner-terminal-relay", &[]),
];
const CORE: &[&str] = &["runner-terminal", "runner-terminal-krm", "yaml-splice"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates of the workspace by name: where each is, and which of the others it depends on.
fn crates() -> BTreeMap<String, (PathBuf, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names: BTreeSet<String> = packages.iter().map(|one| text(&one["name"])).collect();
    let read = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        // Tests may depend on anything.
        let own = dependencies.filter(|one| one["kind"].as_str() != Some("dev"));
        let own = own.map(|one| text(&one["name"]));
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        (
            text(&package["name"]),
            (
                manifest.parent().unwrap().to_owned(),
                own.filter(|name| names.contains(name)).collect(),
            ),
        )
    };
    packages.iter().map(read).collect()
}

#[test]
fn crates_depend_on_lower_layers_only() {
    let crates = crates();
    for (name, allowed) in ARROWS {
        let (_, dependencies) = &crates[name];
        let others: Vec<_> = dependencies
            .iter()
            .filter(|other| !allowed.contains(&other.as_str()))
            .collect();
        assert!(others.is_empty(), "{name} depends on {others:?}");
    }
    let (_, host) = &crates["runner-terminal-host"];
    for (name, (_, dependencies)) in &crates {
        assert!(!dependencies.contains("runner-terminal-host"), "{name}");
        if name.starts_with("runner-terminal-") && !host.contains(name) {
            let is_known = ARROWS.iter().any(|(known, _)| known == name);
            assert!(!is_known, "the launcher does without {name}");
        }
    }
}

#[test]
fn each_crate_has_a_readme_with_its_invariants() {
    let crates = crates();
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "runner-terminal") {
        let text = fs::read_to_string(crates[*name].0.join("README.md")).unwrap();
        assert!(text.contains("Architecture invariant:"), "{name}");
        assert!(text.lines().count() <= 20, "{name}: too long to be read");
    }
}

/// The modules at the top of a crate, and which of the others each one uses.
fn modules(crate_folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let source = crate_folder.join("src");
    let mut uses = BTreeMap::<String, BTreeSet<String>>::new();
    for file in rust_files(&source) {
        let place = file.strip_prefix(&source).unwrap();
        let first = place.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.starts_with("//"));
        let code: Vec<&str> = lines.collect();
        let used = uses.entry(module).or_default();
        for after in code.join("\n").split("crate::").skip(1) {
            let end = match after.strip_prefix('{') {
                Some(group) => group.find('}').unwrap() + 1,
                None => after.find(|c: char| !is_name(c)).unwrap_or(after.len()),
            };
            let names = after[..end].split(|c| !is_name(c));
            used.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
    let known: BTreeSet<String> = uses.keys().cloned().collect();
    for used in uses.values_mut() {
        used.retain(|name| known.contains(name));
    }
    uses
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The modules that depend on themselves through other modules.
fn circles(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut found = Vec::new();
    for module in uses.keys() {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = uses[module].iter().filter(|one| *one != module).collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&uses[next]);
            }
        }
        if seen.contains(module) {
            found.push(module.clone());
        }
    }
    found
}

#[test]
fn modules_have_no_circles() {
    for (name, (folder, _)) in crates() {
        let is_ours = ARROWS.iter().any(|(known, _)| *known == name);
        if !is_ours && name != "runner-terminal-host" {
            continue;
        }
        let uses = modules(&folder);
        assert!(!uses.is_empty(), "{name}");
        assert_eq!(circles(&uses), Vec::<String>::new(), "{name}");
    }
}

/// The workspace denies what panics (Cargo.toml); no file of the pure crates may lift that.
#[test]
fn no_lint_against_panics_is_lifted() {
    let lints = [
        "expect_used",
        "indexing_slicing",
        "clippy::panic",
        "string_slice",
        "todo",
        "unimplemented",
        "unreachable",
        "unwrap_used",
    ];
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for lint in lints.iter().filter(|lint| **lint != "string_slice") {
        let denied = format!("\n{} = \"deny\"", lint.trim_start_matches("clippy::"));
        assert!(manifest.contains(&denied), "{lint}");
    }
    let crates = crates();
    for (name, _) in ARROWS {
        let folder = crates[name].0.join("src");
        let own = fs::read_to_string(folder.join("lib.rs")).unwrap();
        let denies = own.contains("#![cfg_attr(not(test), deny(clippy::string_slice))]");
        assert!(denies || name == "runner-terminal-relay", "{name}");
        for file in rust_files(&folder) {
            let text = fs::read_to_string(&file).unwrap();
            for attribute in ["[allow(", "[expect(", "[warn("] {
                for found in text.split(attribute).skip(1) {
                    let lifted = found.split(")]").next().unwrap();
                    let is_lifted = lints.iter().any(|lint| lifted.contains(lint));
                    assert!(!is_lifted, "{}: {lifted}", file.display());
                }
            }
        }
    }
}

#[test]
fn a_circle_is_found() {
    let uses = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "d")];
    let uses = uses.map(|(one, other)| (one.to_owned(), BTreeSet::from([other.to_owned()])));
    assert_eq!(circles(&BTreeMap::from(uses)), ["b", "c"]);
}
