//! How much the relay takes on at once, and how long it waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long the relay waits, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// For a ClientHello, and for a port-forward to open.
    pub(super) connect: Duration,
    /// For a byte, in a connection that is open.
    pub(super) idle: Duration,
    /// For connections to end by themselves when the relay ends.
    pub(super) drain: Duration,
}

/// As many places as there may be connections.
#[derive(Debug)]
pub(super) struct Places(Arc<Semaphore>);

/// A place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))))
    }

    /// A place, unless all are taken.
    pub(super) fn take(&self) -> Option<Place> {
        let permit = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(Place { _permit: permit })
    }
}

/// Lets through one event in a time, and counts those that it holds back.
#[derive(Debug)]
pub(super) struct Seldom {
    every: Duration,
    last: Option<std::time::Instant>,
    held_back: u64,
}

impl Seldom {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            last: None,
            held_back: 0,
        }
    }

    /// How many events were held back since the last that was let through, if this one is.
    pub(super) fn let_through(&mut self) -> Option<u64> {
        if self.last.is_some_and(|last| last.elapsed() < self.every) {
            self.held_back = self.held_back.saturating_add(1);
            return None;
        }
        self.last = Some(std::time::Instant::now());
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let places = Places::new(2);
        let first = places.take().unwrap();
        let _second = places.take().unwrap();
        assert!(places.take().is_none());
        drop(first);
        assert!(places.take().is_some());
        assert!(Places::new(usize::MAX).take().is_some());
    }

    #[test]
    fn one_event_stands_for_those_that_were_held_back() {
        let mut seldom = Seldom::new(Duration::from_millis(50));
        assert_eq!(seldom.let_through(), Some(0));
        assert_eq!(seldom.let_through(), None);
        assert_eq!(seldom.let_through(), None);
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(seldom.let_through(), Some(2));
    }
}
