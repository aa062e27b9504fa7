//! Metrics for Prometheus.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::ending::Ending;
use crate::route::Selection;

/// All metrics. Every label has a bounded number of values: none of them is controlled by clients.
pub(crate) struct Metrics {
    registry: Registry,
    open: Gauge,
    ended: Family<Ended, Counter>,
    bytes: Family<Direction, Counter>,
    opening: Family<OfRoute, Histogram>,
    several_pods: Family<OfRoute, Counter>,
    accept_errors: Counter,
    watches: Watches,
    routes: RouteChanges,
}

/// The metrics of all watches.
struct Watches {
    pods: Family<OfWatch, Gauge>,
    up: Family<OfWatch, Gauge>,
    failures: Family<OfWatch, Counter>,
}

/// The metrics of routes that change.
struct RouteChanges {
    count: Gauge,
    reloads: Family<Reload, Counter>,
    outdated: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    route: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    route: String,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWatch {
    namespace: String,
    selector: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

impl OfWatch {
    fn new(selection: &Selection) -> Self {
        Self {
            namespace: selection.namespace.clone(),
            selector: selection.selector.clone(),
        }
    }
}

impl Reload {
    fn new(is_accepted: bool) -> Self {
        let result = if is_accepted { "accepted" } else { "refused" };
        Self { result }
    }
}

/// The metrics of one watch.
#[derive(Debug)]
pub(crate) struct WatchMetrics {
    pods: Gauge,
    up: Gauge,
    failures: Counter,
}

impl WatchMetrics {
    pub(crate) fn pods(&self, count: usize) {
        self.pods.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(crate) fn up(&self, is_up: bool) {
        self.up.set(i64::from(is_up));
    }

    pub(crate) fn failed(&self) {
        self.failures.inc();
    }
}

/// The bytes of one route.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    pub(crate) to_pod: Counter,
    pub(crate) to_client: Counter,
}

impl Watches {
    fn new(registry: &mut Registry) -> Self {
        Self {
            pods: register(
                registry,
                "watched_pods",
                "Pods that are known, by namespace and selector",
            ),
            up: register(
                registry,
                "watch_up",
                "1 while changes of the pods arrive, 0 while the last known pods are used",
            ),
            failures: register(
                registry,
                "watch_failures",
                "Lists and watches of pods that failed",
            ),
        }
    }
}

impl RouteChanges {
    fn new(registry: &mut Registry) -> Self {
        Self {
            count: register(registry, "routes", "Routes in use"),
            reloads: register(
                registry,
                "reloads",
                "Changes of the folder of routes, by result",
            ),
            outdated: register(
                registry,
                "routes_outdated",
                "1 while a mistake in the folder of routes keeps older routes in use",
            ),
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("runner_terminal_relay");
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of the relay", version);
        let open = register(
            &mut registry,
            "connections_open",
            "Connections that are open now",
        );
        let ended = register(
            &mut registry,
            "connections",
            "Connections that have ended, by route and reason",
        );
        let bytes = Family::default();
        let help = "What went through, by route and direction";
        registry.register_with_unit("relayed", help, Unit::Bytes, bytes.clone());
        // From 5 ms to 10 s.
        let buckets = || Histogram::new(exponential_buckets(0.005, 2.0, 12));
        let opening = Family::new_with_constructor(buckets as fn() -> Histogram);
        let help = "Time from the ClientHello to the open connection to the pod";
        registry.register_with_unit("opening", help, Unit::Seconds, opening.clone());
        let several_pods = register(
            &mut registry,
            "several_pods",
            "Connections for which a route's selector had more than one ready pod",
        );
        let accept_errors = register(
            &mut registry,
            "accept_errors",
            "Connections that the system could not accept",
        );
        Self {
            open,
            ended,
            bytes,
            opening,
            several_pods,
            accept_errors,
            watches: Watches::new(&mut registry),
            routes: RouteChanges::new(&mut registry),
            registry,
        }
    }

    /// Exports a route's metrics from the start, with zeros.
    pub(crate) fn announce(&self, route: &str) {
        self.bytes_of(route);
        let of_route = OfRoute {
            route: route.to_owned(),
        };
        self.several_pods.get_or_create(&of_route).inc_by(0);
    }

    pub(crate) fn connection_opened(&self) {
        self.open.inc();
    }

    pub(crate) fn connection_closed(&self) {
        self.open.dec();
    }

    /// Counts an ended connection. `route` is empty if none matched.
    pub(crate) fn ended(&self, route: &str, ending: &Ending) {
        let ended = Ended {
            route: route.to_owned(),
            reason: ending.reason(),
        };
        self.ended.get_or_create(&ended).inc();
    }

    pub(crate) fn bytes_of(&self, route: &str) -> Bytes {
        let direction = |direction| {
            let direction = Direction {
                route: route.to_owned(),
                direction,
            };
            self.bytes.get_or_create(&direction).clone()
        };
        Bytes {
            to_pod: direction("to-pod"),
            to_client: direction("to-client"),
        }
    }

    pub(crate) fn opened(&self, route: &str, took: Duration) {
        let route = OfRoute {
            route: route.to_owned(),
        };
        self.opening
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }

    pub(crate) fn several_pods(&self, route: &str) {
        let route = OfRoute {
            route: route.to_owned(),
        };
        self.several_pods.get_or_create(&route).inc();
    }

    pub(crate) fn accept_error(&self) {
        self.accept_errors.inc();
    }

    /// The metrics of a watch, exported until they are forgotten.
    pub(crate) fn watch_of(&self, selection: &Selection) -> WatchMetrics {
        let labels = OfWatch::new(selection);
        WatchMetrics {
            pods: self.watches.pods.get_or_create_owned(&labels),
            up: self.watches.up.get_or_create_owned(&labels),
            failures: self.watches.failures.get_or_create_owned(&labels),
        }
    }

    pub(crate) fn forget_watch(&self, selection: &Selection) {
        let labels = OfWatch::new(selection);
        self.watches.pods.remove(&labels);
        self.watches.up.remove(&labels);
        self.watches.failures.remove(&labels);
    }

    pub(crate) fn routes(&self, count: usize) {
        self.routes
            .count
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Exports the metrics of a folder from the start, with zeros.
    pub(crate) fn announce_folder(&self) {
        for result in [true, false].map(Reload::new) {
            self.routes.reloads.get_or_create(&result).inc_by(0);
        }
    }

    /// Counts a change of the folder of routes.
    pub(crate) fn reloaded(&self, is_accepted: bool) {
        self.routes
            .reloads
            .get_or_create(&Reload::new(is_accepted))
            .inc();
        self.routes.outdated.set(i64::from(!is_accepted));
    }

    /// All metrics, in the OpenMetrics text format.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}

/// Makes a metric and registers it.
fn register<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;

    #[test]
    fn the_names_are_prometheus_own() {
        let metrics = Metrics::new();
        metrics.announce("a.example.com");
        metrics.connection_opened();
        metrics.ended("", &Ending::NoRoute);
        metrics.bytes_of("a.example.com").to_pod.inc_by(7);
        metrics.opened("a.example.com", Duration::from_millis(7));
        metrics.accept_error();
        let route: Route = "*=ci/app in (a,b):1".parse().unwrap();
        let other: Route = "*=ci/app=other:1".parse().unwrap();
        let watch = metrics.watch_of(route.selection());
        metrics.watch_of(other.selection()).pods(3);
        watch.pods(7);
        watch.up(true);
        metrics.forget_watch(other.selection());
        metrics.routes(2);
        metrics.announce_folder();
        metrics.reloaded(false);
        let text = metrics.text().unwrap();
        for line in [
            "runner_terminal_relay_connections_open 1",
            r#"runner_terminal_relay_connections_total{route="",reason="no-route"} 1"#,
            r#"runner_terminal_relay_relayed_bytes_total{route="a.example.com",direction="to-pod"} 7"#,
            r#"runner_terminal_relay_opening_seconds_count{route="a.example.com"} 1"#,
            r#"runner_terminal_relay_several_pods_total{route="a.example.com"} 0"#,
            "runner_terminal_relay_accept_errors_total 1",
            r#"runner_terminal_relay_watched_pods{namespace="ci",selector="app in (a,b)"} 7"#,
            r#"runner_terminal_relay_watch_up{namespace="ci",selector="app in (a,b)"} 1"#,
            r#"runner_terminal_relay_watch_failures_total{namespace="ci",selector="app in (a,b)"} 0"#,
            "runner_terminal_relay_routes 2",
            r#"runner_terminal_relay_reloads_total{result="accepted"} 0"#,
            r#"runner_terminal_relay_reloads_total{result="refused"} 1"#,
            "runner_terminal_relay_routes_outdated 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        // A selection that is no longer watched is gone.
        assert!(!text.contains("other"), "{text}");
    }
}
