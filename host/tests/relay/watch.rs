//! How the pods are kept up to date.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::running::{Relay, assert_reaches, list, parameter, pod, pods, wait_until};
use crate::api_server::{ApiServer, Reply, Step, in_order, plain};
use crate::kubernetes::{answer, chunk, end, event, failure, watch, watch_head};

const UP: &str = r#"watch_up{namespace="ci",selector="app=runner"}"#;
const KNOWN: &str = r#"watched_pods{namespace="ci",selector="app=runner"}"#;

fn start(server: &ApiServer, port: u16) -> Relay {
    let route = format!("--route=*.example.com=ci/app=runner:{port}");
    Relay::start(server, &[&route, "--connect-timeout=3s"])
}

fn bookmark(version: u64) -> String {
    event(
        "BOOKMARK",
        &json!({"kind": "Pod", "apiVersion": "v1", "metadata": {
            "resourceVersion": version.to_string(), "creationTimestamp": null,
        }}),
    )
}

/// The requests so far: `L` for a list, and the version of each watch.
fn asked(server: &ApiServer) -> Vec<String> {
    let requests = server.requests();
    let asked = requests.iter().map(|request| {
        if request.is_watch() {
            parameter(request, "resourceVersion")
        } else {
            "L".to_owned()
        }
    });
    asked.collect()
}

