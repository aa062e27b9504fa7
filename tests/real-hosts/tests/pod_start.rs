//! `configure.at: PodStart`: what the function adds to pods, run as a node would run it, until a terminal
//! opens.
//!
//! The manifests are applied to a real API server. A stand-in for the kubelet runs the containers'
//! command lines with the volumes, the environment, the user and the capabilities of the pod. The
//! real session server reads the file that the runner's container sees. The tests need root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use real_hosts::{
    ControlPlane, Ended, SessionServer, StartNode, StartingPod, chart, items_from, kustomize_build,
    lost_terminals, resource_list, workspace_root,
};
use serde_json::{Value, json};

const INIT_CONTAINER: &str = "session-server";
const SERVICE: &str = "runner-session-server";
const IPV4: &str = r#"[{"ip":"192.0.2.7"}]"#;
const IPV6: &str = r#"[{"ip":"2001:db8::7"}]"#;
const HOSTNAME: &str = r#"[{"hostname":"lb.example.com"}]"#;

/// A pod that the Pod Security Standard "restricted" accepts.
const RESTRICTED: &str = "
securityContext: {runAsNonRoot: true, runAsUser: 999, fsGroup: 999, seccompProfile: {type: RuntimeDefault}}
";
/// The security context of its containers.
const UNPRIVILEGED: &str =
    "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}";

/// A mode as people write it, which Kubernetes reads as a number and the tests' own reader as text.
const MODE: &str = "0400";
const QUOTED_MODE: &str = "\"0400\"";

/// A namespace, with a node for its pods.
struct Cluster {
    plane: Arc<ControlPlane>,
    node: StartNode,
    namespace: String,
}

impl Cluster {
    /// A new namespace whose pods have to meet a Pod Security Standard.
    fn new(namespace: &str, level: &str) -> Self {
        Self::of(ControlPlane::shared(), namespace, level)
    }

    fn of(plane: Arc<ControlPlane>, namespace: &str, level: &str) -> Self {
        let node = StartNode::new(&plane);
        let labels = json!({"pod-security.kubernetes.io/enforce": level});
        plane.add_namespace(namespace, &labels);
        Self {
            plane,
            node,
            namespace: namespace.to_owned(),
        }
    }

    /// The function's output for these manifests, in this namespace.
    fn function(&self, manifests: &str, spec: &str) -> Vec<Value> {
        let spec: Value = yaml_serde::from_str(spec).unwrap();
        let mut items = documents(manifests);
        for item in &mut items {
            item["metadata"]["namespace"] = json!(self.namespace);
        }
        let list = resource_list(&items, &at_pod_start(spec));
        items_from(&list.to_string().replace(QUOTED_MODE, MODE))
    }

    /// Applies the function's output, except for resources that this API server does not define.
    fn apply(&self, items: &[Value]) {
        let served = |item: &&Value| item["kind"] != "ExternalSecret";
        let items: Vec<&Value> = items.iter().filter(served).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        // This is how kubectl reads it.
        let list = list.to_string().replace(QUOTED_MODE, "256");
        self.plane.apply(&list);
    }

    /// Runs the function, and applies its output.
    fn serve(&self, manifests: &str, spec: &str) {
        self.apply(&self.function(manifests, spec));
    }

    fn create_pod(&self) -> StartingPod {
        self.node.create_pod(&self.namespace, "deployment/runner")
    }

    fn set_ingress(&self, ingress: &str) {
        self.plane.set_ingress(&self.namespace, SERVICE, ingress);
    }

    /// Starts a pod whose address arrives while its init container waits, and returns what the
    /// runner's container reads.
    fn start_pod(&self, ingress: &str) -> String {
        let pod = self.create_pod();
        pod.run_init_containers_before(INIT_CONTAINER);
        let mut init = pod.start_container_named(INIT_CONTAINER);
        init.wait_for("has no address yet; waiting up to 2m");
        self.set_ingress(ingress);
        succeeds(&init.end());
        runner_reads(&pod)
    }
}

fn documents(manifests: &str) -> Vec<Value> {
    manifests
        .split("---\n")
        .map(|document| yaml_serde::from_str(document).unwrap())
        .filter(|document: &Value| !document.is_null())
        .collect()
}

fn at_pod_start(mut spec: Value) -> Value {
    if spec.is_null() {
        spec = json!({});
    }
    spec["configure"]["at"] = json!("PodStart");
    spec["configure"]["image"] = json!("registry.example.com/runner-terminal:0.2.0");
    spec
}

fn succeeds(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    // What looks like a JSON Web Token.
    assert!(!ended.log.contains("eyJ"), "{}", ended.log);
}

