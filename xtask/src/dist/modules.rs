//! The modules of a release.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{cargo, paths::Paths};
use crate::artifacts::{Module, WASI};
use crate::workspace;

/// Built modules.
pub(super) struct Modules {
    pub(super) built: Vec<Built>,
}

/// A module, in a file of its name.
pub(super) struct Built {
    pub(super) package: &'static str,
    pub(super) target: &'static str,
    pub(super) file: PathBuf,
}

impl Modules {
    /// The one that the launcher embeds.
    pub(super) fn embedded(&self) -> Result<&Path> {
        let found = self
            .built
            .iter()
            .find(|built| built.package == WASI.package);
        Ok(&found.context("the launcher's module is not built")?.file)
    }
}

/// Builds modules from a copy of the workspace.
pub(super) fn build(modules: &[Module], root: &Path) -> Result<Modules> {
    let paths = Paths::of(root)?;
    let target = folder(root)?;
    let folder = target.join("modules");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut all = Vec::new();
    for module in modules {
        let mut cargo = cargo::command(root, module.flags)?;
        let built = module.build_with(cargo.arg("--locked"), &target)?;
        let wasm = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        paths.check(module.file, &wasm)?;
        let file = folder.join(module.file);
        fs::write(&file, wasm).with_context(|| format!("cannot write {}", file.display()))?;
        all.push(Built {
            package: module.package,
            target: module.target,
            file,
        });
    }
    Ok(Modules { built: all })
}

/// Where a release is built in a copy of the workspace.
pub(super) fn folder(root: &Path) -> Result<PathBuf> {
    Ok(root.join(workspace::target("dist-build").strip_prefix(workspace::root())?))
}
