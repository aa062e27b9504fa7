//! Runs the module in a sandbox: three streams, so much memory, so much time, and nothing else.

mod captured;
mod compiled;
mod engine;
#[cfg(target_os = "linux")]
mod in_place;
mod limits;
#[cfg(test)]
mod tests;
mod wasi;

use std::fmt;
use std::time::Duration;

use wasmtime::{AsContextMut, Caller, Engine, Linker, Store, Trap};

pub(crate) use captured::Captured;
use compiled::{Compiled, compiled};
pub(crate) use limits::Limits;
use limits::{Clock, MemoryLimit, MemoryRefused, OutputRefused, TICKS};
pub(crate) use wasi::{Output, Streams};

/// Runs the function's module once.
///
/// Gives the module's exit code, and the streams back.
///
/// # Errors
///
/// [`Failure`] when the module reached a limit or broke; its exit code is not an error here.
pub(crate) fn run<S: Streams>(streams: S, limits: Limits) -> Result<(i32, S), Failure> {
    run_compiled(compiled!("module"), streams, limits)
}

fn run_compiled<S: Streams>(
    compiled: Compiled,
    streams: S,
    limits: Limits,
) -> Result<(i32, S), Failure> {
    let engine = &engine()?;
    let module = &compiled.load(engine)?;
    let mut linker = Linker::new(engine);
    wasi::define(&mut linker)?;
    let mut store = Store::new(
        engine,
        Guest {
            streams,
            memory: MemoryLimit::new(limits.memory),
            output_left: limits.memory,
            clock: Clock::start(engine, limits.time)?,
        },
    );
    store.limiter(|guest| &mut guest.memory);
    store.set_epoch_deadline(TICKS);

    let ended = linker
        .instantiate(&mut store, module)
        .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start"))
        .and_then(|start| start.call(&mut store, ()));
    let code = match ended {
        Ok(()) => 0,
        Err(error) => match error.downcast_ref() {
            Some(&wasi::Exit(code)) => code,
            None => return Err(Failure::of(error, limits)),
        },
    };
    Ok((code, store.into_data().streams))
}

fn engine() -> wasmtime::Result<Engine> {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(unused_mut, reason = "code is copied")
    )]
    let mut config = engine::config();
    #[cfg(target_os = "linux")]
    in_place::configure(&mut config);
    Engine::new(&config)
}

/// What the store holds for one run.
struct Guest<S> {
    streams: S,
    memory: MemoryLimit,
    /// How many bytes it may still write.
    output_left: usize,
    clock: Clock,
}

impl<S: Streams> wasi::Guest for Guest<S> {
    type Streams = S;

    fn streams(&mut self) -> &mut S {
        &mut self.streams
    }

    fn waits(&mut self) {
        self.clock.stop();
    }

    fn goes_on(caller: &mut Caller<'_, Self>) {
        if let Some(ticks) = caller.data_mut().clock.go_on() {
            caller.as_context_mut().set_epoch_deadline(ticks);
        }
    }

    fn written(&mut self, bytes: u32) -> wasmtime::Result<()> {
        let left = self.output_left.checked_sub(bytes as usize);
        self.output_left = left.ok_or(OutputRefused)?;
        Ok(())
    }
}

/// Why a run has no exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The module asked for more memory than [`Limits::memory`].
    Memory(usize),
    /// The module wrote more than [`Limits::memory`].
    Output(usize),
    /// The system has less memory than [`Limits::memory`], and the module asked for it.
    SystemMemory,
    /// The module computed for longer than [`Limits::time`].
    Time(Duration),
    /// The module recursed deeper than its stack.
    Stack,
    /// The module trapped or could not be started: a bug.
    Broken(wasmtime::Error),
}

impl Failure {
    fn of(error: wasmtime::Error, limits: Limits) -> Self {
        if error.is::<OutputRefused>() {
            return Self::Output(limits.memory);
        }
        match (error.downcast_ref(), error.downcast_ref()) {
            (Some(MemoryRefused::Limit), _) => Self::Memory(limits.memory),
            (Some(MemoryRefused::System), _) => Self::SystemMemory,
            (None, Some(Trap::Interrupt)) => Self::Time(limits.time),
            (None, Some(Trap::StackOverflow)) => Self::Stack,
            (None, _) => Self::Broken(error),
        }
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Self::Broken(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(limit) => write!(
                formatter,
                "the input needs more than the {} MiB of memory that it may use; give the \
                 function fewer resources, or raise {} (MiB, 4096 at most)",
                limit >> 20,
                Limits::MEMORY_VARIABLE,
            ),
            Self::Output(limit) => write!(
                formatter,
                "the function was stopped after {} MiB of output, more than its memory may hold; \
                 give it fewer resources, or raise {} (MiB, 4096 at most)",
                limit >> 20,
                Limits::MEMORY_VARIABLE,
            ),
            Self::SystemMemory => write!(
                formatter,
                "the system has no more memory; give the function fewer resources, or the \
                 container more memory",
            ),
            Self::Time(limit) => write!(
                formatter,
                "the function was stopped after {} of computing; give it fewer resources, or \
                 raise {} (seconds)",
                Seconds(*limit),
                Limits::TIME_VARIABLE,
            ),
            Self::Stack => write!(
                formatter,
                "a resource is nested too deeply; look for one that has hundreds of levels"
            ),
            Self::Broken(error) => write!(
                formatter,
                "the function broke, which is a bug: please report it with the input that does \
                 it ({error:#})"
            ),
        }
    }
}

impl std::error::Error for Failure {}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} s", self.0.as_secs_f64())
    }
}
