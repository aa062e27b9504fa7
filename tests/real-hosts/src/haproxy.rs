//! HAProxy, passing TCP through to session servers.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::command;
use crate::control_plane::free_ports;
use crate::process::Process;

/// A running HAProxy, killed on drop.
#[derive(Debug)]
pub struct HaProxy {
    address: String,
    child: Child,
    _folder: TempDir,
}

/// What HAProxy does with a connection.
#[derive(Clone, Copy, Debug)]
pub enum Balance<'a> {
    /// Chooses the backend by the host that the client asks for in TLS (SNI).
    ByHost(&'a [(String, String)]),
    /// Chooses the backends in turn, as a Service does.
    InTurn(&'a [String]),
}

const PATIENCE: Duration = Duration::from_secs(20);

impl HaProxy {
    /// Starts one with the addresses of its backends, and returns once it listens.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(balance: Balance<'_>) -> Self {
        let [port] = free_ports();
        let address = format!("127.0.0.1:{port}");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("haproxy.cfg");
        fs::write(&path, configuration(&address, balance))
            .expect("a temporary file can be written");
        let program = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"]
            .into_iter()
            .find(|path| Path::new(path).is_file())
            .unwrap_or("haproxy");
        let mut haproxy = Command::new(program);
        haproxy
            .args(["-db", "-f"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command::start(&mut haproxy);
        let started = Self {
            address,
            child,
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&started.address).is_err() {
            assert!(Instant::now() < deadline, "HAProxy does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        started
    }

    /// Where it listens, host:port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process::new(self.child.id())
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(address: &str, balance: Balance<'_>) -> String {
    let mut text = format!(
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n\
         frontend terminals\n  bind {address}\n"
    );
    match balance {
        Balance::ByHost(hosts) => {
            text.push_str(
                "  tcp-request inspect-delay 5s\n  tcp-request content accept if { \
                 req_ssl_hello_type 1 }\n",
            );
            for (index, (host, _)) in hosts.iter().enumerate() {
                text.push_str(&format!(
                    "  use_backend b{index} if {{ req_ssl_sni -i {host} }}\n"
                ));
            }
            for (index, (_, backend)) in hosts.iter().enumerate() {
                text.push_str(&format!("backend b{index}\n  server s {backend}\n"));
            }
        }
        Balance::InTurn(backends) => {
            text.push_str("  default_backend all\nbackend all\n  balance roundrobin\n");
            for (index, backend) in backends.iter().enumerate() {
                text.push_str(&format!("  server s{index} {backend}\n"));
            }
        }
    }
    text
}
