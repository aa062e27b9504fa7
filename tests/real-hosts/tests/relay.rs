//! `runner-terminal relay` in front of a real API server, a node that forwards ports as Kubernetes
//! does, and the real session server.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use real_hosts::{ControlPlane, Kubelet, ManyTerminals, Relay, SessionServer, workspace_root};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

const PATIENCE: Duration = Duration::from_secs(60);

/// A namespace with a node for its pods, and a relay's account with the rights in the docs.
struct Cluster {
    plane: Arc<ControlPlane>,
    kubelet: Kubelet,
    namespace: String,
    kubeconfig: PathBuf,
}

impl Cluster {
    fn new(name: &str) -> Self {
        Self::of(&ControlPlane::shared(), name)
    }

    fn of(plane: &Arc<ControlPlane>, name: &str) -> Self {
        plane.apply(&role_of_the_page(name, true));
        Self {
            kubelet: Kubelet::start(plane, name),
            kubeconfig: plane.kubeconfig_of(name, "runner-terminal-relay"),
            plane: Arc::clone(plane),
            namespace: name.to_owned(),
        }
    }

    fn add_pod(&self, name: &str, app: &str) {
        self.kubelet.add_pod(&self.namespace, name, app);
    }

    fn route(&self, host: &str, app: &str, port: u16) -> String {
        format!("--route={host}={}/app={app}:{port}", self.namespace)
    }

    fn relay(&self, args: &[&str]) -> Relay {
        Relay::start(&self.kubeconfig, args)
    }

    /// Waits until the relay knows this many pods with the label `app`.
    fn wait_for_pods(&self, relay: &Relay, app: &str, count: u32) {
        let namespace = &self.namespace;
        let name = format!(
            "runner_terminal_relay_watched_pods{{namespace=\"{namespace}\",selector=\"app={app}\"}}"
        );
        relay.wait_for_metric(&name, count.into());
    }
}

/// The manifests for the runner's cluster in docs/relay.md, for another namespace: with what
/// `--dial api` needs, or without.
fn role_of_the_page(namespace: &str, forwards_ports: bool) -> String {
    let page = fs::read_to_string(workspace_root().join("docs/relay.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    let mut roles = blocks.filter(|block| block.contains("kind: Role\n"));
    let role = roles.find(|role| role.contains("pods/portforward") == forwards_ports);
    let role = role.unwrap();
    assert!(role.contains("namespace: ci\n"), "{role}");
    let role = role.replace("namespace: ci\n", &format!("namespace: {namespace}\n"));
    format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}\n---\n{{apiVersion: \
         v1, kind: ServiceAccount, metadata: {{name: default, namespace: {namespace}}}}}\n---\n{role}"
    )
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

/// A pod's server. It serves connections one after the other.
struct Backend {
    port: u16,
    serving: JoinHandle<()>,
}

impl Backend {
    fn new(mut serve: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = thread::spawn(move || {
            for client in listener.incoming() {
                serve(client.unwrap());
            }
        });
        Self { port, serving }
    }

    /// Sends its name, and then echoes its input, on any number of connections.
    fn echo(name: &'static str) -> Self {
        Self::new(move |mut client| {
            thread::spawn(move || {
                client.write_all(name.as_bytes()).unwrap();
                let mut same = client.try_clone().unwrap();
                let _ = io::copy(&mut client, &mut same);
            });
        })
    }

    /// True while no connection has failed.
    fn is_well(&self) -> bool {
        !self.serving.is_finished()
    }
}

/// A client that has sent its ClientHello through the relay.
struct Client {
    stream: TcpStream,
    hello: Vec<u8>,
}

impl Client {
    fn of(relay: &Relay, host: &str) -> Self {
        let hello = hello_for(host);
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&hello).unwrap();
        Self { stream, hello }
    }

    /// Waits for a backend's name and the echo of the unchanged ClientHello.
    fn expect(mut self, name: &str) -> Self {
        let mut answer = vec![0; name.len() + self.hello.len()];
        self.stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [name.as_bytes(), &self.hello].concat());
        self
    }

    /// Sends bytes, and waits for the echo.
    fn type_into(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
        let mut echo = vec![0; text.len()];
        self.stream.read_exact(&mut echo).unwrap();
        assert_eq!(echo, text.as_bytes());
    }

    /// Waits until the other side closes, and returns what it sent before.
    fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            // Closed with unread data.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            read => {
                read.unwrap();
            }
        }
        rest
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn text<'a>(line: &'a serde_json::Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn a_terminal_opens_for_a_client_that_trusts_only_the_runner() {
    let cluster = Cluster::new("relay-terminal");
    cluster.add_pod("runner-7", "runner");
    let server = SessionServer::start(
        "[session_server]\n  listen_address = \"0.0.0.0:8093\"\n  advertise_address = \
         \"terminal.example.com:9000\"\n",
    )
    .unwrap();
    let relay = cluster.relay(&[&cluster.route("terminal.example.com", "runner", 8093)]);

    let client = relay.open(server.terminal());

    let said = String::from_utf8_lossy(&client.stderr);
    assert_eq!(client.stdout, b"terminal open\n", "{said}");
    let line = relay.wait_for(|line| line["event"] == "connection");
    assert_eq!(text(&line, "sni"), "terminal.example.com");
    assert_eq!(text(&line, "route"), "terminal.example.com");
    assert_eq!(text(&line, "pod"), "relay-terminal/runner-7");
    assert!(
        ["client-closed", "pod-closed"].contains(&text(&line, "reason")),
        "{line}"
    );
    assert!(line["bytes_to_pod"].as_u64().unwrap() > 500, "{line}");
    assert!(line["bytes_to_client"].as_u64().unwrap() > 500, "{line}");
    // It contains no secret of either side.
    let line = line.to_string();
    assert!(!line.contains(&server.terminal().authorization), "{line}");
}

