//! Shows what the function does to an example: the difference between the plain
//! kustomization and the one with the function.

mod objects;

use std::env;
use std::io::IsTerminal as _;

use anyhow::{Result, ensure};
use similar::TextDiff;

use crate::process::{self, command};
use crate::{artifacts, hosts, workspace};

const PLAIN: &str = "kustomization/example/base";
const WITH_FUNCTION: &str = "kustomization/example";
const KUSTOMIZE: &str = "target/hosts/bin/kustomize build --enable-alpha-plugins --enable-exec";

/// Builds what is needed, runs kustomize twice and prints the difference.
pub(crate) fn run() -> Result<()> {
    hosts::build(&["kustomize"])?;
    artifacts::build()?;

    let (plain, _) = kustomize(PLAIN)?;
    let (with_function, messages) = kustomize(WITH_FUNCTION)?;
    ensure!(
        plain != with_function,
        "{WITH_FUNCTION} gives the same as {PLAIN}: the function changed nothing"
    );
    if !messages.trim().is_empty() {
        println!("\nThe function says:\n\n{}", messages.trim_end());
    }
    // Where colour can be seen and is wanted.
    let in_colour = std::io::stdout().is_terminal()
        && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    println!(
        "\nWhat the function changes:\n\n{}\n{}",
        unified(&plain, &with_function, in_colour),
        objects::summary(&plain, &with_function)
    );
    println!(
        "To run it by hand:\n  PATH=\"$PWD/target/release:$PATH\" {KUSTOMIZE} {WITH_FUNCTION}"
    );
    Ok(())
}

/// What kustomize builds, and what it says.
fn kustomize(folder: &str) -> Result<(String, String)> {
    let mut kustomize = command(&format!("{KUSTOMIZE} {folder}"));
    kustomize.env("PATH", workspace::path_with_launcher()?);
    let output = process::capture(&mut kustomize)?;
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((String::from_utf8(output.stdout)?, messages))
}

/// The difference as `diff -u` shows it, without the names of files.
fn unified(old: &str, new: &str, in_colour: bool) -> String {
    let diff = TextDiff::from_lines(old, new).unified_diff().to_string();
    let paint = |line: &str| match line.chars().next() {
        Some('-') if in_colour => format!("\u{1b}[31m{line}\u{1b}[0m\n"),
        Some('+') if in_colour => format!("\u{1b}[32m{line}\u{1b}[0m\n"),
        Some('@') if in_colour => format!("\u{1b}[36m{line}\u{1b}[0m\n"),
        _ => format!("{line}\n"),
    };
    diff.lines().map(paint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_is_shown_with_its_neighbours() {
        assert_eq!(
            unified("a\nb\nc\n", "a\nB\nc\n", false),
            "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        );
    }

    #[test]
    fn a_new_line_is_green() {
        assert!(unified("", "a\n", true).contains("\u{1b}[32m+a\u{1b}[0m\n"));
    }
}
