//! Limits on the module's memory, time and output.

use std::env;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::time::Duration;

use thiserror::Error;
use wasmtime::{ResourceLimiter, Result};

/// A variable for a limit is not a whole number in its range.
#[derive(Debug, Error)]
#[error("{variable} is {value:?}; give a whole number from {} to {}", .range.start(), .range.end())]
pub(crate) struct LimitsError {
    variable: &'static str,
    value: OsString,
    range: RangeInclusive<u64>,
}

/// How much memory and time one run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The most bytes of the module's memory, and the most that it may write: it has its whole output
    /// in memory before it writes the first byte.
    pub(crate) memory: usize,
    /// The longest time that the module may compute. Waiting for a pipe does not count.
    pub(crate) time: Duration,
}

impl Limits {
    /// The environment variable for [`Limits::memory`], in MiB.
    pub(crate) const MEMORY_VARIABLE: &str = "RUNNER_TERMINAL_MAX_MIB";
    /// The environment variable for [`Limits::time`], in seconds.
    pub(crate) const TIME_VARIABLE: &str = "RUNNER_TERMINAL_MAX_SECONDS";

    /// 2 GiB are many times a list of some hundred MB; 60 s are a thousand times what a large list
    /// takes.
    pub(crate) const DEFAULT: Self = Self {
        memory: 2 << 30,
        time: Duration::from_secs(60),
    };

    /// The limits of the environment, or the defaults.
    ///
    /// # Errors
    ///
    /// A variable is not a whole number in its range.
    pub(crate) fn from_environment() -> Result<Self, LimitsError> {
        let mut limits = Self::DEFAULT;
        if let Some(mib) = number(Self::MEMORY_VARIABLE, 1..=4096)? {
            limits.memory = usize::try_from(mib << 20).unwrap_or(usize::MAX);
        }
        if let Some(seconds) = number(Self::TIME_VARIABLE, 1..=86_400)? {
            limits.time = Duration::from_secs(seconds);
        }
        Ok(limits)
    }
}

fn number(variable: &'static str, range: RangeInclusive<u64>) -> Result<Option<u64>, LimitsError> {
    let Some(value) = env::var_os(variable) else {
        return Ok(None);
    };
    let number = value.to_str().and_then(|value| value.parse().ok());
    match number {
        Some(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(LimitsError {
            variable,
            value,
            range,
        }),
    }
}

/// Refuses memory above a limit.
#[derive(Debug)]
pub(crate) struct MemoryLimit(usize);

/// The error that ends a module that needs more memory than it may have.
///
/// Without it, the module's allocator would abort, and the reason would be lost.
#[derive(Debug, Error)]
#[error("no more memory")]
pub(crate) enum MemoryRefused {
    /// The limit is reached.
    Limit,
    /// The system has no more memory.
    System,
}

impl MemoryLimit {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(bytes)
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired <= self.0 {
            Ok(true)
        } else {
            Err(MemoryRefused::Limit.into())
        }
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        Err(MemoryRefused::System.into())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(desired <= 100_000)
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }
}

/// The error that ends a module that writes more than it may.
#[derive(Debug, Error)]
#[error("no more output")]
pub(crate) struct OutputRefused;
