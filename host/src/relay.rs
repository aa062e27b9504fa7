//! `runner-terminal relay`: lets GitLab reach the session server of a runner whose cluster has no
//! address for it.
//!
//! It stands where GitLab can reach it, and goes the other way: through the API server of the
//! runner's cluster, by a port-forward to the runner's pod for each connection. Which runner is
//! meant is in the first bytes of TLS, in the clear. All bytes go through as they are, so that
//! TLS is GitLab's and the runner's alone.
//!
//! | module | what it knows |
//! |---|---|
//! | [`listener`] | accepting, whatever the system says |
//! | [`client_hello`] | the name that a client asks for |
//! | [`route`] | which namespace, selector and port a name stands for |
//! | [`pods`] | the pod behind a selector, now |
//! | [`port_forward`] | a connection to a pod's port, as messages of a WebSocket |
//! | [`forward`] | bytes both ways, and when that is over |
//! | [`connection`] | all of these in a row, and the line in the log |
//! | [`limits`] | how many, and how long |
//! | [`phase`] | from serving to the end |
//! | [`observe`], [`metrics`], [`log`] | what can be seen from outside |

mod client_hello;
mod cluster;
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

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use crate::arguments;
use crate::signals::Signals;

use connection::Shared;
use ending::Ending;
use limits::{Places, Seldom, Times};
use listener::Acceptor;
use log::{Level, Line};
use metrics::Metrics;
use phase::Phase;
use pods::Pods;
pub(crate) use route::Route;

/// How long connections may take to end when they are told to.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How often it is said that there are too many connections.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Relays connections until a signal ends it.
///
/// # Errors
///
/// A sentence: there is no cluster to go to, or no address to listen at.
pub(crate) fn run(arguments: &arguments::Relay) -> Result<ExitCode, String> {
    if let Some(host) = route::ambiguous(&arguments.routes) {
        return Err(format!("there are two routes for {host}"));
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let ended = runtime.block_on(relay(arguments));
    // What is left is at most a name that the system still looks up.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}

async fn relay(arguments: &arguments::Relay) -> Result<(), String> {
    let kubeconfig = arguments.kubeconfig.as_deref();
    let cluster = cluster::connect(kubeconfig, arguments.context.as_deref()).await?;
    let listener = listener::listen(arguments.listen)?;
    let observed = listener::listen(arguments.observe)?;
    let mut signals = Signals::new().map_err(|error| format!("cannot start: {error}"))?;

    let metrics = Arc::new(Metrics::new());
    let routes = arguments.routes.iter().map(|route| {
        metrics.announce(&route.name());
        (route.clone(), Pods::new(cluster.client.clone(), route))
    });
    let shared = Arc::new(Shared {
        client: cluster.client.clone(),
        routes: routes.collect(),
        times: Times {
            connect: arguments.connect_timeout,
            idle: arguments.idle_timeout,
            drain: arguments.drain_timeout,
        },
        metrics: Arc::clone(&metrics),
    });
    Line::new(Level::Info, "listening")
        .with("listen", address_of(&listener))
        .with("observe", address_of(&observed))
        .with("cluster", cluster.name)
        .with("routes", shared.routes.len())
        .write();
    tokio::spawn(look_ahead(Arc::clone(&shared)));

    let (phases, phase) = watch::channel(Phase::Serving);
    tokio::spawn(observe::serve(observed, metrics, phase.clone()));
    let mut connections = JoinSet::new();
    tokio::select! {
        () = signals.next() => {}
        () = accept(Acceptor::new(listener), arguments.max_connections, &shared, &phase,
            &mut connections) => {}
    }
    phases.send_replace(Phase::Draining);
    Line::new(Level::Info, "draining")
        .with("open", open_of(&mut connections))
        .write();
    tokio::select! {
        _ = time::timeout(shared.times.drain, all_of(&mut connections)) => {}
        () = signals.next() => {}
    }
    phases.send_replace(Phase::Over);
    let _ = time::timeout(LAST_WORDS, all_of(&mut connections)).await;
    Line::new(Level::Info, "ended").write();
    Ok(())
}

/// Accepts connections without end.
async fn accept(
    mut acceptor: Acceptor,
    most: usize,
    shared: &Arc<Shared>,
    phase: &watch::Receiver<Phase>,
    connections: &mut JoinSet<()>,
) {
    let places = Places::new(most);
    let mut said = Seldom::new(SAY_EVERY);
    loop {
        let (client, peer) = tokio::select! {
            accepted = acceptor.accept(&shared.metrics) => accepted,
            // Lets go of what has ended.
            Some(_) = connections.join_next() => continue,
        };
        if let Some(place) = places.take() {
            let serving = connection::serve(client, peer, Arc::clone(shared), phase.clone(), place);
            connections.spawn(serving);
            continue;
        }
        drop(client);
        shared.metrics.ended("", &Ending::OverLimit);
        if let Some(held_back) = said.let_through() {
            Line::new(Level::Warning, "over-limit")
                .with("peer", peer.to_string())
                .with("max_connections", most)
                .with("not_logged", held_back)
                .write();
        }
    }
}

/// Says of each route at the start whether there is a pod, so that a mistake in it does not wait
/// for the first terminal.
async fn look_ahead(shared: Arc<Shared>) {
    for (route, pods) in &shared.routes {
        let found = time::timeout(shared.times.connect, pods.find()).await;
        let (level, pod, ending) = match found {
            Ok(Ok(found)) => (Level::Info, Some(found.pod), None),
            Ok(Err(missing)) => (
                Level::Warning,
                None,
                Some(connection::no_pod(route, missing)),
            ),
            Err(_) => (Level::Warning, None, Some(Ending::NotOpenedInTime)),
        };
        Line::new(level, "route")
            .with("route", route.name())
            .with("namespace", route.namespace())
            .with("selector", route.selector())
            .with("port", route.port())
            .with_foreign("pod", pod.as_deref())
            .with_foreign(
                "detail",
                ending.and_then(|ending| ending.detail()).as_deref(),
            )
            .write();
    }
}

async fn all_of(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// How many have not ended.
fn open_of(connections: &mut JoinSet<()>) -> usize {
    while connections.try_join_next().is_some() {}
    connections.len()
}

fn address_of(listener: &tokio::net::TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) => address.to_string(),
        Err(error) => error.to_string(),
    }
}
