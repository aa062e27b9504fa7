//! The client of the runners' cluster.

use std::fmt;
use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, Client, ClientBuilder, ConfigExt as _};
use kube::{Config, Error};
use tower::{BoxError, ServiceBuilder};

/// Detects a dead peer after about two minutes.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The cluster with the runners' pods.
#[derive(Clone)]
pub struct Cluster {
    /// A client of its API server, as [`client`] makes it.
    pub client: Client,
    /// Its name in the log: host:port of the API server, and where that was read.
    pub name: String,
    /// Explains an error of a request, without secrets.
    pub explain: fn(&Error) -> String,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Cluster").field(&self.name).finish()
    }
}

/// Creates a client for terminals: small packets are sent at once, and a connection may be idle for
/// a long time, as each request has its own deadline.
///
/// # Errors
///
/// The configuration's certificates, keys or proxy cannot be used.
pub fn client(config: Config) -> Result<Client, Error> {
    if config.proxy_url.is_some() {
        return Ok(ClientBuilder::try_from(config)?.build());
    }
    // kube's own connector leaves Nagle's algorithm on: that costs 40 ms for each port-forward, and a
    // round trip for quick typing.
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
