//! The time that the module may compute.
//!
//! A second thread measures it and, when it is used up, ends the process with an error. So the
//! module's code needs no checks of its own, which would take a quarter of the time of a large list
//! (see [`super::engine`]). Nothing can be lost: no command writes a file while the module runs.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use std::{process, thread};

use super::SandboxError;

/// The thread looks this many times in the time limit whether the module computes: a run is ended at
/// most one tick too late.
const TICKS: u32 = 60;

/// The module computes.
const COMPUTING: u8 = 0;
/// The module waits for a stream, which does not count.
const WAITING: u8 = 1;
/// The run has ended, in time.
const ENDED: u8 = 2;
/// The time is used up: the process is about to end.
const USED_UP: u8 = 3;

/// What a run is doing, as the thread sees it.
#[derive(Debug)]
pub(super) struct Clock(Arc<AtomicU8>);

impl Clock {
    /// Starts the thread. It ends with the clock.
    ///
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub(super) fn start(limit: Duration) -> wasmtime::Result<Self> {
        let state = Arc::new(AtomicU8::new(COMPUTING));
        let watched = Arc::downgrade(&state);
        thread::Builder::new()
            .name("clock".into())
            .spawn(move || watch(&watched, limit))?;
        Ok(Self(state))
    }

    /// The module waits for a stream.
    pub(super) fn pause(&self) {
        self.change(COMPUTING, WAITING);
    }

    /// The module computes again.
    pub(super) fn resume(&self) {
        self.change(WAITING, COMPUTING);
    }

    /// The run has ended: what follows is no longer limited.
    pub(super) fn stop(&self) {
        self.change(COMPUTING, ENDED);
    }

    /// Goes from one state to another, unless the time is used up: then the process is about to end,
    /// and this thread must not do anything more.
    fn change(&self, from: u8, to: u8) {
        let was = self
            .0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        while was == Err(USED_UP) {
            thread::park();
        }
    }
}

/// Counts the ticks in which the module computes, and ends the process if there are too many.
fn watch(state: &Weak<AtomicU8>, limit: Duration) {
    let tick = limit / TICKS;
    let mut used = 0;
    loop {
        thread::sleep(tick);
        let Some(state) = state.upgrade() else {
            return;
        };
        if state.load(Ordering::Acquire) == COMPUTING {
            used += 1;
        }
        let is_used_up = used > TICKS
            && state
                .compare_exchange(COMPUTING, USED_UP, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if is_used_up {
            crate::report(&SandboxError::Time(limit));
            process::exit(1);
        }
    }
}
