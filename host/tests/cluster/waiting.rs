//! Waiting for an address.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::api_server::{Reply, Step, in_order, plain};
use super::kubernetes::{
    always_forbidden, answer, assert_asked, chunk, end, event, failure, forbidden, found,
    not_found, ready, service, service_called, starting, watch, watch_head,
};
use super::place::{Place, assert_failed, assert_pending, list, waiting_list, with_second_runner};

/// The one line of progress.
const PROGRESS: &str = "runner-terminal: waiting up to 20s for the address of \
    Service ci/runner-session-server\n";

fn pending() -> Reply {
    found(&service(7, &[]))
}

/// A watch with an event that has the address.
fn arrival() -> Reply {
    watch(&[event("MODIFIED", &service(8, &["192.0.2.7"]))])
}

/// Asserts that the function waits while the server sends these replies, and writes the address in
/// the end.
#[track_caller]
fn assert_arrives(replies: Vec<Reply>, asked: &str) {
    let server = plain(in_order(replies));
    let ended = Place::of(&server).build(&waiting_list());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, PROGRESS));
    let line = "advertise_address = \"192.0.2.7:9000\"";
    assert!(ended.text().contains(line), "{}", ended.text());
    assert!(!ended.text().contains("observed"), "{}", ended.text());
    assert_asked(&server.requests(), asked);
}

#[test]
fn an_address_that_is_there_needs_no_waiting() {
    let server = plain(in_order([found(&service(7, &["192.0.2.7"]))]));
    Place::of(&server).assert_builds(&waiting_list(), "192.0.2.7:9000");
    assert_asked(&server.requests(), "R");
}

#[test]
fn an_address_is_waited_for() {
    let server = plain(in_order([pending(), pending(), arrival()]));
    let ended = Place::of(&server).build(&waiting_list());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, PROGRESS));
    let requests = server.requests();
    assert_asked(&requests, "RRW");
    let line = &requests[2].line;
    assert!(
        line.starts_with("GET /api/v1/namespaces/ci/services?"),
        "{line}"
    );
    for part in [
        "watch=true",
        "fieldSelector=metadata.name%3Drunner-session-server",
        "resourceVersion=7",
        "timeoutSeconds=25",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(
        requests[2].header("authorization"),
        requests[0].header("authorization")
    );
}

#[test]
fn an_address_that_came_in_between_is_seen() {
    assert_arrives(vec![pending(), found(&service(8, &["192.0.2.7"]))], "RR");
}

#[test]
fn a_change_that_brings_no_address_is_waited_through() {
    // The function examines each change, and waits for the next one from there.
    let mut labelled = service(8, &[]);
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_arrives(
        vec![
            pending(),
            pending(),
            watch(&[event("MODIFIED", &labelled)]),
            found(&labelled),
            arrival_at(9),
        ],
        "RRWRW",
    );
}

fn arrival_at(version: u64) -> Reply {
    watch(&[event("MODIFIED", &service(version, &["192.0.2.7"]))])
}

#[test]
fn events_that_say_nothing_are_passed_over() {
    let bookmark = json!({"kind": "Service", "metadata": {"resourceVersion": "8"}});
    assert_arrives(
        vec![
            pending(),
            pending(),
            watch(&[
                // The state at the beginning, as some servers send it.
                event("ADDED", &service(7, &[])),
                event("BOOKMARK", &bookmark),
                event("GREETING", &json!({})),
                "{}\n".to_owned(),
                event("MODIFIED", &service(9, &["192.0.2.7"])),
            ]),
        ],
        "RRW",
    );
}

#[test]
fn an_event_comes_in_pieces_or_with_others() {
    let event = event("MODIFIED", &service(8, &["192.0.2.7"]));
    let (first, rest) = event.split_at(20);
    let (second, third) = rest.split_at(rest.len() - 1);
    let pause = || Step::Pause(Duration::from_millis(50));
    assert_arrives(
        vec![
            pending(),
            pending(),
            vec![
                watch_head(),
                pause(),
                chunk(first),
                pause(),
                chunk(second),
                pause(),
                chunk(third),
                Step::Hang,
            ],
        ],
        "RRW",
    );
    let both = format!(
        "{}{event}",
        super::kubernetes::event("ADDED", &service(7, &[]))
    );
    assert_arrives(
        vec![
            pending(),
            pending(),
            vec![watch_head(), chunk(&both), Step::Hang],
        ],
        "RRW",
    );
}

#[test]
fn a_version_that_the_server_has_forgotten_is_read_again() {
    let gone = json!({"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
        "message": "too old resource version: 7 (9)"});
    assert_arrives(
        vec![
            pending(),
            pending(),
            watch(&[event("ERROR", &gone)]),
            found(&service(7, &[])),
            arrival(),
        ],
        "RRWRW",
    );
    assert_arrives(
        vec![
            pending(),
            pending(),
            watch(&[event("ERROR", &gone)]),
            found(&service(9, &["192.0.2.7"])),
        ],
        "RRWR",
    );
    // As the status of the answer.
    let message = "too old resource version: 7 (9)";
    assert_arrives(
        vec![
            pending(),
            pending(),
            failure("410 Gone", "", message),
            pending(),
            arrival(),
        ],
        "RRWRW",
    );
}

