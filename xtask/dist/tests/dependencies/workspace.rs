//! What `cargo metadata` and `Cargo.lock` say about the dependencies.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dist::{Crate, Crates};
use serde_json::Value;

use crate::{Names, names};

/// What a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Programs,
    Build,
    Tests,
}

/// The packages that name a crate, by what they use it for.
pub(crate) type Uses = BTreeMap<Part, Names>;

/// The name of one of our packages on the page.
pub(crate) fn short(package: &str) -> &str {
    match package {
        "runner-terminal" => "core",
        _ => package.strip_prefix("runner-terminal-").unwrap_or(package),
    }
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn metadata(manifest: &Path) -> Value {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap());
    cargo.args(["metadata", "--format-version=1", "--no-deps", "--locked"]);
    let output = cargo.arg("--manifest-path").arg(manifest).output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The packages of both workspaces, and whether each is only for tests.
pub(crate) fn packages(root: &Path) -> Vec<(Value, bool)> {
    let mut all = Vec::new();
    for (manifest, tests) in [("Cargo.toml", "tests"), ("fuzz/Cargo.toml", "")] {
        let metadata = metadata(&root.join(manifest));
        let tests = Path::new(text(&metadata, "workspace_root")).join(tests);
        for package in metadata["packages"].as_array().unwrap() {
            let is_test = Path::new(text(package, "manifest_path")).starts_with(&tests);
            all.push((package.clone(), is_test));
        }
    }
    all
}

pub(crate) fn direct(packages: &[(Value, bool)], programs: &[Crates]) -> BTreeMap<String, Uses> {
    let linked: Names = programs.iter().flat_map(names).collect();
    let mut direct = BTreeMap::<String, Uses>::new();
    for (package, is_test) in packages {
        let user = text(package, "name");
        let dependencies = package["dependencies"].as_array().unwrap();
        // Dependencies with a path are ours.
        for dependency in dependencies.iter().filter(|it| it["path"].is_null()) {
            let name = text(dependency, "name");
            let part = match dependency["kind"].as_str() {
                _ if *is_test => Part::Tests,
                Some("dev") => Part::Tests,
                None if linked.contains(user) && linked.contains(name) => Part::Programs,
                _ => Part::Build,
            };
            let uses = direct.entry(name.to_owned()).or_default();
            uses.entry(part).or_default().insert(short(user).to_owned());
        }
    }
    direct
}

/// The crates that `Cargo.lock` has in several versions, and the packages that need each of them.
pub(crate) fn duplicates(lock: &str) -> BTreeMap<Crate, Names> {
    let mut locked = BTreeMap::<Crate, Names>::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name| package.lines().find_map(|line| line.strip_prefix(name));
        let field = |name| {
            field(name)
                .unwrap()
                .trim_matches(['"', ' ', '='])
                .to_owned()
        };
        let needs = package.lines().filter_map(|line| line.strip_prefix(" \""));
        let needs = needs.map(|line| line.trim_end_matches("\",").to_owned());
        locked.insert((field("name"), field("version")), needs.collect());
    }
    let versions = |name: &str| locked.keys().filter(|(other, _)| other == name).count();
    let several = locked.keys().filter(|(name, _)| versions(name) > 1);
    let needed = several.map(|(name, version)| {
        // The file names the version if there are several.
        let line = format!("{name} {version}");
        let users = locked.iter().filter(|(_, needs)| needs.contains(&line));
        let users = users.map(|((user, _), _)| short(user).to_owned()).collect();
        ((name.clone(), version.clone()), users)
    });
    needed.collect()
}