#[test]
fn two_hundred_terminals_are_open_at_once() {
    let cluster = Cluster::new("relay-many");
    cluster.add_pod("runner", "runner");
    let port = free_port();
    let server = ManyTerminals::start(200, "terminal.example.com:9000", port);
    let relay = cluster.relay(&[&cluster.route("terminal.example.com", "runner", port)]);

    let started = Instant::now();
    let client = server.open_all(&relay);

    println!("200 terminals took {:?}", started.elapsed());
    let said = String::from_utf8_lossy(&client.stderr);
    assert!(client.status.success(), "{said}");
    let opened = String::from_utf8_lossy(&client.stdout);
    assert_eq!(
        opened
            .lines()
            .filter(|line| *line == "terminal open")
            .count(),
        200
    );
    wait_until("all are closed", || {
        relay.metric("runner_terminal_relay_connections_open") == 0.0
    });
    let count = r#"runner_terminal_relay_opening_seconds_count{route="terminal.example.com"}"#;
    assert_eq!(relay.metric(count), 200.0);
}

/// Endless bytes that repeat rarely and never at a power of two, so that a piece that is lost,
/// duplicated or misplaced is noticed.
struct Pattern {
    block: Vec<u8>,
    place: usize,
}

impl Pattern {
    fn new(seed: u64) -> Self {
        let mut random = seed;
        let block = (0..1_048_573).map(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 32) as u8
        });
        Self {
            block: block.collect(),
            place: 0,
        }
    }

    /// The next bytes, up to a limit.
    fn next(&mut self, most: usize) -> &[u8] {
        let start = self.place;
        let end = self.block.len().min(start + most);
        self.place = end % self.block.len();
        &self.block[start..end]
    }
}

const GIGABYTE: usize = 1_000_000_000;

fn send_gigabyte(mut to: impl Write, seed: u64) {
    let mut pattern = Pattern::new(seed);
    let mut left = GIGABYTE;
    while left > 0 {
        let piece = pattern.next(left.min(256 * 1024));
        to.write_all(piece).unwrap();
        left -= piece.len();
    }
}

fn receive_gigabyte(mut from: impl Read, seed: u64) {
    let mut pattern = Pattern::new(seed);
    let mut piece = vec![0; 256 * 1024];
    let mut left = GIGABYTE;
    while left > 0 {
        let most = left.min(piece.len());
        let length = from.read(&mut piece[..most]).unwrap();
        assert!(length > 0, "{left} bytes did not arrive");
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            let expected = pattern.next(rest.len());
            let (now, later) = rest.split_at(expected.len());
            assert!(now == expected, "other bytes, with {left} left");
            rest = later;
        }
        left -= length;
    }
}

/// A pod's server that sends a gigabyte, and receives another, after the first bytes for a host.
fn gigabyte_backend(host: &str) -> Backend {
    let length = hello_for(host).len();
    Backend::new(move |mut client| {
        client.read_exact(&mut vec![0; length]).unwrap();
        let same = client.try_clone().unwrap();
        let sending = thread::spawn(move || send_gigabyte(same, 1));
        receive_gigabyte(client, 2);
        sending.join().unwrap();
    })
}

/// Exchanges a gigabyte each way with [`gigabyte_backend`] through the relay, and returns how long that
/// took.
fn exchange_gigabyte(relay: &Relay, host: &str, backend: Backend) -> Duration {
    let started = Instant::now();
    let client = Client::of(relay, host);
    let same = client.stream.try_clone().unwrap();
    let sending = thread::spawn(move || send_gigabyte(same, 2));
    receive_gigabyte(&client.stream, 1);
    sending.join().unwrap();
    let length = client.hello.len();
    assert_eq!(client.rest(), b"");

    let took = started.elapsed();
    let line = relay.wait_for_end("pod-closed");
    assert_eq!(line["bytes_to_pod"], GIGABYTE + length, "{line}");
    assert_eq!(line["bytes_to_client"], GIGABYTE, "{line}");
    assert!(backend.is_well());
    took
}

#[test]
fn a_gigabyte_each_way_arrives_as_it_was() {
    let cluster = Cluster::new("relay-gigabyte");
    cluster.add_pod("runner", "runner");
    let backend = gigabyte_backend("a.example.com");
    let relay = cluster.relay(&[&cluster.route("a.example.com", "runner", backend.port)]);

    let took = exchange_gigabyte(&relay, "a.example.com", backend);
    println!("1 GB each way took {took:?}");
}

#[test]
fn the_host_decides_which_pod_is_reached() {
    let cluster = Cluster::new("relay-routes");
    let (a, b, c) = (
        Backend::echo("I am a"),
        Backend::echo("I am b"),
        Backend::echo("I am c"),
    );
    for app in ["a", "b", "c"] {
        cluster.add_pod(app, app);
    }
    let relay = cluster.relay(&[
        &cluster.route("a.example.com", "a", a.port),
        &cluster.route("*.example.com", "b", b.port),
        &cluster.route("*", "c", c.port),
    ]);
    assert_eq!(Client::of(&relay, "c.example.com").rest(), b"");
    relay.wait_for_end("pod-unknown");
    let held = Client::of(&relay, "a.example.com").expect("I am a");
    for (host, name) in [
        ("A.example.com", "I am a"),
        // The pod with this name, and no other.
        ("b.example.com", "I am b"),
        ("other.example.org", "I am c"),
        // Clients send no name for an IP address.
        ("192.0.2.7", "I am c"),
    ] {
        Client::of(&relay, host).expect(name);
    }
    let mut held = held;
    held.type_into("still here");
}

