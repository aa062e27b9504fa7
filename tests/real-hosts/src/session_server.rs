//! GitLab Runner's own session server, and a client that connects as GitLab does.

use std::borrow::Borrow;
use std::fs::{self, File};
use std::process::{Child, ChildStdin, Command, Output};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::command;
use crate::programs::{host, workspace_root};

/// A session server with the terminal of one job. It runs until it is dropped.
#[derive(Debug)]
pub struct SessionServer {
    terminal: Terminal,
    listen_address: String,
    child: Child,
    // The server runs while its stdin is open.
    _stdin: ChildStdin,
    // Most configurations name the same port, so one server runs at a time, unless it has
    // its own port.
    _turn: Option<File>,
    _folder: TempDir,
}

/// The server did not start.
#[derive(Debug)]
pub struct Refusal {
    /// True if this is not an error: the configuration leaves the session server off.
    pub is_off: bool,
    /// The server's message.
    pub message: String,
}

/// What the runner tells GitLab about a job's terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Its WebSocket address.
    pub endpoint: String,
    /// The only certificate to trust there, in PEM.
    pub certificate: String,
    /// The value of the `Authorization` header.
    pub authorization: String,
}

const EXIT_OFF: i32 = 3;

impl SessionServer {
    /// Starts the server with the text of a `config.toml`, which decides where it listens.
    /// Waits while another test runs a server.
    ///
    /// # Errors
    ///
    /// If the server does not start with this configuration.
    pub fn start(config: &str) -> Result<Self, Refusal> {
        Self::start_in_turn(config, Some(wait_for_turn()))
    }

    /// Like [`start`](Self::start), in parallel with other servers: as each pod has its own IP
    /// address, each server here has its own port.
    ///
    /// # Errors
    ///
    /// If the server does not start with this configuration.
    ///
    /// # Panics
    ///
    /// If the configuration does not listen on all addresses.
    pub fn start_beside(config: &str, port: u16) -> Result<Self, Refusal> {
        Self::start_at(config, &format!("127.0.0.1:{port}"))
    }

    /// Like [`start_beside`](Self::start_beside), at an address of this machine.
    ///
    /// # Errors
    ///
    /// If the server does not start with this configuration.
    ///
    /// # Panics
    ///
    /// If the configuration does not listen on all addresses.
    pub fn start_at(config: &str, address: &str) -> Result<Self, Refusal> {
        let (before, listen) = config
            .split_once("\"0.0.0.0:")
            .expect("the configuration listens on all addresses");
        let (_, after) = listen.split_once('"').expect("the address ends");
        let config = format!("{before}\"{address}\"{after}");
        Self::start_in_turn(&config, None)
    }

    fn start_in_turn(config: &str, turn: Option<File>) -> Result<Self, Refusal> {
        let program = host("session-server");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let config_path = folder.path().join("config.toml");
        fs::write(&config_path, config).expect("a temporary file can be written");
        let log_path = folder.path().join("log");
        let log = File::create(&log_path).expect("a temporary file can be written");

        let mut server = Command::new(program);
        server.arg(config_path).stderr(log);
        let (mut child, stdin, line) = command::start_server(&mut server);
        if line.is_empty() {
            let status = child.wait().expect("the server was started above");
            return Err(Refusal {
                is_off: status.code() == Some(EXIT_OFF),
                message: fs::read_to_string(log_path).unwrap_or_default(),
            });
        }
        let line: Value = serde_json::from_str(&line).expect("the server prints JSON");
        Ok(Self {
            terminal: Terminal::from_json(&line),
            listen_address: text(&line, "listen_address"),
            child,
            _stdin: stdin,
            _turn: turn,
            _folder: folder,
        })
    }

    /// What the runner tells GitLab about the terminal.
    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Opens the terminal as GitLab does, and types into it. It worked if the
    /// client succeeds and prints `terminal open`.
    ///
    /// The client connects to the port where the server listens, because the advertised
    /// address cannot be reached from here. The certificate must still be the advertised
    /// host's.
    pub fn connect(&self) -> Output {
        self.connect_with(&self.terminal)
    }

    /// The address that it listens at, host:port.
    pub fn listens_at(&self) -> &str {
        &self.listen_address
    }

    /// Where it can be reached on this machine, host:port.
    pub fn address(&self) -> String {
        on_loopback(&self.listen_address)
    }

