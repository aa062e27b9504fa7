//! Responses of an API server, and how the command handles them.

use std::time::{Duration, Instant};

use super::api_server::{Step, always, in_order, plain};
use super::kubernetes::{answer, assert_asked, failure, found, not_found, service};
use super::place::{
    Place, TOKEN, assert_pending, kubeconfig, list, with_second_runner, with_token,
};
use serde_json::json;

const ADDRESS: &str = "192.0.2.7:9000";

#[test]
fn an_address_is_written() {
    let server = plain(in_order([found(&service(7, &["192.0.2.7"]))]));
    Place::of(&server).assert_builds(&list(&[]), ADDRESS);
    let requests = server.requests();
    assert_asked(&requests, "R");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(requests[0].header("authorization"), Some(bearer.as_str()));
    let host = server.address.to_string();
    assert_eq!(requests[0].header("host"), Some(host.as_str()));
}

#[test]
fn nobody_is_asked_where_the_address_is_given() {
    let server = plain(in_order([]));
    let place = Place::of(&server);
    let list = list(&[]).replace(
        "    source: Cluster\n",
        "    source: Static\n    address: terminal.example.com:9000\n",
    );
    place.assert_builds(&list, "terminal.example.com:9000");
    assert_eq!(server.connections(), 0);
}

#[test]
fn each_runner_s_service_is_read_once() {
    let server = plain(|request| {
        let name = if request.line.contains("/second-session-server ") {
            "192.0.2.8"
        } else {
            "192.0.2.7"
        };
        found(&service(7, &[name]))
    });
    let list = with_second_runner(&list(&[]));
    let ended = Place::of(&server).build(&list);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for address in ["192.0.2.7:9000", "192.0.2.8:9000"] {
        let line = format!("advertise_address = \"{address}\"");
        assert_eq!(ended.text().matches(&line).count(), 1, "{}", ended.text());
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn one_service_that_cannot_be_read_is_named() {
    let server = plain(|request| {
        if request.line.contains("/second-session-server ") {
            answer("302 Found", "", "")
        } else {
            found(&service(7, &["192.0.2.7"]))
        }
    });
    let list = with_second_runner(&list(&[]));
    let place = Place::of(&server);
    place.assert_fails(&list, &["Service ci/second-session-server: ", "302 Found"]);
}

#[test]
fn a_service_without_a_namespace_is_in_the_context_s() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let text = kubeconfig(&json!({"server": server.url()}), &with_token());
    let place = Place::new().kubeconfig(&text.replace(
        "\"cluster\": \"cluster\",",
        "\"cluster\": \"cluster\", \"namespace\": \"builds\",",
    ));
    place.assert_builds(&list(&[]).replace("    namespace: ci\n", ""), ADDRESS);
    let line = &server.requests()[0].line;
    let path = "/api/v1/namespaces/builds/services/runner-session-server ";
    assert!(line.contains(path), "{line}");
}

#[test]
fn an_absent_service_is_pending() {
    let server = plain(in_order([not_found()]));
    let ended = Place::of(&server).build(&list(&[]));
    assert_pending(
        &ended,
        &["Service ci/runner-session-server", "not in the cluster yet"],
    );
    assert_asked(&server.requests(), "R");
}

#[test]
fn a_service_without_an_address_is_pending() {
    let server = plain(in_order([found(&service(7, &[]))]));
    let ended = Place::of(&server).build(&list(&[]));
    assert_pending(&ended, &["its load balancer has no address yet"]);
    assert_asked(&server.requests(), "R");
}

#[test]
fn problems_that_pass_are_waited_out() {
    let there = || found(&service(7, &["192.0.2.7"]));
    let throttled = |after: &str| {
        let head = format!("Retry-After: {after}\r\n");
        failure("429 Too Many Requests", &head, "slow down")
    };
    for (replies, asked) in [
        (vec![throttled("1"), there()], "RR"),
        (
            vec![failure("429 Too Many Requests", "", "slow down"), there()],
            "RR",
        ),
        (
            vec![
                failure("500 Internal Server Error", "", "etcd"),
                answer("503 Service Unavailable", "", "not yet"),
                failure("504 Gateway Timeout", "", "etcd"),
                there(),
            ],
            "RRRR",
        ),
        (vec![vec![Step::Close], there()], "RR"),
        (
            vec![
                vec![
                    Step::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"ki".to_vec()),
                    Step::Close,
                ],
                there(),
            ],
            "RR",
        ),
        (
            vec![vec![Step::Restart(Duration::from_millis(300))], there()],
            "RR",
        ),
    ] {
        let server = plain(in_order(replies));
        Place::of(&server).assert_builds(&list(&[]), ADDRESS);
        assert_asked(&server.requests(), asked);
    }
}