#[test]
fn without_a_route_or_a_pod_the_connection_is_closed_at_once() {
    let cluster = Cluster::new("relay-closed");
    let backend = Backend::echo("runner");
    let relay = cluster.relay(&[
        &cluster.route("a.example.com", "runner", backend.port),
        &cluster.route("b.example.com", "refusing", free_port()),
    ]);
    let closed = |host, reason| {
        assert_eq!(Client::of(&relay, host).rest(), b"");
        relay.wait_for_end(reason)
    };
    closed("c.example.com", "no-route");
    let line = closed("a.example.com", "no-pod");
    assert_eq!(
        text(&line, "detail"),
        "no pod in relay-closed has app=runner"
    );

    cluster.plane.add_pod("relay-closed", "runner-0", "runner");
    cluster.wait_for_pods(&relay, "runner", 1);
    let line = closed("a.example.com", "no-pod");
    assert!(
        text(&line, "detail").contains("of which none is ready"),
        "{line}"
    );

    cluster.add_pod("runner-1", "runner");
    wait_until("it is ready", || {
        let mut first = [0];
        let read = Client::of(&relay, "a.example.com").stream.read(&mut first);
        read.is_ok_and(|length| length == 1)
    });

    // Nothing listens in this pod.
    cluster.add_pod("refusing-1", "refusing");
    cluster.wait_for_pods(&relay, "refusing", 1);
    wait_until("it is ready", || {
        drop(Client::of(&relay, "b.example.com").rest());
        relay.ended("pod-failed") > 0
    });
    let line = relay.wait_for_end("pod-failed");
    assert!(
        text(&line, "detail").contains("connection refused"),
        "{line}"
    );
}

#[test]
fn a_pod_that_replaces_another_is_found() {
    let cluster = Cluster::new("relay-replaced");
    let backend = Backend::echo("runner");
    cluster.add_pod("runner-1", "runner");
    let relay = cluster.relay(&[&cluster.route("a.example.com", "runner", backend.port)]);
    let pod_of = || {
        drop(Client::of(&relay, "a.example.com").expect("runner"));
        let line = relay.wait_for(|line| line["event"] == "connection");
        text(&line, "pod").to_owned()
    };
    assert_eq!(pod_of(), "relay-replaced/runner-1");

    // Creation has a resolution of a second.
    thread::sleep(Duration::from_millis(1100));
    cluster.add_pod("runner-0", "runner");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(pod_of(), "relay-replaced/runner-0");
    let several = r#"runner_terminal_relay_several_pods_total{route="a.example.com"}"#;
    assert_eq!(relay.metric(several), 1.0);

    // The pod that was found before is gone.
    cluster.kubelet.remove_pod("relay-replaced", "runner-0");
    cluster.wait_for_pods(&relay, "runner", 1);
    assert_eq!(pod_of(), "relay-replaced/runner-1");
    assert_eq!(relay.metric(several), 1.0);
}

#[test]
fn an_end_in_one_direction_does_not_cut_the_other() {
    let cluster = Cluster::new("relay-half");
    cluster.add_pod("runner", "runner");
    let answer = vec![b'x'; 3_000_000];
    let sent = answer.clone();
    let length = hello_for("a.example.com").len() + "and that is all".len();
    let backend = Backend::new(move |mut client| {
        client.read_exact(&mut vec![0; length]).unwrap();
        // A node that knew of the client's FIN would have closed this by now.
        thread::sleep(Duration::from_secs(3));
        client.write_all(&sent).unwrap();
    });
    let relay = cluster.relay(&[&cluster.route("a.example.com", "runner", backend.port)]);

    let mut client = Client::of(&relay, "a.example.com");
    client.stream.write_all(b"and that is all").unwrap();
    client.stream.shutdown(Shutdown::Write).unwrap();

    assert!(client.rest() == answer);
    let line = relay.wait_for_end("client-closed");
    assert_eq!(line["bytes_to_client"], 3_000_000, "{line}");
}

#[test]
fn a_client_that_does_not_read_holds_the_pod_back() {
    let cluster = Cluster::new("relay-slow");
    cluster.add_pod("runner", "runner");
    let backend = Backend::new(|mut client| {
        client
            .set_write_timeout(Some(Duration::from_secs(3)))
            .unwrap();
        let piece = vec![0; 1 << 20];
        let mut sent = 0_u64;
        while let Ok(length) = client.write(&piece) {
            sent += u64::try_from(length).unwrap();
            assert!(sent < 200 << 20, "it went somewhere");
        }
    });
    let relay = cluster.relay(&[&cluster.route("a.example.com", "runner", backend.port)]);
    let client = Client::of(&relay, "a.example.com");
    thread::sleep(Duration::from_secs(6));
    assert!(backend.is_well());
    drop(client);
    relay.wait_for_end("client-broken");
}

#[test]
fn an_api_server_that_restarts_ends_connections_and_takes_new_ones() {
    let plane = Arc::new(ControlPlane::start());
    let cluster = Cluster::of(&plane, "relay-restart");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let relay = cluster.relay(&[&cluster.route("a.example.com", "runner", backend.port)]);
    let mut held = Client::of(&relay, "a.example.com").expect("runner");
    held.type_into("before");

    cluster.plane.restart_api_server();

    assert_eq!(held.rest(), b"");
    let line = relay.wait_for_end("forward-broken");
    assert!(text(&line, "detail").contains("the API server"), "{line}");
    Client::of(&relay, "a.example.com")
        .expect("runner")
        .type_into("after");
}

