//! A release: what goes into it, and how it is laid out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::bill_of_materials::Subject;
use crate::catalog::{self, Runtimes};
use crate::npm::Npm;
use crate::target::Target;
use crate::{archive, bill_of_materials, file, oci, program, sums};

/// What is packed.
#[derive(Clone, Debug)]
pub struct Release {
    /// The version, without a `v`.
    pub version: String,
    /// The commit that it is built from.
    pub commit: String,
    /// The time that everything in it has, in seconds since 1970.
    pub time: u64,
    /// The name under which the image will be found, with its registry and without a tag.
    pub image: String,
    /// The root of the workspace.
    pub root: PathBuf,
    /// The launchers.
    pub launchers: Vec<Launcher>,
    /// The modules.
    pub modules: Vec<Module>,
    /// The folder of the npm package, as `cargo xtask web` fills it.
    pub npm: PathBuf,
    /// A folder of completions and man pages, to be in every archive.
    pub texts: Option<PathBuf>,
}

/// A launcher that is built.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// What it runs on.
    pub target: Target,
    /// Its file.
    pub path: PathBuf,
}

/// A module that is built.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its name in the release.
    pub name: String,
    /// The package that cargo builds it from.
    pub package: String,
    /// The Rust target that it is built for.
    pub target: String,
    /// Its file.
    pub path: PathBuf,
}

impl Release {
    /// Writes everything into a folder, which is emptied first.
    ///
    /// # Errors
    ///
    /// If a file is missing or cannot be written.
    pub fn pack(&self, out: &Path) -> Result<()> {
        if out.exists() {
            fs::remove_dir_all(out).with_context(|| format!("cannot empty {}", out.display()))?;
        }
        let mut names = Vec::new();
        let mut put = |name: String, content: &[u8]| {
            file::write(&out.join(&name), content)?;
            names.push(name);
            anyhow::Ok(())
        };

        let mut runtimes = Runtimes::default();
        for launcher in &self.launchers {
            launcher.must_be_static()?;
            let name = archive::name(self, launcher);
            let content = archive::pack(self, launcher)?;
            runtimes.add_program(launcher.target, &name, &content);
            put(name, &content)?;
        }
        for module in &self.modules {
            put(module.name.clone(), &file::read(&module.path)?)?;
            let bill = bill_of_materials::of(self, &Subject::module(self, module))?;
            put(format!("{}.cdx.json", module.name), bill.as_bytes())?;
        }
        let npm = Npm::read(&self.npm)?;
        put(npm.file_name(), &npm.pack(&self.npm)?)?;
        let bill = bill_of_materials::of(self, &Subject::npm(&npm))?;
        put(format!("{}.cdx.json", npm.file_name()), bill.as_bytes())?;
        let bill = bill_of_materials::of(self, &Subject::launcher(self))?;
        put(self.file_name("cdx.json"), bill.as_bytes())?;
        let layout = oci::layout(self)?;
        runtimes.set_image(&self.image, &self.version, layout.index);
        layout.write(&out.join("oci"))?;
        put(self.file_name("oci.tar"), &layout.tar(self.time)?)?;
        let definitions = catalog::definitions_with(&self.root, &runtimes)?;
        for (name, text) in definitions
            .into_iter()
            .chain([catalog::catalog_with(&self.root, &runtimes)?])
        {
            put(name, text.as_bytes())?;
        }

        let list = sums::of(out, names.iter().map(String::as_str))?;
        file::write(&out.join(sums::NAME), list.as_bytes())
    }

    fn file_name(&self, extension: &str) -> String {
        format!("runner-terminal-{}.{extension}", self.version)
    }
}

impl Launcher {
    /// Refuses a program for Linux that would not run in an image without anything else.
    fn must_be_static(&self) -> Result<()> {
        if self.target.is_linux() && !program::is_static(&file::read(&self.path)?)? {
            bail!(
                "{} needs libraries, and an image has none",
                self.path.display()
            );
        }
        Ok(())
    }
}
