//! Why a run of the module has no exit code.

use std::fmt;
use std::time::Duration;

use krm::resource_list::ReadError;
use thiserror::Error;
use wasmtime::Trap;

use super::limits::{Limits, MemoryRefused, OutputRefused};

/// Why a run of the module has no exit code.
#[derive(Debug, Error)]
pub(crate) enum SandboxError {
    /// The module needs more memory than [`Limits::memory`].
    #[error(
        "the input needs more than the {} MiB of memory that it may use; give the function fewer \
         resources, or raise {} (MiB, 4096 at most)",
        .0 >> 20,
        Limits::MEMORY_VARIABLE
    )]
    Memory(usize),
    /// The module writes more than [`Limits::memory`].
    #[error(
        "the function was stopped after {} MiB of output, more than its memory may hold; give it \
         fewer resources, or raise {} (MiB, 4096 at most)",
        .0 >> 20,
        Limits::MEMORY_VARIABLE
    )]
    Output(usize),
    /// The module needs more memory than the system has, though less than [`Limits::memory`].
    #[error(
        "the system has no more memory; give the function fewer resources, or the container more \
         memory"
    )]
    SystemMemory,
    /// The module computes for longer than [`Limits::time`].
    #[error(
        "the function was stopped after {} of computing; give it fewer resources, or raise {} \
         (seconds)",
        Seconds(*.0),
        Limits::TIME_VARIABLE
    )]
    Time(Duration),
    /// The module recurses deeper than its stack.
    #[error(
        "a resource, or a config.toml, is nested too deeply; look for one that has hundreds of levels"
    )]
    Stack,
    /// The module traps or cannot be started, which is a bug.
    #[error(
        "the function broke, which is a bug: please report it with the input that does it ({0:#})"
    )]
    Broken(wasmtime::Error),
    /// The module sends requests for something that is not a ResourceList, which is a bug.
    #[error(
        "the function asked for something of the cluster, and the answer cannot be put into its \
         input, which is a bug: please report it with the input that does it ({0})"
    )]
    Answer(#[from] ReadError),
    /// The module writes something other than a preamble and a list, which is a bug.
    #[error(
        "the function's output cannot be read, which is a bug: please report it with the input that \
         does it ({0})"
    )]
    Preamble(#[from] serde_json::Error),
}

impl SandboxError {
    pub(super) fn of(error: wasmtime::Error, limits: Limits) -> Self {
        if error.is::<OutputRefused>() {
            return Self::Output(limits.memory);
        }
        match (error.downcast_ref(), error.downcast_ref()) {
            (Some(MemoryRefused::Limit), _) => Self::Memory(limits.memory),
            (Some(MemoryRefused::System), _) => Self::SystemMemory,
            (None, Some(Trap::StackOverflow)) => Self::Stack,
            (None, _) => Self::Broken(error),
        }
    }
}

impl From<wasmtime::Error> for SandboxError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Broken(error)
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} s", self.0.as_secs_f64())
    }
}
