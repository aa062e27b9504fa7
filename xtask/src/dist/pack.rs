//! Hands what is built to the package `dist`.

use std::path::Path;

use anyhow::Result;

use super::launcher::Launcher;
use super::modules::Modules;
use super::source::Source;
use super::{runnable, texts};
use crate::{process, workspace};

/// What is packed.
pub(super) struct Release<'a> {
    pub(super) source: &'a Source,
    pub(super) image: &'a str,
    pub(super) modules: &'a Modules,
    pub(super) launchers: &'a [Launcher],
}

impl Release<'_> {
    /// Packs it into a folder.
    pub(super) fn pack(&self, out: &Path) -> Result<()> {
        let texts = texts::write(
            runnable(self.launchers)?,
            workspace::target("dist-build/texts"),
        )?;
        let mut cargo = process::command("cargo");
        cargo.args(["run", "--quiet", "--package=dist", "--", "--root"]);
        cargo.arg(workspace::root()).arg("--out").arg(out);
        cargo.args(["--commit", &self.source.commit]);
        cargo.args(["--time", &self.source.time]);
        cargo.args(["--image", self.image]);
        cargo.arg("--texts").arg(texts);
        for launcher in self.launchers {
            let path = launcher.path.to_string_lossy();
            cargo.args(["--launcher", &format!("{}={path}", launcher.target)]);
        }
        for module in &self.modules.files {
            cargo.arg("--module").arg(module);
        }
        process::run(&mut cargo)
    }
}