#[test]
fn hostile_clients_leave_it_up() {
    let cluster = Cluster::new("relay-hostile");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    let relay = cluster.relay(&[&route, "--connect-timeout=8s", "--max-connections=40"]);
    let connect = || {
        let stream = TcpStream::connect(relay.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let closes = |mut stream: TcpStream| {
        let mut rest = Vec::new();
        // A reset is also an end.
        let _ = stream.read_to_end(&mut rest);
        assert_eq!(rest, b"");
    };

    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 20_000],
        &[0x16, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff],
    ] {
        let mut stream = connect();
        let _ = stream.write_all(garbage);
        closes(stream);
        relay.wait_for_end("not-tls");
    }
    // A health check is counted, but not logged.
    drop(connect());
    let ended = r#"connections_total{route="",reason="nothing-sent"}"#;
    wait_until("it is counted", || {
        relay.metric(&format!("runner_terminal_relay_{ended}")) == 1.0
    });
    // Invalid names.
    let hello = hello_for("a.example.com");
    let place = hello
        .windows(13)
        .position(|name| name == b"a.example.com")
        .unwrap();
    for name in [
        b"a\x1b[2J\n\0\xff\xfe    ",
        b"a..example.co",
        b"*.example.com",
    ] {
        let mut hostile = hello.clone();
        hostile[place..place + 13].copy_from_slice(&name[..13]);
        let mut stream = connect();
        stream.write_all(&hostile).unwrap();
        closes(stream);
    }

    // Slow clients use all connections, once the earlier ones are closed.
    let open = "runner_terminal_relay_connections_open";
    wait_until("all are free", || relay.metric(open) == 0.0);
    let slow: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = connect();
            stream.write_all(&hello[..20]).unwrap();
            stream
        })
        .collect();
    wait_until("all are taken", || relay.metric(open) == 40.0);
    closes(connect());
    relay.wait_for(|line| line["event"] == "over-limit");
    let ended = r#"connections_total{route="",reason="over-limit"}"#;
    assert!(relay.metric(&format!("runner_terminal_relay_{ended}")) >= 1.0);
    let started = Instant::now();
    for mut stream in slow {
        let _ = stream.write_all(&hello[20..21]);
        closes(stream);
    }
    assert!(started.elapsed() < Duration::from_secs(20));
    relay.wait_for_end("hello-late");

    Client::of(&relay, "a.example.com")
        .expect("runner")
        .type_into("still up");
}

/// The same handshake message in records of limited size.
fn in_records_of(hello: &[u8], most: usize) -> Vec<u8> {
    let mut records = Vec::new();
    for part in hello[5..].chunks(most) {
        records.extend_from_slice(&hello[..3]);
        records.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        records.extend_from_slice(part);
    }
    records
}

/// A ClientHello with additional unknown extensions.
fn with_extensions(hello: &[u8], count: u16) -> Vec<u8> {
    // After the headers of the record and of the message, the version and the random bytes.
    let mut place = 5 + 4 + 2 + 32;
    place += 1 + usize::from(hello[place]);
    place += 2 + usize::from(u16::from_be_bytes([hello[place], hello[place + 1]]));
    place += 1 + usize::from(hello[place]);
    let extensions = (0..count).flat_map(|number| [0x4000 + number, 0]);
    let mut longer = hello.to_owned();
    longer.extend(extensions.flat_map(u16::to_be_bytes));
    let length = u16::try_from(longer.len() - place - 2).unwrap();
    longer[place..place + 2].copy_from_slice(&length.to_be_bytes());
    let length = u32::try_from(longer.len() - 9).unwrap();
    longer[6..9].copy_from_slice(&length.to_be_bytes()[1..]);
    in_records_of(&longer, 1 << 14)
}

/// Pseudorandom bytes, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

#[test]
fn each_hello_that_is_none_is_counted() {
    let cluster = Cluster::new("relay-hellos");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    let relay = cluster.relay(&[&route, "--connect-timeout=20s"]);
    let mut terminal = Client::of(&relay, "a.example.com").expect("runner");
    let hello = hello_for("a.example.com");
    let count = std::cell::Cell::new(0_u64);
    let say = |bytes: &[u8]| {
        count.set(count.get() + 1);
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        // The relay may already have closed.
        let _ = stream.write_all(bytes);
    };
    let counted = |reason: &str, expected: u64| {
        wait_until(reason, || relay.ended(reason) >= expected);
        assert_eq!(relay.ended(reason), expected, "{reason}");
    };

    // Truncated at every byte.
    for length in 0..hello.len() {
        say(&hello[..length]);
    }
    counted("nothing-sent", 1);
    counted("hello-truncated", u64::try_from(hello.len()).unwrap() - 1);
    terminal.type_into("after truncated ones");

    // Too long, in one message and in records of one byte.
    let endless = [&hello[..5], &[1, 0xff, 0xff, 0xff], &[0; 4096]].concat();
    say(&with_extensions(&hello, 8_000));
    say(&in_records_of(&endless, 1));
    wait_until("they are refused", || {
        relay.ended("hello-too-long") + relay.ended("not-tls") == 2
    });
    assert!(relay.ended("hello-too-long") >= 1);

    // Unusual but valid: in small records, and with many extensions.
    for unusual in [
        in_records_of(&hello, 1),
        in_records_of(&hello, 7),
        with_extensions(&hello, 1_500),
    ] {
        count.set(count.get() + 1);
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&unusual).unwrap();
        Client {
            stream,
            hello: unusual,
        }
        .expect("runner");
    }

    // Damaged, and noise.
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..300 {
        let mut damaged = hello.clone();
        for _ in 0..=random.below(4) {
            let place = random.below(damaged.len());
            damaged[place] = u8::try_from(random.below(256)).unwrap();
        }
        say(&damaged);
        let noise: Vec<u8> = (0..random.below(600))
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        say(&noise);
    }
    let total = count.get();
    wait_until("all are counted", || relay.ended("") == total);
    terminal.type_into("after all of them");
    println!(
        "{total} hellos, of which {} were no TLS, {} truncated, {} for no route; {:?} MiB at most",
        relay.ended("not-tls"),
        relay.ended("hello-truncated"),
        relay.ended("no-route"),
        relay.most_memory()
    );
    assert!(relay.ended("not-tls") > 300);
    assert!(relay.most_memory().is_none_or(|most| most < 100));
}

