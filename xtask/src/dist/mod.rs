//! Builds a release and packs it into `target/dist`.
//!
//! Here the programs are built; the package `dist` packs them. What is built here says nothing of the
//! machine and the moment, so that anybody can build the same bytes.

mod cargo;
mod changelog;
mod compare;
mod launcher;
mod modules;
mod npm;
mod pack;
mod paths;
mod smoke;
mod source;
mod stand_in;
mod texts;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::artifacts::MODULES;
use crate::workspace;
use launcher::Launcher;
use modules::Modules;
use pack::Release;
use source::Source;
pub(crate) use stand_in::build as build_stand_in;
use verify::Copy;

/// What is built without a `--target`.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// The image's name until a registry is known.
const IMAGE: &str = "runner-terminal";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Build the launcher for this target; both of static Linux when there is none
    #[arg(long = "target", value_name = "TARGET")]
    targets: Vec<String>,
    /// Pack the launchers that are built already, in place of building any: FOLDER/TARGET/runner-terminal
    #[arg(long, value_name = "FOLDER", conflicts_with = "targets")]
    launchers: Option<PathBuf>,
    /// Build the launchers into target/launchers and pack nothing
    #[arg(long)]
    build_only: bool,
    /// The name under which the image will be pushed, with its registry and without a tag
    #[arg(long, default_value = IMAGE)]
    image: String,
    /// The commit that this is, where git cannot tell
    #[arg(long)]
    commit: Option<String>,
    /// Build everything once more from a copy in another folder, and compare; with a --target alone,
    /// in half of the time
    #[arg(long, conflicts_with_all = ["build_only", "launchers"])]
    verify: bool,
    /// Build the launcher's module alone, here and from a copy in another folder, and compare
    #[arg(long)]
    verify_module: bool,
}

/// Builds and packs.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.verify_module {
        return verify::module();
    }
    // Before the long build, so that both are of one moment.
    let copy = arguments.verify.then(Copy::make).transpose()?;
    let modules = modules::build(MODULES, workspace::root())?;
    let launchers = match &arguments.launchers {
        Some(folder) => launcher::find(folder)?,
        None => targets(arguments)
            .map(|target| launcher::build(target, &modules))
            .collect::<Result<_>>()?,
    };
    if arguments.build_only {
        return Ok(());
    }
    let built = Built {
        modules,
        npm: npm::build(workspace::root())?,
        launchers,
    };
    let source = Source::find(arguments.commit.as_deref())?;
    let out = workspace::target("dist");
    Release {
        source: &source,
        image: &arguments.image,
        built: &built,
    }
    .pack(&out)?;
    println!("{} holds the release", out.display());
    match copy {
        Some(copy) => verify::release(copy, arguments, &source, &built, &out),
        None => Ok(()),
    }
}

/// What is built, before it is packed.
struct Built {
    modules: Modules,
    /// The folder of the npm package.
    npm: PathBuf,
    launchers: Vec<Launcher>,
}

impl Built {
    /// Its programs and modules.
    fn files(&self) -> impl Iterator<Item = &Path> {
        let modules = self
            .modules
            .built
            .iter()
            .map(|module| module.file.as_path());
        let launchers = self
            .launchers
            .iter()
            .map(|launcher| launcher.path.as_path());
        modules.chain(launchers)
    }
}

fn targets(arguments: &Arguments) -> impl Iterator<Item = &str> {
    let given = arguments.targets.iter().map(String::as_str);
    let none = arguments.targets.is_empty();
    given.chain(TARGETS.into_iter().filter(move |_| none))
}

/// The launcher that this machine can run.
fn runnable(launchers: &[Launcher]) -> Result<&Launcher> {
    let found = launchers.iter().find(|launcher| launcher.runs_here());
    found.with_context(|| {
        format!(
            "none of the launchers runs on this machine, and completions and man pages are of one \
             that runs: add --target {}-unknown-linux-musl, or pack on another machine",
            std::env::consts::ARCH
        )
    })
}

/// Refuses a file that is not there before a long build is wasted on it.
fn must_exist(path: &Path) -> Result<()> {
    if !path.is_file() {
        bail!("{} is missing", path.display());
    }
    Ok(())
}
