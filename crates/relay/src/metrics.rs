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

/// All metrics. Every label has a bounded number of values: none comes from a client.
pub(crate) struct Metrics {
    registry: Registry,
    open: Gauge,
    ended: Family<Ended, Counter>,
    bytes: Family<Direction, Counter>,
    opening: Family<OfRoute, Histogram>,
    several_pods: Family<OfRoute, Counter>,
    accept_errors: Counter,
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

/// The bytes of one route.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    pub(crate) to_pod: Counter,
    pub(crate) to_client: Counter,
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
        let help = "Time from the ClientHello to the open port-forward";
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
            registry,
            open,
            ended,
            bytes,
            opening,
            several_pods,
            accept_errors,
        }
    }

    /// Exports a route's metrics from the start, at zero.
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

    /// Counts a connection that has ended. `route` is empty if none matched.
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

    /// All metrics, in OpenMetrics' text format.
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

    #[test]
    fn the_names_are_prometheus_own() {
        let metrics = Metrics::new();
        metrics.announce("a.example.com");
        metrics.connection_opened();
        metrics.ended("", &Ending::NoRoute);
        metrics.bytes_of("a.example.com").to_pod.inc_by(7);
        metrics.opened("a.example.com", Duration::from_millis(7));
        metrics.accept_error();
        let text = metrics.text().unwrap();
        for line in [
            "runner_terminal_relay_connections_open 1",
            r#"runner_terminal_relay_connections_total{route="",reason="no-route"} 1"#,
            r#"runner_terminal_relay_relayed_bytes_total{route="a.example.com",direction="to-pod"} 7"#,
            r#"runner_terminal_relay_opening_seconds_count{route="a.example.com"} 1"#,
            r#"runner_terminal_relay_several_pods_total{route="a.example.com"} 0"#,
            "runner_terminal_relay_accept_errors_total 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
