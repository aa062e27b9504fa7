//! The control plane itself: it accepts valid manifests and refuses invalid ones.

use std::fs;

use real_hosts::{ControlPlane, workspace_root};

#[test]
fn a_real_chart_is_accepted() {
    let chart = workspace_root().join("tests/fixtures/chart/chart-default.yaml");
    let chart = fs::read_to_string(chart).unwrap();
    let plane = ControlPlane::shared();
    let namespace = plane.kubectl(&["create", "namespace", "ci"], "");
    assert!(namespace.status.success(), "{namespace:?}");

    let applied = plane.dry_run(&chart);

    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    let printed = String::from_utf8_lossy(&applied.stdout);
    assert!(
        printed.contains("deployment.apps/gr-gitlab-runner created (server dry run)"),
        "{printed}"
    );
}

#[test]
fn a_broken_service_is_refused() {
    let broken = "apiVersion: v1\nkind: Service\nmetadata: {name: door, namespace: default}\n\
                  spec: {ports: [{port: 99999}]}\n";

    let applied = ControlPlane::shared().dry_run(broken);

    assert!(!applied.status.success());
    let message = String::from_utf8_lossy(&applied.stderr);
    assert!(
        message.contains("spec.ports[0].port: Invalid value: 99999"),
        "{message}"
    );
}