#[test]
fn a_flood_takes_no_terminal_with_it() {
    const PLACES: u64 = 100;
    const WAVE: u64 = 500;
    const WAVES: u64 = 4;

    let cluster = Cluster::new("relay-flood");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    let places = format!("--max-connections={PLACES}");
    let relay = cluster.relay(&[&route, &places, "--connect-timeout=2s"]);
    let mut terminal = Client::of(&relay, "a.example.com").expect("runner");
    let open = "runner_terminal_relay_connections_open";
    let hello = hello_for("a.example.com");
    for wave in 1..=WAVES {
        // They connect faster than they time out, and then send slowly, never the last byte.
        let mut slow: Vec<_> = (0..WAVE)
            .map(|_| TcpStream::connect(relay.address()).unwrap())
            .collect();
        let drip = thread::spawn({
            let hello = hello.clone();
            move || {
                for byte in hello[..hello.len() - 1].chunks(1) {
                    for stream in &mut slow {
                        let _ = stream.write(byte);
                    }
                    thread::sleep(Duration::from_millis(2));
                }
                slow
            }
        });
        terminal.type_into("in the flood");
        let ended = || relay.ended("hello-late") + relay.ended("over-limit");
        wait_until("the wave is over", || ended() == wave * WAVE);
        terminal.type_into("still here");
        drop(drip.join().unwrap());
        wait_until("one is open", || relay.metric(open) == 1.0);
    }
    // In each wave, they used all connections except the terminal's at least once.
    assert!(relay.ended("hello-late") >= WAVES * (PLACES - 1));
    assert!(relay.ended("over-limit") >= WAVES * (WAVE - 2 * PLACES));
    relay.wait_for(|line| line["event"] == "over-limit");
    // Afterwards others can connect again.
    Client::of(&relay, "a.example.com")
        .expect("runner")
        .type_into("a new one");
    terminal.type_into("at the end");
    println!(
        "{} dripping clients: {} in time too late, {} over the limit; {:?} MiB at most",
        WAVES * WAVE,
        relay.ended("hello-late"),
        relay.ended("over-limit"),
        relay.most_memory()
    );
    assert!(relay.most_memory().is_none_or(|most| most < 100));
}

#[test]
fn it_survives_having_no_file_left() {
    let cluster = Cluster::new("relay-files");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    let relay = Relay::start_with_files(60, &cluster.kubeconfig, &[&route]);
    let mut terminal = Client::of(&relay, "a.example.com").expect("runner");

    let idle: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(relay.address()).unwrap())
        .collect();
    let line = relay.wait_for(|line| line["event"] == "accept");
    assert!(
        text(&line, "detail").contains("Too many open files"),
        "{line}"
    );
    terminal.type_into("meanwhile");
    drop(idle);
    terminal.type_into("and afterwards");

    Client::of(&relay, "a.example.com")
        .expect("runner")
        .type_into("still up");
    assert!(relay.metric("runner_terminal_relay_accept_errors_total") >= 1.0);
}

#[test]
fn a_quiet_connection_ends_after_a_time() {
    let cluster = Cluster::new("relay-idle");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    let relay = cluster.relay(&[&route, "--idle-timeout=2s"]);
    let mut client = Client::of(&relay, "a.example.com").expect("runner");
    for _ in 0..4 {
        thread::sleep(Duration::from_secs(1));
        client.type_into("not yet");
    }
    assert_eq!(client.rest(), b"");
    relay.wait_for_end("idle");
}

#[test]
fn it_waits_for_open_connections_at_the_end() {
    let cluster = Cluster::new("relay-drain");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    let relay = cluster.relay(&[&route]);
    let mut client = Client::of(&relay, "a.example.com").expect("runner");
    wait_until("it is ready", || relay.get("/readyz").0 == 200);

    relay.terminate();

    let line = relay.wait_for(|line| line["event"] == "draining");
    assert_eq!(line["open"], 1, "{line}");
    assert_eq!(relay.get("/readyz").0, 503);
    assert_eq!(relay.get("/healthz").0, 200);
    let refused = TcpStream::connect(relay.address()).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    client.type_into("let me finish");
    drop(client);
    assert_eq!(relay.end().code(), Some(0));
}

#[test]
fn it_does_not_wait_for_ever_at_the_end() {
    let cluster = Cluster::new("relay-drained");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    let relay = cluster.relay(&[&route, "--drain-timeout=1s"]);
    let client = Client::of(&relay, "a.example.com").expect("runner");

    relay.terminate();

    assert_eq!(client.rest(), b"");
    relay.wait_for_end("drained");
    assert_eq!(relay.end().code(), Some(0));
}

