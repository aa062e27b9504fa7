//! Reads the ClientHello of a TLS connection, and the SNI in it.
//!
//! The bytes are kept and passed to the runner unchanged: TLS is between the client and the runner.

use std::io;

use bytes::{Bytes, BytesMut};
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The maximum size of a ClientHello. With a post-quantum key, one is less than 2 KiB.
const MAX_BYTES: usize = 16 * 1024;
/// How many bytes are read at once.
const PIECE: usize = 2 * 1024;

/// A complete ClientHello.
#[derive(Debug)]
pub(crate) struct ClientHello {
    /// All bytes read so far, which may be more than the ClientHello.
    pub(crate) bytes: Bytes,
    /// The host that the client asks for.
    pub(crate) sni: Option<String>,
}

/// Why there is no ClientHello.
#[derive(Debug)]
pub(crate) enum HelloError {
    /// The client closed the connection without a byte, as a TCP health check does.
    Nothing,
    /// The client closed the connection before the ClientHello was complete.
    Truncated,
    /// The bytes are not a ClientHello, for this reason.
    NotTls(io::Error),
    /// The ClientHello is longer than [`MAX_BYTES`].
    TooLong,
    /// The connection broke.
    Broken(io::Error),
}

/// Reads until the ClientHello is complete. The caller limits the time.
///
/// # Errors
///
/// See [`HelloError`].
pub(crate) async fn read(client: &mut (impl AsyncRead + Unpin)) -> Result<ClientHello, HelloError> {
    let mut bytes = BytesMut::new();
    let mut parser = Parser::default();
    loop {
        let before = bytes.len();
        let most = MAX_BYTES.saturating_sub(before);
        if most == 0 {
            return Err(HelloError::TooLong);
        }
        bytes.reserve(most.min(PIECE));
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let read = (&mut *client).take(most).read_buf(&mut bytes).await;
        if read.map_err(HelloError::Broken)? == 0 {
            return Err(match before {
                0 => HelloError::Nothing,
                _ => HelloError::Truncated,
            });
        }
        let new = bytes.get(before..).unwrap_or_default();
        if let Some(sni) = parser.parse(new).map_err(HelloError::NotTls)? {
            let bytes = bytes.freeze();
            return Ok(ClientHello { bytes, sni });
        }
    }
}

/// A rustls server that never answers.
#[derive(Default)]
struct Parser(Acceptor);

impl Parser {
    /// Takes the next bytes. Returns the SNI, if any, once the ClientHello is complete.
    fn parse(&mut self, mut bytes: &[u8]) -> io::Result<Option<Option<String>>> {
        while !bytes.is_empty() {
            if self.0.read_tls(&mut bytes)? == 0 {
                break;
            }
            match self.0.accept() {
                Ok(Some(accepted)) => {
                    let sni = accepted.client_hello().server_name().map(str::to_owned);
                    return Ok(Some(sni));
                }
                Ok(None) => {}
                Err((error, _)) => return Err(io::Error::other(error)),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use rustls::crypto::ring;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    /// What a real client sends first.
    fn hello_for(host: &'static str) -> Vec<u8> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let name = ServerName::try_from(host).unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        hello
    }

    /// The same handshake message in records of at most so many bytes.
    fn in_records_of(hello: &[u8], most: usize) -> Vec<u8> {
        let mut records = Vec::new();
        for part in hello[5..].chunks(most) {
            records.extend_from_slice(&hello[..3]);
            records.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
            records.extend_from_slice(part);
        }
        records
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(future)
    }

    /// Reads the bytes in pieces of the given size.
    fn read_in(bytes: &[u8], piece: usize) -> Result<ClientHello, HelloError> {
        let mut client = tokio_test_reader(bytes, piece);
        block_on(read(&mut client))
    }

    fn tokio_test_reader(bytes: &[u8], piece: usize) -> impl AsyncRead + Unpin + '_ {
        struct Pieces<'a>(&'a [u8], usize);
        impl AsyncRead for Pieces<'_> {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
                buffer: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<io::Result<()>> {
                let most = self.1.min(self.0.len()).min(buffer.remaining());
                let (now, later) = self.0.split_at(most);
                buffer.put_slice(now);
                self.0 = later;
                std::task::Poll::Ready(Ok(()))
            }
        }
        Pieces(bytes, piece)
    }

