//! The changes of a release, which users read in `CHANGELOG.md`.

use anyhow::{Result, ensure};

use crate::workspace;

/// Refuses to pack a version that has no entry on the page.
pub(super) fn must_tell_of(version: &str) -> Result<()> {
    ensure!(
        tells_of(&workspace::text("CHANGELOG.md")?, version),
        "CHANGELOG.md has no section `## [{version}]`; write what users get by it"
    );
    Ok(())
}

/// True if a page has a section for this version that is not empty.
fn tells_of(text: &str, version: &str) -> bool {
    let heading = format!("[{version}]");
    let mut sections = text.split("\n## ").skip(1);
    let section = sections.find_map(|section| section.strip_prefix(&heading));
    section.is_some_and(|section| section.contains("\n- "))
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
