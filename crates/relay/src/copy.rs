//! Copies bytes between a client and a pod's own port, both ways, until both sides are done.
//!
//! Bytes are read into a buffer that all connections of a thread share, and written at once. Only
//! what does not fit into the receiver's socket is kept, so an idle connection has no buffer, and a
//! slow reader slows the sender down. An end in one direction is passed on.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time;

use crate::ending::Ending;
use crate::traffic::{LINGER, Side, Traffic, hang_up, silence};

/// How many bytes are read at once.
const CHUNK: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// Which side of a copy broke.
#[derive(Debug)]
enum Broken {
    Reader(io::Error),
    Writer(io::Error),
}

/// Copies until both sides are done, no byte was sent for `idle`, or `stopping` is ready.
///
/// `first` has been read from the client already. Both connections are closed at the end.
pub(crate) async fn run(
    mut client: TcpStream,
    first: Bytes,
    mut pod: TcpStream,
    traffic: &Traffic,
    idle: Duration,
    stopping: impl Future<Output = ()>,
) -> Ending {
    let (mut client_reader, mut client_writer) = client.split();
    let (mut pod_reader, mut pod_writer) = pod.split();
    let both = async {
        tokio::try_join!(
            upload(&mut client_reader, first, &mut pod_writer, traffic),
            download(&mut pod_reader, &mut client_writer, traffic),
        )
    };
    let ending = tokio::select! {
        both = both => match (both, traffic.half_closed_by()) {
            (Err(ending), _) => ending,
            (Ok(_), Some(Side::Client)) => Ending::Client,
            (Ok(_), _) => Ending::Pod,
        },
        ending = silence(traffic, idle) => ending,
        () = stopping => Ending::Drained,
    };
    if let Ending::PodBroken(_) = ending {
        let _ = time::timeout(LINGER, hang_up(client)).await;
    }
    ending
}

/// Copies from the client to the pod.
async fn upload(
    client: &mut ReadHalf<'_>,
    first: Bytes,
    pod: &mut WriteHalf<'_>,
    traffic: &Traffic,
) -> Result<(), Ending> {
    let count = |length| traffic.add_to_pod(length);
    let mut copied = write(pod, &first, count).await;
    drop(first);
    if copied.is_ok() {
        copied = pump(client, pod, count).await;
    }
    match copied {
        Ok(()) => traffic.half_close(Side::Client),
        Err(Broken::Reader(error)) => return Err(Ending::ClientBroken(error)),
        Err(Broken::Writer(error)) => {
            // The other direction may still have bytes for the client, and a better reason.
            time::sleep(LINGER).await;
            return Err(Ending::PodBroken(error));
        }
    }
    // If the pod is gone, the other direction reports it.
    let _ = pod.shutdown().await;
    Ok(())
}

/// Copies from the pod to the client.
async fn download(
    pod: &mut ReadHalf<'_>,
    client: &mut WriteHalf<'_>,
    traffic: &Traffic,
) -> Result<(), Ending> {
    match pump(pod, client, |length| traffic.add_to_client(length)).await {
        Ok(()) => traffic.half_close(Side::Pod),
        Err(Broken::Reader(error)) => return Err(Ending::PodBroken(error)),
        Err(Broken::Writer(error)) => return Err(Ending::ClientBroken(error)),
    }
    // If the client is gone, the other direction reports it.
    let _ = client.shutdown().await;
    Ok(())
}

/// Copies until the reader reaches its end.
async fn pump(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    count: impl Fn(usize),
) -> Result<(), Broken> {
    while let Some(Step { written, rest }) = poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| poll_step(context, reader, writer, buffer))
    })
    .await?
    {
        count(written);
        write(writer, &rest, &count).await?;
    }
    Ok(())
}

/// The outcome of one read.
struct Step {
    /// How many bytes the other socket took at once.
    written: usize,
    /// The bytes that it did not take.
    rest: Vec<u8>,
}

/// Reads once, and writes what the socket accepts at once; `None` at the end of the reader.
fn poll_step(
    context: &mut Context<'_>,
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    buffer: &mut [u8],
) -> Poll<Result<Option<Step>, Broken>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(reader).poll_read(context, &mut buffer)).map_err(Broken::Reader)?;
    let bytes = buffer.filled();
    if bytes.is_empty() {
        return Poll::Ready(Ok(None));
    }
    let written = match Pin::new(writer).poll_write(context, bytes) {
        Poll::Ready(written) => written.map_err(Broken::Writer)?,
        Poll::Pending => 0,
    };
    let rest = bytes.get(written..).unwrap_or_default().to_vec();
    Poll::Ready(Ok(Some(Step { written, rest })))
}

/// Writes all bytes, and counts them as the socket takes them.
async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    mut bytes: &[u8],
    count: impl Fn(usize),
) -> Result<(), Broken> {
    while !bytes.is_empty() {
        let written = writer.write(bytes).await.map_err(Broken::Writer)?;
        if written == 0 {
            return Err(Broken::Writer(ErrorKind::WriteZero.into()));
        }
        count(written);
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}
