//! AdvertiseAddress, which reads the live Service, with a real API server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use real_hosts::{
    ControlPlane, Runtime, SessionServer, Waiting, kustomize, launcher, launcher_with_kustomize,
    run_launcher, run_module, workspace_root,
};
use serde_json::Value;
use tempfile::TempDir;

const SERVICE: &str = "team-a-runner-session-server";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The kubeconfig of the ServiceAccount that the specs below name as a reader.
fn repo_server(plane: &ControlPlane) -> PathBuf {
    plane.apply(
        "{apiVersion: v1, kind: Namespace, metadata: {name: argocd}}\n---\n\
         {apiVersion: v1, kind: ServiceAccount, metadata: {name: argocd-repo-server, namespace: \
         argocd}}\n",
    );
    plane.kubeconfig_of("argocd", "argocd-repo-server")
}

/// A copy of the example whose address is read from the cluster, in its own namespace.
struct TwoStep {
    folder: TempDir,
    namespace: &'static str,
}

impl TwoStep {
    fn new(namespace: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["example/base", "two-step"] {
            let target = folder.path().join(part);
            fs::create_dir_all(&target).unwrap();
            let source = workspace_root().join("kustomization").join(part);
            for entry in fs::read_dir(source).unwrap() {
                let entry = entry.unwrap();
                let content = fs::read_to_string(entry.path()).unwrap();
                let content = content
                    .replace("namespace: ci", &format!("namespace: {namespace}"))
                    .replace("name: ci\n", &format!("name: {namespace}\n"));
                fs::write(target.join(entry.file_name()), content).unwrap();
            }
        }
        Self { folder, namespace }
    }

    /// The same with another spec, in flow style, for one of its functions.
    fn with(self, function: &str, spec: &str) -> Self {
        let path = self.folder.path().join(format!("two-step/{function}.yaml"));
        let config = fs::read_to_string(&path).unwrap();
        let (head, _) = config.split_once("\nspec:").unwrap();
        fs::write(&path, format!("{head}\nspec: {spec}\n")).unwrap();
        self
    }

    fn build(&self, plane: &ControlPlane) -> Output {
        let mut command = kustomize(&self.folder.path().join("two-step"));
        command.env("KUBECONFIG", plane.kubeconfig());
        run_launcher(&mut command, b"")
    }

    fn apply(&self, plane: &ControlPlane, manifests: &str) {
        let namespaces = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {}}}}}",
            self.namespace
        );
        plane.apply(&namespaces);
        plane.apply(manifests);
    }

    /// Builds and applies, so that the Service exists.
    fn applied(self, plane: &ControlPlane) -> Self {
        let first = self.build(plane);
        self.apply(plane, &succeeds(&first));
        self
    }
}

/// A manifest from kustomize's output.
fn manifest(manifests: &str, kind: &str) -> Value {
    manifests
        .split("\n---\n")
        .map(|document| yaml_serde::from_str::<Value>(document).unwrap())
        .find(|manifest| manifest["kind"] == kind)
        .unwrap_or_else(|| panic!("there is no {kind} in {manifests}"))
}

