//! Sends the HTTP request that Workhorse would send, and reads the answer.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use super::connection::{self, Deadline};
use super::problem::Problem;
use super::tls;

/// The most bytes of an answer that are read.
const MAX_BYTES: usize = 4096;

/// The first bytes of every HTTP/1 answer.
const HTTP: &[u8] = b"HTTP/";

/// Asks for a session that no job has, and expects the status 404.
///
/// The status is enough: the certificate, whose key only the runner has, says who answers, and the
/// status says that it is the session server.
///
/// # Errors
///
/// Another answer, or none.
pub(super) fn expect_not_found(stream: &mut tls::Stream, address: &str) -> Result<(), Problem> {
    let (answer, broken) = exchange(stream, address, |answer| answer.contains(&b'\n'));
    match broken {
        _ if status(&answer) == Some(404) => Ok(()),
        Some(error) if error.kind() == io::ErrorKind::TimedOut => Err(Problem::AnswerTimedOut),
        _ if answer.is_empty() => Err(Problem::NoAnswer),
        _ => Err(Problem::Answer(first_line(&answer))),
    }
}

/// Finds out what answers at an address that does not speak TLS, by a new connection without TLS.
pub(super) fn without_tls(peer: SocketAddr, deadline: Deadline, address: &str) -> Problem {
    let Ok(mut socket) = connection::connect(&[peer], deadline) else {
        return Problem::NotTls(String::new());
    };
    // If it does not begin like HTTP, the first bytes are enough.
    let (answer, _) = exchange(&mut socket, address, |answer| {
        answer.contains(&b'\n') || (answer.len() >= HTTP.len() && !answer.starts_with(HTTP))
    });
    if answer.starts_with(HTTP) {
        Problem::PlainHttp(first_line(&answer))
    } else {
        Problem::NotTls(first_line(&answer))
    }
}

/// Sends the request and reads until `is_enough`. Returns the bytes read, and the error that ended it.
fn exchange(
    stream: &mut (impl Read + Write),
    address: &str,
    is_enough: impl Fn(&[u8]) -> bool,
) -> (Vec<u8>, Option<io::Error>) {
    let mut answer = Vec::new();
    // If the request cannot be sent, there may still be an answer.
    let mut broken = stream
        .write_all(request(address).as_bytes())
        .and_then(|()| stream.flush())
        .err();
    let mut buffer = [0; 512];
    while answer.len() < MAX_BYTES && !is_enough(&answer) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                broken.get_or_insert(error);
                break;
            }
        }
    }
    (answer, broken)
}

/// The request of Workhorse for the terminal of a session, without the session's token. The key is the
/// example of RFC 6455, as no WebSocket is opened.
fn request(address: &str) -> String {
    format!(
        "GET /session/runner-terminal-check/exec HTTP/1.1\r\n\
         Host: {address}\r\n\
         User-Agent: runner-terminal/{}\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: terminal.gitlab.com\r\n\
         \r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The status of an answer, if it has a status line as in RFC 9112.
fn status(answer: &[u8]) -> Option<u16> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(answer.get(..end)?).ok()?;
    let mut words = line.strip_suffix('\r').unwrap_or(line).splitn(3, ' ');
    let minor = words.next()?.strip_prefix("HTTP/1.")?;
    let status = words.next()?;
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(minor, 1) && digits(status, 3))
        .then(|| status.parse().ok())
        .flatten()
}

fn first_line(answer: &[u8]) -> String {
    let line = answer.split(|byte| *byte == b'\n').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    line.strip_suffix('\r').unwrap_or(&line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_has_a_status() {
        for (answer, expected) in [
            ("HTTP/1.1 404 Not Found\r\nA: b\r\n", Some(404)),
            ("HTTP/1.0 200\n", Some(200)),
            ("HTTP/1.1 101 \r\n", Some(101)),
            ("HTTP/1.1 404 Not Found", None),
            ("HTTP/1.1 4040 No\r\n", None),
            ("HTTP/1.1 +40 No\r\n", None),
            ("HTTP/1.1  404 No\r\n", None),
            ("HTTP/1.11 404 No\r\n", None),
            ("HTTP/2 404 No\r\n", None),
            ("HTTP/1.1\r\n404 No\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(answer.as_bytes()), expected, "{answer:?}");
        }
        assert_eq!(status(b"HTTP/1.1 404 \xff\r\n"), None);
    }

    #[test]
    fn a_line_ends_where_it_ends() {
        assert_eq!(first_line(b"SSH-2.0-x\r\nmore"), "SSH-2.0-x");
        assert_eq!(first_line(b"\xff\n"), "\u{fffd}");
        assert_eq!(first_line(b""), "");
    }

    /// A peer that sends this, and does not read.
    struct Peer<'a>(&'a [u8]);

    impl Read for Peer<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Peer<'_> {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_without_end_is_not_read_to_its_end() {
        let flood = [b'a'; 100_000];
        let (answer, _) = exchange(&mut Peer(&flood), "a:1", |_| false);
        assert!((MAX_BYTES..MAX_BYTES + 512).contains(&answer.len()));
    }

    #[test]
    fn an_answer_counts_even_if_the_request_was_not_sent() {
        let (answer, broken) = exchange(&mut Peer(b"HTTP/1.1 408 Late\r\n"), "a:1", |_| false);
        assert_eq!(status(&answer), Some(408));
        assert_eq!(broken.unwrap().kind(), io::ErrorKind::BrokenPipe);
    }
}