#[test]
fn pods_are_listed_once_and_then_watched() {
    let port = pods();
    let server = plain(in_order([
        list(7, &[pod("a", 5, 11), pod("b.c", 6, 12)]),
        watch(&[
            event("ADDED", &pod("d", 8, 13)),
            event("MODIFIED", &pod("a", 9, 14)),
            event("DELETED", &pod("b.c", 10, 12)),
            bookmark(20),
            event("ADDED", &pod("e", 21, 15)),
            event("ADDED", &pod("f", 22, 16)),
        ]),
    ]));
    let relay = start(&server, port);
    wait_until("f is there", || relay.metric(KNOWN) == Some(4.0));
    assert_reaches(&relay.connect("a.example.com"), 14);
    assert_reaches(&relay.connect("D.Example.COM"), 13);
    assert_eq!(relay.refusal("b.c.example.com").0, "pod-unknown");
    assert_eq!(relay.metric(UP), Some(1.0));
    assert_eq!(asked(&server), ["L", "7"]);
    let line = &server.requests()[1].line;
    for part in [
        "GET /api/v1/namespaces/ci/pods?",
        "labelSelector=app%3Drunner",
        "allowWatchBookmarks=true",
    ] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn a_watch_that_ends_goes_on_from_its_last_version() {
    let port = pods();
    let ended = |events: &[String]| {
        let mut reply = vec![watch_head()];
        reply.extend(events.iter().map(|event| chunk(event)));
        reply
    };
    let with_end = [ended(&[bookmark(30)]), vec![end()]].concat();
    let broken = [
        ended(&[event("ADDED", &pod("a", 31, 11))]),
        vec![Step::Close],
    ]
    .concat();
    let server = plain(in_order([list(7, &[]), with_end, broken, watch(&[])]));
    let relay = start(&server, port);
    wait_until("it watches again", || asked(&server).len() == 4);
    assert_eq!(asked(&server), ["L", "7", "30", "31"]);
    assert_reaches(&relay.connect("a.example.com"), 11);
}

#[test]
fn a_version_that_is_too_old_makes_it_list_again() {
    let port = pods();
    let gone = failure("410 Gone", "", "too old resource version: 7 (30)");
    let status = json!({"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
        "message": "too old resource version: 40 (50)"});
    let server = plain(in_order([
        list(7, &[pod("a", 5, 11)]),
        gone,
        list(40, &[pod("b", 39, 12)]),
        watch(&[event("ERROR", &status)]),
        list(60, &[pod("c", 59, 13)]),
        watch(&[]),
    ]));
    let relay = start(&server, port);
    wait_until("it watches again", || asked(&server).len() == 6);
    assert_eq!(asked(&server), ["L", "7", "L", "40", "L", "60"]);
    assert_reaches(&relay.connect("c.example.com"), 13);
    assert_eq!(relay.refusal("a.example.com").0, "pod-unknown");
    // This happens to every watch that was interrupted, and does not count as a failure.
    let failures = r#"watch_failures_total{namespace="ci",selector="app=runner"}"#;
    assert_eq!(relay.metric(failures), Some(0.0));
}

#[test]
fn what_is_no_event_makes_it_list_again() {
    let port = pods();
    let nonsense = [vec![watch_head(), chunk("nonsense\n")], vec![Step::Hang]].concat();
    let server = plain(in_order([
        list(7, &[]),
        nonsense,
        failure(
            "500 Internal Server Error",
            "",
            "etcdserver: leader changed",
        ),
        list(9, &[pod("a", 8, 11)]),
        watch(&[]),
    ]));
    let relay = start(&server, port);
    wait_until("it watches again", || asked(&server).len() == 5);
    assert_eq!(asked(&server), ["L", "7", "L", "L", "9"]);
    assert_reaches(&relay.connect("a.example.com"), 11);
    wait_until("the watch is up", || relay.metric(UP) == Some(1.0));
}

#[test]
fn the_last_known_pods_are_used_while_the_api_server_is_away() {
    let port = pods();
    let is_away = Arc::new(Mutex::new(true));
    let away = Arc::clone(&is_away);
    let mut watches = 0;
    let server = plain(move |request| {
        if !request.is_watch() {
            return list(7, &[pod("a", 5, 11)]);
        }
        watches += 1;
        if watches == 1 {
            return vec![
                watch_head(),
                Step::Pause(Duration::from_secs(1)),
                Step::Close,
            ];
        }
        if *away.lock().unwrap() {
            return vec![Step::Close];
        }
        watch(&[event("ADDED", &pod("b", 8, 12))])
    });
    let relay = start(&server, port);
    relay.wait_until_ready();
    let mut held = relay.connect("a.example.com");
    assert_reaches(&held, 11);
    relay.wait_for(|line| line["event"] == "watch-failed" && line["pods_known"] == 1);
    wait_until("the metric says so", || relay.metric(UP) == Some(0.0));
    assert_reaches(&relay.connect("a.example.com"), 11);
    assert_eq!(relay.get("/readyz").0, 200);

    *is_away.lock().unwrap() = false;
    relay.wait_for(|line| line["event"] == "watch-recovered");
    wait_until("b is there", || relay.metric(KNOWN) == Some(2.0));
    assert_reaches(&relay.connect("b.example.com"), 12);
    assert_eq!(relay.metric(UP), Some(1.0));
    held.write_all(b"x").unwrap();
}

/// One namespace may be read, and another one not.
fn with_forbidden() -> impl FnMut(&crate::api_server::Request) -> Reply + Send {
    |request| match () {
        () if request.line.contains("/namespaces/secret/") => failure(
            "403 Forbidden",
            "",
            "pods is forbidden: User \"relay\" cannot list",
        ),
        () if request.is_watch() => watch(&[]),
        () => list(7, &[pod("a", 5, 11)]),
    }
}

#[test]
fn a_namespace_that_may_not_be_read_keeps_no_other_from_being_served() {
    let port = pods();
    let server = plain(with_forbidden());
    let allowed = format!("--route=*.example.com=ci/app=runner:{port}");
    let forbidden = format!("--route=*.example.com=secret/app=runner:{port}");
    let relay = Relay::start(&server, &[&forbidden, &allowed]);
    relay.wait_until_ready();
    assert_reaches(&relay.connect("a.example.com"), 11);
    let (reason, detail) = relay.refusal("b.example.com");
    assert_eq!(reason, "pods-not-listed");
    for part in [
        "the pods of secret/app=runner cannot be listed",
        "cannot list (it takes list and watch of pods)",
    ] {
        assert!(detail.contains(part), "{detail}");
    }
    let up = r#"watch_up{namespace="secret",selector="app=runner"}"#;
    assert_eq!(relay.metric(up), Some(0.0));

    // Without any namespace it has nothing to serve.
    let relay = Relay::start(&server, &[&forbidden]);
    relay.wait_for(|line| line["event"] == "watch-failed");
    let (status, body) = relay.get("/readyz");
    assert_eq!(status, 503);
    assert!(body.contains("have not been listed"), "{body}");
    assert_eq!(relay.get("/healthz").0, 200);
}

#[test]
fn a_connection_waits_for_the_first_list() {
    let port = pods();
    let slow = [
        vec![Step::Pause(Duration::from_secs(1))],
        list(7, &[pod("a", 5, 11)]),
    ]
    .concat();
    let server = plain(in_order([slow, watch(&[])]));
    let relay = start(&server, port);
    assert_eq!(relay.get("/readyz").0, 503);
    assert_reaches(&relay.connect("a.example.com"), 11);
    relay.wait_until_ready();

    let server = plain(in_order([vec![Step::Hang]]));
    let relay = start(&server, port);
    let (reason, detail) = relay.refusal("a.example.com");
    assert_eq!(reason, "pods-not-listed");
    assert!(detail.contains("have not been listed yet"), "{detail}");
}

/// Pods that are as large as real ones, as text.
struct LargePods {
    rest: String,
}

impl LargePods {
    fn new() -> Self {
        let text = |length: usize| "x".repeat(length);
        let environment: Vec<Value> = (0..40)
            .map(|number| json!({"name": format!("VARIABLE_{number}"), "value": text(60)}))
            .collect();
        let spec = json!({"containers": [{"name": "runner", "env": environment}]});
        Self {
            rest: format!("\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"spec\":{spec}"),
        }
    }

    fn pod(&self, number: usize) -> String {
        let (rest, ip) = (&self.rest, number % 200 + 11);
        format!(
            r#"{{{rest},"metadata":{{"name":"runner-{number}","uid":"uid-{number}","resourceVersion":"5"}},"status":{{"phase":"Running","podIP":"127.0.0.{ip}"}}}}"#
        )
    }

    fn event(&self, kind: &str, number: usize) -> String {
        format!("{{\"type\":\"{kind}\",\"object\":{}}}\n", self.pod(number))
    }

    fn page(&self, numbers: std::ops::Range<usize>, next: &str) -> Reply {
        let pods: Vec<String> = numbers.map(|number| self.pod(number)).collect();
        let pods = pods.join(",");
        let body = format!(
            r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"7","continue":"{next}"}},"items":[{pods}]}}"#
        );
        answer("200 OK", "Content-Type: application/json\r\n", &body)
    }
}