#[test]
fn the_role_of_the_page_is_enough_and_no_more() {
    let cluster = Cluster::new("relay-role");
    cluster.add_pod("runner", "runner");
    let backend = Backend::echo("runner");
    let route = cluster.route("a.example.com", "runner", backend.port);
    Client::of(&cluster.relay(&[&route]), "a.example.com").expect("runner");

    let kubeconfig = cluster.kubeconfig.to_str().unwrap();
    let may = |verb: &str, what: &str, namespace: &str| {
        let args = [
            "--kubeconfig",
            kubeconfig,
            "auth",
            "can-i",
            verb,
            what,
            "-n",
            namespace,
        ];
        cluster.plane.kubectl(&args, "").status.success()
    };
    assert!(may("list", "pods", "relay-role"));
    assert!(may("watch", "pods", "relay-role"));
    for (verb, what) in [
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "configmaps"),
        ("create", "pods/exec"),
        ("get", "pods/log"),
        ("create", "pods"),
        ("delete", "pods"),
    ] {
        assert!(!may(verb, what, "relay-role"), "{verb} {what}");
    }
    assert!(!may("list", "pods", "default"));
    assert!(!may("create", "pods/portforward", "default"));

    // Each rule is needed.
    let (finds, all) = (r#"["list", "watch"]"#, r#"["get", "create"]"#);
    for (verbs, forwards, detail) in [
        (
            finds,
            r#"["get"]"#,
            "is forbidden: (it takes get and create of",
        ),
        (
            finds,
            r#"["create"]"#,
            "cannot get resource \"pods/portforward\"",
        ),
        (r#"["watch"]"#, all, "cannot list resource \"pods\""),
    ] {
        let role = format!(
            r#"[{{"op": "replace", "path": "/rules", "value": [
                {{"apiGroups": [""], "resources": ["pods"], "verbs": {verbs}}},
                {{"apiGroups": [""], "resources": ["pods/portforward"], "verbs": {forwards}}}]}}]"#
        );
        let args = [
            "-n",
            "relay-role",
            "patch",
            "role",
            "runner-terminal-relay",
            "--type=json",
        ];
        let patched = cluster
            .plane
            .kubectl(&[&args[..], &["-p", &role]].concat(), "");
        assert!(patched.status.success(), "{patched:?}");
        // The API server notices it through its own watch.
        wait_until("the role is another", || {
            let relay = cluster.relay(&[&route]);
            drop(Client::of(&relay, "a.example.com").rest());
            let line = relay.wait_for(|line| line["event"] == "connection");
            line["detail"]
                .as_str()
                .is_some_and(|said| said.contains(detail))
        });
    }
}

/// A namespace without a node, and a relay's account with the rights for `--dial pod` in the docs.
/// Pods have addresses of this machine.
struct DirectCluster {
    plane: Arc<ControlPlane>,
    kubeconfig: PathBuf,
    namespace: String,
}

impl DirectCluster {
    fn new(name: &str) -> Self {
        Self::of(&ControlPlane::shared(), name)
    }

    fn of(plane: &Arc<ControlPlane>, name: &str) -> Self {
        plane.apply(&role_of_the_page(name, false));
        Self {
            kubeconfig: plane.kubeconfig_of(name, "runner-terminal-relay"),
            plane: Arc::clone(plane),
            namespace: name.to_owned(),
        }
    }

    /// A running pod at 127.0.20.NUMBER.
    fn add_pod(&self, name: &str, app: &str, number: u8) {
        self.plane.add_pod(&self.namespace, name, app);
        let ip = format!("127.0.20.{number}");
        self.plane.run_pod(&self.namespace, name, &ip);
    }

    fn route(&self, app: &str, port: u16) -> String {
        let namespace = &self.namespace;
        format!("--route=*.terminals.example.com={namespace}/app={app}:{port}")
    }

    fn relay(&self, args: &[&str]) -> Relay {
        Relay::start(&self.kubeconfig, &[&["--dial=pod"], args].concat())
    }

    fn delete_pod(&self, name: &str, args: &[&str]) {
        let delete = ["--namespace", &self.namespace, "delete", "pod", name];
        let deleted = self.plane.kubectl(&[&delete[..], args].concat(), "");
        assert!(deleted.status.success(), "{deleted:?}");
    }
}

/// The servers of pods at all addresses of this machine. Each connection begins with the last number
/// of the address, and is an echo then.
fn pods_at_any_address() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            thread::spawn(move || {
                let std::net::IpAddr::V4(ip) = client.local_addr().unwrap().ip() else {
                    panic!("it listens at IPv4");
                };
                client
                    .write_all(format!("pod {:3}", ip.octets()[3]).as_bytes())
                    .unwrap();
                let mut same = client.try_clone().unwrap();
                let _ = io::copy(&mut client, &mut same);
            });
        }
    });
    port
}

/// Asks for a pod, and waits for the answer of the one with this number.
fn reach(relay: &Relay, pod: &str, number: u8) -> Client {
    let host = format!("{pod}.terminals.example.com");
    Client::of(relay, &host).expect(&format!("pod {number:3}"))
}

