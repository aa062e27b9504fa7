//! Errors as the user reads them: what is wrong, with which server, and what to do.

use std::fmt;

use krm::resource::Identity;
use runner_terminal::observed::{Answer, Forbidden, Subject};
use runner_terminal::rbac;
use serde_json::Value;

use super::error::ClusterError;

/// The name of the ClusterRole that lets a user read nodes.
const NODE_READER: &str = "runner-terminal-node-reader";

/// The API server that is queried.
pub(super) struct Server {
    /// host:port, without the rest of the URL, which may hold a password.
    address: String,
    /// Where that was read.
    origin: String,
}

impl Server {
    pub(super) fn new(url: &http::Uri, origin: String) -> Self {
        let port = url.port_u16().unwrap_or(443);
        let address = match url.host() {
            Some(host) => format!("{host}:{port}"),
            None => "(no host)".to_owned(),
        };
        Self { address, origin }
    }
}

/// `10.0.0.1:6443 (context kind in ~/.kube/config)`
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, origin } = self;
        write!(f, "{address} ({origin})")
    }
}

/// The error as an answer, in a clause that continues the name of the requested object. `expired`
/// is when the token expired, if it did.
pub(super) fn explain(
    error: &ClusterError,
    server: &Server,
    subject: &Subject,
    expired: Option<&str>,
) -> Answer {
    let what = match error {
        ClusterError::Forbidden(said) | ClusterError::ForbiddenAtStart(said) => {
            return Answer::Forbidden(forbidden(said, server, subject));
        }
        ClusterError::InvalidName(_) => None,
        _ => of_connection(error).or_else(|| of_answer(error, expired)),
    };
    Answer::Failed(match what {
        Some(what) => format!("could not be read: the API server {server} {what}"),
        None => format!("could not be read: {error}"),
    })
}

/// What is wrong with the connection to the API server.
fn of_connection(error: &ClusterError) -> Option<String> {
    Some(match error {
        ClusterError::NoSuchHost => {
            "has a name that does not resolve: is it the right cluster, and \
                                     the network that knows it?"
                .to_owned()
        }
        ClusterError::Refused => {
            "refuses connections: does it run, and is the port right?".to_owned()
        }
        ClusterError::Broken => "ended the connection before it had answered".to_owned(),
        ClusterError::Timeout => "did not answer in time: does a firewall or a missing VPN stand \
                                  between here and there?"
            .to_owned(),
        ClusterError::Unreachable(what) => format!("cannot be reached: {what}"),
        ClusterError::UnknownAuthority => {
            "shows a certificate of an authority that is not trusted \
                                           here: is certificate-authority-data of the right \
                                           cluster, or does a proxy terminate TLS?"
                .to_owned()
        }
        ClusterError::Certificate(what) => format!("cannot be talked to over TLS: {what}"),
        ClusterError::Proxy => "is behind a proxy that does not let the connection through: see \
                                HTTPS_PROXY and NO_PROXY, or proxy-url in the kubeconfig"
            .to_owned(),
        _ => return None,
    })
}

/// What the API server answered.
fn of_answer(error: &ClusterError, expired: Option<&str>) -> Option<String> {
    Some(match (error, expired) {
        (ClusterError::Unauthorized, Some(since)) => format!(
            "does not let you in (401 Unauthorized): your token has expired at {since}, by this \
             machine's clock; log in again"
        ),
        (ClusterError::Unauthorized, None) => {
            "does not let you in (401 Unauthorized): the token or client certificate is not valid, \
             or not any more; log in again, and see by `kubectl auth whoami` who you are"
                .to_owned()
        }
        (ClusterError::Throttled(Some(after)), _) => format!(
            "is throttling (429 Too Many Requests), and wants to be asked again in {} s",
            after.as_secs()
        ),
        (ClusterError::Throttled(None), _) => {
            "is throttling (429 Too Many Requests): build again in a while".to_owned()
        }
        (ClusterError::Server(status), _) => {
            format!("has a problem of its own ({status}): build again in a while")
        }
        (ClusterError::Starting, _) => {
            "is starting, and does not know yet who may do what: build again in a while".to_owned()
        }
        (ClusterError::NotKubernetes(what), _) => format!(
            "does not answer as Kubernetes does, but by {what}: is it the API server's address?"
        ),
        (ClusterError::Absent, _) => "has no such Service".to_owned(),
        _ => return None,
    })
}

/// The user who is not allowed to do it, from the message of a 403.
pub(crate) fn forbidden_user(said: &str) -> Option<&str> {
    said.split('"')
        .skip_while(|part| !part.ends_with("User "))
        .nth(1)
}

/// Which user lacks which RBAC rule.
fn forbidden(said: &str, server: &Server, subject: &Subject) -> Forbidden {
    let Server { address, origin } = server;
    let user = forbidden_user(said);
    let service_account = user
        .and_then(|user| user.strip_prefix("system:serviceaccount:"))
        .and_then(|account| account.split_once(':'));
    let (advice, account) = match (service_account, user) {
        (Some((namespace, name)), _) => (
            " Name it in spec.readers of the SessionServer, or let",
            rbac::service_account(namespace, name),
        ),
        (None, user) => (" Let", rbac::user(user.unwrap_or("YOUR-USER"))),
    };
    let (role, binding) = role_and_binding(subject, account);
    Forbidden {
        reason: format!(
            "may not be read by {} (403 Forbidden by the API server {address}, {origin}).{advice} \
             somebody who may grant it apply this",
            user.unwrap_or("you"),
        ),
        rule: format!(
            "{}---\n{}",
            yaml_splice::document(&role),
            yaml_splice::document(&binding)
        ),
    }
}

fn role_and_binding(subject: &Subject, account: Value) -> (Value, Value) {
    match subject {
        Subject::Service(service) => {
            let service = Identity {
                name: service.name.clone(),
                namespace: service.namespace.clone(),
                ..Identity::default()
            };
            (
                rbac::reader_role(&service),
                rbac::reader_binding(&service, vec![account]),
            )
        }
        Subject::Nodes => (
            rbac::node_role(NODE_READER),
            rbac::node_binding(NODE_READER, vec![account]),
        ),
    }
}
