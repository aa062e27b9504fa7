//! `runner-terminal relay`, and clients that open many terminals through it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command;
use crate::launcher::launcher;
use crate::process::Process;
use crate::programs::host;
use crate::session_server::Terminal;
use crate::starting_pod::StartingPod;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Free ports of this machine.
const ADDRESSES: [&str; 2] = ["--listen=127.0.0.1:0", "--observe=127.0.0.1:0"];

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub struct Relay {
    child: Child,
    log: Arc<Log>,
    listen: SocketAddr,
    observe: SocketAddr,
}

/// The lines of a relay's log, as they arrive.
#[derive(Debug, Default)]
struct Log {
    lines: Mutex<Vec<Value>>,
    more: Condvar,
}

impl Relay {
    /// Starts one for the cluster of a kubeconfig, and returns once it listens.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(kubeconfig: &Path, args: &[&str]) -> Self {
        let mut relay = launcher(kubeconfig);
        Self::run(relay.arg("relay").args(args).args(ADDRESSES))
    }

    /// Starts the one of a pod's container `relay`, and returns once it listens. Pods of this machine
    /// share its network, so it listens at ports of its own.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_in(pod: &StartingPod) -> Self {
        Self::run(&mut pod.command_of("relay", &ADDRESSES))
    }

    /// Starts one with a limit on open files.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_with_files(most: usize, kubeconfig: &Path, args: &[&str]) -> Self {
        let relay = launcher(kubeconfig);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!(r#"ulimit -n {most}; exec "$0" "$@""#)])
            .arg(relay.get_program())
            .arg("relay")
            .args(args)
            .args(ADDRESSES);
        for (name, value) in relay.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self::run(&mut shell)
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command::start(command.stderr(Stdio::piped()));
        let stderr = child.stderr.take().expect("stderr was asked for above");
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let line = line.expect("the relay logs UTF-8");
                let line = serde_json::from_str(&line).unwrap_or_else(|_| json!({"text": line}));
                let mut lines = writer.lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(line);
                writer.more.notify_all();
            }
        });
        let first = log.wait_for(|line| line.get("event").is_some() || line.get("text").is_some());
        let address = |key: &str| {
            let address = first.get(key).and_then(Value::as_str);
            let address = address.and_then(|address| address.parse().ok());
            address.unwrap_or_else(|| panic!("the relay does not say {key}: {first}"))
        };
        Self {
            listen: address("listen"),
            observe: address("observe"),
            child,
            log,
        }
    }

    /// Where it accepts connections.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    /// Opens a terminal through it, as GitLab does. It worked if the client succeeds and
    /// prints `terminal open`.
    pub fn open(&self, terminal: &Terminal) -> Output {
        let line = json!({
            "endpoint": terminal.endpoint,
            "certificate": terminal.certificate,
            "authorization": terminal.authorization,
        });
        self.open_all(&line.to_string())
    }

    fn open_all(&self, terminals: &str) -> Output {
        let mut client = Command::new(host("session-server"));
        client.args(["connect", "--dial", &self.listen.to_string()]);
        command::run(&mut client, terminals.as_bytes())
    }

    /// The status and the body of a page of its HTTP server.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.observe).expect("the relay can be observed");
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the relay reads a request");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the relay answers UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    /// The value of a metric, by the text before it on its line; 0 if there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200, "{text}");
        let value = text.lines().find_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix(' ')?;
            value.parse().ok()
        });
        value.unwrap_or(0.0)
    }

    /// Waits until a metric has a value.
    ///
    /// # Panics
    ///
    /// If it does not reach it.
    pub fn wait_for_metric(&self, name: &str, value: f64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.metric(name);
            if now == value {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{name} is {now}, not {value}: {:#?}",
                self.log.lines.lock()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The number of connections that ended for a reason, with any route or none; if the reason
    /// is empty, for all reasons.
    pub fn ended(&self, reason: &str) -> u64 {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200, "{text}");
        let wanted = format!("reason=\"{reason}");
        let of_connections = text
            .lines()
            .filter(|line| line.starts_with("runner_terminal_relay_connections_total{"))
            .filter(|line| line.contains(&wanted));
        of_connections
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// Its peak memory in MiB; `None` if the system does not report it.
    pub fn most_memory(&self) -> Option<u64> {
        let bytes = self.process().most_memory().ok()?;
        Some((bytes / f64::from(1 << 20)) as u64)
    }

    /// Removes the lines that the log has now, and returns them.
    pub fn take_log(&self) -> Vec<Value> {
        let mut lines = self.log.lines.lock();
        std::mem::take(
            lines
                .as_deref_mut()
                .unwrap_or_else(|poisoned| poisoned.get_mut()),
        )
    }

    /// Waits for a line of the log, and removes it and all earlier lines.
    ///
    /// # Panics
    ///
    /// If it does not arrive.
    pub fn wait_for(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        self.log.wait_for(is_wanted)
    }

    /// Waits for the line of a connection that ended for a reason.
    ///
    /// # Panics
    ///
    /// If it does not arrive.
    pub fn wait_for_end(&self, reason: &str) -> Value {
        self.wait_for(|line| {
            line.get("event").and_then(Value::as_str) == Some("connection")
                && line.get("reason").and_then(Value::as_str) == Some(reason)
        })
    }

    /// Sends it SIGTERM.
    ///
    /// # Panics
    ///
    /// If it has already ended.
    pub fn terminate(&self) {
        let mut kill = Command::new("kill");
        let sent = command::run(kill.arg(self.child.id().to_string()), b"");
        assert!(sent.status.success(), "{sent:?}");
    }

    /// Waits until it ends.
    pub fn end(mut self) -> ExitStatus {
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Log {
    fn wait_for(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = lines.iter().position(&is_wanted) {
                let last = lines.drain(..=place).next_back();
                return last.expect("it was found above");
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the relay logged only {lines:#?}");
            let waited = self.more.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The session server of a runner with many jobs. It runs until it is dropped.
#[derive(Debug)]
pub struct ManyTerminals {
    line: String,
    child: Child,
    // It runs while its stdin is open.
    _stdin: ChildStdin,
    _folder: TempDir,
}

impl ManyTerminals {
    /// Starts one that listens at a port of this machine and advertises a host.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(count: usize, advertised: &str, port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let config = folder.path().join("config.toml");
        let text = format!(
            "[session_server]\n  listen_address = \"127.0.0.1:{port}\"\n  advertise_address = \
             \"{advertised}\"\n"
        );
        fs::write(&config, text).expect("a temporary file can be written");
        let mut server = Command::new(host("session-server"));
        server
            .args(["--sessions", &count.to_string()])
            .arg(config)
            .stderr(Stdio::null());
        let (child, stdin, line) = command::start_server(&mut server);
        assert!(!line.is_empty(), "the session server did not start");
        Self {
            line,
            child,
            _stdin: stdin,
            _folder: folder,
        }
    }

    /// Opens all of its terminals through a relay, waits until the last is open, and types
    /// into each. It worked if the client prints `terminal open` for each.
    pub fn open_all(&self, relay: &Relay) -> Output {
        relay.open_all(&self.line)
    }
}

impl Drop for ManyTerminals {
    fn drop(&mut self) {
        // It has nothing to save. An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
