//! What tests take from npm: packages of ours that pin others, each by its lock file.

use anyhow::Result;

use crate::{process, workspace};

/// A package, and its folder.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    folder: &'static str,
}

pub(crate) const PACKAGES: [Package; 2] = [
    // The cases of the YAML test suite and of the JSON Patch test suite.
    Package {
        name: "conformance",
        folder: "tests/conformance",
    },
    // CycloneDX's schema and a validator, for the bills of materials of a release.
    Package {
        name: "cyclonedx",
        folder: "tests/hosts/cyclonedx",
    },
];

impl Package {
    /// Installs what it pins, and gives the line to print.
    pub(crate) fn ensure(&self) -> Result<String> {
        process::npm_ci(&workspace::root().join(self.folder))?;
        Ok(format!("{} … installed", self.name))
    }
}
