//! Checks whether the dependencies can be trusted: cargo-deny checks their licences, sources and
//! known vulnerabilities, and cargo vet who has reviewed them.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use fs_err as fs;
use serde_json::Value;

use crate::process::{self, command};
use crate::{hosts, workspace};

/// The configuration of cargo vet, with its exemptions.
const CONFIG: &str = "supply-chain/config.toml";
/// The start of an exemption's first line.
const EXEMPTION: &str = "[[exemptions.";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Skip what needs the network: the list of known vulnerabilities
    #[arg(long)]
    offline: bool,
    /// Rewrite the exemptions: one for each crate that nobody has reviewed at its version
    #[arg(long)]
    exempt: bool,
    /// Fetch the audits of others, and drop the exemptions that they make unnecessary
    #[arg(long, conflicts_with = "offline")]
    import: bool,
}

/// Runs all checks, and prints how many crates are reviewed and how many are exempted.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    hosts::build(&["cargo-deny", "cargo-vet"])?;
    if arguments.import {
        process::run(&mut vet("regenerate imports"))?;
        process::run(&mut vet("regenerate exemptions"))?;
    }
    if arguments.exempt {
        exempt()?;
    }
    let checks = if arguments.offline {
        "bans licenses sources"
    } else {
        ""
    };
    process::run(&mut deny(&format!("--workspace check {checks}"))).context(
        "cargo-deny refuses a dependency; the list of known vulnerabilities is fetched, \
         and --offline does without",
    )?;
    if !arguments.offline {
        // The fuzzers, which have a lock file of their own.
        let fuzzers = "--manifest-path=fuzz/Cargo.toml --config=deny.toml check advisories";
        process::run(&mut deny(fuzzers))?;
    }
    process::run(&mut vet("--locked")).context(
        "nobody has read these crates at these versions: read what has changed, then exempt them by \
         `cargo xtask audit --exempt`, and the commit shows which they are",
    )
}

/// Replaces the exemptions with those that the crates of `Cargo.lock` need. cargo vet's own
/// `regenerate exemptions` fetches the audits of others, and keeps existing exemptions.
fn exempt() -> Result<()> {
    let path = workspace::root().join(CONFIG);
    let text = fs::read_to_string(&path)?;
    let kept = text.split(EXEMPTION).next().unwrap_or_default().trim_end();
    fs::write(&path, format!("{kept}\n"))?;
    // It is expected to fail: each missing crate is one to exempt.
    let output = process::output(&mut vet("--locked --output-format=json"))?;
    let report = serde_json::from_slice(&output.stdout).ok();
    let Some(exemptions) = report.as_ref().and_then(exemptions) else {
        fs::write(&path, &text)?;
        let messages = String::from_utf8_lossy(&output.stderr);
        bail!("cargo vet does not tell which crates nobody has read:\n{messages}");
    };
    Ok(fs::write(&path, format!("{kept}\n{exemptions}"))?)
}

/// An exemption for each crate that a report lists as missing, as cargo vet writes them.
fn exemptions(report: &Value) -> Option<String> {
    // There is no such list if no crate is missing.
    let Some(missing) = report.get("failures") else {
        return report.get("conclusion").map(|_| String::new());
    };
    let exemption = |package: &Value| {
        let text = |pointer| package.pointer(pointer).and_then(Value::as_str);
        let (name, version) = (text("/name")?, text("/version")?);
        let criteria = text("/missing_criteria/0")?;
        Some(format!(
            "\n{EXEMPTION}{name}]]\nversion = \"{version}\"\ncriteria = \"{criteria}\"\n"
        ))
    };
    missing.as_array()?.iter().map(exemption).collect()
}

fn deny(arguments: &str) -> Command {
    command(&format!("target/hosts/bin/cargo-deny {arguments}"))
}

fn vet(arguments: &str) -> Command {
    // The first argument is its name, as with `cargo vet`.
    command(&format!("target/hosts/bin/cargo-vet vet {arguments}"))
}

#[cfg(test)]
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
