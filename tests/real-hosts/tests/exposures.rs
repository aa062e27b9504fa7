//! A real API server accepts every exposure.

use std::fs;

use real_hosts::{ControlPlane, Runtime, run_module, workspace_root};
use serde_json::{Value, json};

/// Invented resources in the fixtures, which no API server knows: they only resemble ours.
const INVENTED: [&str; 2] = ["extensions/v1beta1", "identity.example.com/v1"];

/// The function's output for a fixture, as one List, without those resources.
fn resources(path: &std::path::Path) -> Value {
    let input = fs::read(path).unwrap();
    let output = run_module(Runtime::Launcher, &input);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let list: Value = yaml_serde::from_slice(&output.stdout).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    let served = items.filter(|item| {
        INVENTED
            .iter()
            .all(|invented| item["apiVersion"] != *invented)
    });
    json!({"apiVersion": "v1", "kind": "List", "items": served.collect::<Vec<_>>()})
}

#[test]
fn every_exposure_is_accepted() {
    let plane = ControlPlane::shared();
    plane.apply_definitions();
    for namespace in ["ci", "gitlab", "runner-terminal"] {
        plane.kubectl(&["create", "namespace", namespace], "");
    }
    let folder = workspace_root().join("tests/fixtures/session-server");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_meant = [
            "exposure",
            "network-policy",
            "readers",
            "every-exposure-field",
            "host-network",
            "shard",
        ]
        .iter()
        .any(|start| name.starts_with(start));
        if !is_meant {
            continue;
        }
        let resources = resources(&path);
        let applied = plane.dry_run(&resources.to_string());
        assert!(
            applied.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&applied.stderr)
        );
        for item in resources["items"].as_array().unwrap() {
            kinds.insert(item["kind"].as_str().unwrap().to_owned());
        }
    }
    for kind in [
        "Gateway",
        "HTTPProxy",
        "Ingress",
        "IngressRouteTCP",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Route",
        "Service",
        "TLSRoute",
    ] {
        assert!(kinds.contains(kind), "no fixture has a {kind}: {kinds:?}");
    }
}

/// A namespace of a runner, by its name.
fn in_namespace(resources: &Value, from: &str, to: &str) -> Value {
    let text = resources.to_string();
    let named = |namespace: &str| format!("\"namespace\":\"{namespace}\"");
    serde_json::from_str(&text.replace(&named(from), &named(to))).unwrap()
}

fn items<'v>(resources: &'v Value, kinds: &[&str]) -> Vec<&'v Value> {
    let all = resources["items"].as_array().unwrap().iter();
    all.filter(|item| kinds.iter().any(|kind| item["kind"] == *kind))
        .collect()
}

/// The account of a relay may read the pods of the runners' namespaces, and forward ports to them where it
/// dials the API; and nothing else anywhere.
#[test]
fn the_relay_may_find_pods_and_nothing_else() {
    let plane = ControlPlane::shared();
    let fixtures = workspace_root().join("tests/fixtures/session-server");
    for (fixture, relay, runner, forwards) in [
        ("exposure-relay.yaml", "relay-of-pods", "relayed", false),
        (
            "exposure-relay-node-port.yaml",
            "relay-of-the-api",
            "forwarded",
            true,
        ),
    ] {
        for namespace in [relay, runner] {
            plane.add_namespace(namespace, &json!({}));
        }
        let made = resources(&fixtures.join(fixture));
        let made = in_namespace(&made, "runner-terminal", relay);
        let made = in_namespace(&made, "ci", runner);
        let applied = items(&made, &["ServiceAccount", "Role", "RoleBinding"]);
        assert_eq!(applied.len(), 3, "{applied:?}");
        plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": applied}).to_string());
        let account = format!("--as=system:serviceaccount:{relay}:runner-terminal-relay");
        let may = |verb: &str, resource: &str, namespace: &str| {
            let (kind, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let subresource = format!("--subresource={subresource}");
            let args = [
                "auth",
                "can-i",
                verb,
                kind,
                &subresource,
                "--namespace",
                namespace,
            ];
            let args = [&args[..], &[account.as_str()]].concat();
            plane.kubectl(&args, "").status.success()
        };
        let allowed = |verb: &str, resource: &str| match resource {
            "pods" => ["list", "watch"].contains(&verb),
            "pods/portforward" => forwards && ["get", "create"].contains(&verb),
            _ => false,
        };
        for resource in [
            "pods",
            "pods/portforward",
            "pods/exec",
            "pods/log",
            "secrets",
            "configmaps",
            "services",
        ] {
            for verb in ["get", "list", "watch", "create", "update", "delete"] {
                let expected = allowed(verb, resource);
                assert_eq!(
                    may(verb, resource, runner),
                    expected,
                    "{fixture}: {verb} {resource}"
                );
                for elsewhere in [relay, "kube-system"] {
                    assert!(
                        !may(verb, resource, elsewhere),
                        "{verb} {resource} in {elsewhere}"
                    );
                }
            }
        }
        assert!(!may("list", "nodes", runner));
    }
}

/// The relay's pods meet the Pod Security Standard "restricted".
#[test]
fn the_relays_pods_are_restricted() {
    let plane = ControlPlane::shared();
    let enforced = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    plane.add_namespace("restricted-relay", &enforced);
    let fixtures = workspace_root().join("tests/fixtures/session-server");
    for (fixture, name, namespace) in [
        (
            "exposure-relay.yaml",
            "runner-terminal-relay",
            "runner-terminal",
        ),
        ("exposure-api-server-relay.yaml", "", ""),
    ] {
        let made = resources(&fixtures.join(fixture));
        let deployments = items(&made, &["Deployment"]);
        let relay = deployments
            .into_iter()
            .find(|one| one["metadata"]["labels"]["app.kubernetes.io/component"] == "relay")
            .unwrap();
        if !name.is_empty() {
            assert_eq!(relay["metadata"]["name"], name);
            assert_eq!(relay["metadata"]["namespace"], namespace);
        }
        let mut spec = relay["spec"]["template"]["spec"].clone();
        // The account that pod admission looks up.
        spec["serviceAccountName"] = json!("default");
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "relay", "namespace": "restricted-relay"},
            "spec": spec,
        });
        let applied = plane.dry_run(&pod.to_string());
        assert!(applied.status.success(), "{fixture}: {applied:?}");
    }
}
