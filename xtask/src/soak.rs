//! Runs the relay, and the commands that wait for an address, for a long time, and checks that
//! nothing is lost and that memory and connections do not grow.
//!
//! `tests/real-hosts/src/bin/soak` does this, and reports what is wrong.

use std::thread;

use anyhow::{Result, anyhow, ensure};

use crate::process::{self, command};
use crate::{artifacts, hosts};

/// The parts, and the hosts that each needs.
const PARTS: [(&str, &[&str]); 2] = [
    ("relay", &[]),
    ("wait", &["etcd", "kube-apiserver", "kubectl"]),
];

/// The arguments of `cargo xtask soak`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many minutes to run
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,
}

/// Runs all parts in parallel, and prints what each has measured.
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
