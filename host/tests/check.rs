//! `runner-terminal check` against real listeners: session servers, and whatever else may listen at
//! their address.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod program;

use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion, version};

use program::{Ended, command, run};

/// What a session server answers for an unknown session.
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Content-Length: 19\r\n\
    \r\n\
    404 page not found\n";

/// Checks an address: returns the exit code and the line.
fn check(address: &str) -> (i32, String) {
    check_within(address, "20s")
}

/// Checks an address that sends nothing, with a short timeout.
fn check_briefly(address: &str) -> (i32, String) {
    check_within(address, "1s")
}

fn check_within(address: &str, timeout: &str) -> (i32, String) {
    let ended: Ended = run(&mut command(&["check", address, "--timeout", timeout]), b"");
    assert_eq!(ended.stderr, "");
    let text = ended.text();
    let line = text.strip_suffix('\n').unwrap();
    assert!(
        line.chars().all(|c| !c.is_control()),
        "more than one line, or worse: {text:?}"
    );
    (ended.code, line.to_owned())
}

/// Asserts that the check reports a problem in these words.
#[track_caller]
fn assert_wrong((code, line): &(i32, String), words: &[&str]) {
    assert_eq!(*code, 1, "{line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is missing: {line}");
    }
    assert!(!line.contains("healthy:"), "{line}");
}

/// Starts a listener that treats each connection in the same way, and returns its address.
fn listen(at: &str, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(at).unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// A certificate with its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// What a runner puts into the certificate for a host.
fn runner_params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.distinguished_name = name(DnType::OrganizationName, "GitLab Runner");
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2999, 12, 31);
    params
}

fn name(kind: DnType, value: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(kind, value);
    name
}

