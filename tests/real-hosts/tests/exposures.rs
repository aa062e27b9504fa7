//! A real API server accepts every exposure.

use std::fs;

use real_hosts::{ControlPlane, Runtime, run_module, workspace_root};
use serde_json::{Value, json};

/// Resources in fixtures that no API server knows: they only look like ours.
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
    for namespace in ["ci", "gitlab"] {
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
        "Role",
        "RoleBinding",
        "Route",
        "Service",
        "TLSRoute",
    ] {
        assert!(kinds.contains(kind), "no fixture has a {kind}: {kinds:?}");
    }
}
