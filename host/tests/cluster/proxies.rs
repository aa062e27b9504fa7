//! Proxies: which one is used, and what it does with the connection.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::api_server::{ApiServer, Request, always, read_request, tls};
use super::certificates::{Authority, for_all};
use super::kubernetes::{found, service};
use super::place::{PROXY_PASSWORD, Place, data, list, with_token};

const ADDRESS: &str = "192.0.2.7:9000";
/// RFC 6761: a name that only the proxy knows.
const HOST: &str = "api.cluster.test";

/// A proxy, and the requests that it received.
struct Proxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Proxy {
    /// Connects every client to one server, whatever name it asks for.
    fn to(server: SocketAddr) -> Self {
        Self::start(move |client| {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            let upstream = TcpStream::connect(server)?;
            let (mut up, mut down) = (upstream.try_clone()?, client.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut down, &mut up);
                up.shutdown(std::net::Shutdown::Write)
            });
            io::copy(&mut &upstream, client).map(drop)
        })
    }

    /// Gives every client the same answer.
    fn saying(answer: &'static str) -> Self {
        Self::start(|client| client.write_all(answer.as_bytes()))
    }

    fn start(serve: impl Fn(&mut TcpStream) -> io::Result<()> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (asked, serve) = (Arc::clone(&asked), serve.clone());
                thread::spawn(move || {
                    if let Ok(request) = read_request(&mut stream) {
                        asked.lock().unwrap().push(request);
                        let _ = serve(&mut stream);
                    }
                });
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn url_with_password(&self) -> String {
        format!("http://jane:{PROXY_PASSWORD}@{}", self.address)
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// A server behind a name, and a place that knows that name.
fn behind(host: &str) -> (ApiServer, Place) {
    let authority = Authority::new();
    let server = tls(
        for_all(authority.server(host)),
        always(found(&service(7, &["192.0.2.7"]))),
    );
    let cluster = json!({
        "server": format!("https://{host}:{}", server.address.port()),
        "certificate-authority-data": data(&authority.pem),
    });
    (server, Place::with(&cluster, &with_token()))
}

#[test]
fn the_environment_s_proxy_is_used() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let (server, place) = behind(HOST);
        let proxy = Proxy::to(server.address);
        let place = place
            .env(name, &proxy.url())
            .env("NO_PROXY", "localhost,127.0.0.1,.other.test,10.0.0.0/8");
        place.assert_builds(&list(&[]), ADDRESS);
        let asked = proxy.requests();
        assert_eq!(asked.len(), 1, "{name}");
        let line = format!("CONNECT {HOST}:{} HTTP/1.1", server.address.port());
        assert_eq!(asked[0].line, line);
        assert_eq!(asked[0].header("proxy-authorization"), None);
        assert_eq!(asked[0].header("authorization"), None);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_proxy_needs_no_scheme() {
    let (server, place) = behind(HOST);
    let proxy = Proxy::to(server.address);
    let place = place.env("HTTPS_PROXY", &proxy.address.to_string());
    place.assert_builds(&list(&[]), ADDRESS);
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn a_proxy_gets_its_password() {
    let (server, place) = behind(HOST);
    let proxy = Proxy::to(server.address);
    let place = place.env("HTTPS_PROXY", &proxy.url_with_password());
    place.assert_builds(&list(&[]), ADDRESS);
    let basic = format!(
        "Basic {}",
        STANDARD.encode(format!("jane:{PROXY_PASSWORD}"))
    );
    let asked = proxy.requests();
    assert_eq!(asked[0].header("proxy-authorization"), Some(basic.as_str()));
}

#[test]
fn no_proxy_excepts_a_server() {
    // The unspecified address also leads to this machine, but without NO_PROXY it would go through
    // a proxy.
    for (host, excepted) in [
        ("0.0.0.0", "0.0.0.0"),
        ("0.0.0.0", "10.0.0.0/8, 0.0.0.0/8"),
        ("0.0.0.0", "*"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", ".example.com,localhost"),
    ] {
        let (server, place) = behind(host);
        let proxy = Proxy::saying("HTTP/1.1 502 Bad Gateway\r\n\r\n");
        let place = place
            .env("HTTPS_PROXY", &proxy.url())
            .env("NO_PROXY", excepted);
        place.assert_builds(&list(&[]), ADDRESS);
        assert!(proxy.requests().is_empty(), "{host}, {excepted}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn no_proxy_leads_to_this_machine() {
    // As for kubectl: a cluster on this machine is not behind the proxy of the network.
    for host in ["127.0.0.1", "localhost"] {
        let (server, place) = behind(host);
        let proxy = Proxy::saying("HTTP/1.1 502 Bad Gateway\r\n\r\n");
        let place = place.env("HTTPS_PROXY", &proxy.url());
        place.assert_builds(&list(&[]), ADDRESS);
        assert!(proxy.requests().is_empty(), "{host}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn the_kubeconfig_s_proxy_comes_first() {
    let authority = Authority::new();
    let server = tls(
        for_all(authority.server(HOST)),
        always(found(&service(7, &["192.0.2.7"]))),
    );
    let proxy = Proxy::to(server.address);
    let other = Proxy::saying("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    let cluster = json!({
        "server": format!("https://{HOST}:6443"),
        "certificate-authority-data": data(&authority.pem),
        "proxy-url": proxy.url_with_password(),
    });
    let place = Place::with(&cluster, &with_token());
    place.assert_builds(&list(&[]), ADDRESS);
    let place = place.env("HTTPS_PROXY", &other.url());
    place.assert_builds(&list(&[]), ADDRESS);
    // NO_PROXY does not apply to the kubeconfig's proxy, and is not compared with the address of
    // the proxy.
    let place = place.env("NO_PROXY", &format!("127.0.0.1,{HOST}"));
    place.assert_builds(&list(&[]), ADDRESS);
    assert_eq!(proxy.requests().len(), 3);
    assert!(other.requests().is_empty());
}

#[test]
fn another_cluster_s_proxy_is_no_matter() {
    let (server, place) = behind("0.0.0.0");
    let text = std::fs::read_to_string(place.path().join("kubeconfig")).unwrap();
    let other = json!({"name": "other", "cluster": {
        "server": "https://other.example.com",
        "proxy-url": "http://proxy.example.com:3128",
    }});
    let place =
        place.kubeconfig(&text.replace("\"clusters\": [", &format!("\"clusters\": [{other},")));
    let proxy = Proxy::saying("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    let place = place
        .env("HTTPS_PROXY", &proxy.url())
        .env("NO_PROXY", "0.0.0.0");
    place.assert_builds(&list(&[]), ADDRESS);
    assert!(proxy.requests().is_empty());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_proxy_that_refuses_is_not_the_server() {
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "",
        "SSH-2.0-OpenSSH_9.9\r\n",
    ] {
        let (server, place) = behind(HOST);
        let proxy = Proxy::saying(answer);
        let place = place.env("HTTPS_PROXY", &proxy.url_with_password());
        place.assert_fails(
            &list(&[]),
            &[
                "a proxy that does not let the connection through",
                "HTTPS_PROXY",
                "NO_PROXY",
                "proxy-url",
            ],
        );
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn a_proxy_that_is_not_there_is_not_the_server() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let proxy = format!("http://jane:{PROXY_PASSWORD}@{}", closed.unwrap());
    let (_, place) = behind(HOST);
    let place = place.env("HTTPS_PROXY", &proxy);
    place.assert_fails(
        &list(&[]),
        &["a proxy that does not let the connection through", HOST],
    );
}

#[test]
fn a_proxy_that_ends_tls_is_not_trusted() {
    let (_, place) = behind(HOST);
    let other = tls(for_all(Authority::new().server(HOST)), always(Vec::new()));
    let proxy = Proxy::to(other.address);
    let place = place.env("HTTPS_PROXY", &proxy.url());
    place.assert_fails(
        &list(&[]),
        &["not trusted here", "or does a proxy terminate TLS?"],
    );
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn what_is_no_proxy_is_told() {
    for (value, word) in [
        (
            "socks5://proxy.example.com:1080",
            "scheme that is not supported",
        ),
        (
            "http://jane:PASSWORD@proxy example com:3128",
            "HTTPS_PROXY is not the URL of a proxy",
        ),
        ("http://", "HTTPS_PROXY is not the URL of a proxy"),
    ] {
        let (_, place) = behind(HOST);
        let value = value.replace("PASSWORD", PROXY_PASSWORD);
        let place = place.env("HTTPS_PROXY", &value);
        place.assert_fails(&list(&[]), &[word]);
    }
}

#[test]
fn exceptions_that_cannot_be_read_are_told() {
    let (server, place) = behind(HOST);
    let proxy = Proxy::to(server.address);
    let place = place
        .env("HTTPS_PROXY", &proxy.url())
        .env("NO_PROXY", "localhost, 127.0.0.1,,.svc, ");
    place.assert_fails(&list(&[]), &["NO_PROXY", "empty"]);
}
