//! A relay that runs, its log and its clients.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api_server::{ApiServer, Reply, Request};
use crate::kubernetes::found;
use crate::program;

const PATIENCE: Duration = Duration::from_secs(60);

/// A relay for the cluster of an API server. It runs until it is dropped.
pub(crate) struct Relay {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    listen: SocketAddr,
    observe: SocketAddr,
    _folder: TempDir,
}

impl Relay {
    /// Starts one that dials pods, and returns once it listens.
    pub(crate) fn start(server: &ApiServer, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": server.url()}}],
            "users": [{"name": "test", "user": {}}],
        });
        fs::write(&kubeconfig, text.to_string()).unwrap();
        let mut command = program::command(&["relay", "--dial=pod"]);
        command
            .args([
                "--listen=127.0.0.1:0",
                "--observe=127.0.0.1:0",
                "--kubeconfig",
            ])
            .arg(&kubeconfig)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        for proxy in [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
        ] {
            command.env_remove(proxy);
        }
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        let first: Value = serde_json::from_str(&first).unwrap_or_else(|_| panic!("{first}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&lines);
        thread::spawn(move || {
            for line in stderr.lines() {
                let line = serde_json::from_str(&line.unwrap()).unwrap();
                log.lock().unwrap().push(line);
            }
        });
        let address = |key: &str| first[key].as_str().unwrap().parse().unwrap();
        Self {
            listen: address("listen"),
            observe: address("observe"),
            child,
            lines,
            _folder: folder,
        }
    }

    /// The status and the body of a page of its HTTP server.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.observe).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// The value of a metric, by what follows `runner_terminal_relay_` on its line.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics");
        let name = format!("runner_terminal_relay_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.map(|value| value.parse().unwrap())
    }

    pub(crate) fn wait_until_ready(&self) {
        wait_until("it is ready", || self.get("/readyz").0 == 200);
    }

    /// A client that asks for a host. Its hello has been sent.
    pub(crate) fn connect(&self, host: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.listen).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&hello_for(host)).unwrap();
        stream
    }

    /// Waits for a line of the log, and removes it and all before it.
    pub(crate) fn wait_for(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            {
                let mut lines = self.lines.lock().unwrap();
                if let Some(place) = lines.iter().position(&is_wanted) {
                    return lines.drain(..=place).next_back().unwrap();
                }
                assert!(Instant::now() < deadline, "it logged only {lines:#?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks for a host, asserts that nothing is sent back, and returns the reason and the detail
    /// from the log.
    pub(crate) fn refusal(&self, host: &str) -> (String, String) {
        let mut rest = Vec::new();
        let mut client = self.connect(host);
        let _ = client.read_to_end(&mut rest);
        assert_eq!(rest, b"", "{host}");
        let peer = client.local_addr().unwrap().to_string();
        let line = self.wait_for(|line| line["peer"] == peer);
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        (text("reason"), text("detail"))
    }

    /// Its current and its peak memory, in MiB, if the system reports them.
    pub(crate) fn memory(&self) -> Option<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let mib = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(kib / 1024)
        };
        Some((mib("VmRSS:")?, mib("VmHWM:")?))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The first bytes of a client that asks for a host.
fn hello_for(host: &str) -> Vec<u8> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

/// The server of all pods: it sends the last number of its address as a hello, and then echoes its
/// input. Returns its port.
pub(crate) fn pods() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            thread::spawn(move || {
                let SocketAddr::V4(address) = client.local_addr().unwrap() else {
                    panic!("IPv4");
                };
                client.write_all(&[address.ip().octets()[3]]).unwrap();
                let mut same = client.try_clone().unwrap();
                let _ = std::io::copy(&mut client, &mut same);
            });
        }
    });
    port
}

/// Waits for the hello of the pod with this last number.
#[track_caller]
pub(crate) fn assert_reaches(mut client: &TcpStream, number: u8) {
    let mut first = [0];
    client.read_exact(&mut first).unwrap();
    assert_eq!(first, [number]);
}

/// A pod of a namespace, running at 127.0.0.NUMBER.
pub(crate) fn pod(name: &str, version: u64, number: u8) -> Value {
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "uid": name, "resourceVersion": version.to_string()},
        "spec": {"containers": [{"name": "runner", "image": "gitlab/gitlab-runner:latest"}]},
        "status": {"phase": "Running", "podIP": format!("127.0.0.{number}")},
    })
}

/// The answer to a list.
pub(crate) fn list(version: u64, pods: &[Value]) -> Reply {
    found(&json!({
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": version.to_string()},
        "items": pods,
    }))
}

/// The value of a parameter of a request; empty if there is none.
pub(crate) fn parameter(request: &Request, name: &str) -> String {
    let query = request.line.split_once('?').map_or("", |(_, query)| query);
    let query = query.split(' ').next().unwrap();
    let mut parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = parameters.find(|(key, _)| *key == name);
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}