#[test]
fn nobody_waits_for_as_long_as_a_server_likes() {
    // The largest number of seconds exceeds every representable time.
    for after in ["3600", "18446744073709551615"] {
        let head = format!("Retry-After: {after}\r\n");
        let reply = failure("429 Too Many Requests", &head, "slow down");
        let server = plain(in_order([reply]));
        let start = Instant::now();
        let words = ["throttling", &format!("in {after} s")];
        Place::of(&server).assert_fails(&list(&[]), &words);
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_asked(&server.requests(), "R");
    }
}

#[test]
fn a_head_is_no_reason_to_doubt_a_service() {
    let body = service(7, &["192.0.2.7"]).to_string();
    let old = format!("HTTP/1.0 200 OK\r\n\r\n{body}");
    for reply in [
        // HTTP/1.0, whose answers end with the connection.
        vec![Step::Say(old.into()), Step::Close],
        answer("200 OK", "Content-Type: text/plain\r\n", &body),
        answer("200 Fine", "Content-Type: image/png\r\n", &body),
        answer("200 OK", "", &body),
        // The client did not ask for gzip, so the header is ignored.
        answer("200 OK", "Content-Encoding: gzip\r\n", &body),
        answer(
            "200 OK",
            "Refresh: 0\r\nLocation: https://sso.example.com\r\n",
            &body,
        ),
    ] {
        let server = plain(in_order([reply]));
        Place::of(&server).assert_builds(&list(&[]), ADDRESS);
        assert_asked(&server.requests(), "R");
        assert_eq!(server.requests()[0].header("accept-encoding"), None);
    }
}

#[test]
fn a_server_that_is_no_kubernetes_is_told() {
    let page = "<!DOCTYPE html><title>It works!</title>";
    let html = |status| answer(status, "Content-Type: text/html\r\n", page);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096)).into_bytes();
    let endless = vec![Step::Say(chunked.into()), Step::SayForEver(chunk)];
    let elsewhere = "Location: https://sso.example.com/login\r\n";
    let of_go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    for (reply, word) in [
        (html("200 OK"), "an answer that is no Service"),
        (
            answer(
                "200 OK",
                "Content-Encoding: gzip\r\n",
                "\u{1f}\u{8b}\u{8}\0\0\0\0\0",
            ),
            "an answer that is no Service",
        ),
        (html("404 Not Found"), "the status 404 Not Found"),
        (
            html("206 Partial Content"),
            "the status 206 Partial Content",
        ),
        (
            html("300 Multiple Choices"),
            "the status 300 Multiple Choices",
        ),
        (answer("302 Found", elsewhere, ""), "the status 302 Found"),
        (
            answer("301 Moved Permanently", elsewhere, ""),
            "the status 301 Moved Permanently",
        ),
        (
            answer("307 Temporary Redirect", elsewhere, ""),
            "the status 307 Temporary Redirect",
        ),
        (
            answer("308 Permanent Redirect", elsewhere, ""),
            "the status 308 Permanent Redirect",
        ),
        (html("403 Forbidden"), "the status 403 Forbidden"),
        (
            found(&json!({"kind": "Status", "apiVersion": "v1"})),
            "an answer that is no Service",
        ),
        (endless, "an answer without an end"),
        (
            vec![Step::Say(of_go.into()), Step::Close],
            "the status 400 Bad Request",
        ),
        (
            vec![
                Step::Say(b"220 mail.example.com ESMTP\r\n".to_vec()),
                Step::Close,
            ],
            "what is no HTTP",
        ),
        (
            vec![Step::Say(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), Step::Hang],
            "what is no HTTP",
        ),
    ] {
        let server = plain(in_order([reply]));
        let address = server.address.to_string();
        Place::of(&server).assert_fails(
            &list(&[]),
            &[
                &address,
                "context test of KUBECONFIG=",
                "does not answer as Kubernetes does",
                word,
            ],
        );
        assert_asked(&server.requests(), "R");
    }
}
