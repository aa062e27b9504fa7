//! Go programs.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::command;
use crate::workspace;

/// A go command which changes no file, fetches no other Go, and needs no git and, as it is, no C
/// compiler.
pub(crate) fn go(verb: &str, linker_flags: &str) -> Command {
    let mut go = command("go");
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

/// The same for a program in a module of this workspace, with a variable set to the version.
pub(crate) fn go_build(folder: &str, version_flag: Option<&str>, version: &str) -> Command {
    let flags = match version_flag {
        Some(variable) => format!("-s -w -X {variable}=v{version}"),
        None => "-s -w".to_owned(),
    };
    let mut go = go("build", &flags);
    go.current_dir(workspace::root().join(folder));
    go
}

/// The version that a go.mod requires of a module, without the `v`.
pub(crate) fn pinned_version(go_mod: &str, module: &str) -> Result<String> {
    required_version(&workspace::text(go_mod)?, module)
        .with_context(|| format!("{go_mod} does not require {module}"))
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
