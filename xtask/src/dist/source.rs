//! What the release is built from.

use std::env;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{process, workspace};

/// A commit, and its time.
pub(super) struct Source {
    pub(super) commit: String,
    /// In seconds since 1970.
    pub(super) time: String,
}

/// The variable by which reproducible builds are told their time.
pub(super) const TIME: &str = "SOURCE_DATE_EPOCH";

impl Source {
    /// The commit that is checked out, unless it is told.
    pub(super) fn find(commit: Option<&str>) -> Result<Self> {
        let time = match env::var(TIME) {
            Ok(time) => time,
            Err(_) => git(&["log", "-1", "--format=%ct"])
                .with_context(|| format!("the time of the release is not known; set {TIME}"))?,
        };
        let commit = match commit {
            Some(commit) => commit.to_owned(),
            None => {
                let commit = git(&["rev-parse", "HEAD"])
                    .context("the commit of the release is not known; tell it by --commit")?;
                let changes = git(&["status", "--porcelain"])?;
                commit + if changes.is_empty() { "" } else { "-modified" }
            }
        };
        Ok(Self { commit, time })
    }
}

fn git(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.current_dir(workspace::root()).args(arguments);
    let output = process::capture(&mut command)?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
