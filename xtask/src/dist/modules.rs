//! The modules of a release.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{cargo, paths::Paths};
use crate::artifacts::{Module, WASI};
use crate::workspace;

/// Built modules, each in a file of its name.
pub(super) struct Modules {
    pub(super) files: Vec<PathBuf>,
}

impl Modules {
    /// The one that the launcher embeds.
    pub(super) fn embedded(&self) -> Result<&Path> {
        let found = self.files.iter().find(|file| file.ends_with(WASI.file));
        Ok(found.context("the launcher's module is not built")?)
    }
}

/// Builds modules from a copy of the workspace.
pub(super) fn build(modules: &[Module], root: &Path) -> Result<Modules> {
    let paths = Paths::of(root)?;
    let target = root.join(workspace::target("dist-build").strip_prefix(workspace::root())?);
    let folder = target.join("modules");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut files = Vec::new();
    for module in modules {
        let mut cargo = cargo::command(root, module.flags)?;
        let built = module.build_with(cargo.arg("--locked"), &target)?;
        let wasm = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        paths.check(module.file, &wasm)?;
        let file = folder.join(module.file);
        fs::write(&file, wasm).with_context(|| format!("cannot write {}", file.display()))?;
        files.push(file);
    }
    Ok(Modules { files })
}
