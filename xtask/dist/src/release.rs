//! A release: what goes into it, and how it is laid out.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Result, ensure};
use fs_err as fs;
use serde::Deserialize;

use crate::bill_of_materials::{self, Subject};
use crate::catalog;
use crate::npm::Npm;
use crate::oci::Layout;
use crate::package_managers::{self, Archive};
use crate::tarball::{Tarball, gzip};
use crate::target::Target;
use crate::{program, sha256, with};

/// The input of a release.
#[derive(Clone, Debug, Deserialize)]
pub struct Release {
    /// The version, without a `v`.
    pub version: String,
    /// The commit that it is built from.
    pub commit: String,
    /// The time of every file in it, in seconds since 1970.
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
    /// A folder of completions and man pages that go into every archive.
    pub texts: Option<PathBuf>,
}

/// A launcher that is built.
#[derive(Clone, Debug, Deserialize)]
pub struct Launcher {
    /// What it runs on.
    pub target: Target,
    /// Its file.
    pub path: PathBuf,
}

/// A module that is built.
#[derive(Clone, Debug, Deserialize)]
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
            fs::remove_dir_all(out)?;
        }
        fs::create_dir_all(out)?;
        // In the format that `sha256sum --check` reads.
        let mut sums = Vec::new();
        let mut put = |name: String, content: &[u8]| {
            let sum = sha256::hex(content);
            fs::write(out.join(&name), content)?;
            sums.push((name, sum.clone()));
            anyhow::Ok(sum)
        };

        let mut archives = Vec::new();
        for launcher in &self.launchers {
            let name = format!("{}.tar.gz", self.folder(launcher));
            let sha256 = put(name.clone(), &self.archive(launcher)?)?;
            let target = launcher.target;
            archives.push(Archive {
                target,
                name,
                sha256,
            });
        }
        let plugin = package_managers::krew(&self.version, &archives)?;
        put("runner-terminal.krew.yaml".to_owned(), plugin.as_bytes())?;
        let formula = package_managers::homebrew(&self.version, &archives);
        put("runner-terminal.rb".to_owned(), formula.as_bytes())?;
        for module in &self.modules {
            put(module.name.clone(), &fs::read(&module.path)?)?;
        }
        let npm = Npm::read(&self.npm)?;
        put(npm.file_name(), &npm.pack(&self.npm)?)?;
        for (name, subject) in self.subjects(&npm) {
            let bill = bill_of_materials::of(self, &subject)?;
            put(format!("{name}.cdx.json"), bill.as_bytes())?;
        }
        let layout = Layout::of(self)?;
        layout.write(&out.join("oci"))?;
        let name = format!("runner-terminal-{}.oci.tar", self.version);
        put(name, &layout.tar(self.time)?)?;
        let image = catalog::image(&self.image, &self.version);
        let programs: Vec<_> = archives.iter().map(catalog::program).collect();
        let runtimes = catalog::runtimes(&with(image, "sha256", layout.index), &programs);
        for (name, text) in catalog::files(&runtimes)? {
            put(name, text.as_bytes())?;
        }
        sums.sort_unstable();
        let lines = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n"));
        let lines: String = lines.collect();
        Ok(fs::write(out.join("SHA256SUMS"), lines)?)
    }

    /// The time of the release, such as `2026-01-31T12:00:00Z`.
    pub(crate) fn rfc_3339(&self) -> String {
        let time = UNIX_EPOCH + Duration::from_secs(self.time);
        humantime::format_rfc3339_seconds(time).to_string()
    }

    /// The subjects of the bills of materials, with the file that each describes.
    fn subjects(&self, npm: &Npm) -> Vec<(String, Subject)> {
        let cargo = |package: &str, targets, name: &str| Subject {
            package: package.to_owned(),
            targets,
            name: name.to_owned(),
            kind: "application",
            url: format!("pkg:cargo/{package}@{}", self.version),
        };
        let targets = self.launchers.iter().map(|it| it.target.name.to_owned());
        let launcher = cargo("runner-terminal-host", targets.collect(), "runner-terminal");
        // The npm package has no dependencies, so the crates in its module are all of its content.
        let web = vec!["wasm32-unknown-unknown".to_owned()];
        let npm_subject = Subject {
            kind: "library",
            url: format!("pkg:npm/{}@{}", npm.name, npm.version),
            ..cargo("runner-terminal-web", web, &npm.name)
        };
        let mut subjects = vec![
            (format!("runner-terminal-{}", self.version), launcher),
            (npm.file_name(), npm_subject),
        ];
        for module in &self.modules {
            let target = vec![module.target.clone()];
            let subject = cargo(&module.package, target, &module.name);
            subjects.push((module.name.clone(), subject));
        }
        subjects
    }

    /// The archive of a launcher: the program and the files that go with it, in one folder.
    fn archive(&self, launcher: &Launcher) -> Result<Vec<u8>> {
        let (folder, program) = (self.folder(launcher), fs::read(&launcher.path)?);
        ensure!(
            !launcher.target.is_linux() || program::is_static(&program)?,
            "{} needs libraries, and an image has none",
            launcher.path.display()
        );
        let mut tarball = Tarball::new(self.time);
        let name = format!("{folder}/{}", launcher.target.program());
        tarball.add(&name, 0o755, &program)?;
        for name in ["LICENSE", "README.md"] {
            let text = fs::read(self.root.join(name))?;
            tarball.add(&format!("{folder}/{name}"), 0o644, &text)?;
        }
        if let Some(texts) = &self.texts {
            add_all(&mut tarball, &folder, texts)?;
        }
        gzip(&tarball.finish()?)
    }

    fn folder(&self, launcher: &Launcher) -> String {
        format!("runner-terminal-{}-{}", self.version, launcher.target.name)
    }
}

/// Adds the files in a folder and in the folders in it, sorted.
fn add_all(tarball: &mut Tarball, name: &str, folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let own = path.file_name().unwrap_or_default();
        let name = format!("{name}/{}", own.to_string_lossy());
        if path.is_dir() {
            add_all(tarball, &name, &path)?;
        } else {
            tarball.add(&name, 0o644, &fs::read(&path)?)?;
        }
    }
    Ok(())
}
