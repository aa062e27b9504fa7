//! What can go wrong between here and an API server, in words that say what to do.
//!
//! No secret is in any of them: messages of libraries that may quote a kubeconfig, a proxy's URL or
//! a plugin's output are not passed on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use http::StatusCode;
use krm::resource::Identity;
use kube::client::AuthError;
use runner_terminal::observed::Subject;
use runner_terminal::rbac;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use serde_json::Value;

/// The end of the year 9999: what is later has no date.
const LAST_SECOND: u64 = 253_402_300_799;
/// What a role that may read nodes is called here.
const NODE_READER: &str = "runner-terminal-node-reader";

/// The API server that is asked.
pub(super) struct Server {
    /// host:port, without whatever else the URL holds.
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

/// `10.0.0.1:6443 (context kind in ~/.kube/config)`, for messages.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, origin } = self;
        write!(f, "{address} ({origin})")
    }
}

/// Why a Service could not be read.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// Neither a kubeconfig nor a pod's service account is there.
    NoCluster,
    /// A context was asked for, and there is no kubeconfig to have it.
    NoKubeconfig,
    /// The kubeconfig cannot be used.
    Kubeconfig {
        /// The file, and the context in it.
        origin: String,
        /// What is wrong with it.
        what: String,
    },
    /// The files of the pod's service account cannot be used.
    ServiceAccount(String),
    /// The kubeconfig's credential plugin gave no credential.
    Plugin(String),
    /// The name of the API server does not resolve.
    NoSuchHost,
    /// Nobody listens there.
    Refused,
    /// The connection ended in between.
    Broken,
    /// Nothing came back in time.
    Timeout,
    /// There is no connection for another reason.
    Unreachable(String),
    /// The server's certificate is not of an authority that the kubeconfig trusts.
    UnknownAuthority,
    /// The server's certificate does not do for another reason.
    Certificate(String),
    /// The proxy did not let the connection through.
    Proxy,
    /// 401
    Unauthorized,
    /// 403, and what the server says about it.
    Forbidden(String),
    /// 404 for the Service: not a problem where it may be absent.
    Absent,
    /// 410: the server does not remember the version any more from which it was to watch.
    Gone,
    /// 429, and the Retry-After.
    Throttled(Option<Duration>),
    /// 5xx
    Server(StatusCode),
    /// What answers is no Kubernetes API.
    NotKubernetes(String),
    /// Not a name of a namespace or of a Service.
    NotAName(String),
    /// Anything else.
    Other(String),
}

