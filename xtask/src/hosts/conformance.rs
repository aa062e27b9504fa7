//! The cases of the YAML test suite and of the JSON Patch test suite, which npm packages ship.

use anyhow::Result;

use crate::{process, workspace};

pub(crate) const NAME: &str = "conformance";

/// The package whose lock file pins them.
const FOLDER: &str = "tests/conformance";

/// Installs them beside the tests that read them, and gives the line to print.
pub(crate) fn ensure() -> Result<String> {
    process::npm_ci(&workspace::root().join(FOLDER))?;
    Ok(format!("{NAME} suites … installed"))
}
