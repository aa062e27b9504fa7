//! The function as a post-renderer of the real Helm, as a program and as a module, and releases at
//! a real kube-apiserver.

use std::fs;
use std::path::Path;

use real_hosts::{ControlPlane, Helm, RECORDER, run_helm_module, run_launcher, workspace_root};
use serde_json::{Value, json};

const CHART: &str = "tests/fixtures/helm/chart";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A functionConfig with an address.
const ADDRESS: &str = "tests/fixtures/helm/session-server.yaml";

/// A functionConfig without one, and the one that reads it from the cluster.
const LOAD_BALANCER: &str = "tests/fixtures/helm/load-balancer.yaml";
const FROM_THE_CLUSTER: &str = "tests/fixtures/helm/advertise-address.yaml";

/// The arguments that make Helm 4 run the plugin.
const PLUGIN: [&str; 2] = ["--post-renderer", "runner-terminal"];

/// Helm 4 with the plugin.
fn helm() -> Helm {
    let helm = Helm::four();
    helm.install_plugin(&workspace_root().join("kustomization/helm"));
    helm
}

/// `helm template` of the chart, with additional arguments.
fn template<'arg>(args: &[&'arg str]) -> Vec<&'arg str> {
    let mut all = vec!["template", "r", CHART, "--namespace", "ci"];
    all.extend(args);
    all
}

/// The arguments that pass a functionConfig to the plugin.
fn with_config(path: &str) -> [&str; 4] {
    ["--post-renderer-args", "-c", "--post-renderer-args", path]
}

/// The documents of Helm's output.
fn documents(manifests: &str) -> Vec<&str> {
    manifests
        .split("---\n")
        .filter(|document| !document.is_empty())
        .collect()
}

/// Those that are not in the other, in order.
fn only_in<'text>(one: &'text str, other: &str) -> Vec<&'text str> {
    let other = documents(other);
    documents(one)
        .into_iter()
        .filter(|document| !other.contains(document))
        .collect()
}

/// Checks that only the runner's Deployment and ConfigMap differ, and that only the Service is
/// new, and returns the three.
fn changed<'text>(rendered: &'text str, plain: &str) -> [&'text str; 3] {
    let before = only_in(plain, rendered);
    assert_eq!(before.len(), 2, "{before:?}");
    let after = only_in(rendered, plain);
    let find = |line: &str| -> &str {
        let found: Vec<_> = after.iter().filter(|text| text.contains(line)).collect();
        assert_eq!(found.len(), 1, "{line}: {after:?}");
        found[0]
    };
    let changed = [
        find("kind: Service\n"),
        find("kind: ConfigMap\n"),
        find("kind: Deployment\n"),
    ];
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(
        changed[0].contains("\n  name: r-runner-session-server\n"),
        "{rendered}"
    );
    assert!(
        changed[1].contains("    concurrent = 10   # jobs at once\n"),
        "{rendered}"
    );
    assert!(
        changed[1].contains("advertise_address = \"terminal.example.com:9000\"\n"),
        "{rendered}"
    );
    assert!(changed[2].contains("name: session-server\n"), "{rendered}");
    changed
}

/// Helm reformats each document before a post-renderer sees it, so this compares with one that
/// changes nothing.
#[test]
fn the_runners_documents_change_and_no_others() {
    let helm = helm();
    let seen = helm.install_recorder();
    let recorder = ["--include-crds", "--post-renderer", RECORDER];
    let plain = helm.succeeds(&template(&recorder));
    let [crds, plugin] = [&["--include-crds"][..], &PLUGIN[..]];
    let rendered = helm.succeeds(&template(&[crds, plugin, &with_config(ADDRESS)].concat()));

    let [service, config, deployment] = changed(&rendered, &plain);
    assert!(
        service.starts_with("# Source: generated-by-postrender-"),
        "{service}"
    );
    assert!(
        config.starts_with(
            "# Source: runner/templates/configuration.yaml\n# What the runner reads at its start.\n"
        ),
        "{config}"
    );
    assert!(
        deployment.starts_with("# Source: runner/templates/runner.yaml\n"),
        "{deployment}"
    );
    // All other documents are unchanged, in the same order.
    for kept in [
        "# Source: runner/crds/jobs.yaml\n# A definition, which Helm gives to no post-renderer.\n",
        "# A hook: it is made before the release, and is no part of it.\n",
        "  token: \"0644\" # no number\n",
        "  motd: \"0755\" # a string, not a number\n",
    ] {
        assert!(plain.contains(kept), "{plain}");
        assert!(rendered.contains(kept), "{rendered}");
    }
    assert!(!rendered.contains("postrender-filename"), "{rendered}");

    // The same as Helm's input, with the chart's file of each document.
    let given = fs::read_to_string(seen).unwrap();
    assert_eq!(documents(&given).len(), 4, "{given}");
    assert_eq!(given.matches("postrender-filename: ").count(), 4, "{given}");
}

