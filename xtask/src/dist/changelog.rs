//! What a release changes, which its users read in `CHANGELOG.md`.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::workspace;

const NAME: &str = "CHANGELOG.md";

/// Refuses to pack a version that the page does not tell of.
pub(super) fn must_tell_of(version: &str) -> Result<()> {
    let text = fs::read_to_string(workspace::root().join(NAME))
        .with_context(|| format!("cannot read {NAME}"))?;
    if !tells_of(&text, version) {
        bail!("{NAME} has no section `## [{version}]`; write what users get by it");
    }
    Ok(())
}

/// True if a page has a section of this version with anything in it.
fn tells_of(text: &str, version: &str) -> bool {
    let mut sections = text.split("\n## ").skip(1);
    let heading = format!("[{version}]");
    sections
        .find_map(|section| section.strip_prefix(&heading))
        .and_then(|rest| rest.split_once('\n'))
        .is_some_and(|(_, content)| content.lines().any(|line| line.starts_with("- ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_version_is_told_of() -> Result<()> {
        must_tell_of(env!("CARGO_PKG_VERSION"))
    }

    #[test]
    fn a_version_needs_a_section_with_a_line() {
        let page = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2030-01-01\n\n### Added\n\n\
                    - A thing.\n\n## [0.1.0]\n\n";
        assert!(tells_of(page, "0.2.0"));
        assert!(!tells_of(page, "0.1.0"));
        assert!(!tells_of(page, "0.2"));
        assert!(!tells_of(page, "0.3.0"));
    }
}
