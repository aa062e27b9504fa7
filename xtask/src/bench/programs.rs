//! The programs that are measured: see `programs.yaml`.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::lists::List;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Program {
    pub(crate) key: String,
    /// Its name in the tables.
    pub(crate) name: String,
    /// Its command, which starts in the workspace's root.
    command: String,
    pub(crate) role: Role,
    /// Why it is given no more than [`MANY`] objects.
    pub(crate) left_out: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    Function,
    Peer,
    Floor,
}

/// What is the most for some programs.
const MANY: usize = 10_000;
/// Stands in a command for the kustomization's folder.
const KUSTOMIZATION: &str = "KUSTOMIZATION";

/// All programs, in the tables' order.
pub(crate) fn programs() -> Result<Vec<Program>> {
    yaml_serde::from_str(include_str!("programs.yaml")).context("in programs.yaml")
}

impl Program {
    /// Why the program is not given a list of this size.
    pub(crate) fn refuses(&self, list: List) -> Option<&str> {
        self.left_out.as_deref().filter(|_| list.items > MANY)
    }

    /// Whether it reads a kustomization, in place of its stdin.
    pub(crate) fn reads_kustomization(&self) -> bool {
        self.command.ends_with(KUSTOMIZATION)
    }

    /// The command, with the folder of a kustomization.
    pub(crate) fn on(&self, kustomization: &str) -> String {
        self.command.replace(KUSTOMIZATION, kustomization)
    }
}
