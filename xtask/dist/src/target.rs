//! The targets that programs are built for, under the names that each tool uses.

use std::str::FromStr;

use anyhow::{Context as _, Error, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A Rust target that a launcher is released for.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name that Rust has for it.
    pub name: &'static str,
    /// The name of the system in Go, OCI and KRM function definitions.
    pub(crate) system: &'static str,
    /// The name of the CPU there.
    pub(crate) cpu: &'static str,
}

/// All targets.
const TARGETS: [[&str; 3]; 5] = [
    ["x86_64-unknown-linux-musl", "linux", "amd64"],
    ["aarch64-unknown-linux-musl", "linux", "arm64"],
    ["x86_64-apple-darwin", "darwin", "amd64"],
    ["aarch64-apple-darwin", "darwin", "arm64"],
    ["x86_64-pc-windows-msvc", "windows", "amd64"],
];

impl Target {
    /// The name of the launcher's file.
    pub(crate) fn program(&self) -> &'static str {
        match self.system {
            "windows" => "runner-terminal.exe",
            _ => "runner-terminal",
        }
    }

    /// True if an image for containers can hold it.
    pub(crate) fn is_linux(&self) -> bool {
        self.system == "linux"
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = TARGETS.into_iter().find(|[known, ..]| *known == name);
        let [name, system, cpu] = found.with_context(|| {
            let known = TARGETS.map(|[name, ..]| name).join(", ");
            format!("there is no release for {name}; there is: {known}")
        })?;
        Ok(Self { name, system, cpu })
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
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
