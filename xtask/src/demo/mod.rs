//! Shows what the function does to an example, in the terminal or as a picture of one.

mod picture;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use fs_err as fs;

use crate::process::{self, command};
use crate::{artifacts, hosts, workspace};

const PLAIN: &str = "kustomization/example/base";
const WITH_FUNCTION: &str = "kustomization/example";
const KUSTOMIZE: &str = "target/hosts/bin/kustomize build --enable-alpha-plugins --enable-exec";

/// What a terminal shows in the picture of the README.
const SESSION: [&str; 4] = [
    "kustomize build kustomization/example/base > target/before.yaml",
    "kustomize build --enable-alpha-plugins --enable-exec kustomization/pod-start > target/after.yaml",
    "diff target/before.yaml target/after.yaml || true",
    "runner-terminal verify target/after.yaml",
];

#[derive(Args)]
pub(crate) struct Arguments {
    /// Draw a terminal in which the quick start runs, as an animated SVG: docs/demo.svg
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// Builds what is needed, and shows or draws what the function does.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    hosts::build(&["kustomize"])?;
    artifacts::build()?;
    match &arguments.picture {
        Some(file) => draw(file),
        None => show(),
    }
}

/// Runs the session and draws it.
fn draw(file: &Path) -> Result<()> {
    let hosts = workspace::target("hosts/bin");
    let folders = env::split_paths(&workspace::path_with_launcher()?).collect::<Vec<_>>();
    let path = env::join_paths([hosts].into_iter().chain(folders))?;
    let mut entries = Vec::new();
    for line in SESSION {
        let mut shell = command("sh -c");
        let output = process::read(shell.arg(line).env("PATH", &path))?;
        let shown = line.trim_end_matches(" || true");
        entries.push((shown.to_owned(), output));
    }
    fs::write(file, picture::of(&entries))?;
    println!("{} has the picture", file.display());
    Ok(())
}

/// Runs kustomize twice and prints the difference.
fn show() -> Result<()> {
    let build = |folder: &str| {
        let mut kustomize = command(&format!("{KUSTOMIZE} {folder}"));
        process::read(kustomize.env("PATH", workspace::path_with_launcher()?))
    };
    let (plain, with_function) = (build(PLAIN)?, build(WITH_FUNCTION)?);
    ensure!(
        plain != with_function,
        "{WITH_FUNCTION} gives the same as {PLAIN}: the function changed nothing"
    );
    fs::write(workspace::target("example.yaml"), plain)?;
    println!("\nWhat the function changes:\n");
    let config = format!("{WITH_FUNCTION}/session-server.yaml");
    let explain = "target/release/runner-terminal explain target/example.yaml -c";
    process::run(&mut command(&format!("{explain} {config}")))?;
    println!(
        "\nTo run it by hand:\n  PATH=\"$PWD/target/release:$PATH\" {KUSTOMIZE} {WITH_FUNCTION}"
    );
    Ok(())
}
