//! Builds the oldest version of each host that the function works in, and shows that it does: it
//! gives what the newest gives, and the tests of that host pass with it.
//!
//! `docs/supported-versions.md` has the table. A test holds it against the versions here and in the
//! catalogue of the hosts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde::Deserialize;

use crate::hosts::go::{go_build, pinned_version};
use crate::process::{self, NPM_CI, command};
use crate::workspace::{self, path_with, path_with_launcher, text};
use crate::{artifacts, hosts};

/// What is shown, and of which versions.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these, in place of all
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Take the function and the newest hosts as they are built already
    #[arg(long)]
    no_build: bool,
}

/// A program in another version than the one that `cargo xtask test` runs: see `versions.yaml`.
#[derive(Deserialize)]
struct Version {
    host: String,
    #[serde(flatten)]
    source: Source,
    needs: Vec<String>,
    proofs: Vec<Proof>,
}

/// Where it comes from.
#[derive(Deserialize)]
#[serde(untagged, rename_all_fields = "kebab-case")]
enum Source {
    Go {
        go_build: String,
        folder: String,
        pinned: String,
        version_flag: Option<String>,
    },
    Npm {
        npm: String,
    },
}

/// What shows that it works.
#[derive(Deserialize)]
#[serde(untagged)]
enum Proof {
    Same { same: String },
    Tests { tests: String },
}

const NODE: &str = "tests/hosts/versions/node";

