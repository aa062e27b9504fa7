//! Waiting until some of many Services change: all are read, a few at once, again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use runner_terminal::observed::{Answer, ServiceName};
use tokio::time::{Instant, sleep, timeout_at};

use super::api::Api;
use super::problem::Problem;
use super::watch::is_new;
use super::{AT_ONCE, Found};

/// The server is left alone for at least so long between two rounds.
const REST: Duration = Duration::from_secs(1);

/// Waits until some are others than what is known of them, and gives all that are; none when none was
/// before the deadline.
///
/// A problem that may pass is waited out, and is given when it has not passed by then.
pub(super) async fn changes(
    api: &Api,
    known: &BTreeMap<&ServiceName, &Answer>,
    deadline: Instant,
) -> Vec<(ServiceName, Found)> {
    loop {
        let begun = Instant::now();
        let Round {
            changed,
            problems,
            rest,
        } = round(api, known, deadline).await;
        if !changed.is_empty() {
            return changed;
        }
        // For as long as it was busy, too.
        let rest = rest.max(begun.elapsed());
        if rest >= deadline.saturating_duration_since(Instant::now()) {
            let problems = problems.into_iter();
            return problems
                .map(|(service, problem)| (service, Err(problem)))
                .collect();
        }
        sleep(rest).await;
    }
}

/// What one reading of all has shown.
struct Round {
    changed: Vec<(ServiceName, Found)>,
    /// Those that may pass.
    problems: Vec<(ServiceName, Problem)>,
    /// How long the server asks to be left alone.
    rest: Duration,
}

/// Reads all of them, or as many as can be until the deadline.
async fn round(api: &Api, known: &BTreeMap<&ServiceName, &Answer>, deadline: Instant) -> Round {
    let mut round = Round {
        changed: Vec::new(),
        problems: Vec::new(),
        rest: REST,
    };
    let mut readings = stream::iter(known)
        .map(async |(service, known)| ((*service).clone(), known, api.get(service).await))
        .buffer_unordered(AT_ONCE);
    while let Ok(Some((service, known, found))) = timeout_at(deadline, readings.next()).await {
        match found {
            Ok(found) if is_new(found.as_ref(), known) => round.changed.push((service, Ok(found))),
            Ok(_) => {}
            Err(problem) if problem.may_pass_in_time() => {
                if let Problem::Throttled(Some(asked)) = problem {
                    round.rest = round.rest.max(asked);
                }
                round.problems.push((service, problem));
            }
            Err(problem) => round.changed.push((service, Err(problem))),
        }
    }
    round
}
