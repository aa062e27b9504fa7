//! Builds the programs that the tests run the function in, each at a pinned
//! version, into `target/hosts/bin`.

mod catalogue;
pub(crate) mod debian;
pub(crate) mod node;
mod npm;
pub(crate) mod recipe;
mod stamp;

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::progress::took;
pub(crate) use catalogue::AUDITS;
use catalogue::{BENCHMARK_TOOL, HOSTS, Host};

/// Builds the hosts of these names, or all of them when there are none.
pub(crate) fn build(names: &[String]) -> Result<()> {
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = known_names().collect();
        bail!(
            "there is no host {name}; the hosts are {}",
            known.join(", ")
        );
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|given| given == name);

    for host in HOSTS.iter().filter(|host| wanted(host.name)) {
        build_one(host)?;
    }
    for name in debian::NAMES.into_iter().filter(|name| wanted(name)) {
        println!("{}", debian::ensure(name)?);
    }
    if wanted(node::NAME) {
        println!("{}", node::find()?);
    }
    for package in npm::PACKAGES.iter().filter(|package| wanted(package.name)) {
        println!("{}", package.ensure()?);
    }
    Ok(())
}

/// The hosts that the tests need, which is all but the tools of the benchmark and of the audit.
pub(crate) fn for_tests() -> impl Iterator<Item = &'static str> {
    known_names().filter(|name| ![BENCHMARK_TOOL, AUDITS].contains(name))
}

/// The pinned version of a host that is built here.
#[cfg(test)]
pub(crate) fn version(name: &str) -> Result<String> {
    match HOSTS.iter().find(|host| host.name == name) {
        Some(host) => host.recipe.version(),
        None => bail!("there is no host {name} that is built here"),
    }
}

fn known_names() -> impl Iterator<Item = &'static str> {
    let built = HOSTS.iter().map(|host| host.name);
    built
        .chain(debian::NAMES)
        .chain([node::NAME])
        .chain(npm::PACKAGES.iter().map(|package| package.name))
}

fn is_known(name: &str) -> bool {
    known_names().any(|known| known == name)
}

fn build_one(host: &Host) -> Result<()> {
    let stamp = stamp::of(host)?;
    print!("{} {} … ", host.name, host.recipe.version()?);
    if stamp::is_current(host, &stamp) {
        println!("built already");
        return Ok(());
    }

    std::io::stdout().flush()?;
    let start = Instant::now();
    if let Err(error) = host.recipe.build(host.name) {
        println!("failed");
        return Err(error.context(format!(
            "cannot build the host {0}; to try again: cargo xtask hosts {0}",
            host.name
        )));
    }
    stamp::write(host, &stamp)?;
    println!("built in {}", took(start.elapsed()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_host_is_refused_with_the_names_of_the_known() {
        let error = build(&["kustomise".to_owned()]).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no host kustomise; the hosts are kustomize,"),
            "{error}"
        );
        assert!(error.ends_with("node, conformance, cyclonedx"), "{error}");
    }

    #[test]
    fn every_host_has_a_version_that_starts_with_a_digit() {
        for host in HOSTS {
            let version = host.recipe.version().unwrap();
            assert!(
                version.starts_with(|c: char| c.is_ascii_digit()),
                "{}: {version}",
                host.name
            );
        }
    }
}
