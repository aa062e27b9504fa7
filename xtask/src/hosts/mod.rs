//! Builds the programs that the tests run the function in, each at a pinned
//! version, into `target/hosts/bin`.

pub(crate) mod debian;
pub(crate) mod go;
mod recipe;

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde::Deserialize;

use crate::process::{self, NPM_CI, command};
use crate::workspace;
use recipe::Recipe;

/// A program that the tests or the benchmark run.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Host {
    /// The name of the program, and of its file in `target/hosts/bin`.
    name: String,
    /// Whether tests need it.
    #[serde(default = "yes")]
    for_tests: bool,
    #[serde(flatten)]
    recipe: Recipe,
}

/// Builds the hosts of these names, or all of them when there are none.
pub(crate) fn build(names: &[impl AsRef<str>]) -> Result<()> {
    let hosts = catalogue()?;
    let known = hosts.iter().map(|host| host.name.as_str());
    workspace::must_be_known("host", names, known)?;
    let is_wanted =
        |host: &&Host| names.is_empty() || names.iter().any(|name| name.as_ref() == host.name);
    hosts.iter().filter(is_wanted).try_for_each(Host::ensure)
}

/// The hosts that the tests need.
pub(crate) fn for_tests() -> Result<impl Iterator<Item = String>> {
    let hosts = catalogue()?.into_iter().filter(|host| host.for_tests);
    Ok(hosts.map(|host| host.name))
}

fn catalogue() -> Result<Vec<Host>> {
    yaml_serde::from_str(include_str!("catalogue.yaml")).context("cannot read catalogue.yaml")
}

fn yes() -> bool {
    true
}

impl Host {
    /// Builds or finds it, and says so.
    fn ensure(&self) -> Result<()> {
        let name = &self.name;
        let done = match &self.recipe {
            Recipe::Debian { debian } => debian::ensure(debian)?,
            Recipe::Node { oldest } => node_is_new_enough(*oldest).map(|()| "found")?,
            Recipe::Npm { npm } => process::npm(npm, NPM_CI).map(|()| "installed")?,
            built => return self.build(&built.version()?.unwrap_or_default()),
        };
        println!("{name} … {done}");
        Ok(())
    }

    /// Builds it unless it was built from what is there now.
    fn build(&self, version: &str) -> Result<()> {
        let Self { name, recipe, .. } = self;
        let stamp = recipe.stamp(name)?;
        let file = workspace::target("hosts/stamps").join(name);
        print!("{name} {version} … ");
        if workspace::host(name).is_file() && fs::read_to_string(&file).is_ok_and(|s| s == stamp) {
            println!("built already");
            return Ok(());
        }
        std::io::stdout().flush()?;
        let start = Instant::now();
        recipe.build(name).with_context(|| {
            format!("cannot build the host {name}; to try again: cargo xtask hosts {name}")
        })?;
        fs::create_dir_all(workspace::target("hosts/stamps"))?;
        fs::write(file, stamp)?;
        println!("built in {:.1?}", start.elapsed());
        Ok(())
    }
}

fn node_is_new_enough((major, minor): (u32, u32)) -> Result<()> {
    let text = process::read(&mut command("node --version"))?;
    let version = text.trim().trim_start_matches('v');
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let (Some(Some(own_major)), Some(Some(own_minor))) = (parts.next(), parts.next()) else {
        bail!("`node --version` says {version}, which is no version");
    };
    if (own_major, own_minor) < (major, minor) {
        bail!("Node.js {version} is too old: install Node.js {major}.{minor} or newer");
    }
    Ok(())
}

/// The pinned version of a host that is built here, and of Node.js the oldest.
#[cfg(test)]
pub(crate) fn version(name: &str) -> Result<String> {
    let hosts = catalogue()?;
    let host = hosts.iter().find(|host| host.name == name);
    match &host
        .with_context(|| format!("there is no host {name}"))?
        .recipe
    {
        Recipe::Node {
            oldest: (major, minor),
        } => Ok(format!("{major}.{minor}.")),
        recipe => recipe.version()?.context("it has no version"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_host_is_refused_with_the_names_of_the_known() {
        let error = build(&["kustomise"]).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no host kustomise; the hosts are kustomize,"),
            "{error}"
        );
        assert!(error.ends_with("node, conformance, cyclonedx"), "{error}");
    }

    #[test]
    fn every_host_has_a_version_that_starts_with_a_digit() {
        for host in catalogue().unwrap() {
            if let Some(version) = host.recipe.version().unwrap() {
                let is_number = version.starts_with(|c: char| c.is_ascii_digit());
                assert!(is_number, "{}: {version}", host.name);
            }
        }
    }
}
