//! A live Service among kustomize's resources, and an apply that prunes: the Service stays.

use std::fs;
use std::path::Path;
use std::process::Output;

use real_hosts::{ControlPlane, kustomize_build};
use serde_json::{Value, json};

const NAMESPACE: &str = "live-item";
const SERVICE: &str = "runner-session-server";

fn succeeds(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn function(kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: f\n  \
         annotations:\n    config.kubernetes.io/function: |\n      exec: {{path: \
         runner-terminal}}\nspec: {spec}\n"
    )
}

fn kustomization(folder: &Path, resources: &str) {
    let labels = "labels:\n- pairs: {team: live}\n";
    let functions = "transformers: [session-server.yaml, advertise-address.yaml]\n";
    let text = format!("resources: [{resources}]\n{labels}{functions}");
    fs::write(folder.join("kustomization.yaml"), text).unwrap();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "runner", "namespace": NAMESPACE},
        "data": {"config.toml": "concurrent = 4\n"},
    });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "runner", "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": {"app": "runner"}},
            "template": {
                "metadata": {"labels": {"app": "runner"}},
                "spec": {
                    "containers": [{
                        "name": "runner", "image": "gitlab/gitlab-runner:v18.9.0",
                        "volumeMounts": [{"name": "c", "mountPath": "/etc/gitlab-runner"}],
                    }],
                    "volumes": [{"name": "c", "configMap": {"name": "runner"}}],
                },
            },
        },
    });
    write("runner.yaml", &format!("{config}\n---\n{deployment}\n"));
    write("session-server.yaml", &function("SessionServer", "{}"));
    write(
        "advertise-address.yaml",
        &function("AdvertiseAddress", "{source: Items}"),
    );
    folder
}

/// Applies a build, and prunes what is not in it.
fn apply_and_prune(plane: &ControlPlane, manifests: &str) -> String {
    let arguments = [
        "apply",
        "--prune",
        "--selector=team=live",
        "--prune-allowlist=core/v1/Service",
        "--prune-allowlist=core/v1/ConfigMap",
        "--namespace",
        NAMESPACE,
        "-f",
        "-",
    ];
    succeeds(&plane.kubectl(&arguments, manifests))
}

fn live(plane: &ControlPlane) -> Value {
    let arguments = [
        "--namespace",
        NAMESPACE,
        "get",
        "service",
        SERVICE,
        "-o",
        "json",
    ];
    serde_json::from_str(&succeeds(&plane.kubectl(&arguments, ""))).unwrap()
}

#[test]
fn a_pruning_apply_leaves_the_load_balancer() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", NAMESPACE], "");
    for local_config in [true, false] {
        let folder = folder();
        kustomization(folder.path(), "runner.yaml");
        let first = succeeds(&kustomize_build(folder.path()));
        // With this label, kubectl also prunes what this function added.
        let first = first.replace(
            "name: runner-session-server\n",
            "name: runner-session-server\n  labels:\n    team: live\n",
        );
        apply_and_prune(&plane, &first);
        plane.set_ingress(NAMESPACE, SERVICE, r#"[{"ip": "192.0.2.7"}]"#);
        let mut service = live(&plane);
        let uid = service["metadata"]["uid"].clone();
        if local_config {
            service["metadata"]["annotations"]["config.kubernetes.io/local-config"] = json!("true");
        }
        fs::write(folder.path().join("live.yaml"), service.to_string()).unwrap();
        kustomization(folder.path(), "runner.yaml, live.yaml");

        for _ in 0..2 {
            let build = succeeds(&kustomize_build(folder.path()));
            assert_eq!(build.matches("kind: Service\n").count(), 1, "{build}");
            for gone in [
                "uid:",
                "resourceVersion:",
                "\nstatus:",
                "clusterIP",
                " nodePort:",
            ] {
                assert!(!build.contains(gone), "{gone}: {build}");
            }
            assert!(
                build.contains("advertise_address = \"192.0.2.7:9000\""),
                "{build}"
            );
            let said = apply_and_prune(&plane, &build);
            assert!(!said.contains("pruned"), "{said}");
            assert_eq!(
                live(&plane)["metadata"]["uid"],
                uid,
                "local-config {local_config}"
            );
        }
    }
}
