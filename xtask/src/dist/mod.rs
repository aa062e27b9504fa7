//! Builds a release and packs it into `target/dist`.
//!
//! The programs are built here; the package `dist` packs them. The output does not depend on the
//! machine or the time, so that anybody can build the same bytes.

mod changelog;
mod launcher;
mod reproducible;
mod verify;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;
use serde_json::json;

use crate::artifacts::{MODULES, Module, WASI, WEB};
use crate::process::{self, command};
use crate::{web, workspace};
use launcher::Launcher;
use reproducible::Builder;
pub(crate) use reproducible::build_stand_in;
use verify::Copy;

/// The targets without `--target`.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// The variable that sets the time of reproducible builds.
const TIME: &str = "SOURCE_DATE_EPOCH";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Build the launcher for this target [default: both static Linux targets]
    #[arg(long = "target", value_name = "TARGET")]
    targets: Vec<String>,
    /// Pack launchers that are already built, instead of building any:
    /// FOLDER/TARGET/runner-terminal
    #[arg(long, value_name = "FOLDER", conflicts_with = "targets")]
    launchers: Option<PathBuf>,
    /// Build the launchers into target/launchers and pack nothing
    #[arg(long)]
    build_only: bool,
    /// The name under which the image will be pushed, with its registry and without a tag
    #[arg(long, default_value = "runner-terminal")]
    image: String,
    /// The commit that is built, if git cannot tell
    #[arg(long)]
    commit: Option<String>,
    /// Build everything again from a copy in another folder, and compare; with one --target it
    /// takes half the time
    #[arg(long, conflicts_with_all = ["build_only", "launchers"])]
    verify: bool,
    /// Build only the launcher's module, here and from a copy in another folder, and compare
    #[arg(long)]
    verify_module: bool,
}

/// The built files, before they are packed.
struct Built {
    /// Each with its file.
    modules: Vec<(&'static Module, PathBuf)>,
    launchers: Vec<Launcher>,
}

/// What the release is built from.
struct Source {
    commit: String,
    /// The time of the commit, in seconds since 1970.
    time: u64,
}

/// Builds and packs.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.verify_module {
        return verify::module();
    }
    // Before the long build, so that both have the same sources.
    let copy = arguments.verify.then(Copy::make).transpose()?;
    let mut modules = Vec::new();
    for module in MODULES {
        modules.push((module, build_module(module, workspace::root())?));
    }
    let launchers = match &arguments.launchers {
        Some(folder) => launcher::find(folder)?,
        None => {
            let module = Builder::new(workspace::root())?.module(&WASI);
            let targets = arguments.targets.iter().map(String::as_str);
            let default = TARGETS.into_iter().filter(|_| arguments.targets.is_empty());
            let launchers = targets
                .chain(default)
                .map(|it| launcher::build(it, &module));
            launchers.collect::<Result<_>>()?
        }
    };
    if arguments.build_only {
        return Ok(());
    }
    let built = Built { modules, launchers };
    let source = Source::find(arguments.commit.as_deref())?;
    let out = workspace::target("dist");
    built.pack(&source, &arguments.image, &out)?;
    println!("{} holds the release", out.display());
    match copy {
        Some(copy) => verify::release(copy, arguments, &source, &built, &out),
        None => Ok(()),
    }
}

/// Builds a module from a copy of the workspace, into a file with its name.
fn build_module(module: &Module, root: &Path) -> Result<PathBuf> {
    let builder = Builder::new(root)?;
    let mut cargo = builder.cargo(module.flags);
    let built = module.build_with(cargo.arg("--locked"), &builder.target)?;
    builder.check(&built)?;
    fs::create_dir_all(builder.target.join("modules"))?;
    let file = builder.module(module);
    fs::copy(built, &file)?;
    Ok(file)
}

/// Builds the npm package, and returns its folder.
fn build_npm() -> Result<PathBuf> {
    let builder = Builder::new(workspace::root())?;
    let folder = builder.target.join("npm");
    let mut cargo = builder.cargo(WEB.flags);
    web::build_with(cargo.arg("--locked"), &builder.target, &folder)?;
    for file in workspace::entries(&folder)? {
        builder.check(&file)?;
    }
    Ok(folder)
}

impl Built {
    /// Passes it to the package `dist`, which packs it into a folder.
    fn pack(&self, source: &Source, image: &str, out: &Path) -> Result<()> {
        changelog::must_tell_of(env!("CARGO_PKG_VERSION"))?;
        let runnable = self.launchers.iter().find(|launcher| launcher.runs_here());
        let runnable = runnable.with_context(|| {
            format!(
                "none of the launchers runs on this machine, and completions and man pages are of one \
                 that runs: add --target {}-unknown-linux-musl, or pack on another machine",
                env::consts::ARCH
            )
        })?;
        let module = |(module, file): &(&Module, PathBuf)| {
            let (package, target) = (module.package, module.target);
            json!({"name": module.file, "package": package, "target": target, "path": file})
        };
        let launcher =
            |launcher: &Launcher| json!({"target": launcher.target, "path": launcher.path});
        let release = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "commit": source.commit,
            "time": source.time,
            "image": image,
            "root": workspace::root(),
            "launchers": self.launchers.iter().map(launcher).collect::<Vec<_>>(),
            "modules": self.modules.iter().map(module).collect::<Vec<_>>(),
            "npm": build_npm()?,
            "texts": runnable.write_texts()?,
        });
        let file = workspace::target("dist-build/release.json");
        fs::write(&file, release.to_string())?;
        let mut dist = command("cargo run --quiet --package=dist --");
        process::run(dist.arg(file).arg(out))
    }
}

impl Source {
    /// The given commit, or else the one that is checked out.
    fn find(commit: Option<&str>) -> Result<Self> {
        let git = |arguments: &str| process::read(&mut command(&format!("git {arguments}")));
        let time = env::var(TIME).or_else(|_| git("log -1 --format=%ct"));
        let time = time.ok().and_then(|time| time.trim().parse().ok());
        let time =
            time.with_context(|| format!("the time of the release is not known; set {TIME}"))?;
        let commit = match commit {
            Some(commit) => commit.to_owned(),
            None => {
                let commit = git("rev-parse HEAD")
                    .context("the commit of the release is not known; tell it by --commit")?;
                let is_modified = !git("status --porcelain")?.trim().is_empty();
                commit.trim().to_owned() + if is_modified { "-modified" } else { "" }
            }
        };
        Ok(Self { commit, time })
    }
}
