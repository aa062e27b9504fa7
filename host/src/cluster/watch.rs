//! Waiting until a Service changes.

use http_body_util::BodyExt as _;
use kube::client::Body;
use runner_terminal::observed::{Answer, ServiceName};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::Found;
use super::api::{Api, LONGEST_ANSWER, LONGEST_PAUSE, Pauses};
use super::problem::Problem;

/// Waits until a Service is another than what is known of it; `None` when it was not before the
/// deadline.
///
/// # Errors
///
/// A problem that does not pass, or one that had not passed at the deadline.
pub(super) async fn change(
    api: &Api,
    service: &ServiceName,
    known: &Answer,
    deadline: Instant,
) -> Option<Found> {
    let mut pauses = Pauses::new();
    loop {
        let begun = Instant::now();
        let tried = timeout_at(deadline, step(api, service, known)).await;
        if begun.elapsed() > LONGEST_PAUSE {
            pauses = Pauses::new();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let pause = match tried {
            // The deadline.
            Err(_) => return None,
            Ok(Ok(Some(found))) => return Some(Ok(found)),
            // Watches that end at once, as some proxies have it, are no reason to hurry.
            Ok(Ok(None)) => pauses.next().min(left),
            Ok(Err(problem)) => {
                let pause = pauses.after(&problem);
                if !problem.may_pass_in_time() || pause > left {
                    return Some(Err(problem));
                }
                pause
            }
        };
        sleep(pause).await;
    }
}

/// Reads the Service and, when it is as it was, watches it until the watch ends. The outer `None`
/// means that it has not changed.
///
/// Each watch begins with a reading: whatever happened to the connection, or to the server's memory
/// of versions (410 Gone), no change is missed.
async fn step(
    api: &Api,
    service: &ServiceName,
    known: &Answer,
) -> Result<Option<Option<Value>>, Problem> {
    let found = api.get(service).await?;
    let version = version(found.as_ref());
    if is_new(found.as_ref(), known) {
        return Ok(Some(found));
    }
    let mut events = match api.watch(service, version).await {
        Err(Problem::Gone) => return Ok(None),
        begun => Events::new(begun?),
    };
    while let Some(event) = events.next().await? {
        let kind = event.get("type").and_then(Value::as_str);
        let object = event.get("object");
        match kind {
            Some("ADDED" | "MODIFIED") if is_new(object, known) => {
                return Ok(Some(object.cloned()));
            }
            Some("DELETED") => return Ok(Some(None)),
            Some("ERROR") => {
                return match Problem::of_event(object) {
                    Problem::Gone => Ok(None),
                    problem => Err(problem),
                };
            }
            _ => {}
        }
    }
    Ok(None)
}

/// True when a Service is another than what is known of it.
pub(super) fn is_new(found: Option<&Value>, known: &Answer) -> bool {
    match known {
        Answer::Live(service) => found.is_none() || version(found) != version(Some(service)),
        Answer::Absent { .. } => found.is_some(),
        Answer::Forbidden(_) | Answer::Failed(_) => true,
    }
}

fn version(service: Option<&Value>) -> &str {
    let version = service.and_then(|service| service.pointer("/metadata/resourceVersion"));
    version.and_then(Value::as_str).unwrap_or("0")
}

/// The events of a watch: JSON, one on a line.
struct Events {
    body: Body,
    buffer: Vec<u8>,
    /// How much of it has no line end: an event may come in thousands of pieces.
    searched: usize,
}

impl Events {
    fn new(body: Body) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            searched: 0,
        }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Result<Option<Value>, Problem> {
        loop {
            let new = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', new) {
                let end = self.searched + end;
                self.searched = 0;
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return match serde_json::from_slice(&line) {
                    Ok(event) => Ok(Some(event)),
                    Err(_) => Err(Problem::NotKubernetes("a watch of no events".to_owned())),
                };
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LONGEST_ANSWER {
                return Err(Problem::NotKubernetes("an event without an end".to_owned()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(Problem::of_body(&error)),
            }
        }
    }
}