/// The `config.toml` that the runner uses, and beside which it writes.
fn runner_reads(pod: &StartingPod) -> String {
    let runner = pod.run_runner();
    succeeds(&runner);
    assert!(!runner.log.contains("WARNING"), "{}", runner.log);
    runner.stdout
}

/// The real session server starts with the file, and a terminal opens at the address.
fn opens_a_terminal(config: &str, address: &str) {
    let server = match SessionServer::start(config) {
        Ok(server) => server,
        Err(refusal) => panic!("{}\n{config}", refusal.message),
    };
    let endpoint = &server.terminal().endpoint;
    let expected = format!("wss://{address}:9000/session/");
    assert!(endpoint.starts_with(&expected), "{endpoint}");
    let client = server.connect();
    let errors = String::from_utf8_lossy(&client.stderr);
    assert_eq!(client.stdout, b"terminal open\n", "{errors}");
}

fn is_off(config: &str) {
    assert!(SessionServer::start(config).unwrap_err().is_off, "{config}");
}

/// A Deployment `runner` with these fields of a pod, and these of its container.
fn deployment(pod: &str, container: &str) -> String {
    let mut deployment: Value = yaml_serde::from_str(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: runner}
spec:
  selector: {matchLabels: {app: runner}}
  template:
    metadata: {labels: {app: runner}}
    spec: {}
",
    )
    .unwrap();
    let mut pod: Value = yaml_serde::from_str(pod).unwrap();
    let mut container: Value = yaml_serde::from_str(container).unwrap();
    container["name"] = json!("runner");
    container["image"] = json!("gitlab/gitlab-runner:v18.9.0");
    pod["containers"] = json!([container]);
    deployment["spec"]["template"]["spec"] = pod;
    format!("---\n{deployment}\n")
}

/// A ConfigMap or a Secret `runner` with a runner's `config.toml`.
fn holder(kind: &str) -> String {
    let field = if kind == "Secret" {
        "stringData"
    } else {
        "data"
    };
    let config =
        "concurrent = 4   # as ever\n\n[[runners]]\n  name = \"a\"\n  token = \"glrt-x\"\n";
    let object = json!({
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": "runner"},
        field: {"config.toml": config, "other.txt": "another file\n"},
    });
    format!("---\n{object}\n")
}

/// A ConfigMap with its Deployment, in the form that most tests use.
fn config_map() -> String {
    let pod = format!("{RESTRICTED}\nvolumes: [{{name: c, configMap: {{name: runner}}}}]");
    let container = format!(
        "{UNPRIVILEGED}\nvolumeMounts: [{{name: c, mountPath: {USER_FOLDER}, readOnly: true}}]"
    );
    holder("ConfigMap") + &deployment(&pod, &container)
}

/// Where a runner that is not root has its configuration.
const USER_FOLDER: &str = "/home/gitlab-runner/.gitlab-runner";

#[test]
fn a_config_map_is_copied() {
    let cluster = Cluster::new("config-map", "restricted");
    cluster.serve(&config_map(), "{}");
    let pod = cluster.create_pod();
    let mut init = pod.start_container_named(INIT_CONTAINER);
    init.wait_for("has no address yet; waiting up to 2m");
    cluster.set_ingress(IPV4);
    let ended = init.end();
    succeeds(&ended);
    let config = runner_reads(&pod);
    assert!(
        config.starts_with("concurrent = 4   # as ever\n"),
        "{config}"
    );
    opens_a_terminal(&config, "192.0.2.7");
    let other = pod.run_in("runner", &["cat", &format!("{USER_FOLDER}/other.txt")]);
    assert_eq!(other.stdout, "another file\n");
    // The last line reports the outcome.
    let last = ended.log.lines().last().unwrap();
    assert!(last.contains("advertise_address 192.0.2.7:9000"), "{last}");
}

#[test]
fn each_kind_of_address_opens_a_terminal() {
    let cluster = Cluster::new("addresses", "restricted");
    cluster.serve(&config_map(), "{}");
    for (ingress, address) in [
        (IPV4, "192.0.2.7"),
        (IPV6, "[2001:db8::7]"),
        (HOSTNAME, "lb.example.com"),
        (
            r#"[{"ip":"192.0.2.7"},{"hostname":"b.example.com"}]"#,
            "b.example.com",
        ),
    ] {
        cluster.set_ingress("[]");
        let config = cluster.start_pod(ingress);
        opens_a_terminal(&config, address);
    }
}

