//! How a host is built, and whether it still is what its sources say.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Command;

use anyhow::Result;
use fs_err as fs;
use serde::Deserialize;

use super::go::{go, go_build, pinned_version};
use crate::process::{self, command};
use crate::workspace::{self, root};

/// One way to build a program, or to find it.
#[derive(Deserialize)]
#[serde(untagged, rename_all_fields = "kebab-case")]
pub(crate) enum Recipe {
    /// A Go program with a version of its own, by its main package.
    GoInstall { go_install: String, version: String },
    /// A Go program out of a module in this workspace.
    GoBuild {
        /// The main package.
        go_build: String,
        folder: String,
        /// The dependency whose version counts as the host's.
        pinned: String,
        /// A Go variable to set to that version.
        version_flag: Option<String>,
        /// Whether a C library is in it, which takes a C compiler.
        #[serde(default)]
        cgo: bool,
    },
    /// A Rust program of the host's name, with more options.
    CargoInstall {
        cargo_install: Vec<String>,
        version: String,
    },
    /// A Debian package.
    Debian { debian: String },
    /// Node.js, of this version or newer.
    Node { oldest: (u32, u32) },
    /// What a folder's `package-lock.json` pins.
    Npm { npm: String },
}

/// What Rust links with: it is wherever Rust programs are built.
const C_COMPILER: &str = "cc";

impl Recipe {
    /// The version that is pinned, without a `v`; none where nothing is built.
    pub(crate) fn version(&self) -> Result<Option<String>> {
        Ok(match self {
            Self::GoInstall { version, .. } | Self::CargoInstall { version, .. } => {
                Some(version.clone())
            }
            Self::GoBuild { folder, pinned, .. } => {
                Some(pinned_version(&format!("{folder}/go.mod"), pinned)?)
            }
            Self::Debian { .. } | Self::Node { .. } | Self::Npm { .. } => None,
        })
    }

    /// Builds the program into `target/hosts/bin`.
    pub(crate) fn build(&self, name: &str) -> Result<()> {
        if let Self::GoBuild { cgo: true, .. } = self {
            process::capture(&mut command("cc --version"))?;
        }
        process::capture(&mut self.command(name)?).map(drop)
    }

    /// The command that builds the program.
    fn command(&self, name: &str) -> Result<Command> {
        let bin = workspace::target("hosts/bin");
        Ok(match self {
            Self::GoInstall {
                go_install,
                version,
            } => {
                let mut go = go("install", "-s -w");
                go.env("GOBIN", bin).arg(format!("{go_install}@v{version}"));
                go
            }
            Self::GoBuild {
                go_build: package,
                folder,
                version_flag,
                cgo,
                ..
            } => {
                let version = self.version()?.unwrap_or_default();
                let mut go = go_build(folder, version_flag.as_deref(), &version);
                if *cgo {
                    go.env("CGO_ENABLED", "1").env("CC", C_COMPILER);
                }
                go.arg("-o").arg(bin.join(name)).arg(package);
                go
            }
            Self::CargoInstall {
                cargo_install,
                version,
            } => {
                let line = format!("cargo install {name} --version {version} --locked --force");
                let mut cargo = command(&line);
                cargo.args(cargo_install);
                cargo.arg("--root").arg(workspace::target("hosts"));
                cargo
            }
            Self::Debian { .. } | Self::Node { .. } | Self::Npm { .. } => command(name),
        })
    }

    /// A hash of all that the program is built from, which lies beside it when it is built.
    ///
    /// The hash is the standard library's: it may change with the compiler, which costs
    /// a rebuild and nothing else.
    pub(crate) fn stamp(&self, name: &str) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        // Without the workspace's own place: a checkout that was moved is still current.
        let command = process::text_of(&self.command(name)?);
        command
            .replace(&*root().to_string_lossy(), "")
            .hash(&mut hasher);
        if let Self::GoBuild { folder, .. } = self {
            // The modules here have no folders in them.
            for path in workspace::entries(&root().join(folder))? {
                path.file_name().hash(&mut hasher);
                fs::read(&path)?.hash(&mut hasher);
            }
        }
        Ok(format!("{:016x}\n", hasher.finish()))
    }
}