#[test]
fn a_watch_that_ends_goes_on() {
    let ended = || vec![watch_head(), end()];
    let dropped = vec![watch_head(), Step::Close];
    let mut torn = vec![watch_head()];
    let event = event("MODIFIED", &service(8, &["192.0.2.7"]));
    torn.extend([chunk(&event[..30]), Step::Close]);
    // Half an event, in a response that ends properly.
    let half = vec![watch_head(), chunk(&event[..30]), end()];
    for way in [ended(), dropped, torn, half] {
        assert_arrives(
            vec![
                pending(),
                pending(),
                way,
                pending(),
                ended(),
                pending(),
                arrival(),
            ],
            "RRWRWRW",
        );
    }
}

#[test]
fn a_server_that_is_away_for_a_while_is_waited_for() {
    let restart = Step::Restart(Duration::from_millis(400));
    assert_arrives(
        vec![
            pending(),
            pending(),
            vec![watch_head(), restart],
            pending(),
            vec![Step::Close],
            answer("503 Service Unavailable", "", ""),
            pending(),
            failure("429 Too Many Requests", "", "slow down"),
            pending(),
            arrival(),
        ],
        "RRWRWRRWRW",
    );
    // An error event is handled in the same way.
    let status = json!({"kind": "Status", "status": "Failure", "code": 500, "message": "etcd"});
    assert_arrives(
        vec![
            pending(),
            pending(),
            watch(&[event("ERROR", &status)]),
            pending(),
            arrival(),
        ],
        "RRWRW",
    );
}

/// An API server that has not read the Roles yet forbids everything.
#[test]
fn a_server_that_starts_is_waited_for() {
    let forbids = |verb| forbidden("system:serviceaccount:builds:deployer", verb);
    let restart = Step::Restart(Duration::from_millis(400));
    assert_arrives(
        vec![
            pending(),
            pending(),
            vec![watch_head(), restart],
            forbids("get"),
            starting(),
            forbids("get"),
            // It becomes ready between the two answers.
            ready(),
            pending(),
            forbids("watch"),
            starting(),
            pending(),
            arrival(),
        ],
        "RRWRSRSRWSRW",
    );
    // It becomes unreachable during the readiness request.
    assert_arrives(
        vec![
            pending(),
            pending(),
            forbids("watch"),
            vec![Step::Close],
            pending(),
            arrival(),
        ],
        "RRWSRW",
    );
}

/// This also holds for the first build: a restart of the API server does not turn off terminals
/// that are on.
#[test]
fn a_server_that_starts_is_asked_again_before_anything_is_written() {
    let forbids = || forbidden("system:serviceaccount:builds:deployer", "get");
    let there = found(&service(7, &["192.0.2.7"]));
    let server = plain(in_order([forbids(), starting(), there]));
    Place::of(&server).assert_builds(&list(&[]), "192.0.2.7:9000");
    assert_asked(&server.requests(), "RSR");

    // One that never becomes ready is an error, even if the Role is among the manifests.
    let server = plain(move |request| match request.line.contains("/readyz") {
        true => starting(),
        false => forbids(),
    });
    let words = ["is starting, and does not know yet who may do what"];
    Place::of(&server).assert_fails(&list(&[]), &words);
}

#[test]
fn watches_that_end_at_once_are_no_reason_to_hurry() {
    let gone = json!({"kind": "Status", "status": "Failure", "code": 410});
    thread::scope(|scope| {
        for way in [
            vec![watch_head(), end()],
            vec![watch_head(), chunk(&event("ERROR", &gone)), end()],
            failure("410 Gone", "", "too old resource version: 7 (9)"),
        ] {
            scope.spawn(move || {
                let server = plain(move |request| {
                    if request.is_watch() {
                        way.clone()
                    } else {
                        pending()
                    }
                });
                let list = list(&["whenPending: Wait", "timeout: 1s"]);
                let words = ["has no address yet", "and spec.timeout is 1s"];
                Place::of(&server).assert_fails(&list, &words);
                let count = server.requests().len();
                assert!((4..20).contains(&count), "{count} requests");
            });
        }
    });
}

#[test]
fn one_who_may_not_watch_gets_the_rule() {
    let user = "system:serviceaccount:builds:deployer";
    let replies = [pending(), pending()].into_iter();
    let server = plain(in_order(replies.chain(always_forbidden(user, "watch"))));
    let list = waiting_list();
    let ended = Place::of(&server).build(&list);
    assert_failed(
        &ended,
        &list,
        &[
            PROGRESS,
            "403 Forbidden",
            "kind: Role\n",
            "  - get\n  - watch\n",
            "  name: deployer\n  namespace: builds\n",
        ],
    );
    assert_asked(&server.requests(), "RRWSW");
}