impl Problem {
    /// True where the next try may succeed.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Broken | Self::Throttled(_) | Self::Server(_)
        )
    }

    /// The same for one who waits: a connection that has died without a word is told by its silence
    /// alone.
    pub(super) fn may_pass_in_time(&self) -> bool {
        self.may_pass() || matches!(self, Self::Timeout)
    }

    /// True where another Service would have the same problem.
    pub(super) fn is_of_all(&self) -> bool {
        match self {
            Self::NoCluster
            | Self::NoKubeconfig
            | Self::Kubeconfig { .. }
            | Self::ServiceAccount(_)
            | Self::Plugin(_)
            | Self::NoSuchHost
            | Self::Refused
            | Self::Broken
            | Self::Timeout
            | Self::Unreachable(_)
            | Self::UnknownAuthority
            | Self::Certificate(_)
            | Self::Proxy
            | Self::Unauthorized
            | Self::Throttled(_)
            | Self::Server(_) => true,
            Self::Forbidden(_)
            | Self::Absent
            | Self::Gone
            | Self::NotKubernetes(_)
            | Self::NotAName(_)
            | Self::Other(_) => false,
        }
    }

    /// What a client's error means.
    pub(super) fn of_client(error: &kube::Error) -> Self {
        match error {
            kube::Error::Auth(error) => Self::of_credential(error),
            kube::Error::ProxyProtocolUnsupported { .. }
            | kube::Error::ProxyProtocolDisabled { .. } => Self::Other(
                "the proxy's URL has a scheme that is not supported: http or https is".to_owned(),
            ),
            kube::Error::RustlsTls(error) => Self::Other(format!(
                "the client certificate or key of the kubeconfig, or its certificate authority, \
                 cannot be used: {error}"
            )),
            kube::Error::InferKubeconfig(_) => Self::Other(
                "the client certificate or key of the kubeconfig cannot be read".to_owned(),
            ),
            other => Self::of_chain(other),
        }
    }

    /// What an error while an answer is read means.
    pub(super) fn of_body(error: &(dyn StdError + 'static)) -> Self {
        Self::of_chain(error)
    }

    /// What a status means; `body` is the API's Status, or anything.
    pub(super) fn of_status(
        status: StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_status = value.get("kind").and_then(Value::as_str) == Some("Status");
        let message = value.get("message").and_then(Value::as_str);
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN if is_status => {
                Self::Forbidden(message.unwrap_or_default().to_owned())
            }
            StatusCode::NOT_FOUND if is_status && value.pointer("/details/name").is_some() => {
                Self::Absent
            }
            StatusCode::GONE if is_status => Self::Gone,
            StatusCode::TOO_MANY_REQUESTS => Self::Throttled(retry_after),
            status if status.is_server_error() => Self::Server(status),
            status => Self::NotKubernetes(format!("the status {status}")),
        }
    }

    /// What an error event of a watch means.
    pub(super) fn of_event(status: Option<&Value>) -> Self {
        let code = status
            .and_then(|status| status.get("code")?.as_u64())
            .and_then(|code| u16::try_from(code).ok())
            .and_then(|code| StatusCode::from_u16(code).ok());
        let body = status.map(ToString::to_string).unwrap_or_default();
        let seconds = status.and_then(|s| s.pointer("/details/retryAfterSeconds")?.as_u64());
        match code {
            Some(code) => Self::of_status(code, seconds.map(Duration::from_secs), body.as_bytes()),
            None => Self::Broken,
        }
    }

    fn of_credential(error: &AuthError) -> Self {
        Self::Plugin(match error {
            AuthError::ReadTokenFile(error, path) => {
                return Self::Other(format!(
                    "the token cannot be read: {}: {error}",
                    path.display()
                ));
            }
            AuthError::AuthExecRun { out, .. } => {
                let said = String::from_utf8_lossy(&out.stderr);
                let said: Vec<&str> = said
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .collect();
                match said.last() {
                    Some(last) => {
                        format!("it ended with {}, and said: {}", out.status, last.trim())
                    }
                    None => format!("it ended with {}", out.status),
                }
            }
            AuthError::AuthExecStart(error) => format!("it does not start: {error}"),
            AuthError::MissingCommand => "the kubeconfig names none".to_owned(),
            // What it printed is the credential.
            AuthError::AuthExecParse(_) => "what it printed is no ExecCredential".to_owned(),
            _ => "its credential cannot be used".to_owned(),
        })
    }

    /// Looks through the causes of an error for the one that says what to do.
    fn of_chain(error: &(dyn StdError + 'static)) -> Self {
        let mut cause = Some(error);
        let mut found = None;
        while let Some(error) = cause {
            found = match found {
                // What lies beneath is the proxy's, not the server's.
                Some(Self::Proxy) => found,
                _ => Self::of_cause(error).or(found),
            };
            cause = match error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
            {
                // An io::Error passes over the error that it wraps.
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        found.unwrap_or_else(|| Self::Unreachable("the connection failed".to_owned()))
    }

    fn of_cause(error: &(dyn StdError + 'static)) -> Option<Self> {
        // A credential that is renewed before a request.
        if let Some(error) = error.downcast_ref::<AuthError>() {
            return Some(Self::of_credential(error));
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(match error {
                rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature,
                ) => Self::UnknownAuthority,
                rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
                    time,
                    not_after,
                }) => Self::Certificate(format!(
                    "its certificate expired at {}, and this machine's clock says {}: is that \
                     right?",
                    date(*not_after),
                    date(*time)
                )),
                rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
                    time,
                    not_before,
                }) => Self::Certificate(format!(
                    "its certificate is not valid before {}, and this machine's clock says {}: is \
                     that right?",
                    date(*not_before),
                    date(*time)
                )),
                rustls::Error::AlertReceived(alert) => {
                    Self::Certificate(format!("the server ended the TLS handshake: {alert:?}"))
                }
                other => Self::Certificate(other.to_string()),
            });
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return if error.is_parse() {
                Some(Self::NotKubernetes("what is no HTTP".to_owned()))
            } else {
                (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
                    .then_some(Self::Broken)
            };
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::ConnectionRefused => Some(Self::Refused),
                io::ErrorKind::TimedOut => Some(Self::Timeout),
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => Some(Self::Broken),
                io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                    Some(Self::Unreachable(error.to_string()))
                }
                _ => None,
            };
        }
        // hyper-util keeps these two to itself, so that only their words tell them.
        let words = error.to_string();
        if words.starts_with("dns error") {
            Some(Self::NoSuchHost)
        } else if words.starts_with("tunnel error") || words.starts_with("proxy authorization") {
            Some(Self::Proxy)
        } else {
            None
        }
    }

    /// The problem as the user reads it, after the Service's name.
    pub(super) fn explain(
        &self,
        server: &Server,
        subject: &Subject,
        expired: Option<&str>,
    ) -> String {
        let what = match self {
            Self::Forbidden(said) => return forbidden(said, server, subject),
            Self::Unauthorized => match expired {
                Some(since) => format!(
                    "does not let you in (401 Unauthorized): your token has expired at {since}, by \
                     this machine's clock; log in again"
                ),
                None => "does not let you in (401 Unauthorized): the token or client certificate \
                         is not valid, or not any more; log in again, and see by `kubectl auth \
                         whoami` who you are"
                    .to_owned(),
            },
            Self::NoSuchHost => "has a name that does not resolve: is it the right cluster, and \
                                 the network that knows it?"
                .to_owned(),
            Self::Refused => "refuses connections: does it run, and is the port right?".to_owned(),
            Self::Broken => "ended the connection before it had answered".to_owned(),
            Self::Timeout => "did not answer in time: does a firewall or a missing VPN stand \
                              between here and there?"
                .to_owned(),
            Self::Unreachable(what) => format!("cannot be reached: {what}"),
            Self::UnknownAuthority => "shows a certificate of an authority that is not trusted \
                                       here: is certificate-authority-data of the right cluster, \
                                       or does a proxy end TLS?"
                .to_owned(),
            Self::Certificate(what) => format!("cannot be talked to over TLS: {what}"),
            Self::Proxy => "is behind a proxy that does not let the connection through: see \
                            HTTPS_PROXY and NO_PROXY, or proxy-url in the kubeconfig"
                .to_owned(),
            Self::Throttled(Some(after)) => format!(
                "is throttling (429 Too Many Requests), and wants to be asked again in {} s",
                after.as_secs()
            ),
            Self::Throttled(None) => {
                "is throttling (429 Too Many Requests): build again in a while".to_owned()
            }
            Self::Server(status) => {
                format!("has a problem of its own ({status}): build again in a while")
            }
            Self::NotKubernetes(what) => format!(
                "does not answer as Kubernetes does, but by {what}: is it the API server's address?"
            ),
            Self::NotAName(name) => {
                return format!("could not be read: {name:?} is no name that it can have");
            }
            Self::Absent => "has no such Service".to_owned(),
            other => return format!("could not be read: {other}"),
        };
        let Server { address, origin } = server;
        format!("could not be read: the API server {address} ({origin}) {what}")
    }
}

