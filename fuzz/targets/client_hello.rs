//! The name in a ClientHello is the same however its bytes arrive, is what rustls reads, and is what
//! was put there; what follows is kept.

#![no_main]

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use client_hello::HelloError;
use libfuzzer_sys::fuzz_target;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, ReadBuf};

#[rustfmt::skip]
#[path = "../../crates/relay/src/client_hello.rs"]
#[allow(missing_docs, dead_code, reason = "the file of the relay, unchanged")]
mod client_hello;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    bytes: Bytes<'a>,
    /// Which bytes are others.
    damage: Vec<(u16, u8)>,
    /// How many bytes arrive at once.
    pieces: Vec<u16>,
}

#[derive(Arbitrary, Debug)]
enum Bytes<'a> {
    Any(&'a [u8]),
    Hello(Hello<'a>),
}

#[derive(Arbitrary, Debug)]
struct Hello<'a> {
    version: u16,
    session: &'a [u8],
    suites: Vec<u16>,
    name: Option<Name<'a>>,
    extensions: Vec<(u16, &'a [u8])>,
    /// How long its records are.
    records: Vec<u16>,
    follows: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Plain,
    Of(&'a str),
    Entries(Vec<(u8, &'a [u8])>),
}

fuzz_target!(|input: Input<'_>| {
    let (mut bytes, name) = match &input.bytes {
        Bytes::Any(bytes) => (bytes.to_vec(), None),
        Bytes::Hello(hello) => hello.bytes(),
    };
    for (place, byte) in &input.damage {
        if let Some(damaged) = bytes.get_mut(usize::from(*place)) {
            *damaged = *byte;
        }
    }
    let at_once = read(&bytes, &[u16::MAX]);
    let in_pieces = read(&bytes, &input.pieces);
    let by_byte = read(&bytes, &[1]);
    for other in [&in_pieces, &by_byte] {
        assert_eq!(said(&at_once), said(other), "another answer");
    }
    for read in [&at_once, &in_pieces, &by_byte].into_iter().flatten() {
        assert!(bytes.starts_with(&read.bytes), "bytes are lost");
        assert!(read.bytes.len() <= 16 * 1024);
        if let Some(name) = &read.sni {
            assert!(
                name.is_ascii() && name.len() < 256 && !name.is_empty(),
                "{name:?}"
            );
        }
    }
    if bytes.len() <= 16 * 1024 {
        match (by_rustls(&bytes), &at_once) {
            (Some(name), Ok(read)) => assert_eq!(read.sni, name),
            (Some(name), Err(refusal)) => panic!("{name:?} is refused: {refusal:?}"),
            (None, Ok(read)) => panic!("{:?} is no name to rustls", read.sni),
            (None, Err(_)) => {}
        }
    }
    if let (true, Ok(read), Some(name)) = (input.damage.is_empty(), &at_once, name) {
        assert_eq!(read.sni.as_deref(), Some(&*name));
    }
});

/// What is made of bytes that arrive in pieces of these lengths, over and over.
fn read(bytes: &[u8], pieces: &[u16]) -> Result<client_hello::ClientHello, HelloError> {
    struct Pieces<'a>(&'a [u8], std::iter::Cycle<std::slice::Iter<'a, u16>>);
    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            let most = usize::from(*self.1.next().unwrap_or(&1)).max(1);
            let (now, later) = self
                .0
                .split_at(most.min(self.0.len()).min(buffer.remaining()));
            buffer.put_slice(now);
            self.0 = later;
            Poll::Ready(Ok(()))
        }
    }
    let mut client = Pieces(bytes, pieces.iter().cycle());
    let mut read = std::pin::pin!(client_hello::read(&mut client));
    match read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(read) => read,
        Poll::Pending => unreachable!("there is always something to read"),
    }
}

/// An answer without what depends on how the bytes arrive.
fn said(
    read: &Result<client_hello::ClientHello, HelloError>,
) -> Result<Option<&str>, &'static str> {
    match read {
        Ok(read) => Ok(read.sni.as_deref()),
        Err(HelloError::Nothing) => Err("nothing"),
        Err(HelloError::Truncated) => Err("truncated"),
        Err(HelloError::NotTls(_)) => Err("not TLS"),
        Err(HelloError::TooLong) => Err("too long"),
        Err(HelloError::Broken(_)) => Err("broken"),
    }
}

/// The name that rustls reads, given all at once; `None` when it is no complete ClientHello.
fn by_rustls(mut bytes: &[u8]) -> Option<Option<String>> {
    let mut acceptor = Acceptor::default();
    while !bytes.is_empty() {
        acceptor.read_tls(&mut bytes).ok()?;
        if let Some(accepted) = acceptor.accept().ok()? {
            return Some(accepted.client_hello().server_name().map(str::to_owned));
        }
    }
    None
}

impl Hello<'_> {
    /// Its bytes, and the name in it where that is a good one.
    fn bytes(&self) -> (Vec<u8>, Option<String>) {
        let mut body = Vec::new();
        body.extend(self.version.to_be_bytes());
        body.extend([7; 32]);
        push8(&mut body, &self.session[..self.session.len().min(32)]);
        let mut suites: Vec<u8> = vec![0x13, 0x01];
        suites.extend(self.suites.iter().flat_map(|suite| suite.to_be_bytes()));
        push16(&mut body, &suites);
        push8(&mut body, &[0]);
        let mut extensions = Vec::new();
        let mut good = None;
        if let Some(name) = &self.name {
            let entries = match name {
                Name::Plain => vec![(0, &b"terminal.example.com"[..])],
                Name::Of(name) => vec![(0, name.as_bytes())],
                Name::Entries(entries) => entries.clone(),
            };
            if let Name::Plain = name {
                good = Some("terminal.example.com".to_owned());
            }
            let mut list = Vec::new();
            for (kind, name) in entries {
                list.push(kind);
                push16(&mut list, name);
            }
            let mut extension = Vec::new();
            push16(&mut extension, &list);
            extensions.extend([0, 0]);
            push16(&mut extensions, &extension);
        }
        // What every client says.
        for (kind, data) in [
            (10_u16, &[0, 2, 0, 29][..]),
            (13, &[0, 2, 4, 3]),
            (43, &[2, 3, 4]),
            (51, &[0, 0]),
        ] {
            extensions.extend(kind.to_be_bytes());
            push16(&mut extensions, data);
        }
        for (kind, data) in &self.extensions {
            extensions.extend(kind.to_be_bytes());
            push16(&mut extensions, data);
        }
        push16(&mut body, &extensions);
        let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
        let message = [&[1], &length[1..], &body].concat();
        let mut bytes = Vec::new();
        let mut rest = &message[..];
        let mut records = self.records.iter();
        while !rest.is_empty() {
            let most = records
                .next()
                .map_or(1 << 14, |most| usize::from(*most).clamp(1, 1 << 14));
            let (record, later) = rest.split_at(most.min(rest.len()));
            bytes.extend([0x16, 3, 1]);
            push16(&mut bytes, record);
            rest = later;
        }
        bytes.extend(self.follows);
        (bytes, good)
    }
}

fn push8(bytes: &mut Vec<u8>, data: &[u8]) {
    bytes.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
    bytes.extend(data);
}

fn push16(bytes: &mut Vec<u8>, data: &[u8]) {
    let data = &data[..data.len().min(usize::from(u16::MAX))];
    bytes.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(data);
}
