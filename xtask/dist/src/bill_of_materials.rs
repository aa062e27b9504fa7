//! The bills of materials, in the form of CycloneDX 1.5: which crates are in the launcher, in each module
//! and in the npm package.
//!
//! `cargo tree` lists the crates that are linked, and no others. What only builds a program (above
//! all the Wasm compiler) is not part of it, and so is not listed. cargo-cyclonedx would list that
//! as well, and for a workspace the features of all packages together, so the bill is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use serde_json::{Value, json};

use crate::release::Release;
use crate::with;

/// What a bill describes.
pub(crate) struct Subject {
    /// What cargo calls it.
    pub(crate) package: String,
    /// The Rust targets that it is built for.
    pub(crate) targets: Vec<String>,
    /// What people call it.
    pub(crate) name: String,
    /// What CycloneDX calls its kind.
    pub(crate) kind: &'static str,
    /// Its package URL.
    pub(crate) url: String,
}

/// A crate's name and version.
pub type Crate = (String, String);

/// Crates, each with its licence and the crates that it needs.
pub type Crates = BTreeMap<Crate, (String, BTreeSet<Crate>)>;

fn url((name, version): &Crate) -> String {
    format!("pkg:cargo/{name}@{version}")
}

/// A package, and the crates that are linked into its program for any of these targets.
///
/// # Errors
///
/// If cargo does not list them.
pub fn linked(root: &Path, package: &str, targets: &[&str]) -> Result<Crates> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--locked", "--package", package]);
    cargo.current_dir(root);
    cargo.args(["--edges", "normal,no-proc-macro", "--prefix", "depth"]);
    // The fields are separated by a character that no name has.
    cargo.args(["--format", "|{p}|{l}"]);
    for target in targets {
        cargo.args(["--target", target]);
    }
    let output = cargo.output().context("cargo does not start")?;
    let (is_listed, messages) = (output.status.success(), output.stderr);
    let messages = String::from_utf8_lossy(&messages);
    ensure!(is_listed, "cargo does not list the crates: {messages}");
    read(&String::from_utf8(output.stdout)?)
}

/// Reads lines of `DEPTH|NAME vVERSION …|LICENCE`. A crate that was listed before is listed without
/// its dependencies.
fn read(tree: &str) -> Result<Crates> {
    let mut crates = Crates::new();
    // The path from the root to the previous line.
    let mut above: Vec<Crate> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, package, license) =
            fields(line).with_context(|| format!("this is no line of a tree: {line}"))?;
        above.truncate(depth);
        if let Some((_, needs)) = above.last().and_then(|parent| crates.get_mut(parent)) {
            needs.insert(package.clone());
        }
        let (found, _) = crates.entry(package.clone()).or_default();
        // As in SPDX; old crates have a slash for "or".
        *found = license.replace(" / ", " OR ").replace('/', " OR ");
        above.push(package);
    }
    Ok(crates)
}

fn fields(line: &str) -> Option<(usize, Crate, &str)> {
    let (depth, rest) = line.split_once('|')?;
    let (package, license) = rest.split_once('|')?;
    let mut words = package.split(' ');
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    let license = license.trim_end_matches(" (*)");
    Some((depth.parse().ok()?, (name, version), license))
}

/// The SHA-256 of each crate's package in a `Cargo.lock`. Those of the workspace have none.
fn checksums(lock: &str) -> BTreeMap<Crate, String> {
    let packages = lock.split("[[package]]").filter_map(|package| {
        let field = |name: &str| {
            let value = package.lines().find_map(|line| line.strip_prefix(name))?;
            Some(value.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
        };
        Some(((field("name")?, field("version")?), field("checksum")?))
    });
    packages.collect()
}

/// The bill of a part of a release.
pub(crate) fn of(release: &Release, subject: &Subject) -> Result<String> {
    let targets: Vec<_> = subject.targets.iter().map(String::as_str).collect();
    let crates = linked(&release.root, &subject.package, &targets)?;
    let checksums = checksums(&fs::read_to_string(release.root.join("Cargo.lock"))?);
    let (mut components, mut dependencies, mut own) = (Vec::new(), Vec::new(), Value::Null);
    for (package, (license, needs)) in &crates {
        let (name, version) = package;
        let is_subject = *name == subject.package;
        let (kind, url, name) = if is_subject {
            (subject.kind, subject.url.clone(), &subject.name)
        } else {
            ("library", url(package), name)
        };
        let needs: Vec<_> = needs.iter().map(self::url).collect();
        dependencies.push(json!({"ref": url, "dependsOn": needs}));
        let mut component = json!({
            "type": kind,
            "bom-ref": url,
            "name": name,
            "version": version,
            "licenses": [{"expression": license}],
            "purl": url,
        });
        if let Some(sum) = checksums.get(package) {
            let hashes = json!([{"alg": "SHA-256", "content": sum}]);
            component = with(component, "hashes", hashes);
        }
        if is_subject {
            let home = json!([{"type": "vcs", "url": env!("CARGO_PKG_REPOSITORY")}]);
            own = with(component, "externalReferences", home);
        } else {
            components.push(component);
        }
    }
    ensure!(!own.is_null(), "cargo does not list {}", subject.package);
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"timestamp": release.rfc_3339(), "component": own},
        "components": components,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_is_listed_again_keeps_what_it_needs() {
        let text = "0|a v1.0.0 (/some/where)|MIT\n1|b v2.0.0|MIT OR Apache-2.0\n2|c v3.0.0|ISC\n\
                    1|d v4.0.0|MIT\n2|b v2.0.0|MIT OR Apache-2.0 (*)\n";
        let crates = read(text).unwrap();
        let lines = crates.iter().map(|((name, _), (license, needs))| {
            let needs: BTreeSet<_> = needs.iter().map(url).collect();
            format!("{name} {license} {needs:?}")
        });
        let lines: Vec<_> = lines.collect();
        assert_eq!(
            lines,
            [
                r#"a MIT {"pkg:cargo/b@2.0.0", "pkg:cargo/d@4.0.0"}"#,
                r#"b MIT OR Apache-2.0 {"pkg:cargo/c@3.0.0"}"#,
                "c ISC {}",
                r#"d MIT {"pkg:cargo/b@2.0.0"}"#,
            ]
        );
    }

    #[test]
    fn crates_of_the_workspace_have_no_checksum() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"b\"\nversion = \"2.0.0\"\nchecksum = \"abc\"\n";
        let b = ("b".to_owned(), "2.0.0".to_owned());
        assert_eq!(checksums(lock), BTreeMap::from([(b, "abc".to_owned())]));
    }
}
