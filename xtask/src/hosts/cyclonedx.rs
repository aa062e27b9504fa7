//! CycloneDX's schema and a validator, for the bills of materials of a release.

use anyhow::Result;

use crate::{process, workspace};

pub(crate) const NAME: &str = "cyclonedx";

/// The package whose lock file pins them, with the program that the test runs.
const FOLDER: &str = "tests/hosts/cyclonedx";

/// Installs them, and gives the line to print.
pub(crate) fn ensure() -> Result<String> {
    process::npm_ci(&workspace::root().join(FOLDER))?;
    Ok(format!("{NAME} … installed"))
}
