//! Builds the oldest supported version of each host, and shows that the function works in it: the
//! output is the same as with the newest version, and the tests of that host pass.
//!
//! `docs/supported-versions.md` has the table. A test compares it with the versions here and in the
//! catalogue of the hosts.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::hosts::program::Program;
use crate::process::{self, command};
use crate::workspace::{self, path_with, path_with_launcher};
use crate::{artifacts, hosts};

/// A program in a version other than the one that `cargo xtask test` runs: see `versions.yaml`.
#[derive(Deserialize)]
struct Version {
    #[serde(flatten)]
    program: Program,
    needs: Vec<String>,
    proofs: Vec<Proof>,
}

/// The proof that it works.
#[derive(Deserialize)]
#[serde(untagged)]
enum Proof {
    Same { same: String },
    Tests { tests: String },
}

/// Builds the versions, and shows that each works.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let mut versions = versions()?;
    let mut known: Vec<_> = versions.iter().map(|it| it.program.name.as_str()).collect();
    known.dedup();
    workspace::must_be_known("older host", names, known.into_iter())?;
    versions.retain(|version| names.is_empty() || names.contains(&version.program.name));
    let needed: BTreeSet<_> = versions.iter().flat_map(|version| &version.needs).collect();
    hosts::build(&needed.into_iter().collect::<Vec<_>>())?;
    artifacts::build()?;
    let mut table = String::from("\n| program | version | shown by | in |\n|---|---|---|---|\n");
    let mut failed = 0;
    for version in versions {
        let (name, number) = (&version.program.name, version.program.version()?);
        println!("\n── {name} {number} ──");
        let folder = workspace::target(&format!("hosts/versions/{name}-{number}"));
        version.program.build(&folder, &folder.join("built-by"))?;
        for proof in &version.proofs {
            let start = Instant::now();
            let outcome = match proof.show(name, &folder) {
                Ok(()) => format!("{:.1?}", start.elapsed()),
                Err(error) => {
                    eprintln!("{name} {number}: {error:#}");
                    failed += 1;
                    "failed".to_owned()
                }
            };
            table.push_str(&format!("| {name} | {number} | {proof} | {outcome} |\n"));
        }
    }
    println!("{table}");
    if failed > 0 {
        bail!("{failed} of these do not hold");
    }
    Ok(())
}

fn versions() -> Result<Vec<Version>> {
    yaml_serde::from_str(include_str!("versions.yaml")).context("cannot read versions.yaml")
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Same { same } => write!(f, "the newest's output of `{same}`"),
            Self::Tests { tests } => write!(f, "`cargo test -p real-hosts {tests}`"),
        }
    }
}

impl Proof {
    /// Runs the proof on a program in a folder.
    fn show(&self, name: &str, folder: &Path) -> Result<()> {
        match self {
            Self::Same { same } => {
                let older = printed(&folder.join(name), same)?;
                let newest = printed(&workspace::host(name), same)?;
                if older != newest {
                    let diff = similar::TextDiff::from_lines(&newest, &older);
                    bail!("it prints something else:\n{}", diff.unified_diff());
                }
                Ok(())
            }
            Self::Tests { tests } => {
                let mut cargo = command(&format!("cargo test --package=real-hosts {tests}"));
                cargo.env("PATH", path_with(&[folder.to_owned()])?);
                process::run(cargo.env("RUNNER_TERMINAL_HOSTS", folder))
            }
        }
    }
}

/// The output of a program, with the launcher on its PATH and without the user's own configuration.
fn printed(program: &Path, arguments: &str) -> Result<String> {
    let home = workspace::target("hosts/versions/home");
    let mut command = Command::new(program);
    command.args(arguments.split(' '));
    command.current_dir(workspace::root());
    command.env("PATH", path_with_launcher()?);
    command.env("KUBECONFIG", home.join("no-kubeconfig"));
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.join(name));
    }
    process::read(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::text;

    const PAGE: &str = "docs/supported-versions.md";

    /// The oldest and the newest version of a row of the page.
    fn row(program: &str) -> (String, String) {
        let page = text(PAGE).unwrap();
        let mut lines = page.lines();
        let line = lines.find(|line| line.starts_with(&format!("| {program} |")));
        let cells: Vec<_> = line.unwrap_or_default().split('|').map(str::trim).collect();
        match cells.as_slice() {
            [_, _, oldest, newest, ..] => ((*oldest).to_owned(), (*newest).to_owned()),
            _ => panic!("{PAGE} has no row for {program}"),
        }
    }

    fn numbers(host: &str) -> Vec<String> {
        let versions = versions().unwrap();
        let programs = versions.iter().map(|version| &version.program);
        let of_host = programs.filter(|program| program.name == host);
        of_host.map(|program| program.version().unwrap()).collect()
    }

    /// The versions that are pinned here and in the catalogue are those on the page.
    #[test]
    fn the_page_has_the_versions_that_are_shown() {
        for (program, host) in [
            ("kustomize", "kustomize"),
            ("Helm 3", "helm3"),
            ("Kubernetes", "kube-apiserver"),
            ("GitLab Runner", "session-server"),
            ("wazero", "wazero-run"),
        ] {
            let oldest = numbers(host).concat().replace("+incompatible", "");
            let newest = hosts::version(host).unwrap();
            assert_eq!(row(program), (oldest, newest), "{program}");
        }
        // These have only one version.
        for (program, host) in [("kpt", "kpt"), ("Argo CD", "argocd"), ("Helm 4", "helm")] {
            let only = hosts::version(host).unwrap();
            assert_eq!(row(program), (only.clone(), only), "{program}");
        }
        let (oldest, newest) = row("Node.js");
        let pinned = hosts::version("node").unwrap();
        assert!(oldest.starts_with(&pinned), "{oldest}");
        assert_eq!(numbers("node"), [oldest, newest]);
    }

    /// Versions of what is not a host: Rust, and the wasmtime in the launcher.
    #[test]
    fn the_page_has_the_versions_of_the_build() {
        assert_eq!(row("Rust").0, env!("CARGO_PKG_RUST_VERSION"));
        let lock = text("Cargo.lock").unwrap();
        let before = "name = \"wasmtime\"\nversion = \"";
        let (_, wasmtime) = lock.split_once(before).unwrap();
        assert_eq!(row("wasmtime").1, wasmtime.split_once('"').unwrap().0);
    }

    /// Each program that has its own go.mod has its checksums, too.
    #[test]
    fn every_go_mod_is_pinned() {
        for version in versions().unwrap() {
            if let Some(go_mod) = version.program.go_mod {
                let sums = text(&go_mod.replace(".mod", ".sum")).unwrap();
                assert!(!sums.is_empty(), "{go_mod}");
            }
        }
    }
}
