//! Waits until a Service changes, by a watch.

use http_body_util::BodyExt as _;
use kube::client::Body;
use runner_terminal::observed::{Answer, ServiceName};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::api::{Api, MAX_ANSWER, MAX_PAUSE, Pauses, Reading};
use super::cause;
use super::error::ClusterError;

/// Waits until a Service differs from `known`; `None` if it has not changed by the deadline.
///
/// # Errors
///
/// An error that is not transient, or the last one before the deadline.
pub(super) async fn change(
    api: &Api,
    service: &ServiceName,
    known: &Answer,
    deadline: Instant,
) -> Option<Reading> {
    let mut pauses = Pauses::new();
    loop {
        let begun = Instant::now();
        let tried = timeout_at(deadline, step(api, service, known)).await;
        if begun.elapsed() > MAX_PAUSE {
            pauses = Pauses::new();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let pause = match tried {
            // The deadline.
            Err(_) => return None,
            Ok(Ok(Some(found))) => return Some(Ok(found)),
            // Some proxies end a watch at once, so pause before the next one.
            Ok(Ok(None)) => pauses.next().min(left),
            Ok(Err(error)) => {
                let pause = pauses.after(&error);
                if !error.is_transient_in_wait() || pause > left {
                    return Some(Err(error));
                }
                pause
            }
        };
        sleep(pause).await;
    }
}

/// Reads the Service and, if it has not changed, watches it until the watch ends. The outer `None`
/// means that it has not changed.
///
/// It is read before each watch, so no change is missed when a connection breaks or the server
/// forgets a version (410 Gone).
async fn step(
    api: &Api,
    service: &ServiceName,
    known: &Answer,
) -> Result<Option<Option<Value>>, ClusterError> {
    let found = api.get(service).await?;
    let version = version(found.as_ref());
    if has_changed(found.as_ref(), known) {
        return Ok(Some(found));
    }
    let mut events = match api.watch(service, version).await {
        Err(ClusterError::Gone) => return Ok(None),
        begun => Events::new(begun?),
    };
    while let Some(event) = events.next().await? {
        let kind = event.get("type").and_then(Value::as_str);
        let object = event.get("object");
        match kind {
            Some("ADDED" | "MODIFIED") if has_changed(object, known) => {
                return Ok(Some(object.cloned()));
            }
            Some("DELETED") => return Ok(Some(None)),
            Some("ERROR") => {
                return match cause::of_event(object) {
                    ClusterError::Gone => Ok(None),
                    error => Err(error),
                };
            }
            _ => {}
        }
    }
    Ok(None)
}

/// True if a Service differs from its known state.
pub(super) fn has_changed(found: Option<&Value>, known: &Answer) -> bool {
    match known {
        Answer::Live(service) => found.is_none() || version(found) != version(Some(service)),
        Answer::Absent { .. } => found.is_some(),
        Answer::Forbidden(_) | Answer::Failed(_) => true,
    }
}

pub(super) fn version(service: Option<&Value>) -> &str {
    let version = service.and_then(|service| service.pointer("/metadata/resourceVersion"));
    version.and_then(Value::as_str).unwrap_or("0")
}

/// The events of a watch: one JSON object per line.
pub(super) struct Events {
    body: Body,
    buffer: Vec<u8>,
    /// How much of the buffer was searched for a line end, as an event may arrive in thousands of
    /// pieces.
    searched: usize,
}

impl Events {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            searched: 0,
        }
    }

    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, ClusterError> {
        loop {
            let new = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', new) {
                let end = self.searched + end;
                self.searched = 0;
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return match serde_json::from_slice(&line) {
                    Ok(event) => Ok(Some(event)),
                    Err(_) => Err(ClusterError::NotKubernetes(
                        "a watch of no events".to_owned(),
                    )),
                };
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > MAX_ANSWER {
                return Err(ClusterError::NotKubernetes(
                    "an event without an end".to_owned(),
                ));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(cause::of_body(&error)),
            }
        }
    }
}
