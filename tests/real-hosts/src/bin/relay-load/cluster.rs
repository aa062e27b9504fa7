//! Pods that echo, at addresses of this machine, and an API server that lists them.

use std::io;
use std::net::Ipv4Addr;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How many pods there are, at 127.0.0.2 and so on. An address has about 28,000 ports for connections
/// to a pod, and each keeps its port for a minute after its end.
pub(crate) const PODS: u8 = 10;
/// How many bytes a pod reads at once.
const CHUNK: usize = 64 * 1024;

/// A cluster that runs until the program ends.
pub(crate) struct Cluster {
    folder: TempDir,
    /// Where each pod listens.
    pub(crate) port: u16,
}

impl Cluster {
    /// Starts it.
    pub(crate) async fn start() -> io::Result<Self> {
        let pods = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let port = pods.local_addr()?.port();
        tokio::spawn(accept(pods, echo));
        let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let server = format!("http://{}", api.local_addr()?);
        tokio::spawn(accept(api, answer));
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
    pub(crate) fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The hosts of the pods, and where each listens.
    pub(crate) fn routes(&self) -> Vec<(String, String)> {
        let routes = (0..PODS).map(|pod| (host(pod), format!("{}:{}", address(pod), self.port)));
        routes.collect()
    }
}

/// The name of a pod for GitLab.
pub(crate) fn host(pod: u8) -> String {
    format!("runner-{pod}.terminals.example.com")
}

fn address(pod: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 2 + pod)
}

/// Serves all connections at once. One that breaks is closed: its client notices.
async fn accept<F>(listener: TcpListener, serve: fn(TcpStream) -> F)
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
    // Terminals have smaller ones, of which thousands are open.
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

/// Answers requests with the list of pods. A watch stays open without an event.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head);
        let line = head.lines().next().unwrap_or_default();
        let answer = if line.contains("watch=") {
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: \
             chunked\r\n\r\n"
                .to_owned()
        } else {
            let list = list();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \
                 {}\r\n\r\n{list}",
                list.len()
            )
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn list() -> String {
    let pods = (0..PODS).map(|pod| {
        let name = format!("runner-{pod}");
        json!({
            "metadata": {"name": name, "namespace": "ci", "uid": name, "resourceVersion": "1"},
            "spec": {"containers": []},
            "status": {"phase": "Running", "podIP": address(pod)},
        })
    });
    let pods: Vec<_> = pods.collect();
    json!({
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": pods,
    })
    .to_string()
}