/// Problems that are none of a server's.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoCluster => f.write_str(
                "there is no cluster to ask: KUBECONFIG is not set, ~/.kube/config does not exist, \
                 and this is no pod. Set KUBECONFIG, or spec.kubeconfig of the functionConfig; or \
                 put the live Service among the items, as `kubectl get -o yaml` prints it",
            ),
            Self::NoKubeconfig => f.write_str(
                "spec.context is set, and there is no kubeconfig to have it: set KUBECONFIG, or \
                 spec.kubeconfig of the functionConfig",
            ),
            Self::Kubeconfig { origin, what } => {
                write!(f, "the kubeconfig cannot be used ({origin}): {what}")
            }
            Self::ServiceAccount(what) => {
                write!(f, "the pod's service account cannot be used: {what}")
            }
            Self::Plugin(what) => {
                write!(
                    f,
                    "the kubeconfig's credential plugin gave no credential: {what}"
                )
            }
            Self::Other(what) => f.write_str(what),
            other => write!(f, "{other:?}"),
        }
    }
}

/// A time that a certificate names; one that is no date as the seconds that it is.
fn date(time: UnixTime) -> String {
    let seconds = time.as_secs();
    match UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        Some(time) if seconds <= LAST_SECOND => humantime::format_rfc3339_seconds(time).to_string(),
        _ => format!("second {seconds}"),
    }
}

/// The missing rule, as YAML to apply.
fn forbidden(said: &str, server: &Server, subject: &Subject) -> String {
    let Server { address, origin } = server;
    let user = said
        .split('"')
        .skip_while(|part| !part.ends_with("User "))
        .nth(1);
    let mut message = format!(
        "may not be read by {} (403 Forbidden by the API server {address}, {origin}).",
        user.unwrap_or("you")
    );
    let account = match user.map(|user| (user, user.strip_prefix("system:serviceaccount:"))) {
        Some((user, account)) => match account.and_then(|account| account.split_once(':')) {
            Some((namespace, name)) => {
                message.push_str(" Name it in spec.readers of the SessionServer, or let");
                rbac::service_account(namespace, name)
            }
            None => {
                message.push_str(" Let");
                rbac::user(user)
            }
        },
        None => {
            message.push_str(" Let");
            rbac::user("YOUR-USER")
        }
    };
    message.push_str(" somebody who may grant it apply this:\n\n");
    let (role, binding) = match subject {
        Subject::Service(service) => {
            let service = Identity {
                name: service.name.clone(),
                namespace: service.namespace.clone(),
                ..Identity::default()
            };
            let binding = rbac::reader_binding(&service, vec![account]);
            (rbac::reader_role(&service), binding)
        }
        Subject::Nodes => (
            rbac::node_role(NODE_READER),
            rbac::node_binding(NODE_READER, vec![account]),
        ),
    };
    message.push_str(&yaml_splice::document(&role));
    message.push_str("---\n");
    message.push_str(&yaml_splice::document(&binding));
    message
}
