//! Servers that send too much, or too slowly.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::api_server::{Reply, Step, always, in_order, plain};
use super::kubernetes::{answer, chunk, event, found, service, watch_head};
use super::place::{Place, list, waiting_list, with_runners};

/// The memory for the longest answer: its bytes twice, while the buffer grows, and what the command
/// uses anyway.
const MOST_MIB: u64 = 200;

/// The peak memory of a process, in MiB. `None` if the system does not report it.
fn watch_memory(child: &Child) -> Option<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut most = None;
    loop {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        // There is none once it has ended.
        let Some(line) = line else {
            return most;
        };
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        most = most.max(Some(kib / 1024));
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a build, and returns its messages and its peak memory.
fn build(place: &Place, list: &str) -> (String, Option<u64>) {
    let path = place.write("list.yaml", list);
    let mut command: Command = place.command(&[]);
    let input = fs::File::open(path).unwrap();
    command.stdin(input).stdout(Stdio::null());
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let most = watch_memory(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    (String::from_utf8(output.stderr).unwrap(), most)
}

fn endless(head: Step, text: &str) -> Reply {
    let Step::Say(text) = chunk(text) else {
        panic!()
    };
    vec![head, Step::SayForEver(text)]
}

#[test]
fn what_has_no_end_takes_no_memory_without_end() {
    let mebibyte = " ".repeat(1 << 20);
    let pending = || found(&service(7, &[]));
    let patient = waiting_list().replace("timeout: 20s", "timeout: 5m");
    let brief = list(&["whenPending: Wait", "timeout: 3s"]);
    let forever = |head: &str, line: &str| {
        let head = format!("HTTP/1.1 200 OK\r\n{head}");
        vec![Step::Say(head.into()), Step::SayForEver(line.into())]
    };
    let bookmark = event("BOOKMARK", &service(9, &[]));
    for (name, replies, list, word) in [
        (
            "an endless body",
            vec![endless(watch_head(), &mebibyte)],
            list(&[]),
            "an answer without an end",
        ),
        (
            "a body of 1 TiB",
            vec![forever("Content-Length: 1099511627776\r\n\r\n", &mebibyte)],
            list(&[]),
            "an answer without an end",
        ),
        (
            "an endless body of an error",
            vec![vec![
                Step::Say(
                    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1099511627776\r\n\r\n".to_vec(),
                ),
                Step::SayForEver(mebibyte.clone().into()),
            ]],
            list(&[]),
            "the status 403 Forbidden",
        ),
        (
            "endless headers",
            vec![forever("", "X-More: and more\r\n")],
            list(&[]),
            "what is no HTTP",
        ),
        (
            "an endless header",
            vec![forever("X-More: ", &mebibyte)],
            list(&[]),
            "what is no HTTP",
        ),
        (
            "an endless status",
            vec![vec![Step::SayForEver(b"HTTP/1.1 200 OK OK OK ".to_vec())]],
            list(&[]),
            "what is no HTTP",
        ),
        (
            "an endless event",
            vec![pending(), pending(), endless(watch_head(), &mebibyte)],
            patient,
            "an event without an end",
        ),
        (
            "endless events",
            vec![pending(), pending(), endless(watch_head(), &bookmark)],
            brief.clone(),
            "and spec.timeout is 3s",
        ),
    ] {
        let server = plain(in_order(replies));
        let start = Instant::now();
        let (said, most) = build(&Place::of(&server), &list);
        assert!(said.contains(word), "{name}: {said}");
        println!("{name}: {most:?} MiB at most, {:?}", start.elapsed());
        assert!(
            most.is_none_or(|most| most < MOST_MIB),
            "{name}: {most:?} MiB"
        );
    }
}

#[test]
fn a_drop_now_and_then_is_no_answer_in_time() {
    let drip = |text: &[u8]| -> Reply {
        let bytes = text.iter().flat_map(|byte| {
            [
                Step::Say(vec![*byte]),
                Step::Pause(Duration::from_millis(900)),
            ]
        });
        bytes.collect()
    };
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n";
    let mut body = vec![Step::Say(head.to_vec())];
    body.extend(drip(&[b' '; 100]));
    // Three servers that take the full time for an answer, in parallel.
    thread::scope(|scope| {
        for (reply, count) in [(drip(head), 1), (body.clone(), 1), (vec![Step::Hang], 1000)] {
            scope.spawn(move || {
                let server = plain(always(reply));
                let start = Instant::now();
                let list = with_runners(&list(&[]), count);
                let ended = Place::of(&server).build(&list);
                assert_eq!(ended.code, 1);
                let word = "did not answer in time";
                assert_eq!(
                    ended.stderr.matches(word).count(),
                    count,
                    "{}",
                    ended.stderr
                );
                let took = start.elapsed();
                assert!(took > Duration::from_secs(25), "{took:?}");
                assert!(took < Duration::from_secs(60), "{took:?}");
                println!("{count} Services of a slow server: {took:?}");
            });
        }
    });
    // A command that waits takes no longer than that.
    let pending = found(&service(7, &[]));
    let server = plain(in_order([pending.clone(), pending, body]));
    let start = Instant::now();
    let list = list(&["whenPending: Wait", "timeout: 2s"]);
    Place::of(&server).assert_fails(&list, &["and spec.timeout is 2s"]);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_large_answer_may_take_its_time() {
    // Twelve megabytes of nothing, and then the Service.
    let mut body = " ".repeat(12 << 20);
    body.push_str(&service(7, &["192.0.2.7"]).to_string());
    let server = plain(always(answer("200 OK", "", &body)));
    Place::of(&server).assert_builds(&list(&[]), "192.0.2.7:9000");
}
