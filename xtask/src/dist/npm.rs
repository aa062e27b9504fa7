//! The npm package of a release.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{cargo, modules, paths::Paths};
use crate::artifacts::WEB;
use crate::web;

/// Builds it from a copy of the workspace, and gives its folder.
pub(super) fn build(root: &Path) -> Result<PathBuf> {
    let target = modules::folder(root)?;
    let folder = target.join("npm");
    let mut cargo = cargo::command(root, WEB.flags)?;
    web::build_with(cargo.arg("--locked"), &target, &folder)?;
    let paths = Paths::of(root)?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        paths.check(&name, &content)?;
    }
    Ok(folder)
}
