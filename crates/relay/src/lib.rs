#![doc = include_str!("../README.md")]
//!
//! | module | what it does |
//! |---|---|
//! | `listener` | accepts connections, and survives errors of the system |
//! | `client_hello` | reads the host that a client asks for |
//! | `route` | maps that host to a namespace, a label selector and a port |
//! | `pods` | finds the ready pod behind a selector |
//! | `port_forward` | connects to a port of a pod, over a WebSocket |
//! | `forward` | copies bytes both ways until one side is done |
//! | `connection` | runs all of these for one connection, and logs it |
//! | `limits` | limits the number of connections and their time |
//! | `phase` | serving, draining, stopping |
//! | `observe`, `metrics`, `log` | metrics, health and the log |

#![forbid(unsafe_code)]

mod client;
mod client_hello;
mod connection;
mod ending;
mod forward;
mod limits;
mod listener;
mod log;
mod metrics;
mod observe;
mod phase;
mod pods;
mod port_forward;
mod route;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use connection::Shared;
use ending::Ending;
use limits::{Slots, Throttle, Timeouts};
use listener::Acceptor;
use log::{Level, Log};
use metrics::Metrics;
use phase::Phase;
use pods::Pods;

pub use client::{Cluster, client};
pub use listener::ListenError;
pub use route::{DuplicateRoute, Route, RouteError, Routes};

/// How long connections may take to close after they are told to.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// The shortest time between two log lines about too many connections.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What the relay listens at, and its limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The routes, by the host that a client asks for.
    pub routes: Routes,
    /// Where to accept connections.
    pub listen: SocketAddr,
    /// Where to serve `/metrics`, `/healthz` and `/readyz`.
    pub observe: SocketAddr,
    /// How many connections may be open; those above are closed at once.
    pub max_connections: usize,
    /// How long a client may take to ask for a host, and the cluster to open the port-forward.
    pub connect_timeout: Duration,
    /// How long a connection may be without a byte.
    pub idle_timeout: Duration,
    /// How long to wait at the end for open connections.
    pub drain_timeout: Duration,
    /// Makes untrusted text printable: one line, without control characters.
    pub printable: fn(&str) -> String,
}

/// Relays connections until `stop` is ready. When it is ready a second time, open connections are
/// not waited for any more.
///
/// # Errors
///
/// One of the two addresses cannot be listened at.
pub async fn run(
    settings: Settings,
    cluster: Cluster,
    mut stop: impl AsyncFnMut(),
) -> Result<(), ListenError> {
    let log = Log::new(settings.printable);
    let listener = listener::listen(settings.listen)?;
    let observed = listener::listen(settings.observe)?;
    log.line(Level::Info, "listening")
        .with("listen", address_of(&listener))
        .with("observe", address_of(&observed))
        .with("cluster", cluster.name.clone())
        .with("routes", settings.routes.iter().len())
        .write();

    let metrics = Arc::new(Metrics::new());
    let shared = Arc::new(share(&settings, cluster, Arc::clone(&metrics), log));
    tokio::spawn(check_routes(Arc::clone(&shared)));
    let (phases, phase) = watch::channel(Phase::Serving);
    tokio::spawn(observe::serve(
        Acceptor::new(observed, log),
        metrics,
        phase.clone(),
    ));
    let mut connections = JoinSet::new();
    let acceptor = Acceptor::new(listener, log);
    tokio::select! {
        () = stop() => {}
        () = accept(acceptor, settings.max_connections, &shared, &phase, &mut connections) => {}
    }
    phases.send_replace(Phase::Draining);
    log.line(Level::Info, "draining")
        .with("open", count_open(&mut connections))
        .write();
    tokio::select! {
        _ = time::timeout(settings.drain_timeout, join_all(&mut connections)) => {}
        () = stop() => {}
    }
    phases.send_replace(Phase::Stopping);
    let _ = time::timeout(CLOSE_TIMEOUT, join_all(&mut connections)).await;
    log.line(Level::Info, "ended").write();
    Ok(())
}

fn share(settings: &Settings, cluster: Cluster, metrics: Arc<Metrics>, log: Log) -> Shared {
    let routes = settings.routes.iter().map(|route| {
        metrics.announce(&route.name());
        (route.clone(), Pods::new(cluster.client.clone(), route))
    });
    Shared {
        routes: routes.collect(),
        timeouts: Timeouts {
            connect: settings.connect_timeout,
            idle: settings.idle_timeout,
        },
        cluster,
        metrics,
        log,
    }
}

/// Accepts connections without end.
async fn accept(
    mut acceptor: Acceptor,
    max_connections: usize,
    shared: &Arc<Shared>,
    phase: &watch::Receiver<Phase>,
    connections: &mut JoinSet<()>,
) {
    let slots = Slots::new(max_connections);
    let mut throttle = Throttle::new(LOG_INTERVAL);
    loop {
        let (client, peer) = tokio::select! {
            accepted = acceptor.accept(&shared.metrics) => accepted,
            // Frees the tasks that have ended.
            Some(_) = connections.join_next() => continue,
        };
        if let Some(slot) = slots.take() {
            let serving = connection::serve(client, peer, Arc::clone(shared), phase.clone(), slot);
            connections.spawn(serving);
            continue;
        }
        drop(client);
        shared.metrics.ended("", &Ending::OverLimit);
        if let Some(suppressed) = throttle.admit() {
            shared
                .log
                .line(Level::Warning, "over-limit")
                .with("peer", peer.to_string())
                .with("max_connections", max_connections)
                .with("not_logged", suppressed)
                .write();
        }
    }
}

/// Logs for each route at the start whether there is a pod, so that a mistake in it shows before the
/// first terminal is opened.
async fn check_routes(shared: Arc<Shared>) {
    for (route, pods) in &shared.routes {
        let found = time::timeout(shared.timeouts.connect, pods.find()).await;
        let (level, pod, ending) = match found {
            Ok(Ok(found)) => (Level::Info, Some(found.name), None),
            Ok(Err(error)) => (
                Level::Warning,
                None,
                Some(connection::no_pod(route, error, &shared.cluster)),
            ),
            Err(_) => (Level::Warning, None, Some(Ending::NotOpenedInTime)),
        };
        shared
            .log
            .line(level, "route")
            .with("route", route.name())
            .with("namespace", route.namespace())
            .with("selector", route.selector())
            .with("port", route.port())
            .with_untrusted("pod", pod.as_deref())
            .with_untrusted(
                "detail",
                ending.and_then(|ending| ending.detail()).as_deref(),
            )
            .write();
    }
}

async fn join_all(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

fn count_open(connections: &mut JoinSet<()>) -> usize {
    while connections.try_join_next().is_some() {}
    connections.len()
}

fn address_of(listener: &tokio::net::TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) => address.to_string(),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_other_crate_of_the_project_is_a_dependency() {
        let manifest = include_str!("../Cargo.toml");
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        for line in dependencies.lines() {
            assert!(!line.starts_with("runner-terminal"), "{line}");
            assert!(!line.contains("path ="), "{line}");
        }
    }
}
