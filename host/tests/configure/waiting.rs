//! Waiting for the address of a Service.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pod::{OWN, Pod, SERVICE, states};
use crate::api_server::{ApiServer, Reply, Step, in_order, plain};
use crate::kubernetes::{
    always_forbidden, assert_asked, chunk, event, failure, forbidden, found, not_found, service,
    starting, watch, watch_head,
};
use crate::place::TOKEN;

const JSON: [&str; 2] = ["--log-format", "json"];
const USER: &str = "system:serviceaccount:ci:runner";

fn pending() -> Reply {
    found(&service(7, &[]))
}

/// A watch with an event that has the address.
fn arrival() -> Reply {
    watch(&[event("MODIFIED", &service(8, &["192.0.2.7"]))])
}

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SERVICE[..], &["--timeout", "20s"], more].concat()
}

/// Asserts that these states are reported while the server sends these replies, and that the
/// address is written in the end.
#[track_caller]
fn assert_arrives(replies: Vec<Reply>, asked: &str, expected: &[&str]) {
    let server = plain(in_order(replies));
    let pod = Pod::of(&server).config(OWN);
    let said = pod.succeed(&arguments(&JSON));
    assert_eq!(states(&said), expected, "{said}");
    pod.assert_advertises("192.0.2.7:9000");
    assert_asked(&server.requests(), asked);
    let before = pod.files();
    let server = plain(in_order([found(&service(9, &["192.0.2.7"]))]));
    let again = Pod::of(&server);
    for (name, bytes) in &before {
        fs::write(again.path("etc").join(name), bytes.as_ref().unwrap()).unwrap();
    }
    again.succeed(&arguments(&[]));
    assert_eq!(again.files(), before);
}

#[test]
fn an_address_that_is_there_needs_no_waiting() {
    let there = found(&service(7, &["192.0.2.7"]));
    assert_arrives(vec![there], "R", &["known", "configured"]);
}

#[test]
fn an_address_is_waited_for() {
    let replies = vec![pending(), arrival()];
    assert_arrives(replies, "RW", &["pending", "known", "configured"]);
}

#[test]
fn the_log_names_service_address_and_time() {
    let server = plain(in_order([pending(), arrival()]));
    let pod = Pod::of(&server).config(OWN);
    assert_eq!(
        pod.succeed(&arguments(&[])),
        "runner-terminal: Service ci/runner-session-server: its load balancer has no address yet; \
         waiting up to 20s\n\
         runner-terminal: Service ci/runner-session-server has the address 192.0.2.7:9000\n\
         runner-terminal: etc/config.toml has advertise_address 192.0.2.7:9000\n"
    );
}

#[test]
fn only_what_is_granted_is_asked() {
    let server = plain(in_order([pending(), arrival()]));
    Pod::of(&server).config(OWN).succeed(&arguments(&[]));
    let watch = &server.requests()[1].line;
    for part in [
        "watch=true",
        "fieldSelector=metadata.name%3Drunner-session-server",
    ] {
        assert!(watch.contains(part), "{part}: {watch}");
    }
}

#[test]
fn a_service_that_is_applied_later_is_waited_for() {
    let added = watch(&[event("ADDED", &service(8, &["192.0.2.7"]))]);
    let replies = vec![not_found(), added];
    assert_arrives(replies, "RW", &["absent", "known", "configured"]);
}

#[test]
fn a_service_that_is_deleted_and_applied_again_is_waited_for() {
    let mut deleted = service(8, &["192.0.2.6"]);
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let events = [
        event("MODIFIED", &deleted),
        event("DELETED", &deleted),
        event("ADDED", &service(9, &[])),
        event("MODIFIED", &service(10, &["192.0.2.7"])),
    ];
    let expected = [
        "pending",
        "deleted",
        "absent",
        "pending",
        "known",
        "configured",
    ];
    assert_arrives(vec![pending(), watch(&events)], "RW", &expected);
}

#[test]
fn a_role_that_is_applied_later_is_waited_for() {
    let mut replies = Vec::new();
    replies.extend(always_forbidden(USER, "get"));
    replies.extend(always_forbidden(USER, "get"));
    replies.push(pending());
    replies.extend(always_forbidden(USER, "watch"));
    replies.extend([pending(), arrival()]);
    let expected = ["forbidden", "pending", "known", "configured"];
    assert_arrives(replies, "RSRRSRRWSWRW", &expected);
}

