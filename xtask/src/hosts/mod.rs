//! Builds the programs that the tests run the function in, each at a pinned
//! version, into `target/hosts/bin`.

pub(crate) mod debian;
pub(crate) mod program;

use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use crate::process::{self, NPM_CI, command};
use crate::workspace;
use program::Program;

/// A program that the tests or the benchmark run.
#[derive(Deserialize)]
#[serde(untagged)]
enum Host {
    Built(Program),
    /// A Debian package of the same name.
    Debian {
        debian: String,
    },
    /// Node.js, of this version or newer.
    Node {
        oldest: [u32; 2],
    },
    /// A folder of ours whose `package-lock.json` pins others.
    Npm {
        name: String,
        npm: String,
    },
}

/// The programs that `cargo xtask test` does without.
const NOT_FOR_TESTS: [&str; 5] = [
    "cargo-llvm-cov",
    "cargo-mutants",
    "cargo-vet",
    "gnuplot-nox",
    "hyperfine",
];

/// Builds the hosts of these names, or all of them when there are none.
pub(crate) fn build(names: &[impl AsRef<str>]) -> Result<()> {
    let hosts = catalogue()?;
    workspace::must_be_known("host", names, hosts.iter().map(Host::name))?;
    let is_wanted =
        |host: &&Host| names.is_empty() || names.iter().any(|name| name.as_ref() == host.name());
    hosts.iter().filter(is_wanted).try_for_each(Host::ensure)
}

/// Builds hosts while something else is built.
pub(crate) fn build_beside(
    names: &[impl AsRef<str> + Sync],
    other: impl FnOnce() -> Result<()>,
) -> Result<()> {
    thread::scope(|scope| {
        let hosts = scope.spawn(|| build(names));
        let built = other();
        let panicked = |_| Err(anyhow!("building the hosts panicked"));
        built.and(hosts.join().unwrap_or_else(panicked))
    })
}

/// The hosts that the tests need.
pub(crate) fn for_tests() -> Result<Vec<String>> {
    let mut names: Vec<_> = catalogue()?
        .iter()
        .map(|host| host.name().to_owned())
        .collect();
    names.retain(|name| !NOT_FOR_TESTS.contains(&name.as_str()));
    Ok(names)
}

fn catalogue() -> Result<Vec<Host>> {
    yaml_serde::from_str(include_str!("catalogue.yaml")).context("in catalogue.yaml")
}

impl Host {
    fn name(&self) -> &str {
        match self {
            Self::Built(Program { name, .. }) | Self::Npm { name, .. } => name,
            Self::Debian { debian } => debian,
            Self::Node { .. } => "node",
        }
    }

    /// Builds or finds it, and prints which.
    fn ensure(&self) -> Result<()> {
        let name = self.name();
        let done = match self {
            Self::Built(program) => {
                let stamp = workspace::target("hosts/stamps").join(name);
                let built = program.build(&workspace::target("hosts/bin"), &stamp);
                return built.with_context(|| format!("to try again: cargo xtask hosts {name}"));
            }
            Self::Debian { .. } => debian::ensure(name)?,
            Self::Node { oldest } => node_is_new_enough(oldest).map(|()| "found")?,
            Self::Npm { npm, .. } => process::npm(npm, NPM_CI).map(|()| "installed")?,
        };
        println!("{name} … {done}");
        Ok(())
    }
}

fn node_is_new_enough(oldest: &[u32; 2]) -> Result<()> {
    let version = process::read(&mut command("node --version"))?;
    let parts = version.trim().trim_start_matches('v').split('.');
    let parts: Vec<u32> = parts.filter_map(|part| part.parse().ok()).collect();
    if parts.as_slice() < oldest.as_slice() {
        let [major, minor] = oldest;
        bail!("Node.js {version} is too old: install Node.js {major}.{minor} or newer");
    }
    Ok(())
}

/// The pinned version of a host that is built here, and of Node.js the oldest.
#[cfg(test)]
pub(crate) fn version(name: &str) -> Result<String> {
    match catalogue()?.iter().find(|host| host.name() == name) {
        Some(Host::Built(program)) => program.version(),
        Some(Host::Node {
            oldest: [major, minor],
        }) => Ok(format!("{major}.{minor}.")),
        _ => bail!("there is no version of {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_a_version_that_starts_with_a_digit() {
        for host in catalogue().unwrap() {
            if let Host::Built(program) = host {
                let version = program.version().unwrap();
                assert!(
                    version.starts_with(|c: char| c.is_ascii_digit()),
                    "{version}"
                );
            }
        }
    }
}
