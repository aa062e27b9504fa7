//! Requests for a Service or for the nodes.

use std::cell::Cell;
use std::time::Duration;

use http::{Response, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use kube::core::Request;
use kube::core::params::{GetParams, ListParams, WatchParams};
use runner_terminal::observed::{Answer, ServiceName, Subject};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::cause;
use super::error::ClusterError;
use super::explain::{Server, explain};

/// The most bytes of an answer. A node is some kilobytes, and there may be thousands.
pub(super) const MAX_ANSWER: usize = 64 << 20;
/// How long an answer may take. A read timeout is not enough: a server may keep sending a byte now
/// and then.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// An answer may take another second for each of these bytes.
const BYTES_PER_SECOND: usize = 64 << 10;
/// How long transient errors are retried. A restarted API server is back by then, and somebody is
/// waiting for this build.
const RETRY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an API server that has started may forbid what is in fact allowed.
const LONGEST_START: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(1);
/// How long the server keeps a watch open. It is shorter than the read timeout of the connection.
const WATCH_SECONDS: u32 = 25;

/// How many requests are sent at once: enough to be quick, too few to be throttled.
pub(super) const CONCURRENT_REQUESTS: usize = 8;

/// What was read; `None` if there is no such Service.
pub(super) type Reading = Result<Option<Value>, ClusterError>;

/// A client of one API server.
pub(super) struct Api {
    client: Client,
    /// The namespace of Services without one.
    namespace: String,
    server: Server,
    /// When the token expired, if it did.
    expired: Option<String>,
    /// When the API server was last unreachable, or else when this client was created: it may have
    /// restarted since then.
    restarted: Cell<Instant>,
}

impl Api {
    pub(super) fn new(
        client: Client,
        namespace: String,
        server: Server,
        expired: Option<String>,
    ) -> Self {
        Self {
            client,
            namespace,
            server,
            expired,
            restarted: Cell::new(Instant::now()),
        }
    }

    /// The namespace of Services without one.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Reads a Service or the nodes, and retries transient errors for a while.
    ///
    /// # Errors
    ///
    /// An error that is not transient, or the last one.
    pub(super) async fn get_with_retries(&self, subject: &Subject) -> Reading {
        let end = Instant::now() + RETRY_TIMEOUT;
        let mut pauses = Pauses::new();
        loop {
            let got = match subject {
                Subject::Service(service) => self.get(service).await,
                Subject::Nodes => self.nodes().await.map(Some),
            };
            match got {
                Ok(found) => return Ok(found),
                Err(error) => {
                    let pause = pauses.after(&error);
                    let left = end.saturating_duration_since(Instant::now());
                    if !error.is_transient() || pause > left {
                        return Err(error);
                    }
                    sleep(pause).await;
                }
            }
        }
    }

    /// Reads a Service once.
    pub(super) async fn get(&self, service: &ServiceName) -> Reading {
        let request = self
            .services(service)?
            .get(&service.name, &GetParams::default());
        let response = match self.send(request).await {
            Err(ClusterError::Absent) => return Ok(None),
            sent => sent?,
        };
        of_kind("Service", response).await.map(Some)
    }

    /// Reads all nodes.
    async fn nodes(&self) -> Result<Value, ClusterError> {
        let request = Request::new("/api/v1/nodes").list(&ListParams::default());
        of_kind("NodeList", self.send(request).await?).await
    }

    /// Begins to watch a Service at a version.
    pub(super) async fn watch(
        &self,
        service: &ServiceName,
        version: &str,
    ) -> Result<Body, ClusterError> {
        let params = WatchParams::default()
            .fields(&format!("metadata.name={}", service.name))
            .timeout(WATCH_SECONDS);
        let request = self.services(service)?.watch(&params, version);
        Ok(self.send(request).await?.into_body())
    }

    /// The error as the user reads it.
    pub(super) fn explain(&self, error: &ClusterError, subject: &Subject) -> Answer {
        let subject = match subject {
            Subject::Service(service) => Subject::Service(self.with_namespace(service)),
            Subject::Nodes => Subject::Nodes,
        };
        explain(error, &self.server, &subject, self.expired.as_deref())
    }

    /// The address of the API server, and where it was read.
    pub(super) fn asked(&self) -> String {
        self.server.to_string()
    }

    fn with_namespace(&self, service: &ServiceName) -> ServiceName {
        let mut service = service.clone();
        if service.namespace.is_empty() {
            service.namespace.clone_from(&self.namespace);
        }
        service
    }

    /// A request for the Services of a namespace. Names are part of its path, so a name such as
    /// `../x` must not pass.
    fn services(&self, service: &ServiceName) -> Result<Request, ClusterError> {
        let service = self.with_namespace(service);
        for name in [&service.namespace, &service.name] {
            let is_label = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if !is_label || name.is_empty() {
                return Err(ClusterError::InvalidName(name.clone()));
            }
        }
        let path = format!("/api/v1/namespaces/{}/services", service.namespace);
        Ok(Request::new(path))
    }

    /// Sends a request. If it is forbidden, checks whether the API server has just started: until
    /// it has loaded the Roles, it forbids everything.
    async fn send(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Response<Body>, ClusterError> {
        let request = request.map_err(|error| ClusterError::Request(error.to_string()))?;
        let said = match self.send_once(request.clone()).await {
            Err(ClusterError::Forbidden(said)) => said,
            answered => return answered,
        };
        let has_started = self.restarted.get().elapsed() < LONGEST_START;
        match self.readiness().await? {
            Readiness::Ready => self.send_once(request).await,
            Readiness::Starting => Err(ClusterError::Starting),
            Readiness::Forbidden if has_started => Err(ClusterError::ForbiddenAtStart(said)),
            Readiness::Forbidden | Readiness::Unknown => Err(ClusterError::Forbidden(said)),
        }
    }

    /// What the API server says about its own start. By default, every authenticated user may read
    /// it (ClusterRole `system:public-info-viewer`).
    async fn readiness(&self) -> Result<Readiness, ClusterError> {
        let request = http::Request::get("/readyz").body(Vec::new());
        let request = request.map_err(|error| ClusterError::Request(error.to_string()))?;
        match self.send_once(request).await {
            Ok(_) => Ok(Readiness::Ready),
            Err(ClusterError::Server(_)) => Ok(Readiness::Starting),
            Err(ClusterError::Forbidden(_)) => Ok(Readiness::Forbidden),
            Err(error) if error.is_transient_in_wait() => Err(error),
            Err(_) => Ok(Readiness::Unknown),
        }
    }

    /// Sends a request once, and notes an API server that may be restarting.
    async fn send_once(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<Response<Body>, ClusterError> {
        let answered = self.try_to_send(request).await;
        if answered
            .as_ref()
            .is_err_and(ClusterError::is_transient_in_wait)
        {
            self.restarted.set(Instant::now());
        }
        answered
    }

    async fn try_to_send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<Response<Body>, ClusterError> {
        let sent = self.client.send(request.map(Body::from));
        let response = timeout(ANSWER_TIMEOUT, sent)
            .await
            .map_err(|_| ClusterError::Timeout)?
            .map_err(|error| cause::of_client(&error))?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = read(response).await.unwrap_or_default();
        Err(cause::of_status(status, retry_after, &body))
    }
}

/// What an API server says about its own start.
enum Readiness {
    Ready,
    Starting,
    /// It has not loaded the Roles yet, or this user may not read it.
    Forbidden,
    /// Something else answers, such as a proxy.
    Unknown,
}

/// Reads an answer, which must have this `kind`.
async fn of_kind(kind: &str, response: Response<Body>) -> Result<Value, ClusterError> {
    let body = read(response).await?;
    match serde_json::from_slice::<Value>(&body) {
        Ok(value) if value.get("kind").and_then(Value::as_str) == Some(kind) => Ok(value),
        _ => Err(ClusterError::NotKubernetes(format!(
            "an answer that is no {kind}"
        ))),
    }
}

/// Reads a body within limits of size and time.
async fn read(response: Response<Body>) -> Result<Vec<u8>, ClusterError> {
    let begun = Instant::now();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    loop {
        let more = Duration::from_secs((bytes.len() / BYTES_PER_SECOND) as u64);
        let frame = match timeout_at(begun + ANSWER_TIMEOUT + more, body.frame()).await {
            Err(_) => return Err(ClusterError::Timeout),
            Ok(None) => return Ok(bytes),
            Ok(Some(frame)) => frame.map_err(|error| cause::of_body(&error))?,
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.len()) > MAX_ANSWER {
            return Err(ClusterError::NotKubernetes(
                "an answer without an end".to_owned(),
            ));
        }
        bytes.extend_from_slice(&data);
    }
}

/// The pauses between attempts: each is longer than the last, or as long as the server requests.
pub(super) struct Pauses {
    next: Duration,
    max: Duration,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self::up_to(MAX_PAUSE)
    }

    /// None is longer than this.
    pub(super) fn up_to(max: Duration) -> Self {
        Self {
            next: FIRST_PAUSE,
            max,
        }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }

    /// The next pause after an error.
    pub(super) fn after(&mut self, error: &ClusterError) -> Duration {
        let pause = self.next();
        match error {
            ClusterError::Throttled(Some(asked)) => (*asked).max(pause),
            _ => pause,
        }
    }
}
