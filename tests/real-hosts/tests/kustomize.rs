//! The function in the real kustomize, and its output in a real kube-apiserver.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use real_hosts::{ControlPlane, kustomize_build, path_with_hosts, workspace_root};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn accept(manifests: &str) -> String {
    let plane = ControlPlane::shared();
    // Several tests use it: the second one finds it already created.
    plane.kubectl(&["create", "namespace", "ci"], "");
    succeeds(&plane.dry_run(manifests))
}

/// A kustomization of one chart render with the component, whose functionConfig gets `spec`.
fn with_component(chart: &str, spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace_root();
    let component = folder.path().join("component");
    fs::create_dir(&component).unwrap();
    for file in ["kustomization.yaml", "names.yaml", "session-server.yaml"] {
        let source = fs::read_to_string(root.join("kustomization/component").join(file)).unwrap();
        fs::write(component.join(file), source.replace("spec: {}", spec)).unwrap();
    }
    let manifests = root
        .join("tests/fixtures/chart")
        .join(format!("chart-{chart}.yaml"));
    fs::copy(manifests, folder.path().join("runner.yaml")).unwrap();
    kustomization(
        folder.path(),
        "resources:\n- runner.yaml\ncomponents:\n- component\n",
    );
    folder
}

fn kustomization(folder: &Path, text: &str) {
    fs::write(folder.join("kustomization.yaml"), text).unwrap();
}

#[test]
fn the_example_is_accepted_by_an_api_server() {
    let output = kustomize_build(&workspace_root().join("kustomization/example"));
    let manifests = succeeds(&output);

    let accepted = accept(&manifests);

    assert!(
        accepted.contains("service/team-a-runner-session-server created"),
        "{accepted}"
    );
    assert!(
        accepted.contains("deployment.apps/team-a-runner created"),
        "{accepted}"
    );
    let warning = text(&output.stderr);
    assert!(
        warning.contains("Service ci/team-a-runner-session-server"),
        "{warning}"
    );
    assert!(warning.contains("has no address yet"), "{warning}");
}

#[test]
fn charts_are_patched_with_the_component() {
    for chart in ["default", "metrics"] {
        let folder = with_component(chart, "spec: {advertiseAddress: terminal.example.com}");
        let manifests = succeeds(&kustomize_build(folder.path()));
        assert!(
            manifests.contains("name: gr-gitlab-runner-session-server\n"),
            "{manifests}"
        );
        assert!(
            manifests.contains("advertise_address = \"terminal.example.com:9000\""),
            "{manifests}"
        );
        // This API server has no definition of ServiceMonitor.
        let known: Vec<&str> = manifests
            .split("---\n")
            .filter(|document| !document.contains("kind: ServiceMonitor"))
            .collect();
        let accepted = accept(&known.join("---\n"));
        assert!(
            accepted.contains("service/gr-gitlab-runner-session-server created"),
            "{accepted}"
        );
    }
}

#[test]
fn charts_with_several_processes_are_refused() {
    for (chart, reason) in [
        (
            "replicas-3",
            "spec.replicas: replicas is 3, but a terminal lives in the one runner process",
        ),
        (
            "hpa",
            "HorizontalPodAutoscaler ci/gr-gitlab-runner may run up to 4 replicas",
        ),
    ] {
        let folder = with_component(chart, "spec: {}");
        let output = kustomize_build(folder.path());
        assert!(!output.status.success(), "{chart}");
        assert_eq!(text(&output.stdout), "", "{chart}");
        let message = text(&output.stderr);
        assert!(message.contains(reason), "{chart}: {message}");
    }
}

#[test]
fn the_charts_own_session_server_is_adopted() {
    let folder = with_component("session-server-on", "spec: {}");
    let output = kustomize_build(folder.path());
    let manifests = succeeds(&output);
    let services = manifests.matches("\nkind: Service\n").count();
    assert_eq!(services, 1, "{manifests}");
    let message = text(&output.stderr);
    assert!(
        message.contains("adopted the Service of the chart's own session server"),
        "{message}"
    );
    accept(&manifests);
}

/// kustomize sorts keys, drops comments and reformats everything; the function still recognises
/// what it added, and a second build changes nothing.
#[test]
fn a_second_build_on_the_output_changes_nothing() {
    for spec in ["spec: {}", "spec: {advertiseAddress: '2001:db8::7'}"] {
        let folder = with_component("default", spec);
        let once = succeeds(&kustomize_build(folder.path()));
        fs::write(folder.path().join("runner.yaml"), &once).unwrap();
        let twice = succeeds(&kustomize_build(folder.path()));
        assert_eq!(once, twice, "{spec}");
    }
}

#[test]
fn disabling_gives_back_what_kustomize_alone_builds() {
    let folder = with_component("default", "spec: {advertiseAddress: terminal.example.com}");
    let enabled = succeeds(&kustomize_build(folder.path()));
    fs::write(folder.path().join("runner.yaml"), enabled).unwrap();
    let config = folder.path().join("component/session-server.yaml");
    let disabled = fs::read_to_string(&config)
        .unwrap()
        .replace("spec: {", "spec: {enabled: false, ");
    fs::write(config, disabled).unwrap();
    let restored = succeeds(&kustomize_build(folder.path()));

    let plain = with_component("default", "spec: {}");
    kustomization(plain.path(), "resources:\n- runner.yaml\n");
    assert_eq!(restored, succeeds(&kustomize_build(plain.path())));
}

