//! Runs the module in a sandbox: three streams, limited memory and time, and nothing else.

mod captured;
mod clock;
mod compiled;
mod engine;
mod error;
#[cfg(target_os = "linux")]
mod in_place;
mod limits;
#[cfg(test)]
mod tests;
mod wasi;

use wasmtime::{Engine, Linker, Store};

pub(crate) use captured::Captured;
use clock::Clock;
use compiled::{Compiled, compiled};
pub(crate) use error::SandboxError;
pub(crate) use limits::{Limits, LimitsError};
use limits::{MemoryLimit, OutputRefused};
pub(crate) use wasi::{Output, Streams};

/// Runs the function's module once.
///
/// Returns the module's exit code, and the streams. If the time is used up, the process ends with an
/// error.
///
/// # Errors
///
/// The module reached another limit, or broke. Its exit code is not an error here.
pub(crate) fn run<S: Streams>(streams: S, limits: Limits) -> Result<(i32, S), SandboxError> {
    run_compiled(compiled!("module"), streams, limits)
}

fn run_compiled<S: Streams>(
    compiled: Compiled,
    streams: S,
    limits: Limits,
) -> Result<(i32, S), SandboxError> {
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
            clock: Clock::start(limits.time)?,
        },
    );
    store.limiter(|guest| &mut guest.memory);

    let ended = linker
        .instantiate(&mut store, module)
        .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start"))
        .and_then(|start| start.call(&mut store, ()));
    store.data().clock.stop();
    let code = match ended {
        Ok(()) => 0,
        Err(error) => match error.downcast_ref() {
            Some(&wasi::Exit(code)) => code,
            None => return Err(SandboxError::of(error, limits)),
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

/// The state of one run.
struct Guest<S> {
    streams: S,
    memory: MemoryLimit,
    /// How many bytes the module may still write.
    output_left: usize,
    clock: Clock,
}

impl<S: Streams> wasi::Guest for Guest<S> {
    type Streams = S;

    fn streams(&mut self) -> &mut S {
        &mut self.streams
    }

    fn before_io(&mut self) {
        self.clock.pause();
    }

    fn after_io(&mut self) {
        self.clock.resume();
    }

    fn count_output(&mut self, bytes: u32) -> wasmtime::Result<()> {
        let left = self.output_left.checked_sub(bytes as usize);
        self.output_left = left.ok_or(OutputRefused)?;
        Ok(())
    }
}
