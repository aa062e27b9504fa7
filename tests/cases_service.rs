//! The Service in front of a runner, and what is said of its address: each case is a file of manifests
//! with its functionConfigs, whose first line says what is right.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;

use runner_terminal::documents::{Applied, Run, apply, function_configs};
use serde_json::Value;
use yaml_splice::Tree;

/// The functions of a file on its manifests.
fn applied(text: &str) -> Applied {
    let files = [("case.yaml", text)];
    let configs = function_configs(&files, &[]).unwrap();
    let run = |list: &str| {
        let outcome = runner_terminal::run(list.as_bytes());
        Ok::<_, Infallible>(Run::from(&outcome))
    };
    apply(&files, &configs, run).unwrap()
}

fn case(name: &str) -> String {
    std::fs::read_to_string(format!("tests/cases/{name}.yaml")).unwrap()
}

/// What a case gives, which a second run does not change.
fn changed(name: &str) -> Applied {
    let once = applied(&case(name));
    assert!(!once.failed, "{name}: {}", once.report);
    let twice = applied(&once.texts[0]);
    assert!(!twice.failed, "{name}: {}", twice.report);
    assert_eq!(once.texts, twice.texts, "{name}: the second run");
    once
}

fn resources(applied: &Applied) -> Vec<Value> {
    let documents = applied.texts[0].split("\n---\n");
    let values = documents.map(|text| Tree::parse(text).unwrap().to_value().unwrap());
    values.filter(Value::is_object).collect()
}

fn of_kind(applied: &Applied, kind: &str) -> Vec<Value> {
    let mut all = resources(applied);
    all.retain(|resource| resource["kind"] == kind);
    all
}

fn is_ours(resource: &Value) -> bool {
    resource["metadata"]["annotations"]["runner-terminal.dev/owned-by"] == "SessionServer"
}

/// The one Service that this function made.
fn our_service(applied: &Applied) -> Value {
    let mut services = of_kind(applied, "Service");
    services.retain(is_ours);
    assert_eq!(services.len(), 1, "{}", applied.texts[0]);
    services.remove(0)
}

