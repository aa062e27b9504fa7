//! A terminal, as GitLab opens it: a connection that begins with a ClientHello.

use std::io::{self, Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time;

use super::cluster::EchoCluster;

/// The size of a keystroke in a WebSocket frame over TLS.
const KEYSTROKE: [u8; 29] = [7; 29];
/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many addresses connections come from, each with its own ports: a port stays in use for a
/// minute after its connection, and one address has too few.
const ADDRESSES: usize = 50;

/// An open terminal.
#[derive(Debug)]
pub struct EchoTerminal(TcpStream);

impl EchoTerminal {
    /// The first bytes of connections to each pod of an [`EchoCluster`].
    ///
    /// # Errors
    ///
    /// TLS cannot be set up.
    pub fn hellos() -> io::Result<Vec<Arc<[u8]>>> {
        EchoCluster::hosts().map(hello).collect()
    }

    /// Opens the terminal with this number through a proxy, and returns once its pod has echoed the
    /// hello.
    ///
    /// # Errors
    ///
    /// It does not open, or not in time.
    pub async fn open(proxy: SocketAddr, number: usize, hello: &[u8]) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let last = u8::try_from(number % ADDRESSES).unwrap_or_default();
        socket.bind((Ipv4Addr::new(127, 1, 0, last + 1), 0).into())?;
        let stream = in_time(socket.connect(proxy)).await?;
        stream.set_nodelay(true)?;
        let mut terminal = Self(stream);
        terminal.type_bytes(hello).await?;
        Ok(terminal)
    }

    /// Types a key, and returns the time until its echo.
    ///
    /// # Errors
    ///
    /// There is no echo in time, or a wrong one.
    pub async fn type_key(&mut self) -> io::Result<Duration> {
        let start = Instant::now();
        self.type_bytes(&KEYSTROKE).await?;
        Ok(start.elapsed())
    }

    async fn type_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        in_time(self.0.write_all(bytes)).await?;
        let mut echo = vec![0; bytes.len()];
        in_time(self.0.read_exact(&mut echo)).await?;
        if echo != bytes {
            return Err(Error::new(ErrorKind::InvalidData, "another echo"));
        }
        Ok(())
    }

    /// Types a key, and does not wait for its echo.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub async fn type_without_looking(&mut self) -> io::Result<()> {
        in_time(self.0.write_all(&KEYSTROKE)).await
    }

    /// Closes it with a TCP reset, like a client that is killed.
    ///
    /// # Errors
    ///
    /// The system has no such option.
    pub fn reset(self) -> io::Result<()> {
        self.0.set_zero_linger()
    }

    /// Sends this many bytes, and reads as many. The content is not compared here.
    ///
    /// # Errors
    ///
    /// The connection breaks, or stalls.
    pub async fn copy(mut self, bytes: u64) -> io::Result<()> {
        let (mut reader, mut writer) = self.0.split();
        let chunk = vec![7; 64 * 1024];
        let sending = async {
            let mut left = bytes;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(chunk.len());
                let piece = chunk.get(..most.min(chunk.len())).unwrap_or_default();
                in_time(writer.write_all(piece)).await?;
                left -= piece.len() as u64;
            }
            Ok::<_, Error>(())
        };
        let receiving = async {
            let mut buffer = vec![0; 256 * 1024];
            let mut left = bytes;
            while left > 0 {
                match in_time(reader.read(&mut buffer)).await? {
                    0 => return Err(ErrorKind::UnexpectedEof.into()),
                    length => left = left.saturating_sub(length as u64),
                }
            }
            Ok(())
        };
        tokio::try_join!(sending, receiving)?;
        Ok(())
    }
}

fn hello(host: String) -> io::Result<Arc<[u8]>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(host).map_err(Error::other)?;
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(Error::other)?;
    let mut hello = Vec::new();
    client.write_tls(&mut hello)?;
    Ok(hello.into())
}

async fn in_time<T>(doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    time::timeout(PATIENCE, doing)
        .await
        .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}
