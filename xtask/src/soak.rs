//! Lets the relay, and what waits for an address, run for a long time: nothing is lost, and memory and
//! connections do not grow.
//!
//! `tests/real-hosts/src/bin/soak` does it and says what is wrong.

use std::thread;

use anyhow::{Result, anyhow, ensure};

use crate::process::{self, command};
use crate::{artifacts, hosts};

/// What runs, and the hosts that it needs.
const PARTS: [(&str, &[&str]); 2] = [
    ("relay", &[]),
    ("wait", &["etcd", "kube-apiserver", "kubectl"]),
];

/// What the command line says.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// For so many minutes
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,
}

/// Runs all parts at once, and prints what each has measured.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let needed: Vec<_> = PARTS.iter().flat_map(|(_, hosts)| *hosts).collect();
    hosts::build(&needed)?;
    artifacts::build()?;
    let minutes = arguments.minutes;
    let failed: Vec<_> = thread::scope(|scope| {
        let parts = PARTS.map(|(name, _)| {
            let part = scope.spawn(move || soak(name, minutes));
            (name, part)
        });
        let ended = parts.map(|(name, part)| {
            let ended = part.join().unwrap_or_else(|_| Err(anyhow!("it panicked")));
            ended.err().map(|error| format!("{name}: {error:#}"))
        });
        ended.into_iter().flatten().collect()
    });
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

fn soak(part: &str, minutes: u64) -> Result<()> {
    let soak = "cargo run --package=real-hosts --bin=soak";
    process::run(&mut command(&format!("{soak} -- {part} --for={minutes}m")))
}