    #[test]
    fn the_host_is_found_however_the_bytes_arrive() {
        let hello = hello_for("terminal.example.com");
        for piece in [1, 2, 5, 7, 100, 100_000] {
            let read = read_in(&hello, piece).unwrap();
            assert_eq!(read.sni.as_deref(), Some("terminal.example.com"));
            assert_eq!(read.bytes, hello);
        }
        let records = in_records_of(&hello, 50);
        for piece in [1, 60, 100_000] {
            let read = read_in(&records, piece).unwrap();
            assert_eq!(read.sni.as_deref(), Some("terminal.example.com"));
            assert_eq!(read.bytes, records);
        }
    }

    #[test]
    fn what_follows_is_kept() {
        let mut bytes = hello_for("a.example.com");
        bytes.extend_from_slice(&[0x5a; 3_000]);
        let read = read_in(&bytes, 100_000).unwrap();
        assert_eq!(read.sni.as_deref(), Some("a.example.com"));
        assert!(bytes.starts_with(&read.bytes));
        assert!(read.bytes.len() <= MAX_BYTES);
    }

    #[test]
    fn a_client_of_an_ip_address_sends_no_name() {
        assert_eq!(read_in(&hello_for("192.0.2.7"), 100).unwrap().sni, None);
        assert_eq!(read_in(&hello_for("2001:db8::7"), 100).unwrap().sni, None);
    }

    #[test]
    fn other_protocols_are_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: terminal.example.com\r\n\r\n"[..],
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            &[0; 4096],
            &[0xff; 4096],
            // A ServerHello.
            &[0x16, 3, 3, 0, 6, 2, 0, 0, 2, 3, 3],
            // An alert.
            &[0x15, 3, 3, 0, 2, 2, 40],
        ] {
            let refused = read_in(bytes, 100_000).unwrap_err();
            assert!(matches!(refused, HelloError::NotTls(_)), "{refused:?}");
        }
    }

    #[test]
    fn a_client_that_leaves_is_told_from_one_that_says_nothing() {
        assert!(matches!(read_in(b"", 1), Err(HelloError::Nothing)));
        let hello = hello_for("a.example.com");
        for length in [1, 4, 5, 6, 50, hello.len() - 1] {
            let refused = read_in(&hello[..length], 10).unwrap_err();
            assert!(matches!(refused, HelloError::Truncated), "{refused:?}");
        }
    }

    #[test]
    fn a_hello_without_an_end_is_refused() {
        // A handshake message of 16 MiB, in records of 1 byte and of 16 KiB.
        let message = [&[1, 0xff, 0xff, 0xff][..], &[0; 64 * 1024]].concat();
        for most in [1, 1 << 14] {
            let bytes = in_records_of(&[&[0x16, 3, 1, 0, 0][..], &message].concat(), most);
            let refused = read_in(&bytes, 1000).unwrap_err();
            assert!(
                matches!(refused, HelloError::TooLong | HelloError::NotTls(_)),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn damaged_bytes_neither_panic_nor_hang() {
        let hello = hello_for("terminal.example.com");
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random >> 33).unwrap()
        };
        for _ in 0..20_000 {
            let mut bytes = hello.clone();
            for _ in 0..=next() % 4 {
                let place = next() % bytes.len();
                bytes[place] = u8::try_from(next() % 256).unwrap();
            }
            bytes.truncate(next() % (bytes.len() + 1) + 1);
            let mut parser = Parser::default();
            for piece in bytes.chunks(1 + next() % 300) {
                match parser.parse(piece) {
                    Ok(None) => {}
                    Ok(Some(sni)) => {
                        assert!(sni.is_none_or(|sni| sni.is_ascii() && sni.len() < 256));
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
    }
}
