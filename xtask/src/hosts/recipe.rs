//! How a host is built.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::workspace;

/// One way to build a host.
pub(crate) enum Recipe {
    /// A Go program with a version of its own: `go install`.
    GoInstall {
        /// The main package.
        package: &'static str,
        /// The version, without the `v`.
        version: &'static str,
    },
    /// A Go program out of a module in this workspace: `go build`.
    GoBuild {
        /// The folder of the `go.mod`.
        folder: &'static str,
        /// The main package.
        package: &'static str,
        /// The dependency whose version counts as the host's.
        pinned: &'static str,
        /// Go variables to set to that version.
        version_flags: &'static [&'static str],
    },
    /// The same for a Go program with a C library in it, which takes a C compiler.
    CgoBuild {
        /// The folder of the `go.mod`.
        folder: &'static str,
        /// The main package.
        package: &'static str,
        /// The dependency whose version counts as the host's.
        pinned: &'static str,
    },
    /// A Rust program of the host's name: `cargo install`.
    CargoInstall {
        /// The version.
        version: &'static str,
        /// More options of `cargo install`.
        options: &'static [&'static str],
    },
}

impl Recipe {
    /// The version that is pinned, without a `v`.
    pub(crate) fn version(&self) -> Result<String> {
        match self {
            Self::GoInstall { version, .. } | Self::CargoInstall { version, .. } => {
                Ok((*version).to_owned())
            }
            Self::GoBuild { folder, pinned, .. } | Self::CgoBuild { folder, pinned, .. } => {
                let path = workspace::root().join(folder).join("go.mod");
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                required_version(&text, pinned)
                    .with_context(|| format!("{folder}/go.mod does not require {pinned}"))
            }
        }
    }

    /// Builds the program into `target/hosts/bin`.
    pub(crate) fn build(&self, name: &str) -> Result<()> {
        if let Self::CgoBuild { .. } = self {
            process::capture(process::command(C_COMPILER).arg("--version"))?;
        }
        process::capture(&mut self.command(name)?)?;
        Ok(())
    }

    /// The command that builds the program.
    pub(crate) fn command(&self, name: &str) -> Result<Command> {
        let bin = workspace::target("hosts/bin");
        Ok(match self {
            Self::GoInstall { package, version } => {
                let mut go = go("install", "-s -w");
                go.env("GOBIN", bin).arg(format!("{package}@v{version}"));
                go
            }
            Self::GoBuild {
                folder,
                package,
                version_flags,
                ..
            } => {
                let version = self.version()?;
                let mut flags = "-s -w".to_owned();
                for variable in *version_flags {
                    flags.push_str(&format!(" -X {variable}=v{version}"));
                }
                let mut go = go("build", &flags);
                go.current_dir(workspace::root().join(folder));
                go.arg("-o").arg(bin.join(name)).arg(package);
                go
            }
            Self::CgoBuild {
                folder, package, ..
            } => {
                let mut go = go("build", "-s -w");
                go.env("CGO_ENABLED", "1").env("CC", C_COMPILER);
                go.current_dir(workspace::root().join(folder));
                go.arg("-o").arg(bin.join(name)).arg(package);
                go
            }
            Self::CargoInstall { version, options } => {
                let mut cargo = process::command("cargo");
                cargo.args(["install", name, "--version", version, "--locked", "--force"]);
                cargo.args(*options);
                cargo.arg("--root").arg(workspace::target("hosts"));
                cargo
            }
        })
    }
}

/// What Rust links with: it is wherever Rust programs are built.
const C_COMPILER: &str = "cc";

/// A go command which changes no file, fetches no other Go, and needs no git and, as it is, no C
/// compiler.
pub(crate) fn go(verb: &str, linker_flags: &str) -> Command {
    let mut go = process::command("go");
    go.env("GOFLAGS", "-mod=readonly")
        .env("GOTOOLCHAIN", "local")
        .env("CGO_ENABLED", "0");
    go.args([
        verb,
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        linker_flags,
    ]);
    go
}

/// The version in a line `MODULE vVERSION` of a go.mod, whether in a block or not.
pub(crate) fn required_version(go_mod: &str, module: &str) -> Option<String> {
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
