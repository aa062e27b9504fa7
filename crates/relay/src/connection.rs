//! One connection, from its first byte to its line in the log.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use crate::client::Cluster;
use crate::client_hello::{self, ClientHello, HelloError};
use crate::ending::Ending;
use crate::forward::{self, Traffic};
use crate::limits::{Slot, Timeouts};
use crate::log::{Level, Log};
use crate::metrics::Metrics;
use crate::phase::{self, Phase};
use crate::pods::{FoundPod, PodError, Pods};
use crate::port_forward::{self, FromPod, ToPod};
use crate::route::{self, Route};

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) routes: Vec<(Route, Pods)>,
    pub(crate) timeouts: Timeouts,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: Log,
}

/// What the log says of a connection. It is filled in as the connection goes on.
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

        let all = shared.routes.iter().map(|(route, _)| route);
        let chosen = route::choose(all, self.sni.as_deref());
        let (route, pods) = chosen
            .and_then(|index| shared.routes.get(index))
            .ok_or(Ending::NoRoute)?;
        let name = self.route.insert(route.name());

        let begun = Instant::now();
        let opened = tokio::select! {
            opened = time::timeout(timeouts.connect, open(shared, route, pods, &mut self.pod)) => opened,
            () = phase::reached(phase, Phase::Stopping) => return Err(Ending::Drained),
        };
        let port_forward = opened.map_err(|_| Ending::NotOpenedInTime)??;
        shared.metrics.opened(name, begun.elapsed());

        let counters = shared.metrics.bytes_of(name);
        let traffic = self.traffic.insert(Traffic::new(counters));
        let stopping = phase::reached(phase, Phase::Stopping);
        Ok(forward::run(
            client,
            bytes,
            port_forward,
            traffic,
            timeouts.idle,
            stopping,
        )
        .await)
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

/// Opens a port-forward to the pod of a route, and stores the name of the pod.
async fn open(
    shared: &Shared,
    route: &Route,
    pods: &Pods,
    pod: &mut Option<String>,
) -> Result<(ToPod, FromPod), Ending> {
    loop {
        let found = pods
            .find()
            .await
            .map_err(|error| no_pod(route, error, &shared.cluster))?;
        let (namespace, port) = (route.namespace(), route.port());
        let name = pod.insert(format!("{namespace}/{}", found.name));
        let client = &shared.cluster.client;
        match port_forward::open(client, namespace, &found.name, port).await {
            Ok(port_forward) => {
                warn_of_other_pods(shared, route, &found, name);
                return Ok(port_forward);
            }
            Err(error) => {
                pods.forget().await;
                // A reused pod may have been replaced in the meantime.
                if !found.is_reused {
                    return Err(Ending::NotOpened(not_opened(&error, &shared.cluster)));
                }
            }
        }
    }
}

fn warn_of_other_pods(shared: &Shared, route: &Route, found: &FoundPod, pod: &str) {
    if found.others == 0 {
        return;
    }
    shared.metrics.several_pods(&route.name());
    shared
        .log
        .line(Level::Warning, "several-pods")
        .with("route", route.name())
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

/// Says why a route has no pod.
pub(crate) fn no_pod(route: &Route, error: PodError, cluster: &Cluster) -> Ending {
    let (namespace, selector) = (route.namespace(), route.selector());
    match error {
        PodError::NoneReady(0) => Ending::NoPod(format!("no pod in {namespace} has {selector}")),
        PodError::NoneReady(count) => Ending::NoPod(format!(
            "{count} in {namespace} with {selector}, of which none is ready"
        )),
        PodError::List(error) => Ending::NoPod(format!(
            "the pods in {namespace} cannot be listed: {}",
            (cluster.explain)(&error)
        )),
    }
}