/// The chart may contain the functionConfig, made from its values. It is not in the release.
#[test]
fn the_function_config_may_be_in_the_chart() {
    let helm = helm();
    let value = [
        "--set",
        "sessionServer.advertiseAddress=terminal.example.com",
    ];
    let from_the_chart = helm.succeeds(&template(&[&PLUGIN[..], &value].concat()));
    let from_a_file = helm.succeeds(&template(&[&PLUGIN[..], &with_config(ADDRESS)].concat()));
    assert!(from_a_file.contains("terminal.example.com:9000"));
    assert_eq!(from_the_chart, from_a_file);
}

/// Helm 4 shows neither the messages nor the exit code of a post-renderer, so the plugin's script
/// adds them to the error.
#[test]
fn errors_are_in_helms_own_error() {
    let helm = helm();
    let error = helm.fails(&template(&[&PLUGIN[..], &["--set", "replicas=3"]].concat()));
    assert!(
        error.contains("Deployment ci/r-runner") && error.contains("replicas is 3"),
        "{error}"
    );
    assert!(error.starts_with("Error: "), "{error}");

    let error = helm.fails(&template(
        &[&PLUGIN[..], &with_config("absent.yaml")].concat(),
    ));
    assert!(error.contains("absent.yaml"), "{error}");

    let helm = helm.with_only(&["sh", "sed"]);
    let error = helm.fails(&template(&PLUGIN));
    assert!(
        error.contains(
            "runner-terminal is not on the PATH; put target/release/runner-terminal there"
        ),
        "{error}"
    );
}

/// A warning is a comment, which Helm keeps: nobody sees standard error.
#[test]
fn warnings_are_comments_in_the_manifests() {
    let rendered = helm().succeeds(&template(&PLUGIN));
    let comment = "\n# runner-terminal: warning: status.loadBalancer: has no address yet";
    let documents = documents(&rendered);
    let found: Vec<_> = documents
        .iter()
        .filter(|one| one.contains(comment))
        .collect();
    assert_eq!(found.len(), 1, "{rendered}");
    assert!(found[0].contains("\nkind: Service\n"), "{rendered}");
}

#[test]
fn a_package_of_the_plugin_installs_too() {
    let helm = Helm::four();
    let folder = helm.file("packages");
    fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let package = ["plugin", "package", "kustomization/helm", "--sign=false"];
    helm.succeeds(&[&package[..], &["--destination", folder]].concat());
    // The plugin's version is the program's.
    let package = format!("{folder}/runner-terminal-{VERSION}.tgz");
    helm.succeeds(&["plugin", "install", "--verify=false", &package]);

    let listed = helm.succeeds(&["plugin", "list"]);
    assert!(listed.contains("runner-terminal"), "{listed}");
    let rendered = helm.succeeds(&template(&[&PLUGIN[..], &with_config(ADDRESS)].concat()));
    assert!(rendered.contains("r-runner-session-server"), "{rendered}");
}

/// Helm 3 runs the program itself, passes the chart's text unchanged, and shows errors.
#[test]
fn helm_3_runs_the_program() {
    let helm = Helm::three();
    let plain = helm.succeeds(&template(&[]));
    let program = [
        "--post-renderer",
        "runner-terminal",
        "--post-renderer-args",
        "apply-to",
    ];
    let rendered = helm.succeeds(&template(&[&program[..], &with_config(ADDRESS)].concat()));
    changed(&rendered, &plain);
    assert!(
        rendered.contains("  motd: \"0755\"   # a string, not a number\n"),
        "{rendered}"
    );

    let error = helm.fails(&template(
        &[&program[..], &["--set", "replicas=3"]].concat(),
    ));
    assert!(error.contains("replicas is 3"), "{error}");
}