#[test]
fn ten_thousand_pods_are_known_in_little_memory() {
    const COUNT: usize = 10_000;
    let port = pods();
    let pages = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&pages);
    let large = LargePods::new();
    let server = plain(move |request| {
        if request.is_watch() {
            let changed = (0..COUNT).map(|number| large.event("MODIFIED", number));
            let new = (COUNT..COUNT + 500).map(|number| large.event("ADDED", number));
            return watch(&changed.chain(new).collect::<Vec<_>>());
        }
        asked.fetch_add(1, Ordering::Relaxed);
        let limit: usize = parameter(request, "limit").parse().unwrap();
        let from: usize = parameter(request, "continue").parse().unwrap_or_default();
        let to = COUNT.min(from + limit);
        let next = if to < COUNT {
            to.to_string()
        } else {
            String::new()
        };
        large.page(from..to, &next)
    });
    let started = Instant::now();
    let relay = start(&server, port);
    relay.wait_until_ready();
    let listed = started.elapsed();
    wait_until("the watch has brought all", || {
        relay.metric(KNOWN) == Some(10_500.0)
    });
    let (now, most) = relay.memory().unwrap_or_default();
    println!(
        "{COUNT} pods: listed after {listed:?}, all events after {:?}",
        started.elapsed()
    );
    println!(
        "{now} MiB of memory, {most} MiB at most, {} pages",
        pages.load(Ordering::Relaxed)
    );
    assert!(most < 100, "{most} MiB");
    for number in [0, 1, 4_711, 9_999, 10_499] {
        let client = relay.connect(&format!("runner-{number}.example.com"));
        assert_reaches(&client, u8::try_from(number % 200).unwrap() + 11);
    }
    // It copies both ways.
    let mut client = relay.connect("runner-0.example.com");
    thread::sleep(Duration::from_millis(50));
    client.write_all(b"typed").unwrap();
    let mut echoed = Vec::new();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    client.read_to_end(&mut echoed).unwrap();
    assert!(echoed.ends_with(b"typed"));
}
