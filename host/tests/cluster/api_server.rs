//! An API server that answers as a test tells it to, and records its requests.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A recorded request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `GET /path HTTP/1.1`
    pub(crate) line: String,
    headers: Vec<String>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn is_watch(&self) -> bool {
        self.line.contains("watch=true")
    }
}

/// One step of an answer. After the last one the connection is ready for another request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Say(Vec<u8>),
    Pause(Duration),
    /// Sends the same bytes until the client disconnects.
    SayForEver(Vec<u8>),
    /// Sends nothing more, and waits for the client to disconnect.
    Hang,
    /// Ends the connection.
    Close,
    /// Closes the connection, and answers no other for this long.
    Restart(Duration),
}

pub(crate) type Reply = Vec<Step>;
type Replies = Box<dyn FnMut(&Request) -> Reply + Send>;

/// The server; it lives as long as the test's process.
pub(crate) struct ApiServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    tls: Option<Arc<ServerConfig>>,
    requests: Mutex<Vec<Request>>,
    replies: Mutex<Replies>,
    connections: Mutex<usize>,
    restart: Mutex<Option<Duration>>,
}

/// A server that speaks plain HTTP.
pub(crate) fn plain(replies: impl FnMut(&Request) -> Reply + Send + 'static) -> ApiServer {
    ApiServer::start(None, Box::new(replies))
}

/// A server that speaks TLS.
pub(crate) fn tls(
    config: ServerConfig,
    replies: impl FnMut(&Request) -> Reply + Send + 'static,
) -> ApiServer {
    ApiServer::start(Some(Arc::new(config)), Box::new(replies))
}

/// One reply per request, in order; after the last one, a reply that no command accepts.
pub(crate) fn in_order(
    replies: impl IntoIterator<Item = Reply>,
) -> impl FnMut(&Request) -> Reply + Send + 'static {
    let mut replies: VecDeque<Reply> = replies.into_iter().collect();
    move |_| {
        replies.pop_front().unwrap_or_else(|| {
            let end = "HTTP/1.1 418 The script is over\r\nContent-Length: 0\r\n\r\n";
            vec![Step::Say(end.into())]
        })
    }
}

/// The same reply for each request.
pub(crate) fn always(reply: Reply) -> impl FnMut(&Request) -> Reply + Send + 'static {
    move |_| reply.clone()
}

impl ApiServer {
    fn start(tls: Option<Arc<ServerConfig>>, replies: Replies) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            tls,
            requests: Mutex::default(),
            replies: Mutex::new(replies),
            connections: Mutex::new(0),
            restart: Mutex::new(None),
        });
        let server = Self {
            address,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || accept(&shared, listener));
        server
    }

    /// The URL by which this machine reaches it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many connections it has seen.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }
}

fn accept(shared: &Arc<Shared>, mut listener: TcpListener) {
    let address = listener.local_addr().unwrap();
    loop {
        let (stream, _) = listener.accept().unwrap();
        let restart = shared.restart.lock().unwrap().take();
        if let Some(pause) = restart {
            drop((stream, listener));
            thread::sleep(pause);
            listener = TcpListener::bind(address).unwrap();
            continue;
        }
        *shared.connections.lock().unwrap() += 1;
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let raw = stream.try_clone().unwrap();
            // If the client disconnects, its output tells why.
            let _ = match &shared.tls {
                Some(config) => {
                    let tls = ServerConnection::new(Arc::clone(config)).unwrap();
                    serve(&shared, address, &mut StreamOwned::new(tls, stream))
                }
                None => serve(&shared, address, &mut &stream),
            };
            linger(&raw);
        });
    }
}

/// Closes the connection so that the last bytes arrive even if the client has sent data that was
/// not read: closing it at once would reset it.
fn linger(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    while matches!(stream.read(&mut [0; 1024]), Ok(1..)) {}
}

fn serve(shared: &Shared, address: SocketAddr, stream: &mut (impl Read + Write)) -> io::Result<()> {
    loop {
        let request = read_request(stream)?;
        let reply = {
            shared.requests.lock().unwrap().push(request.clone());
            (shared.replies.lock().unwrap())(&request)
        };
        for step in reply {
            match step {
                Step::Say(bytes) => {
                    stream.write_all(&bytes)?;
                    stream.flush()?;
                }
                Step::Pause(pause) => thread::sleep(pause),
                Step::SayForEver(bytes) => loop {
                    stream.write_all(&bytes)?;
                },
                Step::Hang => while stream.read(&mut [0])? > 0 {},
                Step::Close => return Ok(()),
                Step::Restart(pause) => {
                    *shared.restart.lock().unwrap() = Some(pause);
                    // Wakes the accepting thread.
                    drop(TcpStream::connect(address));
                    return Ok(());
                }
            }
        }
    }
}

/// Reads the head of a request; none of the requests here has a body.
pub(crate) fn read_request(stream: &mut impl Read) -> io::Result<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines().map(str::to_owned);
    Ok(Request {
        line: lines.next().unwrap_or_default(),
        headers: lines.collect(),
    })
}
