//! Pods that echo, at addresses of this machine, and an API server that lists them.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

use crate::relay::Relay;

/// How many pods there are, at 127.0.0.2 and so on. An address has about 28,000 ports for connections
/// to a pod, and each port stays in use for a minute after the connection ends.
const PODS: u8 = 10;
/// How many bytes a pod reads at once.
const CHUNK: usize = 64 * 1024;
/// How often a pod is added, if pods change.
const PACE: Duration = Duration::from_millis(100);
/// How many of the pods that come and go exist at once.
const OTHERS: u64 = 50;
/// How many of them are added during one watch. Then it ends, so that a new one begins.
const IN_A_WATCH: u64 = 300;

/// Whether the API server reports other pods, which come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodChanges {
    /// The pods stay as they are.
    None,
    /// Ten times a second one pod is added, and one is removed. Nobody connects to these. Each
    /// watch ends after half a minute, every other one because the pods have to be listed again.
    Steady,
}

/// A cluster that runs until the program ends.
#[derive(Debug)]
pub struct EchoCluster {
    folder: TempDir,
    /// Where each pod listens.
    port: u16,
}

impl EchoCluster {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// There is no port to listen at.
    pub async fn start(changes: PodChanges) -> io::Result<Self> {
        let pods = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let port = pods.local_addr()?.port();
        tokio::spawn(accept(pods, echo));
        let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let server = format!("http://{}", api.local_addr()?);
        let next = Arc::new(AtomicU64::new(0));
        tokio::spawn(accept(api, move |stream| {
            answer(stream, changes, Arc::clone(&next))
        }));
        let cluster = Self {
            folder: tempfile::tempdir()?,
            port,
        };
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "load", "cluster": {"server": server}}],
            "users": [{"name": "load", "user": {}}],
            "contexts": [{"name": "load", "context": {"cluster": "load", "user": "load"}}],
            "current-context": "load",
        });
        std::fs::write(cluster.kubeconfig(), kubeconfig.to_string())?;
        Ok(cluster)
    }

    /// The kubeconfig for its API server.
    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The hosts of the pods.
    pub fn hosts() -> impl Iterator<Item = String> {
        (0..PODS).map(host)
    }

    /// The hosts of the pods, and where each listens.
    pub fn routes(&self) -> Vec<(String, String)> {
        let routes = (0..PODS).map(|pod| (host(pod), format!("{}:{}", address(pod), self.port)));
        routes.collect()
    }

    /// Starts a relay that connects to the pods, and waits until it knows them.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_relay(&self) -> Relay {
        let route = format!(
            "--route=*.terminals.example.com=ci/app=runner:{}",
            self.port
        );
        let arguments = ["--dial=pod", "--max-connections=10000", &route];
        let relay = Relay::start(&self.kubeconfig(), &arguments);
        relay.wait_for(|line| line.get("event") == Some(&json!("pods-listed")));
        relay
    }
}

/// The name of a pod for GitLab.
fn host(pod: u8) -> String {
    format!("runner-{pod}.terminals.example.com")
}

fn address(pod: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 2 + pod)
}

/// Serves all connections at once. One that breaks is closed: its client notices.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream));
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; CHUNK];
    // The buffers of terminals are smaller, because thousands are open.
    let mut size = 1024;
    loop {
        let buffer = buffer.get_mut(..size).unwrap_or_default();
        let length = stream.read(buffer).await?;
        if length == 0 {
            return Ok(());
        }
        if length == size {
            size = CHUNK;
        }
        stream
            .write_all(buffer.get(..length).unwrap_or_default())
            .await?;
    }
}

/// Answers requests with the list of pods, or with their changes. `next` is the number of the next
/// pod to be added.
async fn answer(
    mut stream: TcpStream,
    changes: PodChanges,
    next: Arc<AtomicU64>,
) -> io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head);
        let line = head.lines().next().unwrap_or_default();
        if line.contains("watch=") {
            watch(&mut stream, changes, &next).await?;
            continue;
        }
        let list = list();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \
             {}\r\n\r\n{list}",
            list.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// A watch. If pods do not change, it stays open until its client ends it.
async fn watch(stream: &mut TcpStream, changes: PodChanges, next: &AtomicU64) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: \
                chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    if changes == PodChanges::None {
        // The client sends nothing more, so a byte means the end.
        return stream.read_u8().await.map(drop);
    }
    let mut pace = time::interval(PACE);
    loop {
        pace.tick().await;
        let number = next.fetch_add(1, Ordering::Relaxed);
        let mut events = event("ADDED", &other(number));
        if let Some(gone) = number.checked_sub(OTHERS) {
            events.push_str(&event("DELETED", &other(gone)));
        }
        let watch = number / IN_A_WATCH;
        let is_over = number % IN_A_WATCH == IN_A_WATCH - 1;
        if is_over && watch % 2 == 1 {
            events.push_str(&event("ERROR", &too_old()));
        }
        let end = if is_over { "0\r\n\r\n" } else { "" };
        let chunk = format!("{:x}\r\n{events}\r\n{end}", events.len());
        stream.write_all(chunk.as_bytes()).await?;
        if is_over {
            return Ok(());
        }
    }
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

/// One of the pods that come and go.
fn other(number: u64) -> Value {
    pod(&format!("other-{number}"), Ipv4Addr::new(127, 0, 1, 1))
}

/// The response of an API server that no longer has the version at which a watch begins.
fn too_old() -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version",
        "reason": "Expired",
        "code": 410,
    })
}

fn list() -> String {
    let pods: Vec<_> = (0..PODS)
        .map(|number| pod(&format!("runner-{number}"), address(number)))
        .collect();
    json!({
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": pods,
    })
    .to_string()
}

fn pod(name: &str, ip: Ipv4Addr) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "ci", "uid": name, "resourceVersion": "1"},
        "spec": {"containers": []},
        "status": {"phase": "Running", "podIP": ip},
    })
}
