//! Packs a release: the last step of `cargo xtask dist`, which builds what goes in.

#![allow(clippy::print_stderr, reason = "a program says why it fails")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use dist::{Launcher, Module, Release};

/// Pack built launchers and modules.
#[derive(Parser)]
struct Arguments {
    /// The root of the workspace
    #[arg(long)]
    root: PathBuf,
    /// The folder to write, which is emptied first
    #[arg(long)]
    out: PathBuf,
    /// The commit that all of it is built from
    #[arg(long)]
    commit: String,
    /// The time that everything gets, in seconds since 1970
    #[arg(long)]
    time: u64,
    /// The image's name, with its registry
    #[arg(long)]
    image: String,
    /// A launcher, as TARGET=FILE
    #[arg(long = "launcher", value_parser = launcher)]
    launchers: Vec<Launcher>,
    /// A module, as PACKAGE,TARGET=FILE; it keeps its file's name
    #[arg(long = "module", value_parser = module)]
    modules: Vec<Module>,
    /// The folder of the npm package
    #[arg(long)]
    npm: PathBuf,
    /// A folder of completions and man pages
    #[arg(long)]
    texts: Option<PathBuf>,
}

fn main() -> ExitCode {
    match pack(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn pack(arguments: Arguments) -> Result<()> {
    let release = Release {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: arguments.commit,
        time: arguments.time,
        image: arguments.image,
        root: arguments.root,
        launchers: arguments.launchers,
        modules: arguments.modules,
        npm: arguments.npm,
        texts: arguments.texts,
    };
    release.pack(&arguments.out)
}

fn launcher(text: &str) -> Result<Launcher> {
    let (target, path) = text.split_once('=').context("this is not TARGET=FILE")?;
    Ok(Launcher {
        target: target.parse()?,
        path: path.into(),
    })
}

fn module(text: &str) -> Result<Module> {
    let (built, path) = text
        .split_once('=')
        .context("this is not PACKAGE,TARGET=FILE")?;
    let (package, target) = built
        .split_once(',')
        .context("this is not PACKAGE,TARGET=FILE")?;
    let name = Path::new(path).file_name().context("this names no file")?;
    Ok(Module {
        name: name.to_string_lossy().into_owned(),
        package: package.to_owned(),
        target: target.to_owned(),
        path: path.into(),
    })
}
