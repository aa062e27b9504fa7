//! One connection, from its first byte to its log entry.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use crate::client::Cluster;
use crate::client_hello::{self, ClientHello, HelloError};
use crate::dial::{self, Dial, DialError};
use crate::ending::Ending;
use crate::gateway::{self, Entry, Gateway};
use crate::limits::{Slot, Timeouts};
use crate::log::{Level, Log};
use crate::lookup::{self, FoundPod, NoPod};
use crate::metrics::Metrics;
use crate::phase::{self, Phase};
use crate::table::Choice;
use crate::traffic::Traffic;
use crate::{copy, forward, port_forward};

/// About 30 years, as a deadline that is never reached.
const FAR_FUTURE: Duration = Duration::from_secs(1_000_000_000);

/// State shared by all connections.
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) gateway: Gateway,
    pub(crate) dial: Dial,
    pub(crate) timeouts: Timeouts,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: Log,
}

/// The data that is logged about a connection. It is filled in as the connection progresses.
struct Connection {
    peer: SocketAddr,
    started: Instant,
    sni: Option<String>,
    route: Option<String>,
    pod: Option<String>,
    traffic: Option<Traffic>,
}

/// Serves a connection until it has ended.
pub(crate) async fn serve(
    client: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut phase: watch::Receiver<Phase>,
    slot: Slot,
) {
    let mut connection = Connection {
        peer,
        started: Instant::now(),
        sni: None,
        route: None,
        pod: None,
        traffic: None,
    };
    shared.metrics.connection_opened();
    let ending = match connection.relay(client, &shared, &mut phase).await {
        Ok(ending) | Err(ending) => ending,
    };
    shared.metrics.connection_closed();
    drop(slot);
    connection.record(&ending, &shared);
}

impl Connection {
    async fn relay(
        &mut self,
        mut client: TcpStream,
        shared: &Shared,
        phase: &mut watch::Receiver<Phase>,
    ) -> Result<Ending, Ending> {
        let timeouts = shared.timeouts;
        let hello = tokio::select! {
            hello = time::timeout(timeouts.connect, client_hello::read(&mut client)) => hello,
            () = phase::reached(phase, Phase::Stopping) => return Err(Ending::Drained),
        };
        let ClientHello { bytes, sni } = hello
            .map_err(|_| Ending::LateHello)?
            .map_err(Ending::NoHello)?;
        self.sni = sni;

        let table = shared.gateway.table();
        let choice = table.choose(self.sni.as_deref()).ok_or(Ending::NoRoute)?;
        let name = self.route.insert(route_of(&choice)).clone();

        let begun = Instant::now();
        let deadline = begun
            .checked_add(timeouts.connect)
            .unwrap_or_else(|| begun + FAR_FUTURE);
        let opened = tokio::select! {
            opened = open(shared, &choice, deadline, &mut self.pod) => opened,
            () = phase::reached(phase, Phase::Stopping) => return Err(Ending::Drained),
        };
        // The routes may be replaced while the connection lasts.
        drop(table);
        let pod = opened?;
        shared.metrics.opened(&name, begun.elapsed());

        let counters = shared.metrics.bytes_of(&name);
        let traffic = self.traffic.insert(Traffic::new(counters));
        let stopping = phase::reached(phase, Phase::Stopping);
        Ok(match pod {
            ToPod::PortForward(pod) => {
                let pod = *pod;
                forward::run(client, bytes, pod, traffic, timeouts.idle, stopping).await
            }
            ToPod::Direct(pod) => {
                copy::run(client, bytes, pod, traffic, timeouts.idle, stopping).await
            }
        })
    }