#[test]
fn one_file_of_a_config_map_is_copied() {
    let cluster = Cluster::new("sub-path", "restricted");
    for kind in ["ConfigMap", "Secret"] {
        let volume = match kind {
            "Secret" => "secret: {secretName: runner, defaultMode: 0400}",
            _ => "configMap: {name: runner}",
        };
        let pod = format!("{RESTRICTED}\nvolumes: [{{name: c, {volume}}}]");
        let container = format!(
            "{UNPRIVILEGED}
args: [run, --config, /etc/runner/config.toml]
volumeMounts: [{{name: c, mountPath: /etc/runner/config.toml, subPath: config.toml}}]"
        );
        cluster.serve(&(holder(kind) + &deployment(&pod, &container)), "{}");
        cluster.set_ingress("[]");
        let pod = cluster.create_pod();
        let mut init = pod.start_container_named(INIT_CONTAINER);
        init.wait_for("has no address yet");
        cluster.set_ingress(IPV6);
        succeeds(&init.end());
        // The folder is the image's, where the runner cannot write its system ID.
        let runner = pod.run_runner();
        succeeds(&runner);
        opens_a_terminal(&runner.stdout, "[2001:db8::7]");
    }
}

#[test]
fn a_secret_is_copied_whatever_its_mode() {
    let cluster = Cluster::new("secret", "baseline");
    let mount = "volumeMounts: [{name: c, mountPath: /etc/gitlab-runner}]";
    let of_user = format!("{UNPRIVILEGED}\nvolumeMounts: [{{name: c, mountPath: {USER_FOLDER}}}]");
    for (user, container, mode) in [
        (RESTRICTED, &*of_user, ""),
        (RESTRICTED, &*of_user, ", defaultMode: 0400"),
        ("", mount, ""),
        ("", mount, ", defaultMode: 0400"),
        (
            "",
            mount,
            ", defaultMode: 0400, items: [{key: config.toml, path: config.toml}]",
        ),
    ] {
        let pod = format!("{user}\nvolumes: [{{name: c, secret: {{secretName: runner{mode}}}}}]");
        cluster.serve(&(holder("Secret") + &deployment(&pod, container)), "{}");
        cluster.set_ingress("[]");
        let config = cluster.start_pod(HOSTNAME);
        assert!(config.contains("token = \"glrt-x\""), "{mode}: {config}");
        opens_a_terminal(&config, "lb.example.com");
    }
}

#[test]
fn a_projected_volume_is_copied() {
    let cluster = Cluster::new("projected", "restricted");
    let pod = format!(
        "{RESTRICTED}
volumes:
- name: c
  projected:
    defaultMode: 0400
    sources:
    - configMap: {{name: runner, items: [{{key: config.toml, path: runner/config.toml}}]}}
    - configMap: {{name: runner, items: [{{key: other.txt, path: certs/other.txt}}]}}
    - secret: {{name: missing, optional: true}}"
    );
    let container = format!(
        "{UNPRIVILEGED}
env: [{{name: CONFIG_FILE, value: /config/runner/config.toml}}]
volumeMounts: [{{name: c, mountPath: /config}}]"
    );
    cluster.serve(&(holder("ConfigMap") + &deployment(&pod, &container)), "{}");
    let pod = cluster.create_pod();
    let mut init = pod.start_container_named(INIT_CONTAINER);
    init.wait_for("has no address yet");
    cluster.set_ingress(IPV4);
    succeeds(&init.end());
    opens_a_terminal(&runner_reads(&pod), "192.0.2.7");
    let other = pod.run_in("runner", &["cat", "/config/certs/other.txt"]);
    assert_eq!(other.stdout, "another file\n");
}

/// Only the ExternalSecret is in the manifests; its operator makes the Secret.
#[test]
fn a_secret_of_an_external_secret_is_copied() {
    let cluster = Cluster::new("external-secret", "restricted");
    let external = "
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: runner}
spec:
  secretStoreRef: {name: vault}
  target: {name: runner}
  dataFrom: [{extract: {key: ci/runner}}]
";
    let pod = format!("{RESTRICTED}\nvolumes: [{{name: c, secret: {{secretName: runner}}}}]");
    let container =
        format!("{UNPRIVILEGED}\nvolumeMounts: [{{name: c, mountPath: {USER_FOLDER}}}]");
    cluster.serve(&(external.to_owned() + &deployment(&pod, &container)), "{}");
    let made = &documents(&holder("Secret"))[0];
    let mut made = made.clone();
    made["metadata"]["namespace"] = json!(cluster.namespace);
    cluster.plane.apply(&made.to_string());
    opens_a_terminal(&cluster.start_pod(IPV4), "192.0.2.7");
}

