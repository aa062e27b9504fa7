//! The diagram of each fixture's path, as Mermaid text; and that user text is always escaped in
//! every diagram.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use view::diagram::{Diagram, State, Stop, StopKind};

/// The diagram of a list after its function has run.
fn diagram(list: &str) -> Diagram {
    let outcome = runner_terminal::run(list.as_bytes());
    let results = outcome.results().iter().map(serde_json::to_value);
    let results: Vec<Value> = results.collect::<Result<_, _>>().unwrap();
    let output = outcome.text();
    Diagram::of(if output.is_empty() { list } else { &output }, &results)
}

fn fixture(path: &str) -> String {
    let path = format!("{}/tests/fixtures/{path}.yaml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn drawn(path: &str) -> Diagram {
    diagram(&fixture(path))
}

/// The stops of the first path.
fn stops(path: &str) -> Vec<Stop> {
    drawn(path).paths.swap_remove(0).stops
}

fn stop(path: &str, kind: StopKind) -> Stop {
    let stops = stops(path);
    let found = stops.iter().find(|stop| stop.kind == kind);
    found.unwrap_or_else(|| panic!("{stops:?}")).clone()
}

macro_rules! pictures {
    ($($name:ident: $glob:literal,)*) => {$(
        #[test]
        fn $name() {
            insta::glob!($glob, |path| {
                let list = std::fs::read_to_string(path).unwrap();
                let diagram = diagram(&list);
                // There is a path, or a reason why there is none.
                assert_eq!(diagram.paths.is_empty(), !diagram.problem.is_empty());
                insta::assert_snapshot!(diagram.mermaid());
            });
        }
    )*};
}

pictures! {
    session_server: "fixtures/session-server/*.yaml",
    advertise_address: "fixtures/advertise-address/*.yaml",
    refused: "fixtures/refused/*.yaml",
    refused_address: "fixtures/refused-address/*.yaml",
    not_a_list: "fixtures/not-a-list/*.yaml",
}

/// The rendered manifests of the real chart, and the shapes of later versions of it.
#[test]
fn chart() {
    let config =
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: a\n";
    insta::glob!("fixtures/chart/*.yaml", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let files = [("chart.yaml", &*text)];
        let list = krm::documents::to_resource_list(&files, config).unwrap();
        insta::assert_snapshot!(diagram(&list.text).mermaid());
    });
}

/// If the chart's scripts find the address, the Service says which one they write.
#[test]
fn the_charts_service_says_what_its_scripts_write() {
    let config =
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: a\n";
    for (name, kind, expected) in [
        (
            "charts-cluster-ip",
            StopKind::Service,
            "the Service's name inside the cluster",
        ),
        (
            "charts-node-port",
            StopKind::Node,
            "the address of the pod's node",
        ),
        (
            "charts-service-with-labels",
            StopKind::LoadBalancer,
            "a host name or an IPv4 address",
        ),
    ] {
        let text = std::fs::read_to_string(format!("tests/cases/service/{name}.yaml")).unwrap();
        let list = krm::documents::to_resource_list(&[("chart.yaml", &*text)], config).unwrap();
        let stops = diagram(&list.text).paths.swap_remove(0).stops;
        let stop = stops.iter().find(|stop| stop.kind == kind);
        let stop = stop.unwrap_or_else(|| panic!("{name}: {stops:?}"));
        assert!(stop.explanation.contains(expected), "{name}: {stop:?}");
    }
}

/// Kind, name and detail of the stops after GitLab.
fn way(path: &str) -> Vec<(StopKind, String, String)> {
    let stops = stops(path);
    assert_eq!(stops[0].kind, StopKind::Browser);
    assert_eq!(stops[1].kind, StopKind::Gitlab);
    let behind = stops.into_iter().skip(2);
    behind
        .map(|stop| (stop.kind, stop.name, stop.detail))
        .collect()
}

