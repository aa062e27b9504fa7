//! Waits for the address of a live Service.

use std::time::Duration;

use krm::results::Severity;
use krm::text::without_credentials;
use runner_terminal::configure::service_address::{Query, ServiceState};

use super::log::{Line, Log, State};
use crate::cluster::{Cluster, ClusterError, Deadline, Followed, Observer, Sight, forbidden_user};

/// The outcome of waiting.
#[derive(Debug)]
pub(super) enum Waited {
    /// host:port
    Address(String),
    /// There is no address, and why.
    Pending(String),
    /// A signal ended the wait.
    Stopped,
}

/// Waits for the address of a Service in the pod's namespace. `configured` is the one in the file.
pub(super) fn wait(
    service: &str,
    query: &Query,
    configured: Option<&str>,
    timeout: Duration,
    log: Log,
) -> Waited {
    let deadline = Deadline::after(timeout);
    let cluster = match Cluster::connect(None, None) {
        Ok(cluster) => cluster,
        Err(error) => return Waited::Pending(of_start(&error)),
    };
    let mut observer = Waiting {
        service: format!("{}/{service}", cluster.namespace()),
        server: cluster.asked(),
        query,
        configured,
        timeout,
        log,
        seen: None,
        said: None,
    };
    match cluster.follow(service, &mut observer, deadline) {
        Followed::Found(address) => Waited::Address(address),
        Followed::Stopped => Waited::Stopped,
        Followed::TimedOut => Waited::Pending(format!(
            "{}; gave up after {} (--timeout)",
            observer.reason(),
            humantime::format_duration(timeout)
        )),
    }
}

/// Why no API server can be queried.
fn of_start(error: &ClusterError) -> String {
    match error {
        ClusterError::NoCluster | ClusterError::NoKubeconfig => {
            "there is no API server to ask: KUBERNETES_SERVICE_HOST is not set, so this is not a pod"
                .to_owned()
        }
        other => shown(other),
    }
}

/// An error in words. The output of a credential plugin may hold anything, so it is not shown.
fn shown(error: &ClusterError) -> String {
    match error {
        ClusterError::Plugin(_) => {
            "the kubeconfig's credential plugin gave no credential".to_owned()
        }
        other => other.to_string(),
    }
}

/// Looks for the address, and says what it sees.
struct Waiting<'a> {
    /// `ci/runner-session-server`
    service: String,
    /// The API server.
    server: String,
    query: &'a Query,
    configured: Option<&'a str>,
    timeout: Duration,
    log: Log,
    /// The state that was seen last, and why it has no address.
    seen: Option<(State, String)>,
    /// The state that was reported last.
    said: Option<(State, String)>,
}

impl Observer for Waiting<'_> {
    type Found = String;

    fn look(&mut self, sight: Sight<'_>) -> Option<String> {
        let Self {
            service, server, ..
        } = self;
        self.seen = Some(match sight {
            Sight::Live(live) => match self.query.read(live, self.configured) {
                ServiceState::Address(address) => {
                    let message = format!("Service {service} has the address {address}");
                    let line = Line::info(State::Known, message);
                    let line = line.with("service", &**service);
                    self.log.say(&line.with("address", &*address));
                    return Some(address);
                }
                ServiceState::Pending(why) => (State::Pending, format!("Service {service}: {why}")),
                ServiceState::BeingDeleted(since) => {
                    let message = format!("Service {service} is being deleted since {since}");
                    (State::BeingDeleted, message)
                }
                ServiceState::Unusable(why) => {
                    (State::Unusable, format!("Service {service}: {why}"))
                }
            },
            Sight::Absent => (
                State::Absent,
                format!("Service {service} is not there (404 Not Found): apply it"),
            ),
            Sight::Failed(error) => of_error(error, service, server),
        });
        None
    }

    fn settle(&mut self) {
        let Some((state, reason)) = &self.seen else {
            return;
        };
        let is_said = self.said.as_ref().is_some_and(|(said, why)| {
            // An API server that restarts fails in several ways.
            said == state && (why == reason || *state == State::Unreachable)
        });
        if is_said {
            return;
        }
        let severity = match state {
            State::Pending | State::Absent => Severity::Info,
            _ => Severity::Warning,
        };
        let waiting = match self.said {
            None => format!("waiting up to {}", humantime::format_duration(self.timeout)),
            Some(_) => "still waiting".to_owned(),
        };
        let line = Line::new(severity, *state, format!("{reason}; {waiting}"));
        self.log.say(&line.with("service", &*self.service));
        self.said = self.seen.clone();
    }
}

impl Waiting<'_> {
    /// Why there is no address.
    fn reason(&self) -> String {
        match &self.seen {
            Some((_, reason)) => reason.clone(),
            None => format!("the API server {} did not answer in time", self.server),
        }
    }
}

/// The state that an error stands for, and why there is no address.
fn of_error(error: &ClusterError, service: &str, server: &str) -> (State, String) {
    match error {
        ClusterError::Forbidden(said) | ClusterError::ForbiddenAtStart(said) => {
            let user = forbidden_user(said).unwrap_or("the pod's service account");
            let user = without_credentials(user);
            (
                State::Forbidden,
                format!(
                    "may not read Service {service} (403 Forbidden): a Role that lets {user} get and \
                     watch it, or its RoleBinding, is not there"
                ),
            )
        }
        ClusterError::Unauthorized => (
            State::Unauthorized,
            format!(
                "the API server {server} does not accept the token (401 Unauthorized): it has \
                 expired, or is for another audience or cluster"
            ),
        ),
        error => (
            State::Unreachable,
            format!(
                "Service {service} cannot be read at {server}: {}",
                shown(error)
            ),
        ),
    }
}
