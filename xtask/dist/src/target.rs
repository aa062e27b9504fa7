//! Machines that programs are built for, under the names of those who ask.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, bail};

/// A Rust target that a launcher is released for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The name that Rust has for it.
    name: &'static str,
    /// The name of the system, as Go, OCI and KRM function definitions have it.
    pub(crate) system: &'static str,
    /// The name of the CPU, as they have it.
    pub(crate) cpu: &'static str,
}

/// All targets, in the order in which they are listed.
const TARGETS: [Target; 5] = [
    target("x86_64-unknown-linux-musl", "linux", "amd64"),
    target("aarch64-unknown-linux-musl", "linux", "arm64"),
    target("x86_64-apple-darwin", "darwin", "amd64"),
    target("aarch64-apple-darwin", "darwin", "arm64"),
    target("x86_64-pc-windows-msvc", "windows", "amd64"),
];

const fn target(name: &'static str, system: &'static str, cpu: &'static str) -> Target {
    Target { name, system, cpu }
}

impl Target {
    /// All targets.
    pub fn all() -> impl Iterator<Item = Self> {
        TARGETS.into_iter()
    }

    /// The name that Rust has for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name of the launcher's file.
    #[must_use]
    pub fn program(&self) -> &'static str {
        match self.system {
            "windows" => "runner-terminal.exe",
            _ => "runner-terminal",
        }
    }

    /// True if an image for containers can hold it.
    #[must_use]
    pub fn is_linux(&self) -> bool {
        self.system == "linux"
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        if let Some(target) = TARGETS.into_iter().find(|target| target.name == name) {
            return Ok(target);
        }
        let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        bail!(
            "there is no release for {name}; there is: {}",
            known.join(", ")
        )
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_target_is_refused_with_the_names_of_the_known() {
        let error = "mips".parse::<Target>().unwrap_err().to_string();
        assert!(
            error.starts_with("there is no release for mips; there is: x86_64-unknown-linux-musl,"),
            "{error}"
        );
    }
}
