//! Connections that break, and answers that are damaged, at every possible position.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::api_server::{ApiServer, Request, Step, plain, tls};
use super::certificates::{Authority, for_all};
use super::kubernetes::{name_of, service_called};
use super::place::{Place, assert_failed, data, list, with_runners, with_token};
use serde_json::json;

/// An answer that has the address, as its bytes.
fn answer(request: &Request, in_chunks: bool) -> Vec<u8> {
    let body = service_called(&name_of(request), 7, &["192.0.2.7"]).to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    if in_chunks {
        let (first, second) = body.split_at(body.len() / 2);
        let (one, two) = (first.len(), second.len());
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{one:x}\r\n{first}\r\n{two:x}\r\n{second}\r\n\
             0\r\n\r\n"
        )
        .into()
    } else {
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into()
    }
}

/// The number of the runner that a request is about.
fn number_of(request: &Request) -> usize {
    let name = name_of(request);
    let number = name.strip_prefix("runner-").unwrap();
    number
        .strip_suffix("-session-server")
        .unwrap()
        .parse()
        .unwrap()
}

/// The first request about each runner gets the reply that `reply` makes; later ones get the right
/// answer.
fn first_time(
    in_chunks: bool,
    reply: impl Fn(usize, Vec<u8>) -> Vec<Step> + Send + 'static,
) -> impl FnMut(&Request) -> Vec<Step> + Send + 'static {
    let mut asked = HashSet::new();
    move |request| {
        let (number, answer) = (number_of(request), answer(request, in_chunks));
        if asked.insert(number) {
            reply(number, answer)
        } else {
            vec![Step::Say(answer)]
        }
    }
}

/// A list with this many runners, which are all read in one run of the command.
fn runners(count: usize) -> String {
    with_runners(&list(&[]), count)
}

/// The maximum length of an answer, and so the number of runners that it takes to try each byte.
const LONGEST: usize = 560;

#[track_caller]
fn assert_all_are_built(place: &Place, server: &ApiServer, count: usize, what: &str) {
    let start = Instant::now();
    let ended = place.build(&runners(count));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let line = "advertise_address = \"192.0.2.7:9000\"";
    assert_eq!(ended.text().matches(line).count(), count);
    println!(
        "{count} answers, {what}: {} requests by {} connections in {:?}",
        server.requests().len(),
        server.connections(),
        start.elapsed()
    );
}

#[test]
fn an_answer_that_ends_at_any_byte_is_asked_for_again() {
    let cut = |number, answer: Vec<u8>| {
        assert!(answer.len() <= LONGEST, "{}", answer.len());
        vec![
            Step::Say(answer.into_iter().take(number).collect()),
            Step::Close,
        ]
    };
    thread::scope(|scope| {
        for in_chunks in [false, true] {
            scope.spawn(move || {
                let server = plain(first_time(in_chunks, cut));
                assert_all_are_built(
                    &Place::of(&server),
                    &server,
                    LONGEST,
                    "each cut at another byte",
                );
                assert!(server.requests().len() > LONGEST + LONGEST / 2);
            });
        }
    });
}

/// Forwards connections to a server, and cuts every other one off after a number of the server's
/// bytes that grows each time.
fn cutter(server: SocketAddr, step: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let number = count.fetch_add(1, Ordering::Relaxed);
            let mut most = match number % 2 {
                0 => number / 2 * step,
                _ => usize::MAX,
            };
            let mut server = TcpStream::connect(server).unwrap();
            thread::spawn(move || {
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
                let mut bytes = [0; 4096];
                while let Ok(length @ 1..) = server.read(&mut bytes) {
                    let length = length.min(most);
                    if client.write_all(&bytes[..length]).is_err() || length == most {
                        break;
                    }
                    most -= length;
                }
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

#[test]
fn a_tls_connection_that_ends_at_any_byte_is_made_again() {
    let authority = Authority::new();
    let server = tls(for_all(authority.server("127.0.0.1")), |request| {
        vec![Step::Say(answer(request, false)), Step::Close]
    });
    // Handshake and answer together are less than 2,000 bytes, so the last ones are not cut off.
    let cutter = cutter(server.address, 9);
    let cluster = json!({
        "server": format!("https://{cutter}"),
        "certificate-authority-data": data(&authority.pem),
    });
    let place = Place::with(&cluster, &with_token());
    assert_all_are_built(
        &place,
        &server,
        220,
        "by TLS that is cut at every ninth byte",
    );
}

#[test]
fn an_answer_that_is_damaged_at_any_byte_ends_in_a_message() {
    thread::scope(|scope| {
        for bits in [0x01, 0x20, 0x80] {
            scope.spawn(move || {
                let server = plain(first_time(false, move |number, mut answer| {
                    if let Some(byte) = answer.get_mut(number) {
                        *byte ^= bits;
                    }
                    vec![Step::Say(answer), Step::Close]
                }));
                let list = runners(LONGEST);
                let ended = Place::of(&server).build(&list);
                assert_failed(&ended, &list, &["does not answer as Kubernetes does"]);
                assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
                assert!(server.requests().len() >= LONGEST);
            });
        }
    });
}

#[test]
fn noise_is_no_answer() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let server = plain(move |request| {
        let mut noise = Vec::new();
        for _ in 0..40 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            noise.extend_from_slice(&random.to_le_bytes());
        }
        // Noise alone, noise as a body, and noise as a head.
        let answer = match number_of(request) % 3 {
            0 => noise,
            1 => [
                b"HTTP/1.1 200 OK\r\nContent-Length: 320\r\n\r\n",
                &noise[..],
            ]
            .concat(),
            _ => [b"HTTP/1.1 200 OK\r\n", &noise[..], b"\r\n\r\n"].concat(),
        };
        vec![Step::Say(answer), Step::Close]
    });
    let list = runners(300);
    let ended = Place::of(&server).build(&list);
    assert_failed(&ended, &list, &["does not answer as Kubernetes does"]);
    let told = ended
        .stderr
        .matches("does not answer as Kubernetes does")
        .count();
    assert_eq!(told, 300);
}
