//! `docs/dependencies.md`: why each dependency is there, and which crates are in each program and
//! module that is released.
//!
//! This fails if a crate is added or removed, so that the change is noticed, or if one has no
//! reason in `xtask/dist/dependencies.yaml`. `UPDATE_DEPENDENCIES=1 cargo test -p dist --test
//! dependencies` regenerates the page.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "dependencies/page.rs"]
mod page;
#[path = "dependencies/workspace.rs"]
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use dist::{Crate, Crates};
use serde::Deserialize;
use workspace::{Part, Uses};

const PAGE: &str = "docs/dependencies.md";
const REASONS: &str = "xtask/dist/dependencies.yaml";

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

/// What is released, its package, and the targets that it is built for.
const PROGRAMS: [(&str, &str, &[&str]); 5] = [
    ("the launcher", "runner-terminal-host", LAUNCHER),
    (EMBEDDED, "runner-terminal-wasi", WASI),
    ("`runner-terminal-kpt.wasm`", "runner-terminal-kpt", WASM),
    ("`runner-terminal-helm.wasm`", "runner-terminal-helm", WASM),
    ("the npm package", "runner-terminal-web", WASM),
];

type Names = BTreeSet<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    /// The reason for each crate that one of our packages names.
    direct: BTreeMap<String, String>,
    duplicates: Vec<Duplicates>,
}

/// Crates that are locked in several versions for the same reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Duplicates {
    crates: Vec<String>,
    why: String,
}

/// All the data of the page.
struct Dependencies {
    reasons: Reasons,
    /// The names of our packages.
    ours: Names,
    direct: BTreeMap<String, Uses>,
    /// The crates of each version that are locked in several, and the packages that need them.
    duplicates: BTreeMap<Crate, Names>,
    /// In the order of [`PROGRAMS`].
    programs: [Crates; 5],
    /// For each direct dependency of the programs, the crates that are linked only because of it.
    only_through: BTreeMap<String, Names>,
}

fn names(crates: &Crates) -> Names {
    crates.keys().map(|(name, _)| name.clone()).collect()
}

/// The crates that would still be linked without one of them.
fn linked_without(needs: &BTreeMap<&str, BTreeSet<&str>>, without: &str) -> Names {
    let mut to_visit: Vec<_> = PROGRAMS.map(|(_, package, _)| package).into();
    let mut linked = Names::new();
    while let Some(name) = to_visit.pop() {
        if name != without && linked.insert(name.to_owned()) {
            to_visit.extend(&needs[name]);
        }
    }
    linked
}

fn only_through(direct: &BTreeMap<String, Uses>, programs: &[Crates]) -> BTreeMap<String, Names> {
    let mut needs = BTreeMap::<&str, BTreeSet<&str>>::new();
    for ((name, _), (_, needed)) in programs.iter().flatten() {
        let needed = needed.iter().map(|(name, _)| name.as_str());
        needs.entry(name).or_default().extend(needed);
    }
    let all = linked_without(&needs, "");
    let of_programs = direct
        .iter()
        .filter(|(_, uses)| uses.contains_key(&Part::Programs));
    let only = of_programs.map(|(name, _)| {
        let mut only = &all - &linked_without(&needs, name);
        only.remove(name);
        (name.clone(), only)
    });
    only.collect()
}

impl Dependencies {
    fn read(root: &Path) -> Self {
        let programs =
            PROGRAMS.map(|(_, package, targets)| dist::linked(root, package, targets).unwrap());
        let packages = workspace::packages(root);
        let direct = workspace::direct(&packages, &programs);
        let ours = packages
            .iter()
            .map(|(package, _)| workspace::text(package, "name").to_owned());
        let reasons = yaml_serde::from_str(&fs::read_to_string(root.join(REASONS)).unwrap());
        Self {
            ours: ours.collect(),
            reasons: reasons.unwrap_or_else(|error| panic!("{REASONS}: {error}")),
            duplicates: workspace::duplicates(
                &fs::read_to_string(root.join("Cargo.lock")).unwrap(),
            ),
            only_through: only_through(&direct, &programs),
            direct,
            programs,
        }
    }

    /// What has to be fixed in the reasons.
    fn faults(&self) -> Vec<String> {
        let Reasons { direct, duplicates } = &self.reasons;
        let explained: Names = direct.keys().cloned().collect();
        let direct: Names = self.direct.keys().cloned().collect();
        let named = duplicates.iter().flat_map(|group| group.crates.clone());
        let named: Names = named.collect();
        let several = self.duplicates.keys().map(|(name, _)| name.clone());
        let several: Names = several.collect();
        let faults = [
            (
                &direct - &explained,
                "no reason: say in one line below `direct` what it does for us, and why this one",
            ),
            (
                &explained - &direct,
                "no package of ours names it: remove its line below `direct`",
            ),
            (
                &several - &named,
                "several versions in Cargo.lock: make them one, or say below `duplicates` why not",
            ),
            (
                &named - &several,
                "one version in Cargo.lock: remove it from `duplicates`",
            ),
        ];
        let faults = faults.iter().filter(|(names, _)| !names.is_empty());
        let faults = faults.map(|(names, to_do)| format!("{}: {to_do}", page::list(names)));
        faults.collect()
    }
}

#[test]
fn no_crate_comes_or_goes_unseen() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dependencies = Dependencies::read(&root);
    let faults = dependencies.faults();
    assert!(faults.is_empty(), "in {REASONS}:\n{}", faults.join("\n"));
    let made = dependencies.page();
    if std::env::var_os("UPDATE_DEPENDENCIES").is_some() {
        fs::write(root.join(PAGE), &made).unwrap();
    }
    let kept = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    assert!(
        kept == made,
        "the dependencies are others than {PAGE} says; if they are to be:\n\
         UPDATE_DEPENDENCIES=1 cargo test -p dist --test dependencies\n{made}"
    );
}