    /// Like [`connect`](Self::connect), for a client with other information.
    pub fn connect_with(&self, terminal: &Terminal) -> Output {
        connect(terminal, &self.address())
    }

    /// Like [`connect`](Self::connect), at the address that the runner advertises, as GitLab does.
    ///
    /// # Panics
    ///
    /// If the endpoint is not an address in a URL.
    pub fn connect_as_advertised(&self) -> Output {
        let endpoint = self.terminal.endpoint.strip_prefix("wss://");
        let address = endpoint.and_then(|rest| rest.split_once('/'));
        let (address, _) = address.expect("the endpoint is a URL");
        connect(&self.terminal, address)
    }

    /// Like [`connect`](Self::connect), through the server at this address.
    pub fn connect_through(&self, address: &str) -> Output {
        connect(&self.terminal, address)
    }
}

/// Opens this many terminals of these servers in parallel, and returns how many did not reach the
/// process of their session. A session has one terminal at a time.
///
/// # Panics
///
/// If `connect` panics.
pub fn lost_terminals<S: Borrow<SessionServer> + Sync>(
    servers: &[S],
    terminals: usize,
    connect: impl Fn(&SessionServer) -> Output + Sync,
) -> usize {
    let is_lost = |server: &SessionServer| {
        loop {
            let client = connect(server);
            // The right process says that it is locked while it has not yet noticed the end of the
            // terminal before, so that is tried again.
            if !String::from_utf8_lossy(&client.stderr).contains("423 Locked") {
                return !(client.status.success() && client.stdout == b"terminal open\n");
            }
            thread::sleep(Duration::from_millis(50));
        }
    };
    let lost_of = |server: &SessionServer| {
        let attempts = 0..terminals / servers.len();
        attempts.filter(|_| is_lost(server)).count()
    };
    thread::scope(|scope| {
        let clients = servers.iter().map(Borrow::borrow);
        let clients: Vec<_> = clients
            .map(|server| scope.spawn(|| lost_of(server)))
            .collect();
        let lost = clients.into_iter().map(|client| client.join());
        lost.map(|lost| lost.expect("no terminal panics")).sum()
    })
}

impl Drop for SessionServer {
    fn drop(&mut self) {
        // It has nothing to save. An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(terminal: &Terminal, address: &str) -> Output {
    let mut client = Command::new(host("session-server"));
    client.args(["connect", "--dial", address]);
    command::run(&mut client, terminal.to_json().to_string().as_bytes())
}

/// A proxy in front of a session server that terminates TLS, as an ingress controller or an L7 load
/// balancer does. It runs until it is dropped.
#[derive(Debug)]
pub struct TlsEndingProxy {
    address: String,
    child: Child,
    // The proxy runs while its stdin is open.
    _stdin: ChildStdin,
}

impl TlsEndingProxy {
    /// Starts one in front of a session server.
    pub fn start(server: &SessionServer) -> Self {
        let mut proxy = Command::new(host("session-server"));
        proxy.args(["end-tls", &server.address()]);
        let (child, stdin, line) = command::start_server(&mut proxy);
        let line: Value = serde_json::from_str(&line).expect("the proxy prints JSON");
        Self {
            address: text(&line, "listen_address"),
            child,
            _stdin: stdin,
        }
    }

    /// Where it listens, host:port.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for TlsEndingProxy {
    fn drop(&mut self) {
        // It has nothing to save. An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    fn from_json(line: &Value) -> Self {
        Self {
            endpoint: text(line, "endpoint"),
            certificate: text(line, "certificate"),
            authorization: text(line, "authorization"),
        }
    }

    fn to_json(&self) -> Value {
        serde_json::json!({
            "endpoint": self.endpoint,
            "certificate": self.certificate,
            "authorization": self.authorization,
        })
    }
}

fn text(line: &Value, key: &str) -> String {
    match line.get(key).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => panic!("the server's line has no {key}: {line}"),
    }
}

/// The loopback address for a listen address, which usually means all addresses.
fn on_loopback(listen_address: &str) -> String {
    let port = listen_address
        .rsplit_once(':')
        .map_or(listen_address, |(_, port)| port);
    format!("127.0.0.1:{port}")
}

/// Waits until no other test, of this process or another, runs a server.
fn wait_for_turn() -> File {
    let path = workspace_root().join("target/hosts/session-server.lock");
    let file = File::create(path).expect("a file in target can be written");
    file.lock().expect("a file in target can be locked");
    file
}
