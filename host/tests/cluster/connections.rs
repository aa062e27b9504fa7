//! The connection to an API server: DNS, TCP and TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use super::api_server::{ApiServer, Step, always, in_order, plain, tls};
use super::certificates::{Authority, Identity, for_all};
use super::kubernetes::{failure, found, service};
use super::place::{Place, data, list, with_token};
use rustls::ServerConnection;
use serde_json::json;

/// A server with this certificate, whose Service has the address.
fn serve(identity: Identity) -> ApiServer {
    tls(
        for_all(identity),
        in_order([found(&service(7, &["192.0.2.7"]))]),
    )
}

/// A place that trusts this authority.
fn trusting(authority: &Authority, url: &str) -> Place {
    let cluster = json!({"server": url, "certificate-authority-data": data(&authority.pem)});
    Place::with(&cluster, &with_token())
}

/// All the cases that take the full retry timeout, in parallel.
#[test]
fn a_server_that_does_not_come_back_is_an_error_in_the_end() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let closed = format!("http://{}", closed.unwrap());
    let down = failure("503 Service Unavailable", "", "not yet");
    let down = plain(always(down));
    let ending = plain(always(vec![Step::Close]));
    // Only TLS's close_notify says that the answer is complete.
    let authority = Authority::new();
    let all = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned();
    let all = all + &service(7, &["192.0.2.7"]).to_string();
    let cut = tls(
        for_all(authority.server("127.0.0.1")),
        always(vec![Step::Say(all.into()), Step::Close]),
    );
    let authority = data(&authority.pem);
    thread::scope(|scope| {
        for (url, word) in [
            (closed.clone(), "refuses connections: does it run"),
            (down.url(), "a problem of its own (503 Service Unavailable)"),
            (ending.url(), "ended the connection before it had answered"),
            (cut.url(), "ended the connection before it had answered"),
        ] {
            let mut cluster = json!({ "server": url });
            if url.starts_with("https:") {
                cluster["certificate-authority-data"] = json!(authority);
            }
            scope.spawn(move || {
                let (_, address) = url.split_once("://").unwrap();
                let place = Place::with(&cluster, &with_token());
                place.assert_fails(&list(&[]), &[address, word]);
            });
        }
    });
    assert!(cut.requests().len() > 5);
    assert!(down.requests().len() > 5);
    assert!(ending.requests().len() > 5);
}

#[test]
fn a_certificate_of_the_kubeconfig_s_authority_is_trusted() {
    let authority = Authority::new();
    let server = serve(authority.server("127.0.0.1"));
    trusting(&authority, &server.url()).assert_builds(&list(&[]), "192.0.2.7:9000");
    assert_eq!(server.requests().len(), 1);

    // By a file, beside the kubeconfig.
    let server = serve(authority.server("127.0.0.1"));
    let cluster = json!({"server": server.url(), "certificate-authority": "ca.crt"});
    let place = Place::with(&cluster, &with_token());
    place.write("ca.crt", &authority.pem);
    place.assert_builds(&list(&[]), "192.0.2.7:9000");

    // By another name than the URL's.
    let server = serve(authority.server("kubernetes.default.svc"));
    let cluster = json!({
        "server": server.url(),
        "certificate-authority-data": data(&authority.pem),
        "tls-server-name": "kubernetes.default.svc",
    });
    Place::with(&cluster, &with_token()).assert_builds(&list(&[]), "192.0.2.7:9000");
}

#[test]
fn any_certificate_is_trusted_where_the_user_says_so() {
    let server = serve(Authority::new().expired_server("elsewhere.example.com"));
    let cluster = json!({"server": server.url(), "insecure-skip-tls-verify": true});
    Place::with(&cluster, &with_token()).assert_builds(&list(&[]), "192.0.2.7:9000");
}

#[test]
fn a_certificate_that_is_not_right_keeps_the_token_here() {
    let ours = Authority::new();
    let theirs = Authority::new();
    for (identity, words) in [
        (
            theirs.server("127.0.0.1"),
            [
                "an authority that is not trusted here",
                "certificate-authority-data",
            ],
        ),
        (
            ours.server("elsewhere.example.com"),
            ["cannot be talked to over TLS", "elsewhere.example.com"],
        ),
        (
            ours.expired_server("127.0.0.1"),
            [
                "its certificate expired at 2022-01-01T00:00:00Z",
                "and this machine's clock says 20",
            ],
        ),
        // As seen by a machine whose clock is slow.
        (
            ours.future_server("127.0.0.1"),
            [
                "its certificate is not valid before 2990-01-01T00:00:00Z",
                "and this machine's clock says 20",
            ],
        ),
    ] {
        let server = serve(identity);
        let place = trusting(&ours, &server.url());
        let address = server.address.to_string();
        place.assert_fails(&list(&[]), &[words[0], words[1], &address]);
        assert_eq!(server.requests().len(), 0);
        assert_eq!(server.connections(), 1, "it is not tried again");
    }
}

#[test]
fn a_certificate_is_not_trusted_because_there_is_no_authority() {
    let server = serve(Authority::new().server("127.0.0.1"));
    Place::of(&server).assert_fails(&list(&[]), &["an authority that is not trusted here"]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn the_wrong_scheme_is_told() {
    let authority = Authority::new();
    let server = serve(authority.server("127.0.0.1"));
    let url = server.url().replace("https:", "http:");
    let place = Place::with(&json!({ "server": url }), &with_token());
    let address = server.address.to_string();
    place.assert_fails(
        &list(&[]),
        &[&address, "does not answer as Kubernetes does"],
    );

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let words = [address.as_str(), "cannot be talked to over TLS"];
    trusting(&authority, &format!("https://{address}")).assert_fails(&list(&[]), &words);
}

#[test]
fn what_follows_a_handshake_and_is_no_tls_is_told() {
    let authority = Authority::new();
    let config = Arc::new(for_all(authority.server("127.0.0.1")));
    for garbage in [
        &b"HTTP/1.1 200 OK\r\n\r\n"[..],
        // A data record that is not encrypted, and one that is too long.
        &[0x17, 3, 3, 0, 40, 0x17, 3, 3, 0, 40].repeat(9),
        &[0x17, 3, 3, 0xff, 0xff, 1, 2, 3],
        &[0; 4096],
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (config, garbage) = (Arc::clone(&config), garbage.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                tls.complete_io(&mut stream).unwrap();
                let _ = stream.write_all(&garbage);
                // Whatever the client says to that.
                while matches!(stream.read(&mut [0; 1024]), Ok(1..)) {}
            }
        });
        let words = [address.as_str(), "cannot be talked to over TLS"];
        trusting(&authority, &format!("https://{address}")).assert_fails(&list(&[]), &words);
    }
}

#[test]
fn a_name_that_does_not_resolve_is_told() {
    // RFC 6761: no name in this domain resolves.
    let cluster = json!({"server": "https://api.cluster.invalid:6443"});
    Place::with(&cluster, &with_token()).assert_fails(
        &list(&[]),
        &["api.cluster.invalid:6443", "a name that does not resolve"],
    );
}