fn self_signed(params: &CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity {
        chain: vec![params.self_signed(&key).unwrap().der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }
}

fn runner(host: &str) -> Identity {
    self_signed(&runner_params(host))
}

/// Starts a TLS server that gives the same answer to each request.
fn serve_tls(at: &str, identity: Identity, answer: &'static str) -> SocketAddr {
    serve_tls_of(at, identity, answer, rustls::ALL_VERSIONS)
}

fn serve_tls_of(
    at: &str,
    identity: Identity,
    answer: &'static str,
    versions: &[&'static SupportedProtocolVersion],
) -> SocketAddr {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    serve_config(at, config, answer)
}

fn serve_config(at: &str, config: ServerConfig, answer: &'static str) -> SocketAddr {
    let config = Arc::new(config);
    listen(at, move |stream| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        // A client that rejects the certificate sends no request.
        if let Some(request) = request(&mut stream) {
            assert_asks_like_workhorse(&request);
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

/// The head of a request; `None` if the client disconnects.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    Some(String::from_utf8(head).unwrap())
}

fn assert_asks_like_workhorse(request: &str) {
    assert!(request.starts_with("GET /session/"), "{request}");
    for line in [
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n",
        "Sec-WebSocket-Protocol: terminal.gitlab.com\r\n",
    ] {
        assert!(request.contains(line), "{request}");
    }
    // No token is known here, so none can be sent.
    assert!(!request.contains("Authorization"), "{request}");
}

/// `localhost`, with the port of a listener there.
fn localhost(address: SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

/// Checks a session server with this certificate.
fn check_served(identity: Identity) -> (i32, String) {
    check(&localhost(serve_tls("127.0.0.1:0", identity, NOT_FOUND)))
}

#[test]
fn a_session_server_is_healthy() {
    let address = serve_tls("127.0.0.1:0", runner("127.0.0.1"), NOT_FOUND);
    assert_eq!(
        check(&address.to_string()),
        (
            0,
            format!(
                "{address}: healthy: a session server answers, with a certificate for \
                 \"127.0.0.1\" until 2999-12-31T00:00:00Z"
            )
        )
    );
}

#[test]
fn a_name_is_healthy_where_it_leads() {
    let address = serve_tls("127.0.0.1:0", runner("localhost"), NOT_FOUND);
    let (code, line) = check(&localhost(address));
    assert_eq!(code, 0, "{line}");
    let expected = format!("{} (127.0.0.1): healthy: ", localhost(address));
    assert!(line.starts_with(&expected), "{line}");
}

#[test]
fn ipv6_and_tls_1_2_are_healthy_too() {
    // Not every machine has IPv6.
    let at = match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => "[::1]:0",
        Err(_) => "127.0.0.1:0",
    };
    let host = if at.starts_with('[') {
        "::1"
    } else {
        "127.0.0.1"
    };
    let address = serve_tls_of(at, runner(host), NOT_FOUND, &[&version::TLS12]);
    let (code, line) = check(&address.to_string());
    assert_eq!(code, 0, "{line}");
    assert!(line.contains(&format!("for \"{host}\" until")), "{line}");
}

#[test]
fn a_runner_with_another_address_is_not_this_one() {
    let address = serve_tls("127.0.0.1:0", runner("old.example.com"), NOT_FOUND);
    assert_wrong(
        &check(&localhost(address)),
        &[
            "localhost:",
            "(127.0.0.1)",
            "the runner here has a certificate for \"old.example.com\"",
            "restarting its pod",
        ],
    );
    assert_wrong(&check(&address.to_string()), &["\"old.example.com\""]);
}

#[test]
fn an_expired_runner_needs_a_restart() {
    let mut params = runner_params("localhost");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2022, 1, 1);
    assert_wrong(
        &check_served(self_signed(&params)),
        &[
            "expired at 2022-01-01T00:00:00Z",
            "restart the runner's pod",
        ],
    );
}

#[test]
fn a_runner_from_the_future_has_another_clock() {
    let mut params = runner_params("localhost");
    params.not_before = date_time_ymd(2990, 1, 1);
    assert_wrong(
        &check_served(self_signed(&params)),
        &["not valid before 2990-01-01T00:00:00Z", "clock"],
    );
}

#[test]
fn a_proxy_that_ends_tls_is_named_by_its_certificate() {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name = name(DnType::CommonName, "Example CA, East");
    let authority_key = KeyPair::generate().unwrap();
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);

    // Even a certificate that is right for the name is wrong: GitLab trusts the runner's alone.
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.distinguished_name = name(DnType::CommonName, "localhost");
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let identity = Identity {
        chain: vec![leaf.der().clone(), authority_certificate.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    };
    assert_wrong(
        &check_served(identity),
        &[
            "TLS is terminated before the session server",
            "of \"CN=localhost\"",
            r#"issued by "CN=Example CA\, East""#,
            "for \"localhost\"",
        ],
    );
}

#[test]
fn an_ingress_controller_s_own_certificate_is_not_a_runner_s() {
    let mut params = CertificateParams::new(["ingress.local".to_owned()]).unwrap();
    params.distinguished_name = name(DnType::OrganizationName, "Acme Co");
    params.distinguished_name.push(
        DnType::CommonName,
        "Kubernetes Ingress Controller Fake Certificate",
    );
    assert_wrong(
        &check_served(self_signed(&params)),
        &[
            "\"CN=Kubernetes Ingress Controller Fake Certificate,O=Acme Co\", self-signed",
            "for \"ingress.local\"",
        ],
    );
}

#[test]
fn a_certificate_s_words_do_not_steer_the_terminal() {
    let mut params = runner_params("localhost");
    params.distinguished_name = name(
        DnType::CommonName,
        "\u{1b}[2J\u{1b}]0;x\u{7}\r\nhealthy\u{9b}31m\u{202e}",
    );
    params.subject_alt_names = vec![SanType::DnsName("\u{1b}[1mx\n".try_into().unwrap())];
    assert_wrong(
        &check_served(self_signed(&params)),
        &[r"\1b[2J", r"\u{9b}31m\u{202e}", r#"for "\u{1b}[1mx\n""#],
    );
}

#[test]
fn a_certificate_without_its_key_proves_nothing() {
    let stolen = runner("localhost").chain;
    let own = ring::sign::any_supported_type(&runner("localhost").key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(SingleCertAndKey::from(CertifiedKey::new(
            stolen, own,
        )))));
    let address = serve_config("127.0.0.1:0", config, NOT_FOUND);
    assert_wrong(
        &check(&localhost(address)),
        &["the TLS handshake failed", "BadSignature"],
    );
}

#[derive(Debug)]
struct Always(SingleCertAndKey);

impl ResolvesServerCert for Always {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.resolve(hello)
    }
}

/// Acts like a round-robin load balancer in front of several runners.
#[derive(Debug)]
struct TakingTurns {
    runners: [Arc<CertifiedKey>; 2],
    next: AtomicUsize,
}

impl ResolvesServerCert for TakingTurns {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let turn = self.next.fetch_add(1, Ordering::SeqCst);
        Some(Arc::clone(&self.runners[turn % 2]))
    }
}

#[test]
fn two_runners_at_one_address_lose_terminals() {
    let provider = ring::default_provider();
    let runners = [(), ()].map(|()| {
        let Identity { chain, key } = runner("127.0.0.1");
        let key = provider.key_provider.load_private_key(key).unwrap();
        Arc::new(CertifiedKey::new(chain, key))
    });
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(TakingTurns {
            runners,
            next: AtomicUsize::new(0),
        }));
    let address = serve_config("127.0.0.1:0", config, NOT_FOUND);
    assert_wrong(
        &check(&address.to_string()),
        &["several runners answer here", "one replica"],
    );
}

#[test]
fn a_server_that_knows_no_such_name_says_so() {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
    let address = serve_config("127.0.0.1:0", config, NOT_FOUND);
    assert_wrong(
        &check(&localhost(address)),
        &["the TLS handshake failed", "alert"],
    );
}