/// The chart's script copies the file of its ConfigMap to the folder of the runner's user, and
/// registers.
#[test]
fn the_charts_script_copies_the_file() {
    let cluster = Cluster::new("chart", "baseline");
    let documents = chart("default", "chart");
    let manifests = documents.iter().map(|one| format!("---\n{one}\n"));
    let items = cluster.function(&manifests.collect::<String>(), "{}");
    cluster.apply(&items);
    let pod = cluster
        .node
        .create_pod("chart", "deployment/gr-gitlab-runner");
    let mut init = pod.start_container_named(INIT_CONTAINER);
    init.wait_for("has no address yet");
    let service = "gr-gitlab-runner-session-server";
    cluster.plane.set_ingress("chart", service, IPV4);
    succeeds(&init.end());
    let config = runner_reads(&pod);
    assert!(config.contains("concurrent = 10"), "{config}");
    assert!(config.contains("token = \"glrt-of-a-test\""), "{config}");
    opens_a_terminal(&config, "192.0.2.7");
}

#[test]
fn a_runner_registers_in_an_init_container() {
    let cluster = Cluster::new("register-in-init", "restricted");
    let pod = format!(
        "{RESTRICTED}
initContainers:
- name: register
  image: gitlab/gitlab-runner:v18.9.0
  command: [gitlab-runner, register, --non-interactive]
  {UNPRIVILEGED}
  volumeMounts: [{{name: c, mountPath: {USER_FOLDER}}}]
volumes: [{{name: c, emptyDir: {{}}}}]"
    );
    let container =
        format!("{UNPRIVILEGED}\nvolumeMounts: [{{name: c, mountPath: {USER_FOLDER}}}]");
    cluster.serve(&deployment(&pod, &container), "{}");
    let config = cluster.start_pod(HOSTNAME);
    assert!(config.contains("token = \"glrt-of-a-test\""), "{config}");
    opens_a_terminal(&config, "lb.example.com");
}

#[test]
fn a_runner_registers_in_its_own_container() {
    let cluster = Cluster::new("register", "baseline");
    let container = "command: [sh, -c, gitlab-runner register -n && exec gitlab-runner run]";
    cluster.serve(&deployment("{}", container), "{}");
    cluster.set_ingress(IPV4);
    let pod = cluster.create_pod();
    succeeds(&pod.start_container_named(INIT_CONTAINER).end());
    let config = runner_reads(&pod);
    assert!(config.contains("token = \"glrt-of-a-test\""), "{config}");
    opens_a_terminal(&config, "192.0.2.7");

    // The kubelet runs init containers again if a pod's sandbox is lost.
    cluster.set_ingress(HOSTNAME);
    succeeds(&pod.start_container_named(INIT_CONTAINER).end());
    let again = pod.run_in("runner", &["gitlab-runner", "run"]);
    succeeds(&again);
    assert_eq!(again.stdout, config.replace("192.0.2.7", "lb.example.com"));
    opens_a_terminal(&again.stdout, "lb.example.com");
}

/// As a user other than root, whose folder differs.
#[test]
fn a_user_registers_in_its_own_container() {
    let cluster = Cluster::new("register-as-user", "restricted");
    let container = format!(
        "{UNPRIVILEGED}
command: [sh, -c, 'gitlab-runner register -n -c {USER_FOLDER}/config.toml && exec gitlab-runner run -c {USER_FOLDER}/config.toml']"
    );
    cluster.serve(&deployment(RESTRICTED, &container), "{}");
    let config = cluster.start_pod(IPV6);
    assert!(config.contains("token = \"glrt-of-a-test\""), "{config}");
    opens_a_terminal(&config, "[2001:db8::7]");
}

#[test]
fn init_containers_join_two_files() {
    let cluster = Cluster::new("joined", "baseline");
    let secret = "
---
apiVersion: v1
kind: Secret
metadata: {name: runner-secret}
stringData:
  config.toml: |
    [[runners]]
      token = \"joined\"
";
    let pod = "
initContainers:
- name: join
  image: alpine
  command: [sh, -c, 'cat /in/config.toml /secret/config.toml > /etc/gitlab-runner/config.toml']
  volumeMounts:
  - {name: a, mountPath: /in}
  - {name: b, mountPath: /secret}
  - {name: c, mountPath: /etc/gitlab-runner}
volumes:
- {name: a, configMap: {name: runner}}
- {name: b, secret: {secretName: runner-secret, defaultMode: 0400}}
- {name: c, emptyDir: {}}
";
    let container = "volumeMounts: [{name: c, mountPath: /etc/gitlab-runner}]";
    let manifests = holder("ConfigMap") + secret + &deployment(pod, container);
    cluster.serve(&manifests, "{}");
    let config = cluster.start_pod(IPV4);
    assert!(config.contains("token = \"joined\""), "{config}");
    assert!(config.contains("# as ever"), "{config}");
    opens_a_terminal(&config, "192.0.2.7");
}

