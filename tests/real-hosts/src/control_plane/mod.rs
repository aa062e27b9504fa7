//! A Kubernetes control plane: etcd and kube-apiserver. A [`Kubelet`](crate::Kubelet) adds a
//! node.

mod credentials;
mod kubectl;
mod ports;
mod programs;
mod server;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::definitions::custom_resource_definitions;
pub(crate) use credentials::Credentials;
use kubectl::Kubectl;
pub use ports::free as free_ports;
use server::Server;

/// A control plane on free ports of the loopback address, with its files in a temporary
/// folder. It ends on drop.
#[derive(Debug)]
pub struct ControlPlane {
    kubectl: Kubectl,
    credentials: Credentials,
    api_port: u16,
    client_port: u16,
    applying: Mutex<()>,
    // Dropped in this order: the API server, then etcd, then their files.
    api_server: Mutex<Server>,
    _etcd: Server,
    folder: TempDir,
}

/// A start takes seconds. The rest is for busy machines.
const PATIENCE: Duration = Duration::from_secs(180);
const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;

impl ControlPlane {
    /// The control plane that the tests of this process share: it starts with the first
    /// test that uses it, and ends with the last. Give each test
    /// its own namespace.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<ControlPlane>> = Mutex::new(Weak::new());
        // A test that panicked during the start left nothing incomplete here.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// Starts one, and returns once it is ready.
    ///
    /// # Panics
    ///
    /// If it does not become ready. The message has the end of the log.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let credentials = Credentials::write(folder.path());
        let [client_port, peer_port, api_port] = ports::free();

        let mut etcd = programs::etcd(folder.path(), client_port, peer_port);
        let mut api_server =
            programs::api_server(folder.path(), &credentials, api_port, client_port);
        let kubectl = Kubectl::new(folder.path(), &credentials, api_port);
        server::wait(PATIENCE, &mut [&mut etcd, &mut api_server], || {
            kubectl.is_server_ready()
        });

