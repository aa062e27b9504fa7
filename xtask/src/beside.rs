//! A command of the project's own that runs beside another, which leaves a core idle.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::{process, workspace};

/// A command that runs. What it prints goes into a file, and comes out at its end.
pub(crate) struct Beside {
    /// The command as one would type it.
    command: String,
    child: Child,
    log: PathBuf,
}

impl Beside {
    /// Starts `cargo xtask COMMAND ARGUMENTS…`.
    pub(crate) fn start<'a>(
        command: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let log = workspace::target(&format!("{command}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let program = std::env::current_exe().context("cannot tell where xtask is")?;
        let mut xtask = process::command(program);
        xtask.arg(command).args(arguments);
        xtask.stdin(Stdio::null());
        xtask.stdout(file.try_clone()?).stderr(file);
        let child = xtask.spawn().context("xtask does not start")?;
        let command = format!("cargo xtask {command}");
        println!("{command} runs meanwhile, into {}", log.display());
        Ok(Self {
            command,
            child,
            log,
        })
    }

    /// Waits for its end, and prints what it has printed.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        let printed = fs::read_to_string(&self.log)?;
        println!(
            "\n── meanwhile: {} ──\n{}",
            self.command,
            printed.trim_end()
        );
        if !status.success() {
            bail!("`{}` failed: {status}; what it says is above", self.command);
        }
        Ok(())
    }
}
