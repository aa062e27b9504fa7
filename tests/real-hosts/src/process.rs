//! What a running program uses, as the kernel counts it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Error};
use std::path::PathBuf;

/// A process of this machine, by its number.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

/// Clock ticks a second in /proc. Source: `USER_HZ`, which is 100 on all machines that Rust runs on.
const TICKS: f64 = 100.0;

impl Process {
    /// The process with a number.
    pub fn new(id: u32) -> Self {
        Self(id)
    }

    /// Its resident memory now, in bytes.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn memory(self) -> io::Result<f64> {
        self.status("VmRSS:")
    }

    /// Its peak memory, in bytes.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn most_memory(self) -> io::Result<f64> {
        self.status("VmHWM:")
    }

    /// The processor time that it has used, in seconds.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn seconds(self) -> io::Result<f64> {
        let stat = fs::read_to_string(self.path("stat"))?;
        // The name before it may have blanks. Source: proc_pid_stat(5), fields 14 and 15.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: Result<Vec<u64>, _> = ticks.map(str::parse).collect();
        let ticks = ticks.map_err(Error::other)?;
        Ok(ticks.iter().sum::<u64>() as f64 / TICKS)
    }

    /// How many files and sockets it has open.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn descriptors(self) -> io::Result<usize> {
        Ok(fs::read_dir(self.path("fd"))?.count())
    }

    /// How many of them are TCP connections, or listen for some.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn connections(self) -> io::Result<usize> {
        let entries = fs::read_dir(self.path("fd"))?.collect::<io::Result<Vec<_>>>()?;
        // One that was closed in the meantime has no target.
        let targets = entries
            .iter()
            .filter_map(|entry| fs::read_link(entry.path()).ok());
        let own: BTreeSet<_> = targets
            .map(|target| target.to_string_lossy().into_owned())
            .collect();
        let tables = [self.path("net/tcp"), self.path("net/tcp6")].map(fs::read_to_string);
        // A machine without IPv6 has one table.
        let lines = tables
            .iter()
            .flatten()
            .flat_map(|table| table.lines().skip(1));
        // The field `inode`. Source: proc(5), /proc/net/tcp.
        let inodes = lines.filter_map(|line| line.split_whitespace().nth(9));
        let is_own = |inode: &&str| own.contains(&format!("socket:[{inode}]"));
        Ok(inodes.filter(is_own).count())
    }

    /// A size from its status, which is in kibibytes there, in bytes. Source: proc_pid_status(5).
    fn status(self, field: &str) -> io::Result<f64> {
        let status = fs::read_to_string(self.path("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes = kibibytes.and_then(|text| text.parse::<f64>().ok());
        let kibibytes = kibibytes.ok_or_else(|| Error::other(format!("/proc has no {field}")))?;
        Ok(kibibytes * 1024.0)
    }

    fn path(self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.0))
    }
}
