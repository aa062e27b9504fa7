//! Whether the dependencies may be trusted: their licences, sources and known faults by cargo-deny, and
//! who has read them by cargo vet.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use fs_err as fs;
use serde_json::Value;

use crate::process::{self, command};
use crate::{hosts, workspace};

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

/// Replaces the exemptions by those that the crates of `Cargo.lock` need. cargo vet's own
/// `regenerate exemptions` fetches what others have read, and keeps exemptions that are there.
fn exempt() -> Result<()> {
    let path = workspace::root().join(CONFIG);
    let text = fs::read_to_string(&path)?;
    let kept = text.split(EXEMPTION).next().unwrap_or_default().trim_end();
    fs::write(&path, format!("{kept}\n"))?;
    // It fails, as it is to: each crate that is missing is one to exempt.
    let output = process::output(&mut vet("--locked --output-format=json"))?;
    let report = serde_json::from_slice(&output.stdout).ok();
    let Some(exemptions) = report.as_ref().and_then(exemptions) else {
        fs::write(&path, &text)?;
        let messages = String::from_utf8_lossy(&output.stderr);
        bail!("cargo vet does not tell which crates nobody has read:\n{messages}");
    };
    Ok(fs::write(&path, format!("{kept}\n{exemptions}"))?)
}

/// An exemption for each crate that a report misses, as cargo vet writes them.
fn exemptions(report: &Value) -> Option<String> {
    // There is no such list if there is none to miss.
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
    // With its name, as cargo would hand it over.
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
