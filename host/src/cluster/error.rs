//! Why a cluster cannot be queried, or does not answer.
//!
//! No error holds a secret: messages of libraries that may quote a kubeconfig, a proxy's URL or a
//! plugin's output are not passed on.

use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

/// Why a cluster cannot be queried, or does not answer.
#[derive(Clone, Debug, Error)]
pub(crate) enum ClusterError {
    /// There is neither a kubeconfig nor a pod's service account.
    #[error(
        "there is no cluster to ask: KUBECONFIG is not set, ~/.kube/config does not exist, and this \
         is not a pod. Set KUBECONFIG, or give --kubeconfig (or spec.kubeconfig of an \
         AdvertiseAddress); or put the live Service among the items, as `kubectl get -o yaml` prints \
         it"
    )]
    NoCluster,
    /// A context is set, and there is no kubeconfig.
    #[error(
        "spec.context is set, and there is no kubeconfig to have it: set KUBECONFIG, or \
         spec.kubeconfig of the functionConfig"
    )]
    NoKubeconfig,
    /// The kubeconfig cannot be read, or lacks the requested entry.
    #[error("the kubeconfig cannot be used ({origin}): {what}")]
    Kubeconfig {
        /// The file, and the context in it.
        origin: String,
        /// What is wrong with it.
        what: String,
    },
    /// A setting holds the text of a kubeconfig instead of its path. The text contains secrets, so
    /// it is not shown.
    #[error(
        "{setting} is the text of a kubeconfig, or has several lines: set it to the path of a file \
         that has the text"
    )]
    KubeconfigText {
        /// `KUBECONFIG`, or the field.
        setting: &'static str,
    },
    /// The files of the pod's service account cannot be used.
    #[error("the pod's service account cannot be used: {0}")]
    ServiceAccount(String),
    /// The kubeconfig's credential plugin returned no credential.
    #[error("the kubeconfig's credential plugin gave no credential: {0}")]
    Plugin(String),
    /// The token's file cannot be read.
    #[error("the token cannot be read: {0}")]
    TokenFile(String),
    /// The token cannot be sent in a header.
    #[error("the kubeconfig's token has characters that no token has")]
    TokenCharacters,
    /// The client certificate, the key or the authority is not usable by TLS.
    #[error(
        "the client certificate or key of the kubeconfig, or its certificate authority, cannot be \
         used: {0}"
    )]
    ClientTls(String),
    /// The client certificate or key cannot be read.
    #[error("the client certificate or key of the kubeconfig cannot be read")]
    ClientCertificate,
    /// The proxy's URL has a scheme such as `socks5`.
    #[error("the proxy's URL has a scheme that is not supported: http or https is")]
    ProxyScheme,
    /// An environment variable for a proxy holds no URL. Its value may hold a password, so it is not
    /// shown.
    #[error("{variable} is not the URL of a proxy: write http://host:port")]
    ProxyUrl {
        /// `HTTPS_PROXY`, for instance.
        variable: &'static str,
    },
    /// `NO_PROXY` is not a list of hosts.
    #[error(
        "NO_PROXY cannot be read: write names, addresses and networks with one comma between each \
         two, and no empty entry"
    )]
    NoProxyList,
    /// This program cannot start what it needs to send requests.
    #[error("cannot start: {0}")]
    Start(String),
    /// A request cannot be built.
    #[error("{0}")]
    Request(String),
    /// The name of the API server does not resolve.
    #[error("the API server's name does not resolve")]
    NoSuchHost,
    /// Nothing listens at the API server's address.
    #[error("the API server refuses connections")]
    Refused,
    /// The connection broke.
    #[error("the API server ended the connection")]
    Broken,
    /// There was no answer in time.
    #[error("the API server did not answer in time")]
    Timeout,
    /// There is no connection, for another reason.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// The server's certificate is from an authority that the kubeconfig does not trust.
    #[error("the API server's certificate is of an authority that is not trusted")]
    UnknownAuthority,
    /// TLS failed for another reason.
    #[error("the API server cannot be talked to over TLS: {0}")]
    Certificate(String),
    /// The proxy refused the connection.
    #[error("the proxy lets no connection to the API server through")]
    Proxy,
    /// 401
    #[error("the API server does not accept the credential")]
    Unauthorized,
    /// 403, with the server's message.
    #[error("the API server forbids it: {0}")]
    Forbidden(String),
    /// 403 from an API server that has not read the Roles yet.
    #[error("the API server is starting")]
    Starting,
    /// 403, with the server's message, from an API server that may have just restarted.
    #[error("the API server forbids it: {0}")]
    ForbiddenAtStart(String),
    /// 404 for the Service, which is not an error if it may be absent.
    #[error("the API server has no such Service")]
    Absent,
    /// 410: the server no longer knows the version that a watch begins at.
    #[error("the API server no longer knows the version to watch from")]
    Gone,
    /// 429, with the Retry-After.
    #[error("the API server is throttling")]
    Throttled(Option<Duration>),
    /// 5xx
    #[error("the API server has a problem of its own ({0})")]
    Server(StatusCode),
    /// Something other than a Kubernetes API answers.
    #[error("what answers is no API server: it answers by {0}")]
    NotKubernetes(String),
    /// A namespace or a Service has an invalid name.
    #[error("{0:?} is no name that it can have")]
    InvalidName(String),
}

impl ClusterError {
    /// True if the next attempt may succeed.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::Broken
                | Self::Starting
                | Self::ForbiddenAtStart(_)
                | Self::Throttled(_)
                | Self::Server(_)
        )
    }

    /// The same while waiting for a change: there, a dead connection is only noticed as a timeout.
    pub(super) fn is_transient_in_wait(&self) -> bool {
        self.is_transient() || matches!(self, Self::Timeout)
    }

    /// True if a request for another Service would fail in the same way.
    pub(super) fn concerns_all_requests(&self) -> bool {
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
            | Self::Starting
            | Self::Throttled(_)
            | Self::Server(_) => true,
            Self::KubeconfigText { .. }
            | Self::TokenFile(_)
            | Self::TokenCharacters
            | Self::ClientTls(_)
            | Self::ClientCertificate
            | Self::ProxyScheme
            | Self::ProxyUrl { .. }
            | Self::NoProxyList
            | Self::Start(_)
            | Self::Request(_)
            | Self::Forbidden(_)
            | Self::ForbiddenAtStart(_)
            | Self::Absent
            | Self::Gone
            | Self::NotKubernetes(_)
            | Self::InvalidName(_) => false,
        }
    }
}
