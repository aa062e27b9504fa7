//! Whether the dependencies may be trusted: their licences, sources and known faults by cargo-deny, and
//! who has read them by cargo vet.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::hosts::{self, AUDITS};
use crate::{process, workspace};

/// What cargo vet is told, and what it asks for.
const CONFIG: &str = "supply-chain/config.toml";
/// The line by which an exemption starts.
const EXEMPTION: &str = "[[exemptions.";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave out what needs the network, which is the list of known vulnerabilities
    #[arg(long)]
    offline: bool,
    /// Write the exemptions anew, one for each crate that nobody has read at its version
    #[arg(long)]
    exempt: bool,
    /// Fetch what others have read, and drop the exemptions that it makes needless
    #[arg(long, conflicts_with = "offline")]
    import: bool,
}

/// Checks all of it, and says how many crates are read and how many are exempted.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    hosts::build(&["cargo-deny".to_owned(), AUDITS.to_owned()])?;
    if arguments.import {
        for what in ["imports", "exemptions"] {
            process::run(vet().args(["regenerate", what]))?;
        }
    }
    if arguments.exempt {
        exempt()?;
    }
    let mut deny = process::command(workspace::host("cargo-deny"));
    if arguments.offline {
        deny.args(["--workspace", "check", "bans", "licenses", "sources"]);
    } else {
        deny.args(["--workspace", "check"]);
    }
    process::run(&mut deny).context(
        "cargo-deny refuses a dependency; the list of known vulnerabilities is fetched, \
         and --offline does without",
    )?;
    if !arguments.offline {
        // The fuzzers, which have a lock file of their own.
        let mut fuzzers = process::command(workspace::host("cargo-deny"));
        fuzzers.args(["--manifest-path=fuzz/Cargo.toml", "--config=deny.toml"]);
        process::run(fuzzers.args(["check", "advisories"]))?;
    }
    process::run(vet().arg("--locked")).context(
        "nobody has read these crates at these versions: read what has changed, then exempt them by \
         `cargo xtask audit --exempt`, and the commit shows which they are",
    )
}

/// Replaces the exemptions by those that the crates of `Cargo.lock` need.
fn exempt() -> Result<()> {
    let path = workspace::root().join(CONFIG);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {CONFIG}"))?;
    let kept = text.split(EXEMPTION).next().unwrap_or_default().trim_end();
    write(&path, &format!("{kept}\n"))?;
    // It fails, as it is to: each crate that is missing is one to exempt.
    let output = vet()
        .args(["--locked", "--output-format=json"])
        .output()
        .context("cargo vet does not start")?;
    let exemptions = serde_json::from_slice(&output.stdout)
        .ok()
        .and_then(|report| exemptions(&report));
    let Some(exemptions) = exemptions else {
        write(&path, &text)?;
        bail!(
            "cargo vet does not tell which crates nobody has read:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    write(&path, &format!("{kept}\n{exemptions}"))
}

/// An exemption for each crate that a report misses, as cargo vet writes them.
fn exemptions(report: &Value) -> Option<String> {
    // There is no such list if there is none to miss.
    let Some(missing) = report.get("failures") else {
        return report.get("conclusion").map(|_| String::new());
    };
    let mut text = String::new();
    for package in missing.as_array()? {
        let name = package.get("name")?.as_str()?;
        let version = package.get("version")?.as_str()?;
        let criteria = package.get("missing_criteria")?.get(0)?.as_str()?;
        text.push_str(&format!(
            "\n{EXEMPTION}{name}]]\nversion = \"{version}\"\ncriteria = \"{criteria}\"\n"
        ));
    }
    Some(text)
}

fn vet() -> std::process::Command {
    let mut vet = process::command(workspace::host(AUDITS));
    // Its name, as cargo would hand it over.
    vet.arg("vet");
    vet
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn each_crate_that_is_missing_is_exempted() {
        let report = serde_json::json!({
            "conclusion": "fail (vetting)",
            "failures": [
                {"name": "a", "version": "1.0.0", "missing_criteria": ["safe-to-deploy"]},
                {"name": "b", "version": "2.0.0", "missing_criteria": ["safe-to-run"]},
            ],
        });
        assert_eq!(
            exemptions(&report).unwrap(),
            "\n[[exemptions.a]]\nversion = \"1.0.0\"\ncriteria = \"safe-to-deploy\"\n\
             \n[[exemptions.b]]\nversion = \"2.0.0\"\ncriteria = \"safe-to-run\"\n"
        );
    }

    #[test]
    fn a_report_of_another_form_is_none() {
        assert_eq!(exemptions(&serde_json::json!({})), None);
        let success = serde_json::json!({"conclusion": "success"});
        assert_eq!(exemptions(&success).as_deref(), Some(""));
    }
}