/// The objects in the cluster, as JSON.
fn object(plane: &ControlPlane, namespace: &str, name: &str) -> Value {
    let args = ["--namespace", namespace, "get", name, "--output=json"];
    let output = plane.kubectl(&args, "");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_release_gets_its_address_with_an_upgrade() {
    let plane = ControlPlane::shared();
    let helm = helm().at(plane.kubeconfig());
    let namespace = "helm-release";
    let upgrade = |args: &[&str]| {
        let release = [
            "upgrade",
            "--install",
            "r",
            CHART,
            "--namespace",
            namespace,
            "--create-namespace",
        ];
        helm.succeeds(&[&release[..], &PLUGIN, args].concat())
    };
    let manifest = |revision: &str| {
        helm.succeeds(&[
            "get",
            "manifest",
            "r",
            "-n",
            namespace,
            "--revision",
            revision,
        ])
    };
    let get = |name: &str| object(&plane, namespace, name);

    // The first upgrade adds a Service, and terminals wait for its address.
    let said = upgrade(&with_config(LOAD_BALANCER));
    assert!(said.contains("r runs 10 jobs at once."), "{said}");
    let service = get("service/r-runner-session-server");
    assert_eq!(
        service["metadata"]["annotations"]["meta.helm.sh/release-name"],
        "r"
    );
    let deployment = get("deployment/r-runner");
    let config = get("configmap/r-runner");
    assert!(
        !config["data"]["config.toml"]
            .as_str()
            .unwrap()
            .contains("session_server")
    );
    get("secret/r-registration");
    get("crd/jobs.ci.example.com");
    assert!(!manifest("1").contains("r-registration"));

    // The second upgrade changes nothing.
    upgrade(&with_config(LOAD_BALANCER));
    assert_eq!(manifest("1"), manifest("2"));
    for (name, before) in [
        ("service/r-runner-session-server", &service),
        ("deployment/r-runner", &deployment),
        ("configmap/r-runner", &config),
    ] {
        let version = "/metadata/resourceVersion";
        assert_eq!(
            get(name).pointer(version),
            before.pointer(version),
            "{name}"
        );
    }

    // Then the cloud assigns an address, and the pods get it.
    plane.set_ingress(
        namespace,
        "r-runner-session-server",
        r#"[{"ip":"192.0.2.7"}]"#,
    );
    upgrade(&[with_config(LOAD_BALANCER), with_config(FROM_THE_CLUSTER)].concat());
    let toml = get("configmap/r-runner")["data"]["config.toml"].clone();
    assert!(
        toml.as_str()
            .unwrap()
            .contains("advertise_address = \"192.0.2.7:9000\""),
        "{toml}"
    );
    assert_eq!(get("deployment/r-runner")["metadata"]["generation"], 2);

    // Everything belongs to the release, and is deleted with it.
    helm.succeeds(&["uninstall", "r", "-n", namespace]);
    let args = [
        "-n",
        namespace,
        "get",
        "service,deployment",
        "--output=name",
    ];
    assert_eq!(plane.kubectl(&args, "").stdout, b"");
}

/// Helm's input for post-renderers, produced by Helm.
fn given_by_helm() -> String {
    let helm = Helm::four();
    let seen = helm.install_recorder();
    helm.succeeds(&template(&["--post-renderer", RECORDER]));
    fs::read_to_string(seen).unwrap()
}

fn file(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap()
}

/// The program's output for manifests.
fn by_the_program(manifests: &str, configs: &[&str]) -> String {
    let mut command = real_hosts::launcher(Path::new("/nonexistent"));
    command.current_dir(workspace_root()).arg("apply-to");
    for config in configs {
        command.args(["-c", config]);
    }
    let output = run_launcher(&mut command, manifests.as_bytes());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_module_gives_what_the_program_gives() {
    let manifests = given_by_helm();
    let expected = by_the_program(&manifests, &[ADDRESS]);
    assert!(expected.contains("terminal.example.com:9000"), "{expected}");
    let run = |message: Value, configuration: &[&str]| -> Value {
        let output = run_helm_module(message.to_string().as_bytes(), configuration);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let rendered = json!({"manifests": expected});
    let config = file(ADDRESS);

    let by_argument = json!({"manifests": manifests, "extraArgs": [config]});
    assert_eq!(run(by_argument, &[]), rendered);
    let configuration = format!("functionConfigs={config}");
    let by_configuration = json!({"manifests": manifests, "extraArgs": null});
    assert_eq!(run(by_configuration, &[&configuration]), rendered);
    let in_the_chart = json!({"manifests": format!("{manifests}---\n{config}")});
    assert_eq!(run(in_the_chart, &[]), rendered);

    let by_default = json!({"manifests": manifests, "extraArgs": []});
    let default = json!({"manifests": by_the_program(&manifests, &[])});
    assert_eq!(run(by_default, &[]), default);
    assert_ne!(default, rendered);
}

#[test]
fn the_module_tells_what_is_wrong() {
    let manifests = given_by_helm();
    for (message, configuration, reason) in [
        (
            json!({"manifests": manifests.replace("replicas: 1", "replicas: 3")}),
            "",
            "replicas is 3",
        ),
        (
            json!({"manifests": manifests, "extraArgs": ["-c", ADDRESS]}),
            "",
            "has no files",
        ),
        (json!({"manifests": manifests}), "kind: [", "is not YAML"),
        (
            json!({"manifests": {}, "extraArgs": []}),
            "",
            "no manifests",
        ),
        (json!([]), "", "message"),
    ] {
        let configuration = format!("functionConfigs={configuration}");
        let output = run_helm_module(message.to_string().as_bytes(), &[&configuration]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}: {said}");
        assert!(output.stdout.is_empty(), "{message}");
        assert!(said.contains(reason), "{message}: {said}");
    }
}

/// Helm 4.3.1 passes no manifests to modules. When this fails because a newer Helm does, remove the
/// warning from docs/helm.md, and test this plugin like the other one.
#[test]
fn helm_gives_modules_no_manifests_yet() {
    let helm = Helm::four();
    helm.install_wasm_plugin();
    let listed = helm.succeeds(&["plugin", "list"]);
    assert!(
        listed.contains(&format!("runner-terminal-wasm\t{VERSION}")),
        "{listed}"
    );
    let error = helm.fails(&template(&["--post-renderer", "runner-terminal-wasm"]));
    assert!(
        error.contains("Helm has given no manifests") && error.contains("runner-terminal-wasm"),
        "{error}"
    );
}