        Self {
            kubectl,
            credentials,
            api_port,
            client_port,
            applying: Mutex::new(()),
            api_server: Mutex::new(api_server),
            _etcd: etcd,
            folder,
        }
    }

    /// Kills the API server, restarts it at the same port, and returns once it is ready.
    pub fn restart_api_server(&self) {
        let mut server = self
            .api_server
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        server.end();
        *server = programs::api_server(
            self.folder.path(),
            &self.credentials,
            self.api_port,
            self.client_port,
        );
        server::wait(PATIENCE, &mut [&mut server], || {
            self.kubectl.is_server_ready()
        });
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        self.kubectl.config()
    }

    /// The credentials for mutual trust between a kubelet and the API server.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Writes a kubeconfig for a service account, with a token from the API server that is valid for a
    /// day, and returns its path.
    pub fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> PathBuf {
        let token = self.token(namespace, service_account, SECONDS_OF_A_DAY);
        let path = self
            .folder
            .path()
            .join(format!("{namespace}-{service_account}.kubeconfig"));
        kubectl::write_config(&path, &self.credentials, self.api_port, &token, namespace);
        path
    }

    /// Where the API server listens on the loopback address.
    pub fn api_port(&self) -> u16 {
        self.api_port
    }

    /// A token of a service account, which the API server issues for a TokenRequest.
    ///
    /// # Panics
    ///
    /// If there is no such service account.
    pub fn token(&self, namespace: &str, service_account: &str, seconds: u64) -> String {
        let duration = format!("--duration={seconds}s");
        let args = [
            "--namespace",
            namespace,
            "create",
            "token",
            service_account,
            &duration,
        ];
        let token = self.kubectl(&args, "");
        assert!(token.status.success(), "{token:?}");
        String::from_utf8_lossy(&token.stdout).trim().to_owned()
    }

    /// Adds a namespace with these labels, and with what a cluster's controllers add to each.
    ///
    /// # Panics
    ///
    /// If the API server does not accept it.
    pub fn add_namespace(&self, name: &str, labels: &Value) {
        let authority = std::fs::read_to_string(&self.credentials.authority)
            .expect("the authority was written");
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "default", "namespace": name},
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "kube-root-ca.crt", "namespace": name},
                "data": {"ca.crt": authority},
            },
        ]});
        self.apply(&objects.to_string());
    }

    /// What a service account, NAMESPACE:NAME, may do in a namespace beyond what every service account
    /// may: lines of `kubectl auth can-i --list`.
    ///
    /// # Panics
    ///
    /// If the API server does not answer.
    pub fn rights_of(&self, namespace: &str, account: &str) -> Vec<String> {
        let rules = |account: &str| -> Vec<String> {
            let user = format!("--as=system:serviceaccount:{account}");
            let args = ["--namespace", namespace, "auth", "can-i", "--list", &user];
            let rules = self.kubectl(&args, "");
            assert!(rules.status.success(), "{rules:?}");
            let lines = String::from_utf8_lossy(&rules.stdout).into_owned();
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            lines.lines().map(words).collect()
        };
        let common = rules("default:without-any-role");
        let mut own = rules(account);
        own.retain(|rule| !common.contains(rule));
        own
    }

    /// An object, such as `deployment/runner`, as JSON.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn get(&self, namespace: &str, object: &str) -> Value {
        let found = self.find(namespace, object);
        found.unwrap_or_else(|| panic!("there is no {object} in namespace {namespace}"))
    }

    /// An object as JSON; `None` if there is none.
    ///
    /// # Panics
    ///
    /// If the API server does not answer.
    pub fn find(&self, namespace: &str, object: &str) -> Option<Value> {
        let args = ["--namespace", namespace, "get", object];
        let args = [&args[..], &["--ignore-not-found", "-o", "json"]].concat();
        let found = self.kubectl(&args, "");
        assert!(found.status.success(), "{found:?}");
        serde_json::from_slice(&found.stdout).ok()
    }

    /// Acts as the controller of a cloud's load balancers: sets the address of a Service.
    ///
    /// `ingress` is the JSON of `status.loadBalancer.ingress`.
    ///
    /// # Panics
    ///
    /// If the API server does not accept it.
    pub fn set_ingress(&self, namespace: &str, service: &str, ingress: &str) {
        let status = format!(r#"{{"loadBalancer":{{"ingress":{ingress}}}}}"#);
        self.set_status(namespace, &format!("service/{service}"), &status);
    }

    /// Acts as a controller or a kubelet: sets the status of an object, such as
    /// `pod/runner`. `status` is JSON, and its fields are set one by one.
    ///
    /// # Panics
    ///
    /// If the API server does not accept it.
    pub fn set_status(&self, namespace: &str, object: &str, status: &str) {
        let patch = format!(r#"{{"status":{status}}}"#);
        let patched = self.kubectl(
            &[
                "--namespace",
                namespace,
                "patch",
                object,
                "--subresource=status",
                "--type=merge",
                "--patch",
                &patch,
            ],
            "",
        );
        assert!(patched.status.success(), "{patched:?}");
    }

    /// Applies manifests, one list at a time: `kubectl apply` creates what it has not found, so
    /// that of two tests that apply the same ServiceAccount at once, one would fail.
    ///
    /// # Panics
    ///
    /// If the API server does not accept them.
    pub fn apply(&self, manifests: &str) {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let applied = self.kubectl(&["apply", "-f", "-"], manifests);
        assert!(applied.status.success(), "{applied:?}");
    }

    /// Adds a pod with the label `app`, bound to no node: nothing runs it, and it stays as it is.
    ///
    /// # Panics
    ///
    /// If the API server does not accept it.
    pub fn add_pod(&self, namespace: &str, name: &str, app: &str) {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{"name": "runner", "image": "runner"}],
            },
        });
        self.apply(&pod.to_string());
    }

    /// Acts as a kubelet: says that a pod runs, and has an IP address.
    ///
    /// # Panics
    ///
    /// If the API server does not accept it.
    pub fn run_pod(&self, namespace: &str, name: &str, ip: &str) {
        let status = json!({"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]});
        self.set_status(namespace, &format!("pod/{name}"), &status.to_string());
    }

    /// Adds the resources of the Gateway API, Traefik, Contour and OpenShift, and returns once they
    /// are served.
    ///
    /// # Panics
    ///
    /// If the API server does not accept them.
    pub fn apply_definitions(&self) {
        self.add_definitions(&custom_resource_definitions());
    }

    /// Adds custom resource definitions, and returns once they are served.
    ///
    /// # Panics
    ///
    /// If the API server does not accept them.
    pub fn add_definitions(&self, files: &[PathBuf]) {
        for file in files {
            let file = file.to_string_lossy();
            let applied = self.kubectl(&["apply", "--server-side", "-f", &file], "");
            assert!(applied.status.success(), "{applied:?}");
        }
        // Right after it was added, a definition has no conditions to wait for.
        let wait = "kubectl wait --for=condition=Established crd --all --timeout=60s";
        let args: Vec<&str> = wait.split(' ').skip(1).collect();
        let mut established = self.kubectl(&args, "");
        for _ in 0..50 {
            if established.status.success() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
            established = self.kubectl(&args, "");
        }
        panic!("{established:?}");
    }

    /// Runs kubectl as an administrator, with `input` as its stdin.
    pub fn kubectl(&self, args: &[&str], input: &str) -> Output {
        self.kubectl.run(args, input)
    }

    /// Asks the API server whether it would accept these manifests; unknown fields are refused.
    pub fn dry_run(&self, manifests: &str) -> Output {
        let args = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
        self.kubectl(&args, manifests)
    }
}
