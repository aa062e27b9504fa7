//! The bill of materials, in the form of CycloneDX 1.5: which crates are in the launcher.
//!
//! cargo itself says which: those that are linked, and no others. What only builds the launcher (the
//! Wasm compiler, above all) is not in it and not listed.

mod lock;
mod tree;

use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::release::Release;
use crate::time;
use tree::{Crate, Tree};

/// The package of the launcher.
const PACKAGE: &str = "runner-terminal-host";

/// The bill of a release, for all of its targets together.
pub(crate) fn of(release: &Release) -> Result<String> {
    let mut tree = cargo(release);
    tree.args(["tree", "--locked", "--package", PACKAGE]);
    tree.args(["--edges", "normal,no-proc-macro", "--prefix", "depth"]);
    // A character that no name has stands between the fields.
    tree.args(["--format", "|{p}|{l}"]);
    for launcher in &release.launchers {
        tree.args(["--target", launcher.target.name()]);
    }
    let tree = Tree::read(&output(tree)?)?;
    let lock = String::from_utf8(crate::file::read(&release.root.join("Cargo.lock"))?)?;
    let text = serde_json::to_string_pretty(&bill(release, &tree, &lock::checksums(&lock))?)?;
    Ok(text + "\n")
}

fn bill(release: &Release, tree: &Tree, checksums: &BTreeMap<Crate, String>) -> Result<Value> {
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for (package, found) in &tree.crates {
        let needs: Vec<_> = found.needs.iter().map(Crate::url).collect();
        dependencies.push(json!({"ref": package.url(), "dependsOn": needs}));
        if package.name == PACKAGE {
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
    let (launcher, found) = tree
        .crates
        .iter()
        .find(|(package, _)| package.name == PACKAGE)
        .context("cargo does not list the launcher")?;
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time::rfc_3339(release.time),
            "component": {
                "type": "application",
                "bom-ref": launcher.url(),
                "name": "runner-terminal",
                "version": launcher.version,
                "licenses": [{"expression": expression(&found.license)}],
                "purl": launcher.url(),
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

fn cargo(release: &Release) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&release.root);
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
            "cargo does not list the launcher's crates: {}",
            String::from_utf8_lossy(&stderr)
        );
    }
    Ok(String::from_utf8(stdout)?)
}