#[test]
fn each_exposure_has_its_stops() {
    use StopKind::{Gateway, Ingress, LoadBalancer, Node, Pod, Relay, Service};
    let service = (
        Service,
        "ci/runner-session-server",
        "9000 to session-server",
    );
    let pod = (Pod, "ci/runner", "session server at 8093");
    let host = "terminal.example.com:443";
    let of_service = "ci/runner-session-server";
    for (name, expected) in [
        (
            "exposure-gke",
            vec![(LoadBalancer, "192.0.2.7", "port 9000"), service, pod],
        ),
        (
            "exposure-node-port",
            vec![(Node, "nodes.example.com", "port 30900"), service, pod],
        ),
        (
            "exposure-cluster-ip",
            vec![(Service, of_service, "443 to session-server"), pod],
        ),
        (
            "exposure-headless",
            vec![(Service, of_service, "a name in DNS for the pod"), pod],
        ),
        (
            "exposure-ingress-nginx",
            vec![(Ingress, of_service, host), service, pod],
        ),
        (
            "exposure-ingress-openshift",
            vec![(Ingress, of_service, host), service, pod],
        ),
        (
            "exposure-ingress-contour",
            vec![(Ingress, of_service, host), service, pod],
        ),
        (
            "exposure-ingress-traefik",
            vec![
                (Ingress, of_service, "terminal.example.com:9443"),
                service,
                pod,
            ],
        ),
        (
            "exposure-gateway",
            vec![
                (Gateway, "gateways/shared", "terminal.example.com:8443"),
                service,
                pod,
            ],
        ),
        (
            "exposure-gateway-made",
            vec![(Gateway, of_service, host), service, pod],
        ),
        (
            "exposure-api-server",
            vec![(Relay, "team-a.terminal.example.com", "beside GitLab"), pod],
        ),
        (
            "exposure-api-server-relay",
            vec![
                (
                    Relay,
                    "gitlab/runner-session-server-relay",
                    "team-a.terminal.example.com:9000",
                ),
                pod,
            ],
        ),
    ] {
        let found = way(&format!("session-server/{name}"));
        let found: Vec<_> = found
            .iter()
            .map(|(kind, name, detail)| (*kind, name.as_str(), detail.as_str()))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn each_link_says_what_goes_through() {
    for (path, expected) in [
        (
            "session-server/exposure-ingress-nginx",
            vec![
                "HTTPS, WebSocket",
                "TLS, TCP 443",
                "TLS as it is, TCP 9000",
                "TCP 8093",
            ],
        ),
        (
            "session-server/exposure-api-server",
            vec![
                "HTTPS, WebSocket",
                "TLS, TCP 9000",
                "Kubernetes API, TCP 8093",
            ],
        ),
        (
            "advertise-address/node-port",
            vec!["HTTPS, WebSocket", "TLS, TCP 30900", "TCP 9000", "TCP 8093"],
        ),
    ] {
        assert_eq!(drawn(path).paths[0].links, expected, "{path}");
    }
}

#[test]
fn a_runner_has_a_path_and_a_shard_too() {
    let runners = |path: &str| -> Vec<String> {
        let paths = drawn(path).paths;
        paths.into_iter().map(|path| path.runner).collect()
    };
    assert_eq!(
        runners("session-server/shard-ingress"),
        [
            "Deployment ci/runner-0",
            "Deployment ci/runner-1",
            "Deployment ci/runner-2"
        ]
    );
    assert_eq!(
        runners("session-server/two-runners"),
        ["Deployment ci/runner", "Deployment ci/other"]
    );
    let none = drawn("refused/no-runner");
    assert!(none.paths.is_empty());
    assert!(none.problem.starts_with("found no GitLab Runner: "));
}

#[test]
fn a_stop_that_lets_nothing_through_is_explained() {
    for folder in [
        "session-server",
        "advertise-address",
        "refused",
        "refused-address",
    ] {
        let folder = format!("{}/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).unwrap() {
            let list = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for path in diagram(&list).paths {
                assert_eq!(path.links.len() + 1, path.stops.len());
                for stop in path.stops {
                    let gets_through = matches!(stop.state, State::Configured | State::Ready);
                    // What the browser and GitLab wait for is explained at a later stop.
                    let is_before_runner = matches!(stop.state, State::Pending | State::Off)
                        && matches!(stop.kind, StopKind::Browser | StopKind::Gitlab);
                    let may_be_silent = gets_through || is_before_runner;
                    assert_eq!(may_be_silent, stop.explanation.is_empty(), "{stop:?}");
                }
            }
        }
    }
}

/// A refusal is never drawn as a path that works.
#[test]
fn whatever_is_refused_is_broken_somewhere() {
    for folder in ["refused", "refused-address"] {
        let folder = format!("{}/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            let diagram = diagram(&std::fs::read_to_string(&file).unwrap());
            let mut stops = diagram.paths.iter().flat_map(|path| &path.stops);
            let is_broken = stops.any(|stop| stop.state == State::Broken);
            assert!(is_broken || diagram.paths.is_empty(), "{}", file.display());
        }
    }
}

#[test]
fn each_state_is_at_its_stop_and_says_why() {
    use StopKind::{Gitlab, Ingress, LoadBalancer, Node, Pod, Service};
    for (path, kind, state, words) in [
        (
            "session-server/address-pending",
            LoadBalancer,
            State::Pending,
            "let the function AdvertiseAddress fill the address in",
        ),
        (
            "advertise-address/pending",
            LoadBalancer,
            State::Pending,
            "its load balancer has no address yet",
        ),
        (
            "advertise-address/node-port-no-node",
            Node,
            State::Pending,
            "has no node that is ready",
        ),
        (
            "session-server/address-pending",
            Pod,
            State::Pending,
            "once the address is known",
        ),
        (
            "session-server/listen-without-advertise",
            Pod,
            State::Pending,
            "there and broken until then",
        ),
        (
            "session-server/own-address-without-port",
            Gitlab,
            State::Broken,
            "has no port",
        ),
        ("refused/replicas", Pod, State::Broken, "replicas is 2"),
        (
            "refused/autoscaler",
            Pod,
            State::Broken,
            "HorizontalPodAutoscaler ci/runner may run up to 4",
        ),
        (
            "refused/not-toml",
            Pod,
            State::Broken,
            "config.toml is not TOML: line 2",
        ),
        (
            "refused/foreign-service",
            Service,
            State::Broken,
            "a Service of this name is here already",
        ),
        (
            "refused/foreign-role",
            Service,
            State::Broken,
            "Role ci/runner-session-server-reader",
        ),
        (
            "refused/exposure-foreign-ingress",
            Ingress,
            State::Broken,
            "an Ingress of this name is here already",
        ),
        (
            "refused/shard-one-host",
            Pod,
            State::Broken,
            "runner-1 is one of several shards",
        ),
        (
            "refused-address/pending-and-fail",
            LoadBalancer,
            State::Broken,
            "its load balancer has no address yet",
        ),
        (
            "refused-address/wrong-type",
            Service,
            State::Broken,
            "is of type ClusterIP",
        ),
        (
            "refused/replicas",
            Service,
            State::Off,
            "nothing was changed, because of the error",
        ),
        (
            "session-server/disabled-and-clean",
            Service,
            State::Off,
            "spec.enabled of the functionConfig is false",
        ),
    ] {
        let stop = stop(path, kind);
        assert_eq!(stop.state, state, "{path}: {stop:?}");
        assert!(stop.explanation.contains(words), "{path}: {stop:?}");
    }
}

/// Only what was read from the cluster is ready.
#[test]
fn ready_is_what_a_live_service_shows() {
    use StopKind::{Browser, Gitlab, LoadBalancer, Node, Pod, Service};
    for (path, edge, state) in [
        ("advertise-address/ip", LoadBalancer, State::Ready),
        ("advertise-address/hostname", LoadBalancer, State::Ready),
        ("advertise-address/ipv6-of-two", LoadBalancer, State::Ready),
        ("advertise-address/node-port-of-items", Node, State::Ready),
        // The address is the user's, and no cluster was read.
        ("advertise-address/static", LoadBalancer, State::Configured),
        (
            "session-server/address-known",
            LoadBalancer,
            State::Configured,
        ),
        ("session-server/exposure-node-port", Node, State::Configured),
    ] {
        assert_eq!(stop(path, edge).state, state, "{path}");
        for other in [Browser, Gitlab, Service, Pod] {
            assert_ne!(stop(path, other).state, State::Ready, "{path}");
        }
    }
    // The address of the live Service differs from the one that GitLab gets.
    let live = fixture("advertise-address/only-the-export");
    let told = runner_terminal::run(live.as_bytes()).text();
    let is_ready = |list: &str| {
        let path = Diagram::of(list, &[]).paths.swap_remove(0);
        path.stops.iter().any(|stop| stop.state == State::Ready)
    };
    assert!(is_ready(&told));
    let other = told.replace("advertise_address = \"", "advertise_address = \"a.");
    assert_ne!(other, told);
    assert!(!is_ready(&other));
}

/// The user's own Service is in the path, with the port that leads to the session server.
#[test]
fn a_service_that_is_adopted_is_drawn() {
    for (name, stop, links) in [
        (
            "users-own-by-port-name",
            ("terminal", "8093 to web"),
            ["TLS, TCP 8093", "TCP 8093", "TCP 8093"],
        ),
        (
            "charts-service-with-metrics-first",
            ("ci/runner-session-server", "9000 to 8093"),
            ["TLS, TCP 9000", "TCP 9000", "TCP 8093"],
        ),
    ] {
        let path = format!(
            "{}/tests/cases/service/{name}.yaml",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).unwrap();
        let (manifests, config) = text.rsplit_once("---\n").unwrap();
        let files = [("case.yaml", manifests)];
        let list = krm::documents::to_resource_list(&files, config).unwrap();
        let drawn = diagram(&list.text);
        let path = &drawn.paths[0];
        let service = path.stops.iter().find(|s| s.kind == StopKind::Service);
        let service = service.unwrap();
        assert_eq!((&*service.name, &*service.detail), stop, "{name}");
        assert_eq!(service.state, State::Configured, "{name}: {service:?}");
        assert_eq!(path.links[1..], links, "{name}");
    }
}

/// Problems that no function has reported, because none was run.
#[test]
fn what_the_manifests_show_is_found_without_results() {
    let made = |path: &str| {
        let outcome_of = fixture(path);
        let outcome = runner_terminal::run(outcome_of.as_bytes());
        assert!(!outcome.failed());
        outcome.text()
    };
    let known = made("session-server/address-known");
    for (list, change, kind, words) in [
        (
            &known,
            (
                "name: session-server\n      port: 9000",
                "name: other\n      port: 9000\n    - name: second\n      port: 9001",
            ),
            StopKind::Service,
            "has no port named session-server",
        ),
        (
            &known,
            ("targetPort: session-server", "targetPort: web"),
            StopKind::Service,
            "no container of the pod has a port of that name",
        ),
        (
            &known,
            ("targetPort: session-server", "targetPort: 8094"),
            StopKind::Service,
            "the session server listens on 8093",
        ),
        (
            &known,
            (
                "    selector:\n      app: runner\n    ports",
                "    selector:\n      app: other\n    ports",
            ),
            StopKind::Service,
            "does not select the pods of Deployment ci/runner",
        ),
        (
            &known,
            (
                "advertise_address = \"terminal.example.com:9000\"",
                "advertise_address = \"terminal.example.com\"",
            ),
            StopKind::Gitlab,
            "has no port",
        ),
        (
            &known,
            (
                "advertise_address = \"terminal.example.com:9000\"",
                "advertise_address = \"https://terminal.example.com\"",
            ),
            StopKind::Gitlab,
            "a scheme stops the runner at start",
        ),
        (
            &known,
            ("replicas: 1", "replicas: 3"),
            StopKind::Pod,
            "replicas is 3",
        ),
        (
            &made("session-server/exposure-ingress-nginx"),
            (
                "nginx.ingress.kubernetes.io/ssl-passthrough: \"true\"",
                "a: b",
            ),
            StopKind::Ingress,
            "lets TLS through",
        ),
        (
            &made("session-server/exposure-ingress-traefik"),
            ("passthrough: true", "passthrough: false"),
            StopKind::Ingress,
            "ends TLS",
        ),
        (
            &made("session-server/exposure-gateway-made"),
            ("mode: Passthrough", "mode: Terminate"),
            StopKind::Gateway,
            "no listener session-server of protocol TLS in mode Passthrough",
        ),
    ] {
        let whole = Diagram::of(list, &[]);
        let mut stops = whole.paths[0].stops.iter();
        assert!(
            stops.all(|stop| stop.state == State::Configured),
            "{whole:?}"
        );
        let (from, to) = change;
        let changed = list.replacen(from, to, 1);
        assert!(*list != changed, "{from}: {list}");
        let diagram = Diagram::of(&changed, &[]);
        let mut stops = diagram.paths[0].stops.iter();
        let stop = stops.find(|stop| stop.kind == kind).unwrap();
        assert_eq!(stop.state, State::Broken, "{stop:?}");
        assert!(stop.explanation.contains(words), "{stop:?}");
    }
}

#[test]
fn the_model_is_as_programs_read_it() {
    let diagram = serde_json::to_value(drawn("advertise-address/pending")).unwrap();
    assert_eq!(diagram["problem"], "");
    let path = &diagram["paths"][0];
    assert_eq!(path["runner"], "Deployment ci/runner");
    assert_eq!(path["links"][0], "HTTPS, WebSocket");
    let stop = path["stops"][2].as_object().unwrap();
    assert_eq!(
        stop.keys().collect::<Vec<_>>(),
        ["kind", "title", "name", "detail", "state", "explanation"]
    );
    assert_eq!(
        (&stop["kind"], &stop["state"]),
        (&"load-balancer".into(), &"pending".into())
    );
}