#[test]
fn a_watch_that_is_no_watch_is_told() {
    let page = "<!DOCTYPE html>\n<title>It works!</title>\n";
    let server = plain(in_order([pending(), pending(), answer("200 OK", "", page)]));
    let words = ["does not answer as Kubernetes does", "a watch of no events"];
    Place::of(&server).assert_fails(&waiting_list(), &words);

    let line = chunk(&" ".repeat(1 << 20));
    let Step::Say(line) = line else { panic!() };
    let endless = vec![watch_head(), Step::SayForEver(line)];
    let server = plain(in_order([pending(), pending(), endless]));
    let words = [
        "does not answer as Kubernetes does",
        "an event without an end",
    ];
    // Sixteen megabytes take a slow machine longer than an answer does.
    let patient = waiting_list().replace("timeout: 20s", "timeout: 5m");
    let place = Place::of(&server);
    place.assert_fails(&patient, &words);
}

#[test]
fn a_service_that_goes_away_is_pending() {
    let deleted = watch(&[event("DELETED", &service(8, &[]))]);
    for (replies, asked) in [
        (vec![pending(), pending(), deleted], "RRW"),
        (vec![pending(), not_found()], "RR"),
    ] {
        let server = plain(in_order(replies));
        let ended = Place::of(&server).build(&waiting_list());
        assert_pending(&ended, &[PROGRESS, "not in the cluster yet"]);
        assert_asked(&server.requests(), asked);
    }
}

#[test]
fn an_absent_service_is_not_waited_for() {
    let server = plain(in_order([not_found()]));
    let ended = Place::of(&server).build(&waiting_list());
    assert_pending(&ended, &["not in the cluster yet"]);
    assert!(!ended.stderr.contains("waiting"), "{}", ended.stderr);
    assert_asked(&server.requests(), "R");
}

#[test]
fn a_service_that_is_being_deleted_is_refused() {
    let mut deleted = service(8, &[]);
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let server = plain(in_order([
        pending(),
        pending(),
        watch(&[event("MODIFIED", &deleted)]),
    ]));
    let words = ["is being deleted since 2026-01-01T00:00:00Z"];
    Place::of(&server).assert_fails(&waiting_list(), &words);
}

#[test]
fn two_runners_are_waited_for_at_once() {
    let second =
        |version, addresses: &[&str]| service_called("second-session-server", version, addresses);
    // The first Service gets its address by a watch; the second only when the first has it.
    let mut first_is_there = false;
    let server = plain(move |request| {
        let of_second = request.line.contains("second-session-server");
        match (of_second, request.is_watch()) {
            (false, false) => pending(),
            (true, false) => found(&second(3, &[])),
            (false, true) => {
                first_is_there = true;
                let arrives = event("MODIFIED", &service(8, &["192.0.2.7"]));
                vec![
                    watch_head(),
                    Step::Pause(Duration::from_millis(200)),
                    chunk(&arrives),
                    Step::Hang,
                ]
            }
            (true, true) if !first_is_there => vec![watch_head(), Step::Hang],
            (true, true) => vec![
                watch_head(),
                Step::Pause(Duration::from_millis(600)),
                chunk(&event("MODIFIED", &second(4, &["192.0.2.8"]))),
                Step::Hang,
            ],
        }
    });
    let list = with_second_runner(&waiting_list());
    let ended = Place::of(&server).build(&list);
    let progress = "runner-terminal: waiting up to 20s for the address of \
         Service ci/runner-session-server, Service ci/second-session-server\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (0, progress));
    for address in ["192.0.2.7:9000", "192.0.2.8:9000"] {
        let line = format!("advertise_address = \"{address}\"");
        assert_eq!(ended.text().matches(&line).count(), 1, "{}", ended.text());
    }
}

#[test]
fn time_runs_out() {
    let server = plain(in_order([
        pending(),
        pending(),
        vec![watch_head(), Step::Hang],
    ]));
    let list = list(&["whenPending: Wait", "timeout: 1s"]);
    let start = Instant::now();
    let ended = Place::of(&server).build(&list);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_failed(
        &ended,
        &list,
        &[
            "waiting up to 1s for",
            "its load balancer has no address yet, as the API server 127.0.0.1:",
            " says, and spec.timeout is 1s",
        ],
    );
    assert_eq!(ended.stderr.matches("waiting").count(), 1);
    assert_asked(&server.requests(), "RRW");
}

#[test]
fn a_problem_that_stays_until_time_runs_out_is_told() {
    let mut count = 0;
    let server = plain(move |_| {
        count += 1;
        if count == 1 {
            pending()
        } else {
            failure("503 Service Unavailable", "", "not yet")
        }
    });
    let list = list(&["whenPending: Wait", "timeout: 1s"]);
    let words = ["a problem of its own (503 Service Unavailable)"];
    Place::of(&server).assert_fails(&list, &words);
}

#[test]
fn nobody_waits_for_longer_than_the_timeout() {
    for after in ["3600", "18446744073709551615"] {
        let head = format!("Retry-After: {after}\r\n");
        let throttled = failure("429 Too Many Requests", &head, "slow down");
        let server = plain(in_order([pending(), throttled]));
        let words = ["throttling", &format!("in {after} s")];
        let start = Instant::now();
        Place::of(&server).assert_fails(&waiting_list(), &words);
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
