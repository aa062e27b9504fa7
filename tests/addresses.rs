//! The addresses that pods find when they start, as `addresses` resolves them for a person.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;

use krm::documents::to_resource_list;
use runner_terminal::documents::{Run, apply, function_configs};
use runner_terminal::session_server::{Advertised, State};

/// The live Service of the runner below, and an AdvertiseAddress that asks for it.
const LIVE: &str = "---
apiVersion: v1
kind: Service
metadata:
  name: r-session-server
  namespace: ci
  uid: 5d5b4a1e-0a55-4f0b-a5c4-0d6d1c9d7a5f
  annotations:
    runner-terminal.dev/owned-by: SessionServer
    config.kubernetes.io/local-config: 'true'
spec:
  type: NodePort
  clusterIP: 10.0.0.7
  selector: {app: r}
  ports:
  - {name: session-server, port: 9000, nodePort: 31234, protocol: TCP, targetPort: session-server}
status: {loadBalancer: {}}
";
const ADVERTISE_ADDRESS: &str =
    "apiVersion: runner-terminal.dev/v1alpha1\nkind: AdvertiseAddress\nmetadata: {name: a}\n";

/// What is known of the address of a runner that is configured when its pods start, with this exposure.
fn found(exposure: &str) -> Option<Advertised> {
    let case = include_str!("cases/pod-start/node-of-the-pod.yaml");
    let (text, exposed) = case.rsplit_once("  exposure: ").unwrap();
    assert_eq!(exposed.lines().count(), 1);
    let text =
        format!("{text}  exposure: {exposure}\n").replace("{name: r}", "{name: r, namespace: ci}");
    let files = [("r.yaml", text.as_str())];
    let configs = function_configs(&files, &[]).unwrap();
    let applied = apply(&files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&runner_terminal::run(list.as_bytes())))
    });
    let applied = applied.unwrap();
    assert!(!applied.failed, "{}", applied.report);
    let (manifests, _) = applied.texts[0]
        .rsplit_once("---\napiVersion: runner-terminal.dev")
        .unwrap();
    let text = format!("{manifests}{LIVE}");
    let list = to_resource_list(&[("r.yaml", &text)], ADVERTISE_ADDRESS).unwrap();
    let mut found = runner_terminal::addresses(list.text.as_bytes()).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).found.unwrap()
}

#[test]
fn a_node_address_in_the_manifests_is_known_to_everyone() {
    let found = found("{type: NodePort, nodeAddress: node.example.com}").unwrap();
    assert!(found.is_at_start);
    assert_eq!(found.service.name, "r-session-server");
    match found.state {
        State::Known(address) => assert_eq!(address.to_string(), "node.example.com:31234"),
        state => panic!("{state:?}"),
    }
}

#[test]
fn the_node_of_a_pod_is_known_to_the_pod_alone() {
    assert!(found("{type: NodePort, externalTrafficPolicy: Local}").is_none());
}