    fn record(&self, ending: &Ending, shared: &Shared) {
        let route = self.route.as_deref().unwrap_or_default();
        shared.metrics.ended(route, ending);
        if matches!(ending, Ending::NoHello(HelloError::Nothing)) {
            // Health checks of load balancers would fill the log.
            return;
        }
        let level = if ending.is_problem() {
            Level::Warning
        } else {
            Level::Info
        };
        let (to_pod, to_client) = match &self.traffic {
            Some(traffic) => (traffic.to_pod(), traffic.to_client()),
            None => (0, 0),
        };
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        shared
            .log
            .line(level, "connection")
            .with("peer", self.peer.to_string())
            .with_untrusted("sni", self.sni.as_deref())
            .with_untrusted("route", self.route.as_deref())
            .with_untrusted("pod", self.pod.as_deref())
            .with("bytes_to_pod", to_pod)
            .with("bytes_to_client", to_client)
            .with("milliseconds", milliseconds)
            .with("reason", ending.reason())
            .with_untrusted("detail", ending.detail().as_deref())
            .write();
    }
}

/// A connection to a pod.
enum ToPod {
    Direct(TcpStream),
    PortForward(Box<(port_forward::ToPod, port_forward::FromPod)>),
}

fn route_of(choice: &Choice<'_, Entry>) -> String {
    let entry = match choice {
        Choice::Newest(entry) => Some(*entry),
        Choice::Named(_, entries) => entries.first(),
    };
    entry.map(|entry| entry.route.name()).unwrap_or_default()
}

/// Connects to the pod for a host, and stores the name of the pod.
async fn open(
    shared: &Shared,
    choice: &Choice<'_, Entry>,
    deadline: Instant,
    pod: &mut Option<String>,
) -> Result<ToPod, Ending> {
    let found = gateway::find(choice, deadline).await?;
    let name = pod.insert(format!("{}/{}", found.namespace, found.name));
    let opened = match shared.dial {
        Dial::Pod => dial::connect(&found.ips, found.port, deadline)
            .await
            .map(ToPod::Direct)
            .map_err(|error| not_dialed(error, &found))?,
        Dial::Api => {
            let client = &shared.cluster.client;
            let (namespace, port) = (&found.namespace, found.port);
            let opening = port_forward::open(client, namespace, &found.name, port);
            let opened = time::timeout_at(deadline, opening).await;
            let opened = opened.map_err(|_| Ending::NotOpenedInTime)?;
            let opened =
                opened.map_err(|error| Ending::NotOpened(not_opened(&error, &shared.cluster)))?;
            ToPod::PortForward(Box::new(opened))
        }
    };
    warn_of_other_pods(shared, &route_of(choice), &found, name);
    Ok(opened)
}

fn warn_of_other_pods(shared: &Shared, route: &str, found: &FoundPod, pod: &str) {
    if found.others == 0 {
        return;
    }
    shared.metrics.several_pods(route);
    shared
        .log
        .line(Level::Warning, "several-pods")
        .with("route", route)
        .with_untrusted("pod", Some(pod))
        .with("others", found.others)
        .with(
            "detail",
            "the newest was taken; a terminal lives in one runner, so run one replica",
        )
        .write();
}

/// Says why a port-forward did not open.
fn not_opened(error: &kube::Error, cluster: &Cluster) -> String {
    let explained = (cluster.explain)(error);
    match error {
        // If only `create` is missing, the API server does not say so.
        kube::Error::Api(status) if status.code == 403 => {
            format!(
                "{} (it takes get and create of pods/portforward)",
                explained.trim_end()
            )
        }
        _ => explained,
    }
}

/// Explains why the relay could not connect to a pod's address.
fn not_dialed(error: DialError, pod: &FoundPod) -> Ending {
    let (namespace, name) = (&pod.namespace, &pod.name);
    match error {
        DialError::Refused(address) => Ending::DialRefused(format!(
            "pod {namespace}/{name} refuses connections at {address}; is that the port of its \
             listen_address, and is the session server on?"
        )),
        DialError::Late(address) => Ending::DialTimedOut(format!(
            "pod {namespace}/{name} does not answer at {address}; does a NetworkPolicy keep the \
             relay out, or is its node gone?"
        )),
        DialError::Failed(address, error) => Ending::DialFailed(format!(
            "cannot connect to pod {namespace}/{name} at {address}: {error}"
        )),
        DialError::NoAddress => Ending::NoPod(NoPod::Pending(lookup::pending(namespace, name))),
    }
}
