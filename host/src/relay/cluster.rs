//! The API server of the runners' cluster, and what it has to say when something is wrong.

use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, Client, ClientBuilder, ConfigExt as _, UpgradeConnectionError};
use kube::{Config, Error};
use tower::{BoxError, ServiceBuilder};

use crate::cluster::{self, Problem};
use crate::foreign::without_credentials;

/// A connection whose other end has gone without a word is found out after about two minutes.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How the relay reaches the cluster.
pub(super) struct Cluster {
    pub(super) client: Client,
    /// host:port of the API server, and where that was read.
    pub(super) name: String,
}

/// Finds out which cluster is meant; asks it nothing yet.
///
/// # Errors
///
/// A sentence.
pub(super) async fn connect(
    kubeconfig: Option<&str>,
    context: Option<&str>,
) -> Result<Cluster, String> {
    let (config, origin) = cluster::configuration(kubeconfig, context)
        .await
        .map_err(|problem| unusable(&problem))?;
    let host = config.cluster_url.host().unwrap_or("(no host)");
    let port = config.cluster_url.port_u16().unwrap_or(443);
    let name = format!("{host}:{port} ({origin})");
    let client = client(config).map_err(|error| unusable(&cluster::problem_of(&error)))?;
    Ok(Cluster { client, name })
}

/// A client whose connections are quick and never too quiet: terminals are quiet for long, and each
/// request has a deadline of its own.
fn client(config: Config) -> Result<Client, Error> {
    if config.proxy_url.is_some() {
        return Ok(ClientBuilder::try_from(config)?.build());
    }
    // kube's own connector lets the system hold a small piece back until the one before it has
    // arrived (Nagle): that is 40 ms for each port-forward, and a round trip for quick typing.
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let http = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace))
}

fn unusable(problem: &Problem) -> String {
    match problem {
        Problem::NoCluster => "there is no cluster: this is no pod, and there is no kubeconfig; \
                               set --kubeconfig or KUBECONFIG"
            .to_owned(),
        Problem::NoKubeconfig => "--context is set, and there is no kubeconfig to have it: set \
                                  --kubeconfig or KUBECONFIG"
            .to_owned(),
        other => other.to_string(),
    }
}

/// Says what an error of a request means, without anything secret.
pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::Api(status) => {
            let said = without_credentials(&status.message);
            format!("the API server says {}: {said}", status.code)
        }
        Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => {
            format!("the API server says {status} in place of a port-forward")
        }
        Error::UpgradeConnection(_) => {
            "the API server, or a proxy before it, lets no WebSocket through".to_owned()
        }
        other => match cluster::problem_of(other) {
            Problem::NoSuchHost => "the API server's name does not resolve".to_owned(),
            Problem::Refused => "the API server refuses connections".to_owned(),
            Problem::Broken => "the API server ended the connection".to_owned(),
            Problem::Timeout => "the API server did not answer in time".to_owned(),
            Problem::Unreachable(what) => format!("the API server cannot be reached: {what}"),
            Problem::UnknownAuthority => {
                "the API server's certificate is of an authority that is not trusted".to_owned()
            }
            Problem::Certificate(what) => {
                format!("the API server cannot be talked to over TLS: {what}")
            }
            Problem::Proxy => "the proxy lets no connection to the API server through".to_owned(),
            Problem::NotKubernetes(what) => {
                format!("what answers is no API server: it answers by {what}")
            }
            // What a plugin says may hold anything.
            Problem::Plugin(_) => {
                "the kubeconfig's credential plugin gave no credential".to_owned()
            }
            other => other.to_string(),
        },
    }
}
