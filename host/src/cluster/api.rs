//! Requests for one Service, and what the answers mean.

use std::time::Duration;

use http::{Response, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use kube::core::Request;
use kube::core::params::{GetParams, ListParams, WatchParams};
use runner_terminal::observed::{ServiceName, Subject};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Found;
use super::problem::{Problem, Server};

/// A Service is some kilobytes, and so is a node, of which there may be thousands.
pub(super) const LONGEST_ANSWER: usize = 64 << 20;
/// An answer may take so long, and longer the more of it there is: a server that says a byte now and
/// then is never silent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// So many bytes are worth another second.
const SLOWEST: usize = 64 << 10;
/// A server may be asked again, when it has a problem that may pass, for so long. In that time a
/// restarted API server is back; somebody is waiting for this build.
const PATIENCE: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The server ends a watch after so long. It is shorter than the longest silence that is borne.
const WATCH_SECONDS: u32 = 25;

/// A client of one API server.
pub(super) struct Api {
    client: Client,
    /// The namespace of manifests that say none.
    namespace: String,
    server: Server,
    /// Since when the token is expired, if it is.
    expired: Option<String>,
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
        }
    }

    /// The namespace of manifests that say none.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Reads a Service, `None` when there is none, or the nodes, and asks again while a problem may
    /// pass.
    ///
    /// # Errors
    ///
    /// A problem that does not pass, or has not passed in time.
    pub(super) async fn get_patiently(&self, subject: &Subject) -> Found {
        let end = Instant::now() + PATIENCE;
        let mut pauses = Pauses::new();
        loop {
            let got = match subject {
                Subject::Service(service) => self.get(service).await,
                Subject::Nodes => self.nodes().await.map(Some),
            };
            match got {
                Ok(found) => return Ok(found),
                Err(problem) => {
                    let pause = pauses.after(&problem);
                    let left = end.saturating_duration_since(Instant::now());
                    if !problem.may_pass() || pause > left {
                        return Err(problem);
                    }
                    sleep(pause).await;
                }
            }
        }
    }

    /// Reads a Service once; `None` when there is none.
    pub(super) async fn get(&self, service: &ServiceName) -> Found {
        let request = self
            .services(service)?
            .get(&service.name, &GetParams::default());
        let response = match self.send(request).await {
            Err(Problem::Absent) => return Ok(None),
            sent => sent?,
        };
        of_kind("Service", response).await.map(Some)
    }

    /// Reads all nodes.
    async fn nodes(&self) -> Result<Value, Problem> {
        let request = Request::new("/api/v1/nodes").list(&ListParams::default());
        of_kind("NodeList", self.send(request).await?).await
    }

    /// Begins a watch of a Service from a version on.
    pub(super) async fn watch(
        &self,
        service: &ServiceName,
        version: &str,
    ) -> Result<Body, Problem> {
        let params = WatchParams::default()
            .fields(&format!("metadata.name={}", service.name))
            .timeout(WATCH_SECONDS);
        let request = self.services(service)?.watch(&params, version);
        Ok(self.send(request).await?.into_body())
    }

    /// A problem with what was asked for, in words.
    pub(super) fn explain(&self, problem: &Problem, subject: &Subject) -> String {
        let subject = match subject {
            Subject::Service(service) => Subject::Service(self.placed(service)),
            Subject::Nodes => Subject::Nodes,
        };
        problem.explain(&self.server, &subject, self.expired.as_deref())
    }

    /// The API server, and where its address comes from.
    pub(super) fn asked(&self) -> String {
        self.server.to_string()
    }

    fn placed(&self, service: &ServiceName) -> ServiceName {
        let mut service = service.clone();
        if service.namespace.is_empty() {
            service.namespace.clone_from(&self.namespace);
        }
        service
    }

    /// The path of the Services beside this one. Names of manifests are part of it, and so must not
    /// lead elsewhere.
    fn services(&self, service: &ServiceName) -> Result<Request, Problem> {
        let service = self.placed(service);
        for name in [&service.namespace, &service.name] {
            let is_label = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if !is_label || name.is_empty() {
                return Err(Problem::NotAName(name.clone()));
            }
        }
        let path = format!("/api/v1/namespaces/{}/services", service.namespace);
        Ok(Request::new(path))
    }

    async fn send(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Response<Body>, Problem> {
        let request = request.map_err(|error| Problem::Other(error.to_string()))?;
        let sent = self.client.send(request.map(Body::from));
        let response = timeout(ANSWER_TIMEOUT, sent)
            .await
            .map_err(|_| Problem::Timeout)?
            .map_err(|error| Problem::of_client(&error))?;
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
        Err(Problem::of_status(status, retry_after, &body))
    }
}

/// Reads an answer that must be of this kind.
async fn of_kind(kind: &str, response: Response<Body>) -> Result<Value, Problem> {
    let body = read(response).await?;
    match serde_json::from_slice::<Value>(&body) {
        Ok(value) if value.get("kind").and_then(Value::as_str) == Some(kind) => Ok(value),
        _ => Err(Problem::NotKubernetes(format!(
            "an answer that is no {kind}"
        ))),
    }
}

/// Reads a body, which neither is endless nor takes for ever.
async fn read(response: Response<Body>) -> Result<Vec<u8>, Problem> {
    let begun = Instant::now();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    loop {
        let more = Duration::from_secs((bytes.len() / SLOWEST) as u64);
        let frame = match timeout_at(begun + ANSWER_TIMEOUT + more, body.frame()).await {
            Err(_) => return Err(Problem::Timeout),
            Ok(None) => return Ok(bytes),
            Ok(Some(frame)) => frame.map_err(|error| Problem::of_body(&error))?,
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.len()) > LONGEST_ANSWER {
            return Err(Problem::NotKubernetes(
                "an answer without an end".to_owned(),
            ));
        }
        bytes.extend_from_slice(&data);
    }
}

/// How long to wait between tries: longer each time, or what the server asks for.
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// The next one, after a problem.
    pub(super) fn after(&mut self, problem: &Problem) -> Duration {
        let pause = self.next();
        match problem {
            Problem::Throttled(Some(asked)) => (*asked).max(pause),
            _ => pause,
        }
    }
}
