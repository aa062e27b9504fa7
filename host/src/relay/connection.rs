//! One connection, from its first byte to its line in the log.

use std::net::SocketAddr;
use std::sync::Arc;

use kube::Client;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::client_hello::{self, ClientHello};
use super::cluster;
use super::ending::Ending;
use super::forward::{self, Traffic};
use super::limits::{Place, Times};
use super::log::{Level, Line};
use super::metrics::Metrics;
use super::phase::{self, Phase};
use super::pods::{Missing, Pods};
use super::port_forward::{self, FromPod, ToPod};
use super::route::{self, Route};

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) routes: Vec<(Route, Pods)>,
    pub(super) times: Times,
    pub(super) metrics: Arc<Metrics>,
}

/// What is known of a connection; more as it goes on.
struct Connection {
    peer: SocketAddr,
    started: Instant,
    sni: Option<String>,
    route: Option<String>,
    pod: Option<String>,
    traffic: Option<Traffic>,
}

/// Serves a connection until it has ended.
pub(super) async fn serve(
    client: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut phase: watch::Receiver<Phase>,
    place: Place,
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
    drop(place);
    connection.record(&ending, &shared.metrics);
}

impl Connection {
    async fn relay(
        &mut self,
        mut client: TcpStream,
        shared: &Shared,
        phase: &mut watch::Receiver<Phase>,
    ) -> Result<Ending, Ending> {
        let times = shared.times;
        let hello = tokio::select! {
            hello = time::timeout(times.connect, client_hello::read(&mut client)) => hello,
            () = phase::reached(phase, Phase::Over) => return Err(Ending::Drained),
        };
        let ClientHello { bytes, sni } = hello
            .map_err(|_| Ending::LateHello)?
            .map_err(Ending::NoHello)?;
        self.sni = sni;

        let all = shared.routes.iter().map(|(route, _)| route);
        let chosen = route::choose(all, self.sni.as_deref());
        let (route, pods) = chosen
            .and_then(|place| shared.routes.get(place))
            .ok_or(Ending::NoRoute)?;
        let name = self.route.insert(route.name());

        let begun = Instant::now();
        let opened = tokio::select! {
            opened = time::timeout(times.connect, open(shared, route, pods, &mut self.pod)) => opened,
            () = phase::reached(phase, Phase::Over) => return Err(Ending::Drained),
        };
        let port_forward = opened.map_err(|_| Ending::NotOpenedInTime)??;
        shared.metrics.opened(name, begun.elapsed());

        let counters = shared.metrics.bytes_of(name);
        let traffic = self.traffic.insert(Traffic::new(counters));
        let over = phase::reached(phase, Phase::Over);
        Ok(forward::run(client, bytes, port_forward, traffic, times.idle, over).await)
    }

    fn record(&self, ending: &Ending, metrics: &Metrics) {
        metrics.ended(self.route.as_deref().unwrap_or_default(), ending);
        if matches!(ending, Ending::NoHello(client_hello::Refusal::Nothing)) {
            // Load balancers look in every few seconds.
            return;
        }
        let level = if ending.is_trouble() {
            Level::Warning
        } else {
            Level::Info
        };
        let (to_pod, to_client) = match &self.traffic {
            Some(traffic) => (traffic.to_pod(), traffic.to_client()),
            None => (0, 0),
        };
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Line::new(level, "connection")
            .with("peer", self.peer.to_string())
            .with_foreign("sni", self.sni.as_deref())
            .with_foreign("route", self.route.as_deref())
            .with_foreign("pod", self.pod.as_deref())
            .with("bytes_to_pod", to_pod)
            .with("bytes_to_client", to_client)
            .with("milliseconds", milliseconds)
            .with("reason", ending.word())
            .with_foreign("detail", ending.detail().as_deref())
            .write();
    }
}

/// Opens a port-forward to the pod of a route, and tells which pod that is.
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
            .map_err(|missing| no_pod(route, missing))?;
        let (namespace, port) = (route.namespace(), route.port());
        let name = pod.insert(format!("{namespace}/{}", found.pod));
        let opened = port_forward::open(&shared.client, namespace, &found.pod, port).await;
        match opened {
            Ok(port_forward) => {
                if found.others > 0 {
                    shared.metrics.several_pods(&route.name());
                    Line::new(Level::Warning, "several-pods")
                        .with("route", route.name())
                        .with_foreign("pod", Some(name))
                        .with("others", found.others)
                        .with(
                            "detail",
                            "the newest was taken; a terminal lives in one runner, so run one \
                             replica",
                        )
                        .write();
                }
                return Ok(port_forward);
            }
            Err(error) => {
                pods.forget().await;
                // The pod that was remembered may have been replaced since.
                if !found.is_remembered {
                    return Err(Ending::NotOpened(not_opened(&error)));
                }
            }
        }
    }
}

/// Says why a port-forward did not open.
fn not_opened(error: &kube::Error) -> String {
    let explained = cluster::explain(error);
    match error {
        // Where `create` is what lacks, the API server does not say so.
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
pub(super) fn no_pod(route: &Route, missing: Missing) -> Ending {
    let (namespace, selector) = (route.namespace(), route.selector());
    match missing {
        Missing::NotReady(0) => Ending::NoPod(format!("no pod in {namespace} has {selector}")),
        Missing::NotReady(count) => Ending::NoPod(format!(
            "{count} in {namespace} with {selector}, of which none is ready"
        )),
        Missing::Unread(error) => Ending::NoPod(format!(
            "the pods in {namespace} cannot be listed: {}",
            cluster::explain(&error)
        )),
    }
}