fn config_toml(applied: &Applied) -> String {
    let configs = of_kind(applied, "ConfigMap");
    configs[0]["data"]["config.toml"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Each is refused in these words, and no file changes.
#[test]
fn refused() {
    for (name, words) in [
        (
            "service/annotations-of-ours",
            &["runner-terminal.dev/owned-by", "not yours to set"][..],
        ),
        (
            "service/labels-of-ours",
            &["runner-terminal.dev/shard", "not yours to set"],
        ),
        (
            "service/labels-of-another-workload",
            &["Deployment ci/web", "label"],
        ),
        ("service/labels-of-a-job", &["CronJob report", "label"]),
        (
            "service/pod-without-a-name",
            &["generateName", "metadata.name"],
        ),
        (
            "service/shard-of-a-name-that-is-taken",
            &["Deployment ci/runner-1", "ConfigMap ci/runner-1"],
        ),
        (
            "service/shard-of-a-secret-that-is-taken",
            &["Secret runner-1", "Service ci/runner-0-session-server"],
        ),
        (
            "service/two-runners-one-node-port",
            &["spec.exposure.nodePort", "2 runners"],
        ),
        (
            "service/two-runners-one-host",
            &["spec.exposure.host", "2 runners"],
        ),
        (
            "service/two-configs-one-node-port",
            &["nodePort 31000", "Service ci/a-session-server"],
        ),
        (
            "service/two-configs-one-load-balancer",
            &["port 9000 of the load balancer 192.0.2.7"],
        ),
        (
            "service/two-configs-one-address",
            &["t.example.com:9000", "ConfigMap ci/a"],
        ),
        (
            "service/node-port-of-the-users",
            &["nodePort 31000", "Service web/front"],
        ),
        (
            "service/several-of-the-users",
            &["Service one", "Service two"],
        ),
        (
            "warning/listen-on-any-port",
            &["another port after each start"],
        ),
        ("warning/listen-without-port", &["has no port"]),
        (
            "warning/listen-on-a-socket",
            &["unix socket", "listen_address"],
        ),
        ("service/native-sidecar", &["8093", "proxy"]),
        ("service/host-with-underscore", &["spec.exposure.host", "_"]),
        ("service/label-value", &["spec.exposure.labels", "63"]),
        (
            "service/network-policy-except",
            &["spec.networkPolicy", "10.1.0.0/16"],
        ),
    ] {
        let text = case(name);
        let applied = applied(&text);
        assert!(applied.failed, "{name} is not refused: {}", applied.report);
        assert_eq!(applied.texts[0], text, "{name}");
        for word in words {
            assert!(
                applied.report.contains(word),
                "{name}: {word}: {}",
                applied.report
            );
        }
    }
}

#[test]
fn the_users_own_service_is_adopted() {
    for (name, service) in [
        ("service/users-own", "terminal"),
        ("service/users-own-by-port-name", "terminal"),
        ("service/users-own-behind-a-proxy", "inside"),
    ] {
        let applied = changed(name);
        let services = of_kind(&applied, "Service");
        assert!(!services.iter().any(is_ours), "{name}: {services:?}");
        let said = format!("info: Service {service}: leads to the session server");
        assert!(applied.report.contains(&said), "{name}: {}", applied.report);
        assert!(
            !applied.report.contains("warning"),
            "{name}: {}",
            applied.report
        );
    }
}

/// Without an address, so that it is written.
#[test]
fn an_adopted_service_gives_its_address() {
    let reserved = changed("service/users-own-without-address");
    assert!(config_toml(&reserved).contains("advertise_address = \"203.0.113.7:443\""));
    let live = changed("service/users-own-live");
    assert!(config_toml(&live).contains("advertise_address = \"192.0.2.9:9001\""));
    assert!(!of_kind(&live, "Service").iter().any(is_ours));
}

/// A Service for metrics is none for terminals.
#[test]
fn a_service_that_leads_elsewhere_is_not_adopted() {
    our_service(&changed("service/users-metrics"));
}

#[test]
fn of_an_adopted_service_the_port_of_the_session_server_counts() {
    let applied = changed("service/charts-service-with-metrics-first");
    assert!(config_toml(&applied).contains("advertise_address = \"192.0.2.7:9000\""));
    assert!(!of_kind(&applied, "Service").iter().any(is_ours));
}

#[test]
fn an_address_at_another_port_is_warned_about() {
    let applied = changed("service/address-of-a-proxy");
    assert_eq!(our_service(&applied)["spec"]["ports"][0]["port"], 9000);
    for words in [
        "warning: Service r-session-server",
        "proxy.example.com:443",
        "port 9000",
    ] {
        assert!(applied.report.contains(words), "{}", applied.report);
    }
}

#[test]
fn the_target_port_reaches_the_runner() {
    for name in [
        "service/port-name-of-another-container",
        "service/port-name-of-a-native-sidecar",
    ] {
        let applied = changed(name);
        let port = &our_service(&applied)["spec"]["ports"][0];
        assert_eq!(port["targetPort"], 8093, "{name}");
    }
}

#[test]
fn names_are_unique() {
    for (name, services) in [
        (
            "service/two-names-that-become-one",
            [("runner-prod-session-server", "b"), ("runner-prod-", "a")],
        ),
        (
            "service/two-kinds-of-one-name",
            [("runner-session-server", "d"), ("runner-", "s")],
        ),
    ] {
        let applied = changed(name);
        let all = of_kind(&applied, "Service");
        assert_eq!(all.len(), 2, "{name}");
        for (start, app) in services {
            let found = all
                .iter()
                .find(|service| service["spec"]["selector"]["app"] == app);
            let service = found.unwrap()["metadata"]["name"].as_str().unwrap();
            let fits = service.starts_with(start) && service.ends_with("-session-server");
            assert!(fits && service.len() <= 63, "{name}: {service}");
        }
        assert_ne!(all[0]["metadata"]["name"], all[1]["metadata"]["name"]);
    }
    let applied = changed("service/cluster-roles-of-one-name");
    let roles = of_kind(&applied, "ClusterRole");
    assert_eq!(roles.len(), 2);
    assert_ne!(roles[0]["metadata"]["name"], roles[1]["metadata"]["name"]);
}

/// What was exported is an observation, and the manifest stands beside it, or takes its place.
#[test]
fn a_live_service_among_the_items_is_no_manifest() {
    let applied = changed("warning/known-in-the-same-run");
    assert!(!applied.report.contains("warning"), "{}", applied.report);
    assert!(config_toml(&applied).contains("advertise_address = \"192.0.2.7:9000\""));
    let all = of_kind(&applied, "Service");
    assert_eq!(all.len(), 2);
    let declared = all
        .iter()
        .find(|service| service["metadata"]["uid"].is_null());
    assert_eq!(declared.unwrap()["status"], Value::Null);

    let applied = changed("service/live-to-be-applied");
    let service = our_service(&applied);
    for (section, field) in [
        ("metadata", "uid"),
        ("metadata", "resourceVersion"),
        ("spec", "clusterIP"),
    ] {
        assert_eq!(service[section][field], Value::Null, "{field}");
    }
    assert_eq!(service["status"], Value::Null);
    assert_eq!(service["spec"]["ports"][0]["nodePort"], Value::Null);
    assert!(config_toml(&applied).contains("advertise_address = \"192.0.2.7:9000\""));
}

#[test]
fn what_is_known_in_the_same_run_is_not_warned_about() {
    let applied = applied(&case("warning/looked-up-in-the-same-run"));
    assert!(
        !applied.report.contains("has to get an address first"),
        "{}",
        applied.report
    );
    let alone = changed("warning/node-port-pending");
    assert!(
        alone.report.contains("kubectl get nodes"),
        "{}",
        alone.report
    );
    assert!(
        !alone.report.contains("status.loadBalancer"),
        "{}",
        alone.report
    );
}

/// Each is warned about in these words, once.
#[test]
fn warned_about() {
    for (name, words) in [
        (
            "service/default-deny",
            &["NetworkPolicy deny", "spec.networkPolicy"][..],
        ),
        (
            "service/network-policy-of-another-port",
            &["NetworkPolicy only-metrics", "8093"],
        ),
        (
            "service/strict-mtls",
            &["PeerAuthentication", "portLevelMtls", "8093"],
        ),
        (
            "service/istio-sidecar",
            &["traffic.sidecar.istio.io/excludeInboundPorts", "8093"],
        ),
        ("service/rollout-of-two", &["maxSurge", "Recreate"]),
        ("service/metrics-cut-off", &["metrics", "9252"]),
        (
            "warning/listen-on-loopback",
            &["127.0.0.1", "listen_address"],
        ),
        ("warning/old-runner", &["v10.8.7", "11."]),
        (
            "warning/executor-without-session",
            &["docker-windows", "executor"],
        ),
    ] {
        let applied = changed(name);
        let warnings = applied.report.matches("warning: ");
        assert_eq!(warnings.count(), 1, "{name}: {}", applied.report);
        for word in words {
            assert!(
                applied.report.contains(word),
                "{name}: {word}: {}",
                applied.report
            );
        }
    }
}

/// A NetworkPolicy that lets GitLab in, or is about other pods, is not warned about.
#[test]
fn no_warning_where_nothing_is_wrong() {
    for name in [
        "service/network-policy-lets-in",
        "service/network-policy-of-other-pods",
        "service/permissive-mtls",
        "service/rollout-of-one",
        "warning/listen-nowhere",
        "warning/new-runner",
    ] {
        let applied = changed(name);
        assert!(
            !applied.report.contains("warning"),
            "{name}: {}",
            applied.report
        );
    }
}
