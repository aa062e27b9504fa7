//! Shows what the function does to an example: the difference between the plain
//! kustomization and the one with the function.

mod diff;
mod objects;

use std::env;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::{artifacts, hosts, process, workspace};

const PLAIN: &str = "kustomization/example/base";
const WITH_FUNCTION: &str = "kustomization/example";

/// Builds what is needed, runs kustomize twice and prints the difference.
pub(crate) fn run() -> Result<()> {
    hosts::build(&["kustomize".to_owned()])?;
    artifacts::build()?;

    let plain = kustomize(PLAIN)?;
    let with_function = kustomize(WITH_FUNCTION)?;
    if plain.yaml == with_function.yaml {
        bail!("{WITH_FUNCTION} gives the same as {PLAIN}: the function changed nothing");
    }

    if !with_function.messages.trim().is_empty() {
        println!(
            "\nThe function says:\n\n{}",
            with_function.messages.trim_end()
        );
    }
    println!("\nWhat the function changes:\n");
    print!(
        "{}",
        diff::unified(&plain.yaml, &with_function.yaml, in_colour())
    );
    println!("\n{}", objects::summary(&plain.yaml, &with_function.yaml));
    println!("To run it by hand:\n  {}", by_hand());
    Ok(())
}

struct Built {
    yaml: String,
    messages: String,
}

fn kustomize(folder: &str) -> Result<Built> {
    let mut command = process::command(workspace::host("kustomize"));
    command.args(["build", "--enable-alpha-plugins", "--enable-exec", folder]);
    let output = process::capture(command.env("PATH", path_with_launcher()?))?;
    Ok(Built {
        yaml: String::from_utf8(output.stdout).context("kustomize printed no UTF-8")?,
        messages: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A PATH on which kustomize finds `runner-terminal`.
pub(crate) fn path_with_launcher() -> Result<OsString> {
    let old = env::var_os("PATH").unwrap_or_default();
    let folders = [workspace::target("release")]
        .into_iter()
        .chain(env::split_paths(&old));
    env::join_paths(folders.collect::<Vec<PathBuf>>())
        .context("the workspace's path cannot be put on PATH")
}

fn by_hand() -> String {
    format!(
        "PATH=\"$PWD/target/release:$PATH\" target/hosts/bin/kustomize build \
         --enable-alpha-plugins --enable-exec {WITH_FUNCTION}"
    )
}

/// True where colour can be seen and is wanted.
fn in_colour() -> bool {
    std::io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
