//! The measurements. The programs take turns, so that a slowdown of the machine affects both.

use std::io::{self, Error};
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use real_hosts::EchoTerminal;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time;

use crate::proxy::Proxy;

/// The size of the load.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// Terminals that are open at once.
    pub(crate) terminals: usize,
    /// How often a key is typed into each of them: once a second.
    keys: usize,
    /// Connections that are opened and closed.
    connections: usize,
    /// Bytes through the proxy, half of them each way.
    bytes: u64,
    /// How often the programs take turns.
    turns: usize,
}

impl Sizes {
    /// For figures that are published.
    pub(crate) const FULL: Self = Self {
        terminals: 2_000,
        keys: 10,
        connections: 50_000,
        bytes: 10_000_000_000,
        turns: 2,
    };
    /// To check that it works.
    pub(crate) const QUICK: Self = Self {
        terminals: 40,
        keys: 2,
        connections: 60,
        bytes: 20_000_000,
        turns: 1,
    };
}

impl Sizes {
    pub(crate) fn to_json(self) -> Value {
        json!({
            "terminals": self.terminals,
            "connections": self.connections,
            "bytes": self.bytes,
        })
    }
}

/// The cost of some work.
#[derive(Clone, Copy, Default)]
struct Took {
    processor: f64,
    wall: f64,
}

impl AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.processor += other.processor;
        self.wall += other.wall;
    }
}

/// Connections that are opened at the same time.
const AT_ONCE: usize = 32;
/// Streams that carry bytes at the same time.
const STREAMS: u64 = 4;
/// How long a proxy may take to notice that connections have ended.
const SETTLE: Duration = Duration::from_millis(500);

/// Puts each of the programs under load, and returns their figures in the same order.
pub(crate) async fn measure(proxies: &[Proxy; 2], sizes: Sizes) -> io::Result<[Value; 2]> {
    let hellos = EchoTerminal::hellos()?;
    let mut figures = [json!({}), json!({})];
    for (proxy, figures) in proxies.iter().zip(&mut figures) {
        eprintln!("{}: {} terminals", proxy.name, sizes.terminals);
        *figures = terminals(proxy, &hellos, sizes).await?;
    }
    let (mut opened, mut copied) = ([Took::default(); 2], [Took::default(); 2]);
    for _ in 0..sizes.turns {
        for (proxy, took) in proxies.iter().zip(&mut opened) {
            let count = sizes.connections / sizes.turns;
            eprintln!("{}: {count} connections", proxy.name);
            *took += timed(proxy, connections(proxy, &hellos, count)).await?;
        }
        for (proxy, took) in proxies.iter().zip(&mut copied) {
            let bytes = sizes.bytes / sizes.turns as u64;
            eprintln!("{}: {bytes} bytes", proxy.name);
            *took += timed(proxy, stream(proxy, &hellos, bytes)).await?;
        }
    }
    for ((figures, opened), copied) in figures.iter_mut().zip(opened).zip(copied) {
        let connections = sizes.connections as f64;
        let gigabytes = sizes.bytes as f64 / 1e9;
        let more = json!({
            "connections a second": connections / opened.wall,
            "processor a connection": opened.processor / connections,
            "gigabytes a second": gigabytes / copied.wall,
            "processor a gigabyte": copied.processor / gigabytes,
        });
        if let (Value::Object(figures), Value::Object(more)) = (figures, more) {
            figures.extend(more);
        }
    }
    Ok(figures)
}

/// Opens all terminals, types into each once a second, and closes them.
async fn terminals(proxy: &Proxy, hellos: &[Arc<[u8]>], sizes: Sizes) -> io::Result<Value> {
    let before = proxy.process.memory()?;
    let mut open = Vec::new();
    for number in 0..sizes.terminals {
        open.push(EchoTerminal::open(proxy.address, number, hello(hellos, number)).await?);
    }
    let memory = (proxy.process.memory()? - before) / sizes.terminals as f64;
    let start = proxy.process.seconds()?;
    let mut typing = JoinSet::new();
    for (number, mut terminal) in open.into_iter().enumerate() {
        // Spread over the second.
        let first = Duration::from_secs_f64(number as f64 / sizes.terminals as f64);
        typing.spawn(async move {
            time::sleep(first).await;
            let mut ticks = time::interval(Duration::from_secs(1));
            let mut echoes = Vec::with_capacity(sizes.keys);
            for _ in 0..sizes.keys {
                ticks.tick().await;
                echoes.push(terminal.type_key().await?);
            }
            Ok::<_, Error>((terminal, echoes))
        });
    }
    let (mut open, mut echoes) = (Vec::new(), Vec::new());
    while let Some(typed) = typing.join_next().await {
        let (terminal, of_terminal) = typed??;
        open.push(terminal);
        echoes.extend(of_terminal);
    }
    let processor = proxy.process.seconds()? - start;
    drop(open);
    time::sleep(SETTLE).await;
    echoes.sort_unstable();
    let at = |share: f64| {
        let place = (share * echoes.len() as f64) as usize;
        echoes.get(place).map(Duration::as_secs_f64)
    };
    Ok(json!({
        "echo p50": at(0.5),
        "echo p99": at(0.99),
        "memory a terminal": memory,
        "processor a key": processor / echoes.len() as f64,
    }))
}

/// Opens and closes connections.
async fn connections(proxy: &Proxy, hellos: &[Arc<[u8]>], count: usize) -> io::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut opening = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, hellos, address) = (Arc::clone(&next), hellos.to_vec(), proxy.address);
        opening.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, Error>(());
                }
                drop(EchoTerminal::open(address, number, hello(&hellos, number)).await?);
            }
        });
    }
    while let Some(opened) = opening.join_next().await {
        opened??;
    }
    Ok(())
}

/// Sends bytes, and reads them back.
async fn stream(proxy: &Proxy, hellos: &[Arc<[u8]>], bytes: u64) -> io::Result<()> {
    let mut copying = JoinSet::new();
    for number in 0..STREAMS {
        let number = usize::try_from(number).unwrap_or_default();
        let terminal = EchoTerminal::open(proxy.address, number, hello(hellos, number)).await?;
        copying.spawn(terminal.copy(bytes / 2 / STREAMS));
    }
    while let Some(copied) = copying.join_next().await {
        copied??;
    }
    Ok(())
}

/// Does some work, and returns what the proxy used for it.
async fn timed(proxy: &Proxy, work: impl Future<Output = io::Result<()>>) -> io::Result<Took> {
    let (processor, start) = (proxy.process.seconds()?, Instant::now());
    work.await?;
    let wall = start.elapsed().as_secs_f64();
    time::sleep(SETTLE).await;
    Ok(Took {
        processor: proxy.process.seconds()? - processor,
        wall,
    })
}

/// The first bytes of the connection with a number. The pods take turns.
fn hello(hellos: &[Arc<[u8]>], number: usize) -> &[u8] {
    hellos.get(number % hellos.len()).map_or(&[], |hello| hello)
}
