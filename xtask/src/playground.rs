//! The playground: builds the page, tests it in Chromium, and takes its pictures.

use anyhow::Result;
use clap::Args;

use crate::process::NPM_CI;
use crate::{artifacts, process, web};

/// What to do besides building the page.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Check its types and run its tests in Chromium
    #[arg(long)]
    check: bool,
    /// Serve it on this machine
    #[arg(long, conflicts_with = "check")]
    serve: bool,
    /// Retake the screenshots in docs/playground
    #[arg(long, conflicts_with_all = ["check", "serve"])]
    screenshots: bool,
}

/// Builds everything that it needs, and does what the arguments request.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check {
        artifacts::build()?;
        return check();
    }
    web::build()?;
    build()?;
    if arguments.serve {
        return npm("run serve");
    }
    if arguments.screenshots {
        return npm("run screenshots");
    }
    println!(
        "\nThe page is in target/playground: static files, for any web server. To look at it here:\n\
         cargo xtask playground --serve"
    );
    Ok(())
}

/// Builds the page around the npm package in `target/web`, and tests it against the native
/// programs, all of which are already built.
pub(crate) fn check() -> Result<()> {
    build()?;
    npm("run check")?;
    npm("test")
}

fn build() -> Result<()> {
    npm(NPM_CI)?;
    npm("run build")
}

fn npm(arguments: &str) -> Result<()> {
    process::npm("wasm/playground", arguments)
}