/// Builds the versions, and shows that each works.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut versions = versions()?;
    let is_known = |name: &&String| versions.iter().any(|version| version.host == **name);
    if let Some(name) = arguments.names.iter().find(|name| !is_known(name)) {
        let mut known: Vec<_> = versions
            .iter()
            .map(|version| version.host.as_str())
            .collect();
        known.dedup();
        bail!(
            "there are no versions of {name}; there are of {}",
            known.join(", ")
        );
    }
    versions
        .retain(|version| arguments.names.is_empty() || arguments.names.contains(&version.host));
    if !arguments.no_build {
        let needed: BTreeSet<_> = versions.iter().flat_map(|version| &version.needs).collect();
        hosts::build(&needed.into_iter().collect::<Vec<_>>())?;
        artifacts::build()?;
    }
    let mut table = String::from("\n| program | version | shown by | in |\n|---|---|---|---|\n");
    let mut failed = 0;
    for version in versions {
        let (host, number) = (&version.host, version.number()?);
        println!("\n── {host} {number} ──");
        version.build()?;
        for proof in &version.proofs {
            let start = Instant::now();
            let outcome;
            match version.show(proof) {
                Ok(()) => outcome = format!("{:.1?}", start.elapsed()),
                Err(error) => {
                    eprintln!("{host} {number}: {error:#}");
                    outcome = "failed".to_owned();
                    failed += 1;
                }
            }
            table.push_str(&format!("| {host} | {number} | {proof} | {outcome} |\n"));
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

impl Version {
    /// `4.4.1`
    fn number(&self) -> Result<String> {
        match &self.source {
            Source::Go { pinned, .. } => pinned_version(&self.go_mod(), pinned),
            Source::Npm { npm } => {
                let package: serde_json::Value =
                    serde_json::from_str(&text(&format!("{NODE}/package.json"))?)?;
                let pinned = package.pointer(&format!("/dependencies/{npm}"));
                let (_, number) = pinned
                    .and_then(|pinned| pinned.as_str()?.rsplit_once('@'))
                    .with_context(|| format!("package.json does not pin {npm}"))?;
                Ok(number.to_owned())
            }
        }
    }

    fn go_mod(&self) -> String {
        format!("tests/hosts/versions/{}.mod", self.host)
    }

    /// The folder that it is built into, alone.
    fn folder(&self) -> Result<PathBuf> {
        let name = format!("hosts/versions/{}-{}", self.host, self.number()?);
        Ok(workspace::target(&name))
    }

    /// Builds it where it is not built yet.
    fn build(&self) -> Result<()> {
        let folder = self.folder()?;
        let (program, stamp) = (folder.join(&self.host), folder.join("built-by"));
        let mut command = self.command(&program)?;
        let mut source = process::text_of(&command);
        if let Source::Go { .. } = self.source {
            source.push_str(&text(&self.go_mod())?);
        }
        if program.is_file() && fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == source) {
            println!("built already");
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        let start = Instant::now();
        process::capture(&mut command).with_context(|| format!("cannot build {}", self.host))?;
        if let Source::Npm { npm } = &self.source {
            let installed = format!("{NODE}/node_modules/{npm}/bin/node");
            fs::copy(workspace::root().join(installed), program)?;
        }
        fs::write(&stamp, source)?;
        println!("built in {:.1?}", start.elapsed());
        Ok(())
    }

    /// The command that builds it, or installs it in the folder that npm takes it to.
    fn command(&self, program: &Path) -> Result<Command> {
        Ok(match &self.source {
            Source::Go {
                go_build: package,
                folder,
                version_flag,
                ..
            } => {
                let mut go = go_build(folder, version_flag.as_deref(), &self.number()?);
                go.arg("-modfile")
                    .arg(workspace::root().join(self.go_mod()));
                go.arg("-o").arg(program).arg(package);
                go
            }
            Source::Npm { .. } => {
                let mut npm = command(&format!("npm {NPM_CI}"));
                npm.current_dir(workspace::root().join(NODE));
                npm
            }
        })
    }

    fn show(&self, proof: &Proof) -> Result<()> {
        let folder = self.folder()?;
        match proof {
            Proof::Same { same } => {
                let older = printed(&folder.join(&self.host), same)?;
                let newest = printed(&workspace::host(&self.host), same)?;
                if older != newest {
                    let diff = similar::TextDiff::from_lines(&newest, &older);
                    bail!("it prints something else:\n{}", diff.unified_diff());
                }
                Ok(())
            }
            Proof::Tests { tests } => {
                let mut cargo = command(&format!("cargo test --package=real-hosts {tests}"));
                cargo.env("PATH", path_with(&folder)?);
                process::run(cargo.env("RUNNER_TERMINAL_HOSTS", folder))
            }
        }
    }
}

/// What a program prints, with the launcher on its PATH and nothing of the person's own.
fn printed(program: &Path, arguments: &str) -> Result<String> {
    let home = workspace::target("hosts/versions/home");
    let mut command = Command::new(program);
    command
        .args(arguments.split(' '))
        .current_dir(workspace::root());
    command
        .env("PATH", path_with_launcher()?)
        .env("KUBECONFIG", home.join("no-kubeconfig"));
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.join(name));
    }
    process::read(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut versions = versions().unwrap();
        versions.retain(|version| version.host == host);
        versions
            .iter()
            .map(|version| version.number().unwrap())
            .collect()
    }

    /// What is pinned here and in the catalogue is what the page says.
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
            assert_eq!(
                row(program),
                (oldest, hosts::version(host).unwrap()),
                "{program}"
            );
        }
        // Of these there is one version.
        for (program, host) in [("kpt", "kpt"), ("Argo CD", "argocd"), ("Helm 4", "helm")] {
            let only = hosts::version(host).unwrap();
            assert_eq!(row(program), (only.clone(), only), "{program}");
        }
        let (oldest, newest) = row("Node.js");
        assert!(
            oldest.starts_with(&hosts::version("node").unwrap()),
            "{oldest}"
        );
        assert_eq!(numbers("node"), [oldest, newest]);
    }

    /// What is no host: Rust, and the wasmtime that is in the launcher.
    #[test]
    fn the_page_has_the_versions_of_the_build() {
        assert_eq!(row("Rust").0, env!("CARGO_PKG_RUST_VERSION"));
        let lock = text("Cargo.lock").unwrap();
        let (_, wasmtime) = lock
            .split_once("name = \"wasmtime\"\nversion = \"")
            .unwrap();
        assert_eq!(row("wasmtime").1, wasmtime.split_once('"').unwrap().0);
    }

    /// Each that is built by a go.mod of its own has its checksums too.
    #[test]
    fn every_go_mod_is_pinned() {
        for version in versions().unwrap() {
            if let Source::Go { .. } = version.source {
                let sums = text(&version.go_mod().replace(".mod", ".sum")).unwrap();
                assert!(!sums.is_empty(), "{}", version.host);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known() {
        let names = vec!["kustomise".to_owned()];
        let error = run(&Arguments {
            names,
            no_build: true,
        })
        .unwrap_err()
        .to_string();
        assert_eq!(
            error,
            "there are no versions of kustomise; there are of wazero-run, node, session-server, \
             kustomize, helm3, kube-apiserver"
        );
    }
}
