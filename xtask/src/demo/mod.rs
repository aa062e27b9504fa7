//! Shows that the function makes a terminal work, in the terminal or as a picture of one.

mod picture;
mod session;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anstream::{print, println};
use anyhow::{Context as _, Result};
use clap::Args;
use clap::builder::styling::AnsiColor;
use fs_err as fs;

use crate::process::{self, command};
use crate::{artifacts, hosts};
use session::{LAUNCHER, Step};

/// The picture is the same each time, and so is the port in it.
const PORT_OF_PICTURE: u16 = 18_093;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Draw the terminal as an animated SVG instead of showing it: docs/demo.svg
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// Builds what is needed, and shows or draws a session.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    build()?;
    match &arguments.picture {
        Some(file) => draw(file),
        None => show(),
    }
}

/// Builds the launcher with its module, and in parallel the programs that it is run with.
fn build() -> Result<()> {
    // Fails before minutes of building.
    process::capture(&mut command("go version"))?;
    artifacts::add_target(artifacts::WASI.target)?;
    hosts::build_beside(&["kustomize", "session-server"], || {
        // The demo needs no cluster.
        let launcher = format!(
            "cargo build --profile={LAUNCHER} --package=runner-terminal-host --no-default-features"
        );
        process::run(&mut command(&launcher))
    })
}

/// Runs the session and prints it.
fn show() -> Result<()> {
    let green = AnsiColor::Green.on_default();
    session::run(free_port(0)?, |step| {
        println!("\n# {}\n$ {}", step.title, step.command);
        if step.is_proof {
            print!("{green}{}{green:#}", step.output);
        } else {
            print!("{}", step.output);
        }
    })?;
    println!(
        "\nThe session server is stopped. Its files are in target/demo. To run the other commands by hand:\n  \
         export PATH=\"$PWD/target/{LAUNCHER}:$PWD/target/hosts/bin:$PATH\""
    );
    Ok(())
}

/// Runs the session and draws it.
fn draw(file: &Path) -> Result<()> {
    let mut steps = Vec::new();
    session::run(free_port(PORT_OF_PICTURE)?, |step| {
        steps.push(Step {
            output: without_expiry(&step.output),
            ..step
        });
    })?;
    fs::write(file, picture::of(&steps))?;
    println!("{} has the picture", file.display());
    Ok(())
}

/// The port if nothing listens on it at any address of this machine; for 0, one that is free.
fn free_port(wanted: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, wanted));
    let listener = listener.with_context(|| {
        format!("the session server cannot listen on port {wanted}; stop what listens there")
    })?;
    Ok(listener.local_addr()?.port())
}

/// What `check` says without the time at which the certificate expires, which no two runs share.
fn without_expiry(output: &str) -> String {
    match output.split_once(" until ") {
        Some((rest, _)) if rest.contains(": healthy: ") => format!("{rest}\n"),
        _ => output.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_found_and_a_taken_one_is_refused() {
        assert_ne!(free_port(0).unwrap(), 0);
        let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = free_port(port).unwrap_err().to_string();
        let words = format!(" cannot listen on port {port}; stop ");
        assert!(error.contains(&words), "{error}");
    }

    #[test]
    fn only_the_time_of_a_certificate_is_left_out() {
        let line = "127.0.0.1:1: healthy: …, with a certificate for \"127.0.0.1\"";
        let with_time = format!("{line} until 2036-01-01T00:00:00Z\n");
        assert_eq!(without_expiry(&with_time), format!("{line}\n"));
        assert_eq!(without_expiry("wait until then\n"), "wait until then\n");
    }
}
