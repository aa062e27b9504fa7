//! The bills of materials, in the form of CycloneDX 1.5: which crates are in the launcher, in each module
//! and in the npm package.
//!
//! cargo itself says which: those that are linked, and no others. What only builds a program (the Wasm
//! compiler, above all) is not in it and not listed.

mod lock;
mod subject;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::release::Release;
use crate::time;
pub(crate) use subject::Subject;
use tree::{Crate, Tree};

/// The bill of a part of a release.
pub(crate) fn of(release: &Release, subject: &Subject) -> Result<String> {
    let tree = tree(&release.root, subject)?;
    let lock = String::from_utf8(crate::file::read(&release.root.join("Cargo.lock"))?)?;
    let bill = bill(release, subject, &tree, &lock::checksums(&lock))?;
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

/// The names of the crates that are in a package's program for any of these targets.
///
/// # Errors
///
/// If cargo does not list them.
pub fn crates(root: &Path, package: &str, targets: &[&str]) -> Result<BTreeSet<String>> {
    let subject = Subject::of_package(package, targets);
    let tree = tree(root, &subject)?;
    let names = tree.crates.into_keys().map(|found| found.name);
    Ok(names.filter(|name| name != package).collect())
}

fn tree(root: &Path, subject: &Subject) -> Result<Tree> {
    let mut tree = cargo(root);
    tree.args(["tree", "--locked", "--package", &subject.package]);
    tree.args(["--edges", "normal,no-proc-macro", "--prefix", "depth"]);
    // A character that no name has stands between the fields.
    tree.args(["--format", "|{p}|{l}"]);
    for target in &subject.targets {
        tree.args(["--target", target]);
    }
    Tree::read(&output(tree)?)
}

fn bill(
    release: &Release,
    subject: &Subject,
    tree: &Tree,
    checksums: &BTreeMap<Crate, String>,
) -> Result<Value> {
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for (package, found) in &tree.crates {
        let is_subject = package.name == subject.package;
        let needs: Vec<_> = found.needs.iter().map(Crate::url).collect();
        let name = if is_subject {
            subject.url.clone()
        } else {
            package.url()
        };
        dependencies.push(json!({"ref": name, "dependsOn": needs}));
        if is_subject {
            continue;
        }
        let mut component = json!({
            "type": "library",
            "bom-ref": package.url(),
            "name": package.name,
            "version": package.version,
            "licenses": [{"expression": expression(&found.license)}],
            "purl": package.url(),
        });
        if let (Some(members), Some(sum)) = (component.as_object_mut(), checksums.get(package)) {
            members.insert(
                "hashes".to_owned(),
                json!([{"alg": "SHA-256", "content": sum}]),
            );
        }
        components.push(component);
    }
    let (of, found) = tree
        .crates
        .iter()
        .find(|(package, _)| package.name == subject.package)
        .with_context(|| format!("cargo does not list {}", subject.package))?;
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time::rfc_3339(release.time),
            "component": {
                "type": subject.kind,
                "bom-ref": subject.url,
                "name": subject.name,
                "version": of.version,
                "licenses": [{"expression": expression(&found.license)}],
                "purl": subject.url,
                "externalReferences": [{"type": "vcs", "url": env!("CARGO_PKG_REPOSITORY")}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// A licence as SPDX writes it; old crates have a slash for "or".
fn expression(license: &str) -> String {
    license.replace(" / ", " OR ").replace('/', " OR ")
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

fn output(mut command: Command) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().context("cargo does not start")?;
    if !status.success() {
        bail!(
            "cargo does not list the crates: {}",
            String::from_utf8_lossy(&stderr)
        );
    }
    Ok(String::from_utf8(stdout)?)
}
