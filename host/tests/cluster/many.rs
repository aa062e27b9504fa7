//! A thousand runners in one list.

use std::thread;
use std::time::{Duration, Instant};

use super::api_server::{ApiServer, Reply, Request, Step, plain};
use super::kubernetes::{failure, found, name_of, service_called};
use super::place::{Place, list, with_runners};
use crate::program::Ended;

const MANY: usize = 1000;
/// The maximum number of connections of the command.
const CONNECTIONS: usize = 8;

/// The list with a thousand runners.
fn thousand(fields: &[&str]) -> String {
    with_runners(&list(fields), MANY)
}

/// Reads the Service of a request, at a version, with the addresses that it has.
fn read(request: &Request, version: u64, addresses: &[&str]) -> Reply {
    found(&service_called(&name_of(request), version, addresses))
}

/// Asserts that all thousand have their address.
#[track_caller]
fn assert_all_have_it(ended: &Ended) {
    let line = "advertise_address = \"192.0.2.7:9000\"";
    assert_eq!(ended.text().matches(line).count(), MANY);
}

#[track_caller]
fn assert_few_connections(server: &ApiServer) {
    let seen = server.connections();
    assert!((1..=CONNECTIONS).contains(&seen), "{seen} connections");
}

#[test]
fn a_thousand_services_are_read_by_a_few_connections() {
    let server = plain(|request| read(request, 7, &["192.0.2.7"]));
    let start = Instant::now();
    let ended = Place::of(&server).build(&thousand(&[]));
    println!("1000 addresses took {:?}", start.elapsed());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_all_have_it(&ended);
    assert_eq!(server.requests().len(), MANY);
    assert_few_connections(&server);
}

#[test]
fn a_thousand_pending_services_are_a_line_each() {
    let server = plain(|request| read(request, 7, &[]));
    let start = Instant::now();
    let ended = Place::of(&server).build(&thousand(&[]));
    println!(
        "1000 pending took {:?}, in {} bytes of warnings",
        start.elapsed(),
        ended.stderr.len()
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let of_each = "its load balancer has no address yet";
    assert_eq!(ended.stderr.matches(of_each).count(), MANY);
    assert!(ended.stderr.len() < MANY * 500, "{}", ended.stderr.len());
    assert_eq!(server.requests().len(), MANY);
    assert_few_connections(&server);
}

#[test]
fn a_thousand_services_are_waited_for_without_a_watch_of_each() {
    // The first reading, the first round, and half of the second find nothing.
    let mut asked = 0;
    let server = plain(move |request| {
        asked += 1;
        match asked {
            ..2500 => read(request, 7, &[]),
            // A transient error is retried.
            2500 => failure("503 Service Unavailable", "", "not yet"),
            2501 => vec![Step::Close],
            _ => read(request, 8, &["192.0.2.7"]),
        }
    });
    let list = thousand(&["whenPending: Wait", "timeout: 5m"]);
    let start = Instant::now();
    let ended = Place::of(&server).build(&list);
    println!("1000 waited for took {:?}", start.elapsed());
    let progress = "runner-terminal: waiting up to 5m for the address of \
        Service ci/runner-0-session-server, Service ci/runner-1-session-server, \
        Service ci/runner-10-session-server, Service ci/runner-100-session-server, \
        Service ci/runner-101-session-server, 995 more\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (0, progress));
    assert_all_have_it(&ended);
    let requests = server.requests();
    assert!(!requests.iter().any(Request::is_watch));
    // No more rounds than it takes: the half that had no address is read twice more.
    assert!(requests.len() < 6 * MANY, "{} requests", requests.len());
    let seen = server.connections();
    assert!(seen <= 2 * CONNECTIONS, "{seen} connections");
}

#[test]
fn what_one_shows_of_the_server_is_not_tried_with_a_thousand() {
    for reply in [
        failure("401 Unauthorized", "", "no"),
        failure(
            "429 Too Many Requests",
            "Retry-After: 3600\r\n",
            "slow down",
        ),
    ] {
        let server = plain(move |_| reply.clone());
        let start = Instant::now();
        let ended = Place::of(&server).build(&thousand(&[]));
        assert_eq!(ended.code, 1);
        let told = "could not be read: the API server";
        assert_eq!(ended.stderr.matches(told).count(), MANY);
        assert!(server.requests().len() <= 2 * CONNECTIONS);
        assert!(start.elapsed() < Duration::from_secs(15));
    }
}

#[test]
fn time_runs_out_for_a_thousand_as_for_one() {
    let throttled = "Retry-After: 18446744073709551615\r\n";
    thread::scope(|scope| {
        for (reply, word) in [
            (None, "and spec.timeout is 2s"),
            (Some(vec![Step::Hang]), "and spec.timeout is 2s"),
            (
                Some(failure("503 Service Unavailable", "", "not yet")),
                "a problem of its own (503 Service Unavailable)",
            ),
            (
                Some(failure("429 Too Many Requests", throttled, "no")),
                "in 18446744073709551615 s",
            ),
        ] {
            scope.spawn(move || {
                let mut asked = 0;
                let server = plain(move |request| {
                    asked += 1;
                    match &reply {
                        Some(reply) if asked > MANY => reply.clone(),
                        _ => read(request, 7, &[]),
                    }
                });
                let list = thousand(&["whenPending: Wait", "timeout: 2s"]);
                let start = Instant::now();
                let ended = Place::of(&server).build(&list);
                assert_eq!(ended.code, 1);
                assert!(ended.stderr.contains(word), "{word}");
                let took = start.elapsed();
                assert!(took < Duration::from_secs(40), "{took:?}");
            });
        }
    });
}
