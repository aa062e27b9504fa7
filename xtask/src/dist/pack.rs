//! Hands what is built to the package `dist`.

use std::path::Path;

use anyhow::Result;

use super::source::Source;
use super::{Built, changelog, runnable, texts};
use crate::{process, workspace};

/// What is packed.
pub(super) struct Release<'a> {
    pub(super) source: &'a Source,
    pub(super) image: &'a str,
    pub(super) built: &'a Built,
}

impl Release<'_> {
    /// Packs it into a folder.
    pub(super) fn pack(&self, out: &Path) -> Result<()> {
        changelog::must_tell_of(env!("CARGO_PKG_VERSION"))?;
        let texts = texts::write(
            runnable(&self.built.launchers)?,
            workspace::target("dist-build/texts"),
        )?;
        let mut cargo = process::command("cargo");
        cargo.args(["run", "--quiet", "--package=dist", "--", "--root"]);
        cargo.arg(workspace::root()).arg("--out").arg(out);
        cargo.args(["--commit", &self.source.commit]);
        cargo.args(["--time", &self.source.time]);
        cargo.args(["--image", self.image]);
        cargo.arg("--texts").arg(texts);
        for launcher in &self.built.launchers {
            let path = launcher.path.to_string_lossy();
            cargo.args(["--launcher", &format!("{}={path}", launcher.target)]);
        }
        for module in &self.built.modules.built {
            let path = module.file.to_string_lossy();
            let built = format!("{},{}={path}", module.package, module.target);
            cargo.args(["--module", &built]);
        }
        cargo.arg("--npm").arg(&self.built.npm);
        process::run(&mut cargo)
    }
}
