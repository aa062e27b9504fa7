//! Waits until some of many Services change, by polling.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use runner_terminal::observed::{Answer, ServiceName};
use tokio::time::{Instant, sleep, timeout_at};

use super::api::{Api, CONCURRENT_REQUESTS, Reading};
use super::error::ClusterError;
use super::watch::has_changed;

/// The shortest pause between two rounds.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// Waits until some Services differ from `known`, and returns those; none if none has changed by the
/// deadline.
///
/// Transient errors are retried until the deadline, and returned then.
pub(super) async fn changes(
    api: &Api,
    known: &BTreeMap<&ServiceName, &Answer>,
    deadline: Instant,
) -> Vec<(ServiceName, Reading)> {
    loop {
        let begun = Instant::now();
        let Round {
            changed,
            errors,
            pause,
        } = round(api, known, deadline).await;
        if !changed.is_empty() {
            return changed;
        }
        // At least as long as the round took, so that the server is idle half of the time.
        let pause = pause.max(begun.elapsed());
        if pause >= deadline.saturating_duration_since(Instant::now()) {
            let errors = errors.into_iter();
            return errors
                .map(|(service, error)| (service, Err(error)))
                .collect();
        }
        sleep(pause).await;
    }
}

/// The result of reading all of them once.
struct Round {
    changed: Vec<(ServiceName, Reading)>,
    /// Transient errors.
    errors: Vec<(ServiceName, ClusterError)>,
    /// The pause that the server requests.
    pause: Duration,
}

/// Reads all of them, or as many as possible by the deadline.
async fn round(api: &Api, known: &BTreeMap<&ServiceName, &Answer>, deadline: Instant) -> Round {
    let mut round = Round {
        changed: Vec::new(),
        errors: Vec::new(),
        pause: MIN_PAUSE,
    };
    let mut readings = stream::iter(known)
        .map(async |(service, known)| ((*service).clone(), known, api.get(service).await))
        .buffer_unordered(CONCURRENT_REQUESTS);
    while let Ok(Some((service, known, found))) = timeout_at(deadline, readings.next()).await {
        match found {
            Ok(found) if has_changed(found.as_ref(), known) => {
                round.changed.push((service, Ok(found)))
            }
            Ok(_) => {}
            Err(error) if error.is_transient_in_wait() => {
                if let ClusterError::Throttled(Some(asked)) = error {
                    round.pause = round.pause.max(asked);
                }
                round.errors.push((service, error));
            }
            Err(error) => round.changed.push((service, Err(error))),
        }
    }
    round
}
