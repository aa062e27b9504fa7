//! How much memory and time the module may use, and how much it may write.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, fmt, thread};

use wasmtime::{Engine, Error, ResourceLimiter, Result};

/// How much memory and time one run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The most bytes that the module's memory may grow to, and the most that it may write: what it
    /// has to say is in its memory before it says the first of it.
    pub(crate) memory: usize,
    /// The longest that the module may compute: waiting for the program at the other end of a pipe
    /// does not count.
    pub(crate) time: Duration,
}

impl Limits {
    /// Names the variable for [`Limits::memory`], in MiB.
    pub(crate) const MEMORY_VARIABLE: &str = "RUNNER_TERMINAL_MAX_MIB";
    /// Names the variable for [`Limits::time`], in seconds.
    pub(crate) const TIME_VARIABLE: &str = "RUNNER_TERMINAL_MAX_SECONDS";

    /// 2 GiB holds a list of some hundred MB many times over; 60 s are a thousand times what a
    /// large list takes.
    pub(crate) const DEFAULT: Self = Self {
        memory: 2 << 30,
        time: Duration::from_secs(60),
    };

    /// The defaults, with what the environment says instead.
    ///
    /// # Errors
    ///
    /// A sentence naming the variable whose value is not a whole number in its range.
    pub(crate) fn from_environment() -> Result<Self, String> {
        let mut limits = Self::DEFAULT;
        if let Some(value) = env::var_os(Self::MEMORY_VARIABLE) {
            let mib = number(Self::MEMORY_VARIABLE, &value, 1..=4096)?;
            limits.memory = usize::try_from(mib << 20).unwrap_or(usize::MAX);
        }
        if let Some(value) = env::var_os(Self::TIME_VARIABLE) {
            let seconds = number(Self::TIME_VARIABLE, &value, 1..=86_400)?;
            limits.time = Duration::from_secs(seconds);
        }
        Ok(limits)
    }
}

fn number(
    name: &str,
    value: &OsString,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, String> {
    let number = value.to_str().and_then(|value| value.parse().ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            format!(
                "{name} is {value:?}; give a whole number from {} to {}",
                range.start(),
                range.end()
            )
        })
}

/// Refuses memory beyond a limit, and remembers nothing else.
#[derive(Debug)]
pub(crate) struct MemoryLimit(usize);

/// The error that ends a module which wants more memory than there is for it.
///
/// WebAssembly would let the module go on without; its allocator would then abort, and the reason
/// would be lost.
#[derive(Debug)]
pub(crate) enum MemoryRefused {
    /// More than the limit.
    Limit,
    /// Less than the limit, but the system has no more.
    System,
}

impl fmt::Display for MemoryRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no more memory")
    }
}

impl std::error::Error for MemoryRefused {}

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

    fn memory_grow_failed(&mut self, _: Error) -> Result<()> {
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

/// The error that ends a module which writes more than it may.
#[derive(Debug)]
pub(crate) struct OutputRefused;

impl fmt::Display for OutputRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no more output")
    }
}

impl std::error::Error for OutputRefused {}

/// How many ticks the time limit has: a run is stopped at most one such part too late.
pub(crate) const TICKS: u64 = 60;

/// The time that a run has used.
#[derive(Debug)]
pub(crate) struct Clock {
    ticks: Arc<AtomicU64>,
    used: u64,
    /// The tick from which on the module computes; `None` while it waits.
    since: Option<u64>,
}

impl Clock {
    /// Starts the thread that moves the engine's epoch on, [`TICKS`] times in the time limit. It
    /// ends after the engine does.
    ///
    /// # Errors
    ///
    /// The system's, when there can be no more threads.
    pub(crate) fn start(engine: &Engine, limit: Duration) -> Result<Self> {
        let engine = engine.weak();
        let tick = limit.div_f64(TICKS as f64);
        let ticks = Arc::new(AtomicU64::new(0));
        let clock = Self {
            ticks: Arc::clone(&ticks),
            used: 0,
            since: Some(0),
        };
        thread::Builder::new().name("clock".into()).spawn(move || {
            loop {
                thread::sleep(tick);
                match engine.upgrade() {
                    Some(engine) => {
                        ticks.fetch_add(1, Ordering::Relaxed);
                        engine.increment_epoch();
                    }
                    None => break,
                }
            }
        })?;
        Ok(clock)
    }

    /// The module waits for a stream.
    pub(crate) fn stop(&mut self) {
        if let Some(since) = self.since.take() {
            self.used += self.now() - since;
        }
    }

    /// It computes again. Gives how many ticks it has left, where it had stopped.
    pub(crate) fn go_on(&mut self) -> Option<u64> {
        if self.since.is_some() {
            return None;
        }
        self.since = Some(self.now());
        Some(TICKS.saturating_sub(self.used))
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }
}