/// kustomize expands the aliases in files that `apply-to` has edited, and accepts none from a function.
#[test]
fn disabling_restores_no_anchor_that_kustomize_has_removed() {
    let folder = with_component("default", "spec: {}");
    let runner = folder.path().join("runner.yaml");
    let text = "apiVersion: v1
kind: ConfigMap
metadata: {name: r}
data: {config.toml: concurrent = 4}
---
apiVersion: v1
kind: Pod
metadata:
  name: r
  labels: {app: r}
  annotations: &empty {}
spec:
  containers:
  - name: r
    image: gitlab/gitlab-runner
    resources: *empty
    volumeMounts: [{name: c, mountPath: /etc/gitlab-runner}]
  volumes: [{name: c, configMap: {name: r}}]
";
    fs::write(&runner, text).unwrap();
    let plain = tempfile::tempdir().unwrap();
    fs::write(plain.path().join("runner.yaml"), text).unwrap();
    kustomization(plain.path(), "resources:\n- runner.yaml\n");
    let plain = succeeds(&kustomize_build(plain.path()));

    let config = folder.path().join("component/session-server.yaml");
    let spec = "spec: {advertiseAddress: terminal.example.com}";
    let enabled = fs::read_to_string(&config).unwrap();
    fs::write(&config, enabled.replace("spec: {}", spec)).unwrap();
    let mut launcher = Command::new("runner-terminal");
    launcher
        .env("PATH", path_with_hosts())
        .args(["apply-to", "--in-place", "--function-config"])
        .args([&config, &runner]);
    succeeds(&launcher.output().unwrap());
    let edited = fs::read_to_string(&runner).unwrap();
    assert!(edited.contains("annotations: &empty {"), "{edited}");
    assert!(edited.contains("resources: {}"), "{edited}");

    let disabled = enabled.replace("spec: {}", "spec: {enabled: false}");
    fs::write(&config, disabled).unwrap();
    assert_eq!(succeeds(&kustomize_build(folder.path())), plain);
}

/// One kustomization that generates the configuration, prefixes every name and runs the function:
/// the function sees names in all three states.
#[test]
fn generated_and_prefixed_names_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let base = workspace_root().join("kustomization/example/base");
    for file in [
        "runner.yaml",
        "config.toml",
        "namespace.yaml",
        "kustomization.yaml",
    ] {
        fs::copy(base.join(file), folder.path().join(file)).unwrap();
    }
    let function = workspace_root().join("kustomization/example/session-server.yaml");
    let function = fs::read_to_string(function).unwrap();
    let known = format!("{function}  advertiseAddress: terminal.example.com\n");
    fs::write(folder.path().join("session-server.yaml"), known).unwrap();
    let layer = fs::read_to_string(base.join("kustomization.yaml")).unwrap();
    kustomization(
        folder.path(),
        &format!("{layer}transformers:\n- session-server.yaml\n"),
    );

    let manifests = succeeds(&kustomize_build(folder.path()));

    assert!(
        manifests.contains("advertise_address = \"terminal.example.com:9000\""),
        "{manifests}"
    );
    assert!(
        manifests.contains("name: team-a-runner-session-server\n"),
        "{manifests}"
    );
    let hashed = manifests
        .lines()
        .filter(|line| line.trim().starts_with("name: team-a-runner-config-"))
        .count();
    assert_eq!(
        hashed, 2,
        "the ConfigMap and the reference to it:\n{manifests}"
    );
    accept(&manifests);
}

/// A prefix above the kustomization with the function renames the Service like everything
/// else, and a build on that output still recognises it.
#[test]
fn a_prefix_above_the_function_renames_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let example = folder.path().join("example");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(workspace_root().join("kustomization/example"))
        .arg(&example)
        .status()
        .unwrap();
    assert!(copied.success());
    kustomization(folder.path(), "namePrefix: eu-\nresources:\n- example\n");
    let manifests = succeeds(&kustomize_build(folder.path()));
    assert!(
        manifests.contains("name: eu-team-a-runner-session-server\n"),
        "{manifests}"
    );
    accept(&manifests);
}

/// A prefix set after the function changes the Service, the Role and the name in the Role.
#[test]
fn a_later_prefix_reaches_what_readers_may_read() {
    let spec = "spec: {readers: [{namespace: argocd, serviceAccount: argocd-repo-server}]}";
    let folder = with_component("default", spec);
    kustomization(
        folder.path(),
        "namePrefix: blue-\nresources:\n- runner.yaml\ncomponents:\n- component\n",
    );
    let manifests = succeeds(&kustomize_build(folder.path()));
    let service = "blue-gr-gitlab-runner-session-server";
    assert!(
        manifests.contains(&format!("  resourceNames:\n  - {service}\n")),
        "{manifests}"
    );
    assert_eq!(
        manifests
            .matches(&format!("name: {service}-reader\n"))
            .count(),
        3,
        "{manifests}"
    );
    accept(&manifests);
}

/// kustomize distinguishes resources by its own annotations, and treats copies as new resources.
#[test]
fn replicas_become_shards() {
    let spec = "spec: {replicas: Shard, exposure: {type: Ingress, controller: nginx, host: \
                '{index}.terminals.example.com'}}";
    let folder = with_component("replicas-3", spec);
    let built = kustomize_build(folder.path());
    let manifests = succeeds(&built);
    for shard in 0..3 {
        let name = format!("gr-gitlab-runner-{shard}");
        assert!(
            manifests.contains(&format!("\n  name: {name}\n")),
            "{name} is missing: {manifests}"
        );
        assert!(
            manifests.contains(&format!("host: {shard}.terminals.example.com\n")),
            "{manifests}"
        );
        assert!(
            manifests.contains(&format!(
                "advertise_address = \"{shard}.terminals.example.com:443\""
            )),
            "{manifests}"
        );
    }
    assert_eq!(manifests.matches("kind: Deployment\n").count(), 3);
    accept(&manifests);
}
