//! Follows a Service by watches, whatever fails meanwhile.

use std::time::Duration;

use runner_terminal::observed::ServiceName;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::api::{Api, MAX_PAUSE, Pauses};
use super::error::ClusterError;
use super::watch::{Events, version};
use super::{cause, connection};

/// The longest pause between two attempts. What is missing may be applied at any time, and each pod of a
/// cluster may be waiting.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(3);

/// The observed state of a Service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sight<'a> {
    /// The Service.
    Live(&'a Value),
    /// There is none.
    Absent,
    /// It cannot be read.
    Failed(&'a ClusterError),
}

/// Looks at a Service.
pub(crate) trait Observer {
    /// What it looks for.
    type Found;

    /// Looks; `None` if this is not what it looks for.
    fn look(&mut self, sight: Sight<'_>) -> Option<Self::Found>;

    /// Called when the state that was seen last stays for a while.
    fn settle(&mut self);
}

/// How following has ended.
#[derive(Debug)]
pub(crate) enum Followed<T> {
    /// The observer has found it.
    Found(T),
    /// The deadline passed.
    TimedOut,
    /// SIGTERM or SIGINT was received.
    Stopped,
}

impl<T> From<Option<T>> for Followed<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::TimedOut, Self::Found)
    }
}

/// Follows a Service; `None` at the deadline.
///
/// Every error is retried: the Role and the Service may be applied after the pod, the token may be
/// renewed, and the API server may be restarted.
pub(super) async fn follow<O: Observer>(
    api: &mut Api,
    service: &ServiceName,
    observer: &mut O,
    deadline: Instant,
) -> Option<O::Found> {
    let mut pauses = Pauses::up_to(MAX_RETRY_PAUSE);
    loop {
        let begun = Instant::now();
        let tried = timeout_at(deadline, step(api, service, observer)).await;
        if begun.elapsed() > MAX_PAUSE {
            pauses = Pauses::up_to(MAX_RETRY_PAUSE);
        }
        let pause = match tried {
            // The deadline.
            Err(_) => return None,
            Ok(Ok(Some(found))) => return Some(found),
            // Some proxies end a watch at once, so pause before the next one.
            Ok(Ok(None)) => pauses.next(),
            Ok(Err(error)) => {
                observer.look(Sight::Failed(&error));
                observer.settle();
                if may_be_renewed(&error)
                    && let Ok(renewed) = connection::open(None, None).await
                {
                    *api = renewed;
                }
                pauses.after(&error)
            }
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        sleep(pause.min(left)).await;
    }
}

/// True if the credential or the authority is read from its file again: the kubelet renews them.
fn may_be_renewed(error: &ClusterError) -> bool {
    matches!(
        error,
        ClusterError::Unauthorized | ClusterError::TokenFile(_) | ClusterError::UnknownAuthority
    )
}

/// Reads the Service, and watches it until the watch ends.
async fn step<O: Observer>(
    api: &Api,
    service: &ServiceName,
    observer: &mut O,
) -> Result<Option<O::Found>, ClusterError> {
    let live = api.get(service).await?;
    let sight = live.as_ref().map_or(Sight::Absent, Sight::Live);
    if let Some(found) = observer.look(sight) {
        return Ok(Some(found));
    }
    let mut events = match api.watch(service, version(live.as_ref())).await {
        Err(ClusterError::Gone) => return Ok(None),
        begun => Events::new(begun?),
    };
    observer.settle();
    loop {
        let event = match events.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(None),
            // Whether the server is still there shows when the Service is read again.
            Err(error) if error.is_transient_in_wait() => return Ok(None),
            Err(error) => return Err(error),
        };
        let object = event.get("object");
        let sight = match (event.get("type").and_then(Value::as_str), object) {
            (Some("ADDED" | "MODIFIED"), Some(object)) => Sight::Live(object),
            (Some("DELETED"), _) => Sight::Absent,
            (Some("ERROR"), _) => {
                return match cause::of_event(object) {
                    ClusterError::Gone => Ok(None),
                    error => Err(error),
                };
            }
            _ => continue,
        };
        if let Some(found) = observer.look(sight) {
            return Ok(Some(found));
        }
        observer.settle();
    }
}