#[test]
fn an_api_server_that_starts_forbids_nothing() {
    let replies = vec![
        pending(),
        forbidden(USER, "watch"),
        starting(),
        forbidden(USER, "get"),
        starting(),
        pending(),
        arrival(),
    ];
    let expected = ["unreachable", "pending", "known", "configured"];
    assert_arrives(replies, "RWSRSRW", &expected);
}

#[test]
fn a_token_that_is_not_accepted_is_read_again() {
    let renewed = format!("{TOKEN}-renewed");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "expired").unwrap();
    let (file, new) = (path.clone(), renewed.clone());
    let server = plain(move |request| {
        if request.header("authorization") == Some(&format!("Bearer {new}")) {
            return found(&service(7, &["192.0.2.7"]));
        }
        fs::write(&file, &new).unwrap();
        failure("401 Unauthorized", "", "Unauthorized")
    });
    let pod = Pod::by(&server, &json!({ "tokenFile": path })).config(OWN);
    let said = pod.succeed(&arguments(&JSON));
    assert_eq!(
        states(&said),
        ["unauthorized", "known", "configured"],
        "{said}"
    );
    assert!(!said.contains(&renewed), "{said}");
}

#[test]
fn an_api_server_that_is_away_at_first_is_waited_for() {
    let server = plain(in_order([
        vec![Step::Restart(Duration::from_millis(700))],
        pending(),
        arrival(),
    ]));
    let pod = Pod::of(&server).config(OWN);
    let said = pod.succeed(&arguments(&JSON));
    let expected = ["unreachable", "pending", "known", "configured"];
    assert_eq!(states(&said), expected, "{said}");
    pod.assert_advertises("192.0.2.7:9000");
}

#[test]
fn an_api_server_that_restarts_in_the_middle_is_waited_for() {
    let server = plain(in_order([
        pending(),
        vec![watch_head(), Step::Restart(Duration::from_millis(700))],
        failure("503 Service Unavailable", "", "starting"),
        pending(),
        arrival(),
    ]));
    let pod = Pod::of(&server).config(OWN);
    let said = pod.succeed(&arguments(&JSON));
    let expected = ["pending", "unreachable", "pending", "known", "configured"];
    assert_eq!(states(&said), expected, "{said}");
    pod.assert_advertises("192.0.2.7:9000");
}

#[test]
fn a_watch_that_ends_is_no_change_of_state() {
    let ended = vec![watch_head(), Step::Say("0\r\n\r\n".into())];
    let broken = vec![watch_head(), Step::Close];
    let gone = vec![
        watch_head(),
        chunk(&event("ERROR", &json!({"kind": "Status", "code": 410}))),
        Step::Hang,
    ];
    let replies = vec![
        pending(),
        ended,
        pending(),
        broken,
        pending(),
        gone,
        pending(),
        arrival(),
    ];
    assert_arrives(replies, "RWRWRWRW", &["pending", "known", "configured"]);
}

/// A Service with these entries of its load balancer.
fn with_ingress(ingress: &Value) -> Value {
    let mut service = service(7, &[]);
    service["status"]["loadBalancer"]["ingress"] = ingress.clone();
    service
}

#[test]
fn each_sort_of_address() {
    let several =
        json!([{"ip": "192.0.2.7"}, {"ip": "2001:db8::7"}, {"hostname": "lb.example.com"}]);
    for (ingress, options, address) in [
        (
            json!([{"ip": "2001:db8::7"}]),
            &[][..],
            "[2001:db8::7]:9000",
        ),
        (
            json!([{"hostname": "lb.example.com"}]),
            &[],
            "lb.example.com:9000",
        ),
        (several.clone(), &[], "lb.example.com:9000"),
        (several.clone(), &["--prefer", "IP"], "192.0.2.7:9000"),
        (
            several,
            &["--prefer", "IP,Hostname", "--ip-family", "IPv6"],
            "[2001:db8::7]:9000",
        ),
    ] {
        let server = plain(in_order([found(&with_ingress(&ingress))]));
        let pod = Pod::of(&server).config(OWN);
        pod.succeed(&arguments(options));
        pod.assert_advertises(address);
    }
}

