//! A node: a fake kubelet, which forwards ports, and its API objects.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::command;
use crate::control_plane::ControlPlane;
use crate::programs::host;

/// A node of a control plane. It runs until it is dropped. The ports of all its pods are ports of
/// this machine's loopback address.
#[derive(Debug)]
pub struct Kubelet {
    plane: Arc<ControlPlane>,
    node: String,
    child: Child,
    // It runs while its stdin is open.
    _stdin: ChildStdin,
}

impl Kubelet {
    /// Starts a kubelet and adds its node, with a unique name.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(plane: &Arc<ControlPlane>, node: &str) -> Self {
        let credentials = plane.credentials();
        let mut kubelet = Command::new(host("kubelet"));
        kubelet
            .arg("--cert")
            .arg(&credentials.certificate)
            .arg("--key")
            .arg(&credentials.certificate_key)
            .arg("--client-ca")
            .arg(&credentials.authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // Its log of connections that a test breaks would hide the test's own output.
        let mut child = command::start(kubelet.stderr(Stdio::null()));
        let stdin = child.stdin.take().expect("stdin was asked for above");
        let stdout = child.stdout.take().expect("stdout was asked for above");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the kubelet prints UTF-8");
        let line: Value = serde_json::from_str(&line).expect("the kubelet prints JSON");

        let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}});
        plane.apply(&object.to_string());
        let status = json!({
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": line.get("port")}},
        });
        plane.set_status("default", &format!("node/{node}"), &status.to_string());
        Self {
            plane: Arc::clone(plane),
            node: node.to_owned(),
            child,
            _stdin: stdin,
        }
    }

    /// Adds a pod with the label `app` to the node, running and ready.
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
                "nodeName": self.node,
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "runner", "image": "runner"}],
            },
        });
        self.plane.apply(&pod.to_string());
        self.set_ready(namespace, name, true);
    }

    /// Sets whether a pod is ready.
    pub fn set_ready(&self, namespace: &str, name: &str, is_ready: bool) {
        let ready = if is_ready { "True" } else { "False" };
        let status = json!({
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
        });
        self.plane
            .set_status(namespace, &format!("pod/{name}"), &status.to_string());
    }

    /// Ends a pod at once. Its servers keep running, because they run on this machine.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn remove_pod(&self, namespace: &str, name: &str) {
        let args = [
            "--namespace",
            namespace,
            "delete",
            "pod",
            name,
            "--force",
            "--grace-period=0",
        ];
        let deleted = self.plane.kubectl(&args, "");
        assert!(deleted.status.success(), "{deleted:?}");
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        // It has nothing to save. An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
