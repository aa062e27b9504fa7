//! A changed exposure leaves nothing of the earlier one in the resources of this function.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use krm::documents::to_resource_list;
use serde_json::{Value, json};

const RUNNER: &str = include_str!("lists/stateful-runner.yaml");

/// Runs the function on a file with this exposure, and returns the file.
fn run(text: &str, exposure: &Value) -> String {
    let mut spec = json!({"exposure": exposure});
    if exposure["type"] == "Relay" {
        spec["configure"] = json!({"at": "PodStart", "image": "registry.example.com/rt:0.1.0"});
    }
    let config = json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": "SessionServer",
        "metadata": {"name": "s"},
        "spec": spec,
    });
    let files = [("runner.yaml", text)];
    let list = to_resource_list(&files, &format!("{config}\n")).unwrap();
    let outcome = runner_terminal::run(list.text.as_bytes());
    let output = outcome.text();
    assert!(!outcome.failed(), "{exposure}: {}", outcome.report());
    let edited = list
        .edited(&files, &output, &outcome.alignment().items)
        .unwrap();
    edited.texts[0].clone()
}

/// The resources that the function owns, in the order of their kinds.
fn owned(text: &str) -> Vec<Value> {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    let list = to_resource_list(&[("runner.yaml", text)], config).unwrap();
    let list = krm::resource_list::ResourceList::read(list.text.as_bytes()).unwrap();
    let mut owned: Vec<Value> = list
        .resources()
        .map(|item| list.resource(item).unwrap())
        .filter(|resource| resource.annotation(krm::bookkeeping::OWNED_BY).is_some())
        .map(|resource| {
            let mut value = (*resource.value).clone();
            let annotations = value["metadata"]["annotations"].as_object_mut().unwrap();
            annotations.retain(|name, _| {
                !name.contains("kubernetes.io/path") && !name.contains("kubernetes.io/index")
            });
            value
        })
        .collect();
    owned.sort_by_key(|value| value["kind"].to_string());
    owned
}

fn relay(exposure: &Value) -> Value {
    json!({
        "type": "Relay", "host": "{pod}.example.com",
        "relay": {"namespace": "relays", "exposure": exposure},
    })
}

fn exposures() -> Vec<Value> {
    vec![
        json!({}),
        json!({"cloud": "AWS"}),
        json!({"cloud": "GKE"}),
        json!({"cloud": "GKE", "internal": true}),
        json!({"cloud": "AKS", "internal": true, "loadBalancerIP": "192.0.2.7"}),
        json!({"cloud": "AKS", "loadBalancerIP": "2001:db8::7"}),
        json!({"cloud": "MetalLB", "loadBalancerIP": "192.0.2.7"}),
        json!({
            "loadBalancerClass": "example.com/class",
            "annotations": {"example.com/a": "1"},
            "labels": {"team": "a", "app": "other"},
        }),
        json!({"annotations": {"example.com/a": "2", "plain": "b"}, "labels": {"team": "b"}}),
        json!({"type": "NodePort"}),
        json!({"type": "NodePort", "nodePort": 30443}),
        json!({"type": "NodePort", "nodePort": 30443, "nodeAddress": "n.example.com"}),
        json!({"type": "ClusterIP", "internalTrafficPolicy": "Local"}),
        json!({"type": "Headless"}),
        json!({"type": "Ingress", "host": "t.example.com", "controller": "nginx"}),
        json!({
            "type": "Ingress", "host": "t.example.com", "controller": "haproxy",
            "ingressAnnotations": {"example.com/b": "1"},
        }),
        json!({"type": "Gateway", "host": "t.example.com", "gateway": {"name": "g"}}),
        json!({"type": "ApiServer", "host": "t.example.com"}),
        relay(&json!({"cloud": "AWS", "labels": {"team": "a"}})),
        relay(&json!({"type": "NodePort", "nodePort": 30444})),
        relay(&json!({"type": "ClusterIP", "annotations": {"example.com/a": "1"}})),
    ]
}

/// From each exposure to each other one: the result is that of the second alone.
#[test]
fn only_the_last_exposure_is_in_the_manifests() {
    let fresh: Vec<(Value, String)> = exposures()
        .into_iter()
        .map(|exposure| {
            let text = run(RUNNER, &exposure);
            (exposure, text)
        })
        .collect();
    for (first, text) in &fresh {
        for (second, alone) in &fresh {
            let changed = run(text, second);
            assert_eq!(owned(&changed), owned(alone), "from {first} to {second}");
            assert_eq!(run(&changed, second), changed, "from {first} to {second}");
        }
    }
}

/// What others have added to the Service of this function stays.
#[test]
fn what_others_have_added_stays() {
    let first = json!({"cloud": "GKE", "internal": true, "labels": {"team": "a"}});
    let text = run(RUNNER, &first);
    let text = text.replace(
        "    runner-terminal.dev/owned-by: SessionServer\n",
        "    runner-terminal.dev/owned-by: SessionServer\n    cloud.google.com/l4-rbs: enabled\n    example.com/theirs: a\n",
    );
    let changed = run(&text, &json!({}));
    assert!(
        !changed.contains("networking.gke.io/load-balancer-type"),
        "{changed}"
    );
    assert!(!changed.contains("team: a"), "{changed}");
    assert!(
        changed.contains("cloud.google.com/l4-rbs: enabled"),
        "{changed}"
    );
    assert!(changed.contains("example.com/theirs: a"), "{changed}");
}

/// A node port that the cluster has chosen, or that others have set, stays until the Service has a
/// type that cannot have one. Then those of all ports go.
#[test]
fn a_node_port_of_others_stays_where_it_may() {
    let port = "      port: 9000\n";
    let text = run(RUNNER, &json!({"type": "NodePort"}));
    assert!(
        text.contains("nodePort") || text.contains("port: 9000"),
        "{text}"
    );
    let line = text
        .lines()
        .find(|line| line.trim() == "port: 9000")
        .unwrap_or(port)
        .to_owned();
    let with = text.replace(
        &line,
        &format!("{line}\n{}", line.replace("port: 9000", "nodePort: 30999")),
    );
    assert_ne!(with, text);
    assert_eq!(run(&with, &json!({"type": "NodePort"})), with);
    assert!(run(&with, &json!({})).contains("nodePort: 30999"));
    assert!(!run(&with, &json!({"type": "ClusterIP"})).contains("nodePort"));
}
