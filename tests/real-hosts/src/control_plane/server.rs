//! A program that runs until it is stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command;

/// A running server, killed on drop.
#[derive(Debug)]
pub(super) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// The number of the log's last lines to show.
const LOG_LINES: usize = 20;

/// The time between two checks of a server that is starting.
const INTERVAL: Duration = Duration::from_millis(200);

impl Server {
    /// Starts the server. Its output goes to a file in the folder.
    pub(super) fn start(name: &'static str, mut program: Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).expect("a temporary file can be written");
        let same = file.try_clone().expect("an open file can be shared");
        program.stdin(Stdio::null()).stdout(file).stderr(same);
        Self {
            name,
            child: command::start(&mut program),
            log,
        }
    }

    /// Kills it, and returns once it has ended.
    pub(super) fn end(&mut self) {
        // An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be asked for its state")
            .is_some()
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let start = lines.len().saturating_sub(LOG_LINES);
        format!(
            "{} logged:\n{}",
            self.name,
            lines.split_at(start).1.join("\n")
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits until `is_ready`, and panics if a server ends or if it takes too long.
pub(super) fn wait(patience: Duration, servers: &mut [&mut Server], is_ready: impl Fn() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_ready() {
        if let Some(server) = servers.iter_mut().find_map(|s| s.has_ended().then_some(s)) {
            panic!(
                "{} ended before it was ready; {}",
                server.name,
                server.end_of_log()
            );
        }
        if Instant::now() > deadline {
            let logs: Vec<_> = servers.iter().map(|server| server.end_of_log()).collect();
            panic!("not ready after {patience:?}\n{}", logs.join("\n"));
        }
        thread::sleep(INTERVAL);
    }
}
