//! Shows what the function does to an example: that kustomize builds something else with it, and by
//! the launcher's own `explain` what.

use anyhow::{Result, ensure};
use fs_err as fs;

use crate::process::{self, command};
use crate::{artifacts, hosts, workspace};

const PLAIN: &str = "kustomization/example/base";
const WITH_FUNCTION: &str = "kustomization/example";
const KUSTOMIZE: &str = "target/hosts/bin/kustomize build --enable-alpha-plugins --enable-exec";

/// Builds what is needed, runs kustomize twice and prints the difference.
pub(crate) fn run() -> Result<()> {
    hosts::build(&["kustomize"])?;
    artifacts::build()?;
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