/// The claim already has a file before the first pod.
const OLD_FILE: &str = "# ours\nconcurrent = 7\nlisten_address = \":9252\"\n\n[session_server]\n  session_timeout = 600   # ours too\n\n[[runners]]\n  token = \"old\"\n";

#[test]
fn an_old_file_on_a_claim_gets_each_new_address() {
    for (namespace, level, user, folder) in [
        ("claim", "baseline", "{}", "/etc/gitlab-runner"),
        ("claim-of-user", "restricted", RESTRICTED, USER_FOLDER),
    ] {
        let cluster = Cluster::new(namespace, level);
        let mut pod: Value = yaml_serde::from_str(user).unwrap();
        pod["volumes"] = json!([{"name": "c", "persistentVolumeClaim": {"claimName": "data"}}]);
        let container = format!("{UNPRIVILEGED}\nvolumeMounts: [{{name: c, mountPath: {folder}}}]");
        cluster.serve(&deployment(&pod.to_string(), &container), "{}");
        let file = cluster.node.claim("data").join("config.toml");
        fs::write(&file, OLD_FILE).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

        let first = cluster.start_pod(IPV4);
        opens_a_terminal(&first, "192.0.2.7");
        cluster.set_ingress("[]");
        let second = cluster.start_pod(HOSTNAME);
        opens_a_terminal(&second, "lb.example.com");

        assert_eq!(second, first.replace("192.0.2.7", "lb.example.com"));
        assert!(second.starts_with("# ours\nconcurrent = 7\n"), "{second}");
        assert!(
            second.contains("session_timeout = 600   # ours too"),
            "{second}"
        );
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!(metadata.mode() & 0o007, 0, "others read {namespace}");

        // If there is no address in time, the file does not keep the session server of an earlier
        // start.
        cluster.set_ingress("[]");
        cluster.serve(
            &deployment(&pod.to_string(), &container),
            "{configure: {timeout: 1s}}",
        );
        let pod = cluster.create_pod();
        succeeds(&pod.start_container_named(INIT_CONTAINER).end());
        let third = runner_reads(&pod);
        is_off(&third);
        assert!(third.contains("token = \"old\""), "{third}");
        assert!(
            third.contains("session_timeout = 600   # ours too"),
            "{third}"
        );
    }
}

#[test]
fn an_address_of_the_users_own_on_a_claim_stays() {
    let cluster = Cluster::new("own-address", "baseline");
    let pod = "volumes: [{name: c, persistentVolumeClaim: {claimName: data}}]";
    let container = "volumeMounts: [{name: c, mountPath: /etc/gitlab-runner}]";
    cluster.serve(&deployment(pod, container), "{}");
    let file = cluster.node.claim("data").join("config.toml");
    let own = "[session_server]\nadvertise_address = \"own.example.com:9000\"\n";
    fs::write(&file, own).unwrap();
    let pod = cluster.create_pod();
    succeeds(&pod.start_container_named(INIT_CONTAINER).end());
    opens_a_terminal(&runner_reads(&pod), "own.example.com");
}

