//! The programs that are measured: see `programs.yaml`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::lists::List;

/// A part's programs, and those that the others are compared with.
#[derive(Deserialize)]
pub(crate) struct Part {
    pub(crate) over: Vec<String>,
    pub(crate) programs: Vec<Program>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Program {
    pub(crate) key: String,
    /// Its name in the tables.
    pub(crate) name: String,
    /// Its command, which is run in the workspace's root.
    command: String,
    pub(crate) input: Option<String>,
    #[serde(default = "yes")]
    pub(crate) serves: bool,
    pub(crate) same_as: Option<String>,
    /// Why it gets no more than [`MANY`] objects.
    pub(crate) left_out: Option<String>,
}

/// The most objects that some programs get.
const MANY: usize = 10_000;
/// The placeholder for the kustomization's folder in a command.
const KUSTOMIZATION: &str = "KUSTOMIZATION";

/// The parts of the benchmark by their names.
pub(crate) fn parts() -> Result<BTreeMap<String, Part>> {
    yaml_serde::from_str(include_str!("programs.yaml")).context("in programs.yaml")
}

fn yes() -> bool {
    true
}

impl Program {
    /// Why the program does not get a list of this size.
    pub(crate) fn refuses(&self, list: List) -> Option<&str> {
        self.left_out.as_deref().filter(|_| list.items > MANY)
    }

    /// Whether it reads a kustomization instead of its stdin.
    pub(crate) fn reads_kustomization(&self) -> bool {
        self.command.ends_with(KUSTOMIZATION)
    }

    /// The command, with the folder of a kustomization.
    pub(crate) fn on(&self, kustomization: &str) -> String {
        self.command.replace(KUSTOMIZATION, kustomization)
    }
}
