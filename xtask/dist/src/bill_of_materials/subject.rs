//! What a bill is of.

use crate::npm::Npm;
use crate::release::{Module, Release};

/// A program, a module or a package.
#[derive(Debug)]
pub(crate) struct Subject {
    /// What cargo calls it.
    pub(super) package: String,
    /// The Rust targets that it is built for.
    pub(super) targets: Vec<String>,
    /// What people call it.
    pub(super) name: String,
    /// What CycloneDX calls its kind.
    pub(super) kind: &'static str,
    /// Its package URL.
    pub(super) url: String,
}

/// The package of the launcher.
const LAUNCHER: &str = "runner-terminal-host";
/// That of the npm package's module, and what it is built for.
const NPM: (&str, &str) = ("runner-terminal-web", "wasm32-unknown-unknown");

impl Subject {
    /// The launcher, for all targets of a release together.
    pub(crate) fn launcher(release: &Release) -> Self {
        let targets = release.launchers.iter().map(|launcher| &launcher.target);
        Self {
            package: LAUNCHER.to_owned(),
            targets: targets.map(|target| target.name().to_owned()).collect(),
            name: "runner-terminal".to_owned(),
            kind: "application",
            url: format!("pkg:cargo/{LAUNCHER}@{}", release.version),
        }
    }

    /// A module.
    pub(crate) fn module(release: &Release, module: &Module) -> Self {
        Self {
            package: module.package.clone(),
            targets: vec![module.target.clone()],
            name: module.name.clone(),
            kind: "application",
            url: format!("pkg:cargo/{}@{}", module.package, release.version),
        }
    }

    /// The npm package. It needs no other package, so the crates in its module are all that is in it.
    pub(crate) fn npm(npm: &Npm) -> Self {
        let (package, target) = NPM;
        Self {
            package: package.to_owned(),
            targets: vec![target.to_owned()],
            name: npm.name.clone(),
            kind: "library",
            url: format!("pkg:npm/{}@{}", npm.name, npm.version),
        }
    }

    /// A package by its name, for targets.
    pub(super) fn of_package(package: &str, targets: &[&str]) -> Self {
        Self {
            package: package.to_owned(),
            targets: targets.iter().map(|&target| target.to_owned()).collect(),
            name: package.to_owned(),
            kind: "application",
            url: format!("pkg:cargo/{package}"),
        }
    }
}
