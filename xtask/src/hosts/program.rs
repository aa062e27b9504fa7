//! A pinned program: how it is built, and whether it is still up to date.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde::Deserialize;

use crate::process::{self, NPM_CI, command};
use crate::workspace::{self, root, text};

/// A program in `catalogue.yaml` or `versions.yaml`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Program {
    /// Its name, and that of its file.
    pub(crate) name: String,
    #[serde(flatten)]
    recipe: Recipe,
    /// Its package in a registry, if that has another name.
    package: Option<String>,
    /// The folder of its code, or of the file that pins it.
    #[serde(default)]
    folder: String,
    /// Its version, without the `v`, or else the dependency whose version counts as its own.
    version: Option<String>,
    #[serde(default)]
    pinned: String,
    /// The go.mod, if it is not the one of its folder.
    pub(crate) go_mod: Option<String>,
    /// A Go variable to set to its version.
    version_flag: Option<String>,
    /// Whether it contains a C library, which needs a C compiler.
    #[serde(default)]
    cgo: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Recipe {
    /// A main package with a version of its own.
    GoInstall(String),
    /// A main package of the folder's module.
    GoBuild(String),
    /// More options.
    CargoInstall(String),
    /// The name in the folder's package.json.
    NpmInstall(String),
}

impl Program {
    /// The version that is pinned, without a `v`.
    pub(crate) fn version(&self) -> Result<String> {
        if let Some(version) = &self.version {
            return Ok(version.clone());
        }
        let Self { folder, pinned, .. } = self;
        let (file, version) = if let Recipe::NpmInstall(name) = &self.recipe {
            let file = format!("{folder}/package.json");
            let package: serde_json::Value = serde_json::from_str(&text(&file)?)?;
            let pinned = package.pointer(&format!("/dependencies/{name}"));
            let number = pinned.and_then(|pinned| pinned.as_str()?.rsplit('@').next());
            (file, number.map(str::to_owned))
        } else {
            let file = self
                .go_mod
                .clone()
                .unwrap_or_else(|| format!("{folder}/go.mod"));
            let version = required_version(&text(&file)?, pinned);
            (file, version)
        };
        version.with_context(|| format!("{file} does not pin {}", self.name))
    }

    /// Builds the program into a folder, unless it is up to date.
    pub(crate) fn build(&self, bin: &Path, stamp_file: &Path) -> Result<()> {
        let (name, stamp) = (&self.name, self.stamp(bin)?);
        let version = self.version()?;
        let is_current = fs::read_to_string(stamp_file).is_ok_and(|written| written == stamp);
        if is_current && bin.join(name).is_file() {
            println!("{name} {version} … built already");
            return Ok(());
        }
        println!("{name} {version} …");
        let start = Instant::now();
        fs::create_dir_all(bin)?;
        if self.cgo {
            process::capture(&mut command("cc --version"))?;
        }
        process::capture(&mut self.command(bin)?)
            .with_context(|| format!("cannot build {name}"))?;
        if let Recipe::NpmInstall(package) = &self.recipe {
            let installed = format!("{}/node_modules/{package}/bin/{name}", self.folder);
            fs::copy(root().join(installed), bin.join(name))?;
        }
        fs::create_dir_all(stamp_file.parent().unwrap_or(bin))?;
        fs::write(stamp_file, stamp)?;
        println!("{name} {version} … built in {:.1?}", start.elapsed());
        Ok(())
    }

    /// The command that builds it.
    fn command(&self, bin: &Path) -> Result<Command> {
        let (name, version) = (&self.name, self.version()?);
        let mut flags = "-s -w".to_owned();
        if let Some(variable) = &self.version_flag {
            flags.push_str(&format!(" -X {variable}=v{version}"));
        }
        Ok(match &self.recipe {
            Recipe::GoInstall(package) => {
                let mut go = go("install", &flags);
                go.env("GOBIN", bin).arg(format!("{package}@v{version}"));
                go
            }
            Recipe::GoBuild(package) => {
                let mut go = go("build", &flags);
                go.current_dir(root().join(&self.folder));
                if self.cgo {
                    // The linker of Rust, which exists wherever Rust programs are built.
                    go.env("CGO_ENABLED", "1").env("CC", "cc");
                }
                if let Some(go_mod) = &self.go_mod {
                    go.arg("-modfile").arg(root().join(go_mod));
                }
                go.arg("-o").arg(bin.join(name)).arg(package);
                go
            }
            Recipe::CargoInstall(options) => {
                let line = "cargo install {name} --version {version} --locked --force";
                let line = line
                    .replace("{name}", self.package.as_ref().unwrap_or(name))
                    .replace("{version}", &version);
                let mut cargo = command(&format!("{line} {options} --root"));
                cargo.arg(workspace::target("hosts"));
                // Nobody looks into them with a debugger.
                cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
                cargo
            }
            Recipe::NpmInstall(_) => {
                let mut npm = command(&format!("npm {NPM_CI}"));
                npm.current_dir(root().join(&self.folder));
                npm
            }
        })
    }

    /// A hash of everything that the program is built from, which is stored beside it after the
    /// build.
    ///
    /// The hash is the standard library's: it may change with the compiler, which costs
    /// a rebuild and nothing else.
    fn stamp(&self, bin: &Path) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        // Without the workspace's own path, so that a moved checkout is still up to date.
        let command = process::text_of(&self.command(bin)?);
        let root_folder = root().to_string_lossy();
        command.replace(&*root_folder, "").hash(&mut hasher);
        let mut sources = Vec::new();
        if let Recipe::GoBuild(_) | Recipe::NpmInstall(_) = self.recipe {
            sources = workspace::entries(&root().join(&self.folder))?;
        }
        sources.extend(self.go_mod.iter().map(|go_mod| root().join(go_mod)));
        for path in sources.iter().filter(|path| path.is_file()) {
            path.file_name().hash(&mut hasher);
            fs::read(path)?.hash(&mut hasher);
        }
        Ok(format!("{:016x}\n", hasher.finish()))
    }
}

/// A go command that changes no file, downloads no other Go toolchain, and needs neither git nor,
/// by default, a C compiler.
fn go(verb: &str, linker_flags: &str) -> Command {
    let mut go = command(&format!("go {verb} -trimpath -buildvcs=false -ldflags"));
    go.arg(linker_flags).env("GOFLAGS", "-mod=readonly");
    go.env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
    go
}

/// The version in a line `MODULE vVERSION` of a go.mod, whether in a block or not.
fn required_version(go_mod: &str, module: &str) -> Option<String> {
    go_mod.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("require ").unwrap_or(line);
        let version = line.strip_prefix(module)?.strip_prefix(" v")?;
        Some(version.split_whitespace().next()?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_a_block_and_alone() {
        let text =
            "tool a.b/c\n\nrequire a.b/c v1.2.3\nrequire (\n\ta.b/c/d v4.5.6 // indirect\n)\n";
        assert_eq!(required_version(text, "a.b/c").as_deref(), Some("1.2.3"));
        assert_eq!(required_version(text, "a.b/c/d").as_deref(), Some("4.5.6"));
        assert_eq!(required_version(text, "a.b"), None);
    }
}