/// Asks for a pod until the connection is closed for a reason, and returns the detail.
fn refused(relay: &Relay, pod: &str, reason: &str) -> String {
    let host = format!("{pod}.terminals.example.com");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let client = Client::of(relay, &host);
        client.stream.shutdown(Shutdown::Write).unwrap();
        drop(client.rest());
        let line = relay.wait_for(|line| line["event"] == "connection");
        if line["reason"] == reason {
            return text(&line, "detail").to_owned();
        }
        assert!(Instant::now() < deadline, "not {reason}: {line}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_pod_is_reached_by_its_name_and_no_other_is() {
    let cluster = DirectCluster::new("gateway");
    let other = DirectCluster::new("gateway-other");
    let port = pods_at_any_address();
    cluster.add_pod("runner-a", "runner", 1);
    cluster.add_pod("runner.b.c", "runner", 2);
    cluster.add_pod("stranger", "stranger", 3);
    other.add_pod("elsewhere", "runner", 4);
    let relay = cluster.relay(&[&cluster.route("runner", port)]);

    reach(&relay, "runner-a", 1).type_into("a terminal");
    reach(&relay, "Runner.B.c", 2).type_into("a terminal");
    let line = relay.wait_for(|line| line["pod"] == "gateway/runner.b.c");
    assert_eq!(text(&line, "route"), "*.terminals.example.com");
    assert_eq!(text(&line, "reason"), "client-closed");
    for unknown in [
        "stranger",
        "elsewhere",
        "runner",
        "b.c",
        "runner-a.x",
        "xrunner-a",
    ] {
        let detail = refused(&relay, unknown, "pod-unknown");
        assert!(detail.contains(unknown), "{detail}");
    }
    assert_eq!(relay.metric("runner_terminal_relay_connections_total{route=\"*.terminals.example.com\",reason=\"pod-unknown\"}"), 6.0);
    let watched = r#"watched_pods{namespace="gateway",selector="app=runner"}"#;
    let watched = format!("runner_terminal_relay_{watched}");
    assert_eq!(relay.metric(&watched), 2.0);
    // No name of a pod is in a metric.
    let (_, metrics) = relay.get("/metrics");
    assert!(!metrics.contains("runner-a"), "{metrics}");
}

#[test]
fn a_pod_is_followed_from_its_start_to_its_end() {
    let cluster = DirectCluster::new("gateway-life");
    let port = pods_at_any_address();
    let relay = cluster.relay(&[&cluster.route("runner", port)]);
    refused(&relay, "runner-a", "pod-unknown");

    cluster.plane.add_pod("gateway-life", "runner-a", "runner");
    let detail = refused(&relay, "runner-a", "pod-pending");
    assert!(detail.contains("gateway-life/runner-a"), "{detail}");

    // It is not ready, and will never be.
    cluster
        .plane
        .run_pod("gateway-life", "runner-a", "127.0.20.5");
    wait_until("it runs", || {
        relay.ended("pod-pending") > 0 && {
            let mut first = [0];
            let host = "runner-a.terminals.example.com";
            let mut client = Client::of(&relay, host);
            client
                .stream
                .read(&mut first)
                .is_ok_and(|length| length == 1)
        }
    });
    let mut held = reach(&relay, "runner-a", 5);

    // Terminating: its jobs go on, and their terminals.
    let patch = r#"{"metadata": {"finalizers": ["example.com/job"]}}"#;
    let args = [
        "-n",
        "gateway-life",
        "patch",
        "pod",
        "runner-a",
        "--type=merge",
        "-p",
        patch,
    ];
    let patched = cluster.plane.kubectl(&args, "");
    assert!(patched.status.success(), "{patched:?}");
    cluster.delete_pod("runner-a", &["--wait=false"]);
    let pod = cluster.plane.get("gateway-life", "pod/runner-a");
    assert!(pod["metadata"]["deletionTimestamp"].is_string(), "{pod}");
    thread::sleep(Duration::from_millis(500));
    reach(&relay, "runner-a", 5).type_into("still here");

    cluster
        .plane
        .set_status("gateway-life", "pod/runner-a", r#"{"phase": "Succeeded"}"#);
    refused(&relay, "runner-a", "pod-ended");
    let args = [
        "-n",
        "gateway-life",
        "patch",
        "pod",
        "runner-a",
        "--type=merge",
        "-p",
    ];
    let patch = r#"{"metadata": {"finalizers": null}}"#;
    let patched = cluster.plane.kubectl(&[&args[..], &[patch]].concat(), "");
    assert!(patched.status.success(), "{patched:?}");
    refused(&relay, "runner-a", "pod-unknown");
    // The open connection is not affected by any of this.
    held.type_into("to the end");
}

#[test]
fn a_name_in_two_namespaces_leads_to_neither() {
    let (one, two) = (
        DirectCluster::new("gateway-one"),
        DirectCluster::new("gateway-two"),
    );
    let port = pods_at_any_address();
    // The relay of the first namespace may read the second as well.
    let binding = "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: \
                   other, namespace: gateway-two}, roleRef: {apiGroup: rbac.authorization.k8s.io, \
                   kind: Role, name: runner-terminal-relay}, subjects: [{kind: ServiceAccount, \
                   name: runner-terminal-relay, namespace: gateway-one}]}";
    one.plane.apply(binding);
    one.add_pod("runner-a", "runner", 1);
    one.add_pod("runner-b", "runner", 2);
    two.add_pod("runner-a", "runner", 3);
    two.add_pod("runner-c", "runner", 4);
    let relay = one.relay(&[&one.route("runner", port), &two.route("runner", port)]);
    reach(&relay, "runner-b", 2);
    // The binding may take a moment.
    let two_known = r#"watched_pods{namespace="gateway-two",selector="app=runner"}"#;
    relay.wait_for_metric(&format!("runner_terminal_relay_{two_known}"), 2.0);
    reach(&relay, "runner-c", 4);
    let detail = refused(&relay, "runner-a", "pod-ambiguous");
    for part in [
        "gateway-one/runner-a",
        "gateway-two/runner-a",
        "another domain",
    ] {
        assert!(detail.contains(part), "{detail}");
    }
    // Once one of them is gone, the name refers to the other.
    two.delete_pod("runner-a", &["--force", "--grace-period=0"]);
    relay.wait_for_metric(&format!("runner_terminal_relay_{two_known}"), 1.0);
    reach(&relay, "runner-a", 1);
}

#[test]
fn terminals_open_while_the_api_server_restarts() {
    let plane = Arc::new(ControlPlane::start());
    let cluster = DirectCluster::of(&plane, "gateway-restart");
    let port = pods_at_any_address();
    cluster.add_pod("runner-a", "runner", 1);
    let relay = cluster.relay(&[&cluster.route("runner", port)]);
    let mut held = reach(&relay, "runner-a", 1);

    let restarting = thread::spawn({
        let plane = Arc::clone(&plane);
        move || plane.restart_api_server()
    });
    let up =
        "runner_terminal_relay_watch_up{namespace=\"gateway-restart\",selector=\"app=runner\"}";
    relay.wait_for_metric(up, 0.0);
    reach(&relay, "runner-a", 1).type_into("meanwhile");
    held.type_into("meanwhile");
    restarting.join().unwrap();

    cluster.add_pod("runner-b", "runner", 2);
    relay.wait_for_metric(up, 1.0);
    wait_until("the new pod is known", || {
        let host = "runner-b.terminals.example.com";
        let mut client = Client::of(&relay, host);
        client.stream.read(&mut [0]).is_ok_and(|length| length == 1)
    });
    held.type_into("afterwards");
}

#[test]
fn a_pod_that_refuses_or_breaks_is_told() {
    let cluster = DirectCluster::new("gateway-dial");
    cluster.add_pod("refusing", "runner", 1);
    cluster.plane.add_pod("gateway-dial", "far", "runner");
    // No connection leads to all.
    cluster
        .plane
        .run_pod("gateway-dial", "far", "255.255.255.255");
    let relay = cluster.relay(&[
        &cluster.route("runner", free_port()),
        "--connect-timeout=2s",
    ]);
    let detail = refused(&relay, "refusing", "dial-refused");
    assert!(detail.contains("127.0.20.1:"), "{detail}");
    assert!(detail.contains("listen_address"), "{detail}");
    let detail = refused(&relay, "far", "dial-failed");
    assert!(detail.contains("255.255.255.255:"), "{detail}");

    // The newest ready pod is dialed, too.
    let port = pods_at_any_address();
    let ready = r#"{"conditions": [{"type": "Ready", "status": "True"}]}"#;
    cluster
        .plane
        .set_status("gateway-dial", "pod/refusing", ready);
    let route = format!("--route=a.example.com=gateway-dial/app=runner:{port}");
    let relay = cluster.relay(&[&route]);
    Client::of(&relay, "a.example.com").expect("pod   1");
}

#[test]
fn a_gigabyte_each_way_arrives_from_a_pods_own_address() {
    let cluster = DirectCluster::new("gateway-gigabyte");
    let backend = gigabyte_backend("runner.terminals.example.com");
    cluster
        .plane
        .add_pod("gateway-gigabyte", "runner", "runner");
    cluster
        .plane
        .run_pod("gateway-gigabyte", "runner", "127.0.0.1");
    let relay = cluster.relay(&[&cluster.route("runner", backend.port)]);

    let took = exchange_gigabyte(&relay, "runner.terminals.example.com", backend);
    println!("1 GB each way took {took:?}");
    assert!(relay.most_memory().is_none_or(|most| most < 60));
}

#[test]
fn an_end_in_one_direction_is_passed_on_to_a_pods_own_address() {
    let cluster = DirectCluster::new("gateway-half");
    let backend = Backend::new(|mut client| {
        let mut all = Vec::new();
        client.read_to_end(&mut all).unwrap();
        thread::sleep(Duration::from_secs(1));
        client.write_all(&all).unwrap();
    });
    cluster.plane.add_pod("gateway-half", "runner", "runner");
    cluster.plane.run_pod("gateway-half", "runner", "127.0.0.1");
    let relay = cluster.relay(&[&cluster.route("runner", backend.port), "--idle-timeout=3s"]);
    let mut client = Client::of(&relay, "runner.terminals.example.com");
    let body = vec![b'x'; 3_000_000];
    client.stream.write_all(&body).unwrap();
    client.stream.shutdown(Shutdown::Write).unwrap();
    let expected = [&client.hello[..], &body].concat();
    assert!(client.rest() == expected);
    relay.wait_for_end("client-closed");

    // An idle connection ends all the same.
    let quiet = Client::of(&relay, "runner.terminals.example.com");
    assert_eq!(quiet.rest(), b"");
    relay.wait_for_end("idle");
}

#[test]
fn a_drain_may_take_hours_and_a_second_signal_ends_it() {
    let cluster = DirectCluster::new("gateway-drain");
    let port = pods_at_any_address();
    cluster.add_pod("runner-a", "runner", 1);
    let relay = cluster.relay(&[&cluster.route("runner", port), "--drain-timeout=2h"]);
    let mut held = reach(&relay, "runner-a", 1);
    wait_until("it is ready", || relay.get("/readyz").0 == 200);

    relay.terminate();

    relay.wait_for(|line| line["event"] == "draining");
    assert_eq!(relay.get("/readyz").0, 503);
    assert!(TcpStream::connect(relay.address()).is_err());
    thread::sleep(Duration::from_secs(2));
    held.type_into("an hour later");
    relay.terminate();
    assert_eq!(held.rest(), b"");
    relay.wait_for_end("drained");
    assert_eq!(relay.end().code(), Some(0));
}

#[test]
fn idle_terminals_take_little_memory() {
    let cluster = DirectCluster::new("gateway-idle");
    let port = pods_at_any_address();
    cluster.add_pod("runner-a", "runner", 1);
    let relay = cluster.relay(&[&cluster.route("runner", port)]);
    let mut clients: Vec<Client> = (0..400).map(|_| reach(&relay, "runner-a", 1)).collect();
    for client in &mut clients {
        client.type_into("a line of a terminal");
    }
    let most = relay.most_memory();
    println!("400 idle terminals: {most:?} MiB at most");
    assert!(most.is_none_or(|most| most < 40));
}
