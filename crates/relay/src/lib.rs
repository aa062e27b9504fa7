#![doc = include_str!("../README.md")]
//!
//! | module | what it does |
//! |---|---|
//! | `listener` | accepts connections, and survives system errors |
//! | `client_hello` | reads the host that a client asks for |
//! | `route`, `routes`, `folder` | routes, from the command line and from files |
//! | `table` | finds the routes for that host |
//! | `pods`, `pod_watch` | the pods of a selector, and the watch that keeps them up to date |
//! | `lookup` | finds the pod among them |
//! | `gateway`, `reload` | the routes in use, and how they are replaced |
//! | `dial`, `copy` | connects to the pod's address, and copies bytes both ways |
//! | `port_forward`, `forward` | the same through the API server, over a WebSocket |
//! | `traffic` | counts the bytes, and notices silence |
//! | `connection` | runs all of these for one connection, and logs it |
//! | `ending` | why a connection has ended |
//! | `socket` | options for all terminal sockets |
//! | `limits` | limits the number of connections and their time |
//! | `phase` | serving, draining, stopping |
//! | `observe`, `metrics`, `log` | metrics, health and the log |

#![forbid(unsafe_code)]

mod client;
mod client_hello;
mod connection;
mod copy;
mod dial;
mod ending;
mod folder;
mod forward;
mod gateway;
mod limits;
mod listener;
mod log;
mod lookup;
mod metrics;
mod observe;
mod phase;
mod pod_watch;
mod pods;
mod port_forward;
mod reload;
mod route;
mod routes;
mod socket;
mod table;
mod traffic;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use connection::Shared;
use ending::Ending;
use gateway::Gateway;
use limits::{Slots, Throttle, Timeouts};
use listener::Acceptor;
use log::{Level, Log};
use metrics::Metrics;
use phase::Phase;
use pod_watch::Watcher;

pub use client::{Cluster, client};
pub use dial::Dial;
pub use folder::FolderError;
pub use listener::ListenError;
pub use route::{Route, RouteError};
pub use routes::{Place, Routes, RoutesError};

/// How long connections may take to close when told to.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// The shortest time between two log lines about too many connections.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The relay's addresses, routes and limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The routes, by the host that a client asks for.
    pub routes: Routes,
    /// How to connect to pods.
    pub dial: Dial,
    /// Where to accept connections.
    pub listen: SocketAddr,
    /// Where to serve `/metrics`, `/healthz` and `/readyz`.
    pub observe: SocketAddr,
    /// The maximum number of open connections; further ones are closed at once.
    pub max_connections: usize,
    /// How long a client may take to send its ClientHello, and the relay to connect to the pod.
    pub connect_timeout: Duration,
    /// How long a connection may be silent.
    pub idle_timeout: Duration,
    /// How long to wait for open connections at shutdown.
    pub drain_timeout: Duration,
    /// Makes untrusted text printable: one line, without control characters.
    pub printable: fn(&str) -> String,
}

/// Relays connections until `stop` is ready. When it is ready a second time, the relay no longer
/// waits for open connections.
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
    let watcher = Watcher::new(cluster.clone(), Arc::clone(&metrics), log);
    let (gateway, reloader) = reload::start(&settings.routes, watcher, Arc::clone(&metrics), log);
    tokio::spawn(reloader.follow());
    let (phases, phase) = watch::channel(Phase::Starting);
    tokio::spawn(serve_when_ready(gateway.clone(), phases.clone()));
    tokio::spawn(observe::serve(
        Acceptor::new(observed, log),
        Arc::clone(&metrics),
        phase.clone(),
    ));
    let shared = Arc::new(Shared {
        cluster,
        gateway,
        dial: settings.dial,
        timeouts: Timeouts {
            connect: settings.connect_timeout,
            idle: settings.idle_timeout,
        },
        metrics,
        log,
    });
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

/// Starts serving once the pods are known.
async fn serve_when_ready(gateway: Gateway, phases: watch::Sender<Phase>) {
    gateway.ready().await;
    phases.send_if_modified(|phase| {
        let is_starting = *phase == Phase::Starting;
        if is_starting {
            *phase = Phase::Serving;
        }
        is_starting
    });
}

/// Accepts connections forever.
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
            // Frees the tasks of ended connections.
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