fn config_toml(manifests: &str) -> String {
    manifest(manifests, "ConfigMap")["data"]["config.toml"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// kustomize's ResourceList before AdvertiseAddress, for the command alone.
fn list(runner: &TwoStep, plane: &ControlPlane, spec: &str) -> String {
    let kustomization = runner.folder.path().join("two-step/kustomization.yaml");
    let both = fs::read_to_string(&kustomization).unwrap();
    fs::write(
        &kustomization,
        both.replace("- advertise-address.yaml\n", ""),
    )
    .unwrap();
    let built = succeeds(&runner.build(plane));
    fs::write(&kustomization, both).unwrap();
    let mut list = String::from(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  apiVersion: \
         runner-terminal.dev/v1alpha1\n  kind: AdvertiseAddress\n  metadata: {name: a}\n",
    );
    list.push_str(&format!("  spec: {spec}\nitems:\n"));
    for document in built.split("\n---\n") {
        let mut indent = "- ";
        for line in document.lines() {
            list.push_str(&format!("{indent}{line}\n"));
            indent = "  ";
        }
    }
    list
}

/// Build, apply, wait for the cloud, build again: then a terminal opens at the address for a client
/// that trusts only the runner's certificate.
#[test]
fn the_two_steps_open_a_terminal() {
    let plane = ControlPlane::shared();
    for (namespace, spec, ingress, address) in [
        ("ipv4", "{}", r#"[{"ip":"192.0.2.7"}]"#, "192.0.2.7:9000"),
        (
            "ipv6",
            "{}",
            r#"[{"ip":"2001:db8::7"}]"#,
            "[2001:db8::7]:9000",
        ),
        (
            "hostname",
            "{}",
            r#"[{"hostname":"a1b2.elb.example.com"}]"#,
            "a1b2.elb.example.com:9000",
        ),
        (
            "dual-stack",
            "{ipFamily: IPv6}",
            r#"[{"ip":"192.0.2.7","ipMode":"VIP"},{"ip":"2001:db8::7","ipMode":"Proxy"}]"#,
            "[2001:db8::7]:9000",
        ),
    ] {
        let mut runner = TwoStep::new(namespace).with("advertise-address", spec);
        if namespace == "dual-stack" {
            let spec = "{exposure: {ipFamilyPolicy: RequireDualStack}}";
            runner = runner.with("session-server", spec);
        }

        let first = runner.build(&plane);
        let said = text(&first.stderr);
        assert!(said.contains("is not in the cluster yet"), "{said}");
        let manifests = succeeds(&first);
        assert!(
            SessionServer::start(&config_toml(&manifests))
                .unwrap_err()
                .is_off
        );
        runner.apply(&plane, &manifests);

        let pending = runner.build(&plane);
        let said = text(&pending.stderr);
        assert!(
            said.contains("its load balancer has no address yet"),
            "{said}"
        );
        assert_eq!(succeeds(&pending), manifests);

        plane.set_ingress(namespace, SERVICE, ingress);
        let second = runner.build(&plane);
        let manifests_with_address = succeeds(&second);
        let config = config_toml(&manifests_with_address);
        assert!(
            config.contains(&format!("advertise_address = \"{address}\"\n")),
            "{config}"
        );
        let checksum = |manifests: &str| {
            manifest(manifests, "Deployment")["spec"]["template"]["metadata"]["annotations"]
                ["runner-terminal.dev/config-checksum"]
                .clone()
        };
        assert_ne!(checksum(&manifests), checksum(&manifests_with_address));
        runner.apply(&plane, &manifests_with_address);

        let server = SessionServer::start(&config).unwrap();
        assert!(server.terminal().endpoint.contains(address), "{namespace}");
        let client = server.connect();
        assert_eq!(
            text(&client.stdout),
            "terminal open\n",
            "{}",
            text(&client.stderr)
        );
        drop(server);

        // A third build, after the second was applied to the cluster, is the same.
        assert_eq!(succeeds(&runner.build(&plane)), manifests_with_address);
    }
}

/// The module with the Service as an item gives the same result as the launcher, which reads it.
#[test]
fn the_module_alone_gives_the_same_from_items() {
    let plane = ControlPlane::shared();
    let runner = TwoStep::new("items").applied(&plane);
    plane.set_ingress("items", SERVICE, r#"[{"ip":"192.0.2.9"}]"#);
    let spec = "{source: Auto}";
    let list = list(&runner, &plane, spec);
    let read = succeeds(&run_launcher(
        &mut launcher(plane.kubeconfig()),
        list.as_bytes(),
    ));

    let args = [
        "--namespace",
        "items",
        "get",
        "service",
        SERVICE,
        "-o",
        "yaml",
    ];
    let export = succeeds(&plane.kubectl(&args, ""));
    let export: String = export
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let indent = if index == 0 { "- " } else { "  " };
            format!("{indent}{line}\n")
        })
        .collect();
    let with_export = format!("{list}{export}");
    for runtime in Runtime::ALL {
        let output = succeeds(&run_module(runtime, with_export.as_bytes()));
        // The results come after the items.
        let (items, results) = output.split_once(&export).unwrap();
        assert_eq!(format!("{items}{results}"), read, "{runtime:?}");
    }
}

#[test]
fn waiting_ends_when_the_address_is_there() {
    let plane = ControlPlane::shared();
    let runner = TwoStep::new("wait").applied(&plane);
    let list = list(&runner, &plane, "{whenPending: Wait, timeout: 2m}");
    let waiting = Waiting::start(&mut launcher(plane.kubeconfig()), list.as_bytes());

    // Measured from before the patch, so it includes kubectl.
    let start = Instant::now();
    plane.set_ingress("wait", SERVICE, r#"[{"ip":"192.0.2.7"}]"#);
    let output = waiting.end();
    let took = start.elapsed();

    let list = succeeds(&output);
    assert!(
        list.contains("advertise_address = \"192.0.2.7:9000\""),
        "{list}"
    );
    let said = text(&output.stderr);
    assert_eq!(said.matches("waiting up to 2m").count(), 1, "{said}");
    println!("resolved {took:?} after the status was patched");
    // It takes a second; the rest is for busy machines.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn waiting_survives_a_restart_of_the_api_server() {
    let plane = ControlPlane::start();
    let runner = TwoStep::new("restart").applied(&plane);
    let list = list(&runner, &plane, "{whenPending: Wait, timeout: 3m}");
    let waiting = Waiting::start(&mut launcher(plane.kubeconfig()), list.as_bytes());

    plane.restart_api_server();
    plane.set_ingress("restart", SERVICE, r#"[{"hostname":"lb.example.com"}]"#);
    let output = waiting.end();

    let list = succeeds(&output);
    assert!(
        list.contains("advertise_address = \"lb.example.com:9000\""),
        "{list}"
    );
}

#[test]
fn waiting_gives_up_and_writes_nothing_by_half() {
    let plane = ControlPlane::shared();
    let runner = TwoStep::new("give-up").applied(&plane);
    let list = list(&runner, &plane, "{whenPending: Wait, timeout: 2s}");
    let output = run_launcher(&mut launcher(plane.kubeconfig()), list.as_bytes());

    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("no address yet, as the API server"), "{said}");
    assert!(said.contains("and spec.timeout is 2s"), "{said}");
    assert!(text(&output.stdout).starts_with(&list));

    let runner = runner.with("advertise-address", "{whenPending: Wait, timeout: 2s}");
    let built = runner.build(&plane);
    assert!(!built.status.success());
    assert_eq!(text(&built.stdout), "");
}

/// The Role that `readers` adds is enough to read the address, but not the Service next to
/// it.
#[test]
fn readers_may_read_that_service_and_nothing_else() {
    let plane = ControlPlane::shared();
    let runner = TwoStep::new("readers").applied(&plane);
    let neighbour = TwoStep::new("neighbour")
        .with("session-server", "{}")
        .applied(&plane);
    let reader = repo_server(&plane);

    let can = |verb: &str, what: &str| {
        let args = [
            "--namespace",
            "readers",
            "auth",
            "can-i",
            verb,
            what,
            "--as=system:serviceaccount:argocd:argocd-repo-server",
        ];
        text(&plane.kubectl(&args, "").stdout).trim() == "yes"
    };
    let service = format!("services/{SERVICE}");
    assert!(can("get", &service) && can("watch", &service));
    for (verb, what) in [
        ("list", service.as_str()),
        ("delete", &service),
        ("update", &service),
        ("get", "services"),
        ("watch", "services"),
        ("get", "services/other"),
        ("get", "secrets"),
        ("get", "configmaps"),
        ("get", "pods"),
    ] {
        assert!(!can(verb, what), "{verb} {what}");
    }

    // Reading and watching with only this permission.
    let waits = "{whenPending: Wait, timeout: 2m}";
    let list_of_runner = list(&runner, &plane, waits);
    let waiting = Waiting::start(&mut launcher(&reader), list_of_runner.as_bytes());
    plane.set_ingress("readers", SERVICE, r#"[{"ip":"192.0.2.7"}]"#);
    assert!(succeeds(&waiting.end()).contains("192.0.2.7:9000"));

    // The other Service, and the rule that the message shows.
    plane.set_ingress("neighbour", SERVICE, r#"[{"ip":"192.0.2.8"}]"#);
    let list_of_neighbour = list(&neighbour, &plane, "{source: Cluster}");
    let refused = run_launcher(&mut launcher(&reader), list_of_neighbour.as_bytes());
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(
        said.contains("403 Forbidden") && said.contains("spec.readers"),
        "{said}"
    );
    let (_, rules) = said.split_once("\n\n").unwrap();
    plane.apply(rules);
    let allowed = run_launcher(&mut launcher(&reader), list_of_neighbour.as_bytes());
    assert!(succeeds(&allowed).contains("192.0.2.8:9000"));
}

/// Before the first apply, the reader's Role is only among the manifests: that counts as
/// pending and is not an error; otherwise the first build would always fail.
#[test]
fn a_reader_is_let_in_by_the_first_apply() {
    let plane = ControlPlane::shared();
    let reader = repo_server(&plane);
    let runner = TwoStep::new("first-apply");
    let build = || {
        let mut command = kustomize(&runner.folder.path().join("two-step"));
        run_launcher(command.env("KUBECONFIG", &reader), b"")
    };

    let first = build();
    let said = text(&first.stderr);
    assert!(said.contains("may not be read yet"), "{said}");
    runner.apply(&plane, &succeeds(&first));
    plane.set_ingress("first-apply", SERVICE, r#"[{"ip":"192.0.2.7"}]"#);

    assert!(config_toml(&succeeds(&build())).contains("192.0.2.7:9000"));
}

/// A port on every node: its number is the live Service's, its host a node's; a reader may list
/// the nodes with the ClusterRole that the function adds.
#[test]
fn a_node_port_is_reached_at_a_node() {
    let plane = ControlPlane::shared();
    plane.apply("{apiVersion: v1, kind: Node, metadata: {name: node-a}}\n");
    let status = r#"{"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"},
        {"type":"ExternalIP","address":"192.0.2.44"}],
        "conditions":[{"type":"Ready","status":"True"}]}}"#;
    let patch = [
        "patch",
        "node",
        "node-a",
        "--subresource=status",
        "--patch",
        status,
    ];
    succeeds(&plane.kubectl(&patch, ""));
    let reader = repo_server(&plane);
    let spec = "{exposure: {type: NodePort}, readers: [{namespace: argocd, serviceAccount: \
                argocd-repo-server}]}";
    let runner = TwoStep::new("node-port").with("session-server", spec);
    let build = || {
        let mut command = kustomize(&runner.folder.path().join("two-step"));
        run_launcher(command.env("KUBECONFIG", &reader), b"")
    };
    runner.apply(&plane, &succeeds(&build()));

    let manifests = succeeds(&build());
    let args = ["--namespace", "node-port", "get", "service", SERVICE];
    let port = [&args[..], &["-o", "jsonpath={.spec.ports[0].nodePort}"]].concat();
    let port = succeeds(&plane.kubectl(&port, ""));
    let config = config_toml(&manifests);
    let address = format!("192.0.2.44:{port}");
    assert!(config.contains(&format!("\"{address}\"")), "{config}");
    let server = SessionServer::start(&config).unwrap();
    assert!(server.terminal().endpoint.contains(&address));
    assert_eq!(text(&server.connect().stdout), "terminal open\n");
    drop(server);

    // Without the ClusterRole, which is still among the manifests.
    let role = format!("node-port-{SERVICE}-node-reader");
    let role = manifests
        .split_whitespace()
        .find(|word| word.starts_with(&role))
        .unwrap();
    succeeds(&plane.kubectl(&["delete", "clusterrole", role], ""));
    let forbidden = build();
    let said = text(&forbidden.stderr);
    assert!(said.contains("the nodes may not be read yet"), "{said}");
    succeeds(&forbidden);
}

#[test]
fn a_token_that_is_not_valid_is_told() {
    let plane = ControlPlane::shared();
    let runner = TwoStep::new("unauthorized").applied(&plane);
    let list = list(&runner, &plane, "{source: Cluster}");
    let config = fs::read_to_string(plane.kubeconfig()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    fs::write(
        &path,
        config.replace("administrator-of-a-test", "canary-4711"),
    )
    .unwrap();

    let refused = run_launcher(&mut launcher(&path), list.as_bytes());

    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr) + &text(&refused.stdout);
    assert!(said.contains("401 Unauthorized"), "{said}");
    assert!(!said.contains("canary-4711"), "{said}");
}

fn resolve(plane: &ControlPlane, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = launcher_with_kustomize(plane.kubeconfig());
    run_launcher(
        command.args(["resolve", "-k"]).arg(folder).args(arguments),
        b"",
    )
}

#[test]
fn resolve_shows_where_each_runner_is() {
    let plane = ControlPlane::shared();
    let runner = TwoStep::new("resolve");
    let folder = runner.folder.path().join("two-step");
    let pending = resolve(&plane, &folder, &[]);
    assert_eq!(pending.status.code(), Some(1));
    let table = text(&pending.stdout);
    assert!(
        table.contains("pending: is not in the cluster yet"),
        "{table}"
    );

    let runner = runner.applied(&plane);
    plane.set_ingress("resolve", SERVICE, r#"[{"ip":"192.0.2.7"}]"#);
    let known = resolve(&plane, &folder, &["--wait=10s", "-o", "json"]);
    let found: Value = serde_json::from_str(&succeeds(&known)).unwrap();
    let row = &found["runners"][0];
    assert_eq!(row["address"], "192.0.2.7:9000");
    assert_eq!(row["state"], "current");
    assert_eq!(row["service"]["name"], SERVICE);
    drop(runner);
}
