//! A Kubernetes control plane: etcd and kube-apiserver, without any node.

mod credentials;
mod kubectl;
mod ports;
mod programs;
mod server;

use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tempfile::TempDir;

use credentials::Credentials;
use kubectl::Kubectl;
use server::Server;

/// A control plane on free ports of the loopback address, with its files in a temporary
/// folder. Dropping it ends it.
#[derive(Debug)]
pub struct ControlPlane {
    kubectl: Kubectl,
    // Dropped in this order: the API server, then what it talks to, then their files.
    _api_server: Server,
    _etcd: Server,
    _folder: TempDir,
}

/// A start takes seconds. This is for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(180);

impl ControlPlane {
    /// The control plane that the tests of this process share: it starts with the first
    /// test that asks for it, and ends with the last that has it. Give each test a
    /// namespace of its own.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<ControlPlane>> = Mutex::new(Weak::new());
        // A test that panicked while it started one left nothing half done here.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// Starts one, and returns when it is ready.
    ///
    /// # Panics
    ///
    /// If it does not get ready. The message has the end of the log.
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
            _api_server: api_server,
            _etcd: etcd,
            _folder: folder,
        }
    }

    /// Runs kubectl as an administrator, with `input` as its stdin.
    pub fn kubectl(&self, args: &[&str], input: &str) -> Output {
        self.kubectl.run(args, input)
    }

    /// Asks the API server whether it would take these manifests, unknown fields refused.
    pub fn dry_run(&self, manifests: &str) -> Output {
        let args = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
        self.kubectl(&args, manifests)
    }
}