#[test]
fn the_claims_of_a_stateful_set_are_found() {
    let cluster = Cluster::new("stateful-set", "restricted");
    let pod = deployment(
        RESTRICTED,
        &format!("{UNPRIVILEGED}\nvolumeMounts: [{{name: c, mountPath: {USER_FOLDER}}}]"),
    );
    let mut set = documents(&pod)[0].clone();
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("runner");
    set["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "c"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }]);
    cluster.serve(&set.to_string(), "{}");
    let file = cluster.node.claim("c-runner-0").join("config.toml");
    fs::write(file, OLD_FILE).unwrap();
    let pod = cluster
        .node
        .create_pod(&cluster.namespace, "statefulset/runner");
    let mut init = pod.start_container_named(INIT_CONTAINER);
    init.wait_for("has no address yet");
    cluster.set_ingress(IPV4);
    succeeds(&init.end());
    opens_a_terminal(&runner_reads(&pod), "192.0.2.7");
}

/// A port of the node needs no API.
#[test]
fn a_node_port_leads_to_the_pods_node() {
    let cluster = Cluster::new("node-port", "restricted");
    for (spec, host) in [
        (
            "{exposure: {type: NodePort, nodePort: 30093}}",
            "192.0.2.20",
        ),
        (
            "{exposure: {type: NodePort, nodePort: 30093}, configure: {ipFamily: IPv6}}",
            "[2001:db8::20]",
        ),
        ("{exposure: {type: NodePort}}", "192.0.2.20"),
    ] {
        cluster.serve(&config_map(), spec);
        let pod = cluster.create_pod();
        let init = pod.start_container_named(INIT_CONTAINER).end();
        succeeds(&init);
        let service = cluster
            .plane
            .get(&cluster.namespace, &format!("service/{SERVICE}"));
        let port = &service["spec"]["ports"][0]["nodePort"];
        let config = runner_reads(&pod);
        let address = format!("advertise_address = \"{host}:{port}\"");
        assert!(config.contains(&address), "{spec}: {config}");
        let has_token = pod.manifest().to_string().contains("session-server-token");
        assert_eq!(has_token, spec == "{exposure: {type: NodePort}}", "{spec}");
    }
}

#[test]
fn a_pod_without_an_address_in_time_starts_or_fails_as_asked() {
    let cluster = Cluster::new("pending", "restricted");
    cluster.serve(&config_map(), "{configure: {timeout: 1s}}");
    let pod = cluster.create_pod();
    let ended = pod.start_container_named(INIT_CONTAINER).end();
    succeeds(&ended);
    let last = ended.log.lines().last().unwrap();
    assert!(
        last.contains("the runner starts without a session server"),
        "{last}"
    );
    assert!(
        last.contains("Service pending/runner-session-server"),
        "{last}"
    );
    let config = runner_reads(&pod);
    assert!(config.contains("token = \"glrt-x\""), "{config}");
    is_off(&config);

    cluster.serve(
        &config_map(),
        "{configure: {timeout: 1s, whenPending: Fail}}",
    );
    let pod = cluster.create_pod();
    let ended = pod.start_container_named(INIT_CONTAINER).end();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    // The kubelet starts it again, in the same pod.
    cluster.set_ingress(IPV4);
    succeeds(&pod.start_container_named(INIT_CONTAINER).end());
    opens_a_terminal(&runner_reads(&pod), "192.0.2.7");
}

#[test]
fn a_runner_that_registers_starts_without_an_address() {
    let cluster = Cluster::new("register-pending", "baseline");
    let container = "command: [sh, -c, gitlab-runner register -n && exec gitlab-runner run]";
    let spec = "{configure: {timeout: 1s}}";
    cluster.serve(&deployment("{}", container), spec);
    let pod = cluster.create_pod();
    succeeds(&pod.start_container_named(INIT_CONTAINER).end());
    let config = runner_reads(&pod);
    assert!(config.contains("token = \"glrt-of-a-test\""), "{config}");
    is_off(&config);
}

#[test]
fn an_api_server_that_restarts_is_waited_for() {
    let plane = Arc::new(ControlPlane::start());
    let cluster = Cluster::of(plane, "restart", "restricted");
    cluster.serve(&config_map(), "{}");
    let pod = cluster.create_pod();
    let mut init = pod.start_container_named(INIT_CONTAINER);
    init.wait_for("has no address yet");
    cluster.plane.restart_api_server();
    cluster.set_ingress(IPV4);
    succeeds(&init.end());
    opens_a_terminal(&runner_reads(&pod), "192.0.2.7");
}

#[test]
fn a_role_that_comes_later_is_waited_for() {
    let cluster = Cluster::new("role-later", "restricted");
    let items = cluster.function(&config_map(), "{}");
    let is_role = |item: &Value| item["kind"].as_str().unwrap().starts_with("Role");
    let (roles, others): (Vec<Value>, Vec<Value>) = items.into_iter().partition(is_role);
    assert_eq!(roles.len(), 2);
    cluster.apply(&others);
    let pod = cluster.create_pod();
    let mut init = pod.start_container_named(INIT_CONTAINER);
    init.wait_for("(403 Forbidden)");
    cluster.apply(&roles);
    cluster.set_ingress(IPV4);
    succeeds(&init.end());
    opens_a_terminal(&runner_reads(&pod), "192.0.2.7");
}

#[test]
fn without_its_role_a_pod_starts_without_terminals_and_says_why() {
    let cluster = Cluster::new("no-role", "restricted");
    for (when_pending, code) in [("Disable", 0), ("Fail", 1)] {
        let spec = format!("{{configure: {{timeout: 2s, whenPending: {when_pending}}}}}");
        let items = cluster.function(&config_map(), &spec);
        let others = items.into_iter();
        let others = others.filter(|item| !item["kind"].as_str().unwrap().starts_with("Role"));
        cluster.apply(&others.collect::<Vec<_>>());
        let pod = cluster.create_pod();
        let began = Instant::now();
        let ended = pod.start_container_named(INIT_CONTAINER).end();
        assert_eq!(ended.code, Some(code), "{}", ended.log);
        assert!(began.elapsed() < Duration::from_secs(60), "{}", ended.log);
        let last = ended.log.lines().last().unwrap();
        assert!(last.contains("a Role that lets"), "{last}");
        assert!(last.contains("no-role"), "{last}");
        if code == 0 {
            is_off(&runner_reads(&pod));
        }
    }
}

#[test]
fn the_service_account_may_read_its_service_and_nothing_else() {
    let cluster = Cluster::new("least", "restricted");
    cluster.serve(&config_map(), "{}");
    let may = |verb: &str, object: &str| {
        let user = "--as=system:serviceaccount:least:default";
        let args = ["--namespace", "least", "auth", "can-i", verb, object, user];
        let answer = cluster.plane.kubectl(&args, "");
        match &*String::from_utf8_lossy(&answer.stdout) {
            "yes\n" => true,
            "no\n" => false,
            _ => panic!("{answer:?}"),
        }
    };
    let own = format!("services/{SERVICE}");
    for verb in ["get", "watch"] {
        assert!(may(verb, &own), "{verb}");
        assert!(!may(verb, "services"), "{verb}");
        assert!(!may(verb, "services/another"), "{verb}");
    }
    for verb in ["list", "update", "patch", "delete", "create"] {
        assert!(!may(verb, &own), "{verb}");
    }
    for object in [
        "secrets",
        "configmaps",
        "pods",
        "endpoints",
        "deployments.apps",
    ] {
        for verb in ["get", "list", "watch", "create"] {
            assert!(!may(verb, object), "{verb} {object}");
        }
    }
    let rights = cluster.plane.rights_of("least", "least:default");
    assert_eq!(rights, [format!("services [] [{SERVICE}] [get watch]")]);
}

/// With and without the token that Kubernetes itself gives to each container.
#[test]
fn the_token_is_mounted_in_the_init_container_only() {
    let cluster = Cluster::new("token", "restricted");
    for automount in [true, false] {
        let mut manifests = documents(&config_map());
        manifests[1]["spec"]["template"]["spec"]["automountServiceAccountToken"] = json!(automount);
        let manifests: String = manifests
            .iter()
            .map(|item| format!("---\n{item}\n"))
            .collect();
        cluster.serve(&manifests, "{}");
        cluster.set_ingress("[]");
        let pod = cluster.create_pod();
        let spec = &pod.manifest()["spec"];
        let volumes_at = |container: &Value| -> Vec<String> {
            let mounts = container["volumeMounts"].as_array().unwrap().iter();
            let mounts = mounts.filter(|mount| {
                let path = mount["mountPath"].as_str().unwrap();
                path.starts_with("/var/run/secrets")
            });
            mounts
                .map(|mount| mount["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let init = volumes_at(&spec["initContainers"][0]);
        assert_eq!(init, ["session-server-token"]);
        let runner = volumes_at(&spec["containers"][0]);
        assert_eq!(runner.len(), usize::from(automount), "{runner:?}");
        assert!(
            runner
                .iter()
                .all(|name| name.starts_with("kube-api-access-"))
        );
        let mut init = pod.start_container_named(INIT_CONTAINER);
        init.wait_for("has no address yet");
        cluster.set_ingress(IPV4);
        succeeds(&init.end());
        opens_a_terminal(&runner_reads(&pod), "192.0.2.7");
    }
}

/// Tests the stand-in itself, on which the other tests depend.
#[test]
fn containers_have_what_the_manifest_says() {
    let cluster = Cluster::new("stand-in", "restricted");
    cluster.serve(&config_map(), "{}");
    let pod = cluster.create_pod();
    let runner = pod.run_in("runner", &["setpriv", "--dump"]);
    succeeds(&runner);
    for line in [
        "uid: 999",
        "euid: 999",
        "Supplementary groups: 0,999",
        "no_new_privs: 1",
        "Ambient capabilities: [none]",
        "Capability bounding set: [none]",
    ] {
        assert!(runner.stdout.contains(line), "{line}: {}", runner.stdout);
    }
    let init = pod.run_in(INIT_CONTAINER, &["/bin/sh"]);
    assert_ne!(init.code, Some(0));
    assert!(init.log.contains("No such file"), "{}", init.log);
    let written = pod.run_in("runner", &["touch", "/etc/new"]);
    assert!(written.log.contains("Permission denied"), "{}", written.log);
}

/// The example of the documentation: one build, one apply, and nothing else.
#[test]
fn one_apply_gives_a_terminal() {
    let cluster = Cluster::new("ci", "baseline");
    let built = kustomize_build(&workspace_root().join("kustomization/pod-start"));
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{errors}");
    let manifests = String::from_utf8_lossy(&built.stdout);
    cluster.plane.apply(&manifests);
    let pod = cluster.node.create_pod("ci", "deployment/team-a-runner");
    let mut init = pod.start_container_named(INIT_CONTAINER);
    init.wait_for("has no address yet; waiting up to 2m");
    let service = "team-a-runner-session-server";
    cluster.plane.set_ingress("ci", service, IPV4);
    succeeds(&init.end());
    let config = runner_reads(&pod);
    assert!(config.contains("name = \"team-a\""), "{config}");
    opens_a_terminal(&config, "192.0.2.7");
}

/// How many sessions are opened in each of the tests below.
const SESSIONS: usize = 300;

/// A workload of this kind, and the ConfigMap of its runner.
fn workload_of_kind(kind: &str, spec: &Value) -> String {
    let manifests = config_map();
    let mut documents = documents(&manifests);
    let workload = documents.last_mut().unwrap();
    workload["kind"] = json!(kind);
    for (field, value) in spec.as_object().unwrap() {
        workload["spec"][field] = value.clone();
    }
    let texts = documents
        .iter()
        .map(|document| format!("---\n{document}\n"));
    texts.collect()
}

/// How many terminals did not reach the process of their session, at the addresses that the pods
/// advertise, as GitLab opens them.
fn lost_of(servers: &[SessionServer]) -> usize {
    lost_terminals(servers, SESSIONS, SessionServer::connect_as_advertised)
}

/// Each pod advertises its own IP address, so no terminal is lost with any number of pods, even
/// while an autoscaler adds and removes some. tests/shards.rs shows what a plain Service loses.
#[test]
fn no_terminal_of_several_replicas_is_lost() {
    let mut cluster = Cluster::new("replicas", "restricted");
    let scaler = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "runner"},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 10,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "runner"},
        },
    });
    let deployment = workload_of_kind("Deployment", &json!({"replicas": 3}));
    cluster.serve(
        &format!("{deployment}---\n{scaler}\n"),
        // Other tests listen on all addresses at the usual port.
        "{exposure: {type: PodIP}, listenPort: 18095}",
    );
    let mut start = |pod: usize| {
        let ip = format!("127.0.8.{pod}");
        cluster.node.pod_ips = vec![ip.clone()];
        let pod = cluster.create_pod();
        let init = pod.start_container_named(INIT_CONTAINER).end();
        succeeds(&init);
        let config = runner_reads(&pod);
        SessionServer::start_at(&config, &format!("{ip}:18095")).unwrap()
    };
    let mut servers: Vec<SessionServer> = (1..=3).map(&mut start).collect();
    assert_eq!(lost_of(&servers), 0);
    servers.extend((4..=10).map(&mut start));
    assert_eq!(lost_of(&servers), 0);
    servers.drain(..7);
    assert_eq!(lost_of(&servers), 0);
}

/// Each pod of a DaemonSet is reached through a port of its node.
#[test]
fn no_terminal_of_a_daemon_set_is_lost() {
    let mut cluster = Cluster::new("daemon-set", "privileged");
    let daemon_set = workload_of_kind("DaemonSet", &json!({}));
    cluster.serve(&daemon_set, "{exposure: {type: HostPort, hostPort: 31093}}");
    let start = |node: usize| {
        let ip = format!("127.0.9.{node}");
        cluster.node.host_ips = vec![ip.clone()];
        let pod = cluster
            .node
            .create_pod(&cluster.namespace, "daemonset/runner");
        let port = &pod.manifest()["spec"]["containers"][0]["ports"][0];
        assert_eq!(port["hostPort"], 31093, "{port}");
        let init = pod.start_container_named(INIT_CONTAINER).end();
        succeeds(&init);
        let config = runner_reads(&pod);
        // The node's port leads to the pod's.
        SessionServer::start_at(&config, &format!("{ip}:31093")).unwrap()
    };
    let servers: Vec<SessionServer> = (1..=5).map(start).collect();
    assert_eq!(lost_of(&servers), 0);
}