#[test]
fn a_runner_s_other_server_answers_otherwise() {
    for (answer, words) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "answers \"HTTP/1.1 200 OK\" where a session server says 404",
        ),
        (
            "HTTP/1.1 404\u{1b}[2J Not Found\r\n\r\n",
            r"answers \u{1b}[2J",
        ),
        ("SSH-2.0-dropbear\r\n", "answers \"SSH-2.0-dropbear\""),
        ("", "closed without an answer to an HTTP request"),
    ] {
        let words = words.replace(r"answers \u{1b}", r#"answers "HTTP/1.1 404\u{1b}"#);
        let address = serve_tls("127.0.0.1:0", runner("localhost"), answer);
        assert_wrong(&check(&localhost(address)), &[&words]);
    }
}

#[test]
fn a_session_server_that_does_not_answer_is_not_waited_for() {
    let identity = runner("127.0.0.1");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    let config = Arc::new(config);
    let address = listen("127.0.0.1:0", move |stream| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        request(&mut stream);
        // An answer whose first line never ends.
        while stream.write_all(b"H").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert_wrong(
        &check_briefly(&address.to_string()),
        &["no answer to an HTTP request in time"],
    );
}

#[test]
fn http_without_tls_is_recognized() {
    let address = listen("127.0.0.1:0", |mut stream| {
        // As the servers of Go and nginx answer a TLS handshake.
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).unwrap();
        let answer = if buffer[..length].starts_with(b"GET ") {
            "HTTP/1.1 301 Moved\r\n\r\n"
        } else {
            "HTTP/1.1 400 Bad Request\r\n\r\n"
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    assert_wrong(
        &check(&address.to_string()),
        &["HTTP without TLS answers (\"HTTP/1.1 301 Moved\")"],
    );
}

#[test]
fn another_protocol_is_shown() {
    let address = listen("127.0.0.1:0", |mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\x1b[2J\r\n");
        drain(stream);
    });
    assert_wrong(
        &check(&address.to_string()),
        &[r#"neither TLS nor HTTP is spoken here (it begins with "SSH-2.0-OpenSSH_9.6\u{1b}[2J")"#],
    );
}

#[test]
fn bytes_without_lines_are_shown_as_well() {
    let address = listen("127.0.0.1:0", |mut stream| {
        let _ = stream.write_all(b"J\0\0\0\x0a8.0.36\0");
        drain(stream);
    });
    assert_wrong(
        &check(&address.to_string()),
        &["neither TLS nor HTTP is spoken here", r"J\0\0\0"],
    );
}

#[test]
fn a_flood_is_not_read_to_its_end() {
    let address = listen("127.0.0.1:0", |mut stream| {
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let found = check(&address.to_string());
    assert_wrong(&found, &["neither TLS nor HTTP is spoken here"]);
    assert!(found.1.len() < 1000, "{}", found.1.len());
}

/// Reads until the client disconnects.
fn drain(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
}

#[test]
fn silence_ends_with_the_time() {
    let address = listen("127.0.0.1:0", drain);
    assert_wrong(
        &check_briefly(&address.to_string()),
        &["the TLS handshake got no answer in time"],
    );
}

#[test]
fn a_handshake_that_drips_ends_with_the_time() {
    let address = listen("127.0.0.1:0", |mut stream| {
        // The beginning of a record of 16 KiB.
        let _ = stream.write_all(&[0x16, 3, 3, 0x40, 0]);
        while stream.write_all(&[2]).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_wrong(
        &check_briefly(&address.to_string()),
        &["the TLS handshake got no answer in time"],
    );
}

#[test]
fn a_connection_that_is_closed_at_once_is_no_answer() {
    let address = listen("127.0.0.1:0", drop);
    assert_wrong(
        &check(&address.to_string()),
        &["closed during the TLS handshake", "PROXY protocol"],
    );
    let address = listen("127.0.0.1:0", |mut stream| {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer);
    });
    assert_wrong(
        &check(&address.to_string()),
        &["closed during the TLS handshake", "no healthy backend"],
    );
}

#[test]
fn a_port_without_a_listener_refuses() {
    // A client's own port is in use, and nothing listens on it.
    let client = TcpStream::connect(listen("127.0.0.1:0", drain)).unwrap();
    let address = client.local_addr().unwrap();
    assert_wrong(&check(&address.to_string()), &["connection refused"]);
    let found = check(&localhost(address));
    assert_wrong(&found, &["127.0.0.1", "connection refused"]);
}

#[test]
fn a_name_without_an_address_does_not_resolve() {
    assert_wrong(
        &check_within("terminal.invalid:443", "1s"),
        &["terminal.invalid:443: the name does not resolve ("],
    );
}

#[test]
fn what_is_no_address_is_not_opened() {
    assert_wrong(
        &check("https://terminal.invalid:443"),
        &["write host:port without \"https://\""],
    );
    assert_wrong(
        &check("terminal.invalid"),
        &["there is no port: write terminal.invalid:PORT"],
    );
    assert_wrong(&check("terminal.invalid:0"), &["\"0\" is not a port"]);
    assert_wrong(&check("0.0.0.0:8093"), &["an address to listen on"]);
    assert_wrong(&check("\u{1b}[2J:1"), &["neither a DNS name nor an IP"]);
}