#[test]
fn a_node_port_is_at_the_address_of_the_node() {
    let mut service = service(7, &[]);
    service["spec"]["type"] = json!("NodePort");
    service["spec"]["ports"] = json!([
        {"name": "a", "port": 80, "nodePort": 30080},
        {"name": "b", "port": 9000, "nodePort": 30900},
    ]);
    let server = plain(in_order([found(&service)]));
    let pod = Pod::of(&server).config(OWN);
    let options = [
        "--service-port",
        "9000",
        "--node-address",
        "192.0.2.7,2001:db8::7",
    ];
    pod.succeed(&arguments(
        &[&options[..], &["--ip-family", "IPv6"]].concat(),
    ));
    pod.assert_advertises("[2001:db8::7]:30900");
}

/// A server that gives the same reply to every request.
fn stubborn(reply: Reply) -> ApiServer {
    plain(move |request| {
        if request.is_watch() {
            vec![watch_head(), Step::Hang]
        } else {
            reply.clone()
        }
    })
}

#[test]
fn when_time_runs_out_the_log_says_why() {
    let unfit = with_ingress(&json!([{"ip": "192.0.2.7"}]));
    let mut inside = service(7, &[]);
    inside["spec"]["type"] = json!("ClusterIP");
    for (reply, state, words) in [
        (pending(), "pending", "its load balancer has no address yet"),
        (
            not_found(),
            "absent",
            "Service ci/runner-session-server is not there (404 Not Found)",
        ),
        (
            forbidden(USER, "get"),
            "forbidden",
            "may not read Service ci/runner-session-server (403 Forbidden): a Role that lets \
             system:serviceaccount:ci:runner get and watch it, or its RoleBinding, is not there",
        ),
        (
            failure("401 Unauthorized", "", "Unauthorized"),
            "unauthorized",
            "does not accept the token (401 Unauthorized)",
        ),
        (
            failure("503 Service Unavailable", "", "no"),
            "unreachable",
            "has a problem of its own (503 Service Unavailable)",
        ),
        (vec![Step::Close], "unreachable", "ended the connection"),
        (
            found(&unfit),
            "pending",
            "(192.0.2.7:9000) fits --prefer and --ip-family",
        ),
        (found(&inside), "unusable", "is of type ClusterIP"),
    ] {
        let server = stubborn(reply);
        let own = "[session_server]\n";
        let pod = Pod::of(&server).config(own);
        let time = [
            "--timeout",
            "1s",
            "--ip-family",
            "IPv6",
            "--log-format",
            "json",
        ];
        let start = Instant::now();
        let said = pod.succeed(&[&SERVICE[..], &time[..]].concat());
        assert!(start.elapsed() < Duration::from_secs(15));
        assert_eq!(states(&said), [state, "disabled"], "{said}");
        let end = said.lines().last().unwrap();
        for words in [
            words,
            "gave up after 1s (--timeout)",
            "without a session server",
        ] {
            assert!(end.contains(words), "{words}: {end}");
        }
        assert_eq!(pod.text(), own);
        let time = &time[..4];
        pod.fail(
            &[&SERVICE[..], time, &["--when-pending", "Fail"]].concat(),
            &[words, "error: there is no address: "],
        );
    }
}

#[test]
fn an_own_address_asks_nobody() {
    let own = "[session_server]\nadvertise_address = \"own.example.com:443\"\n";
    let server = plain(in_order([found(&service(7, &["192.0.2.7"]))]));
    let pod = Pod::of(&server).config(own);
    let said = pod.succeed(&arguments(&JSON));
    assert_eq!(states(&said), ["own", "configured"], "{said}");
    assert!(server.requests().is_empty());
    assert!(pod.text().starts_with(own) && pod.text().contains("listen_address"));

    pod.succeed(&arguments(&["--replace-address"]));
    assert!(
        pod.text()
            .contains("advertise_address = \"192.0.2.7:9000\"")
    );
}

#[test]
fn a_signal_ends_the_wait_and_changes_nothing() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::process::Stdio;

    let server = stubborn(pending());
    let pod = Pod::of(&server).config(OWN);
    let all = [
        &["configure", "--config", "etc/config.toml"],
        &arguments(&[])[..],
    ]
    .concat();
    let child = pod.0.command(&all).stderr(Stdio::piped()).spawn().unwrap();
    while !server
        .requests()
        .iter()
        .any(crate::api_server::Request::is_watch)
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("error: interrupted by a signal"), "{said}");
    assert_eq!(pod.text(), OWN);
}
