//! Terminals that are opened, typed into and closed at random, through a relay.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use real_hosts::{EchoCluster, EchoTerminal, PodChanges, Process, Relay};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time;

use crate::series::{Series, Slack};
use crate::{Outcome, Pace};

/// How many terminals there are, and what they do.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// How many are open at once.
    pub(crate) terminals: usize,
    /// For how long each is open, on average.
    pub(crate) life: Duration,
    /// What makes the choices.
    pub(crate) seed: u64,
}

/// What the terminals have done.
#[derive(Default)]
struct Done {
    opened: AtomicU64,
    keys: AtomicU64,
    /// Why terminals broke that no client had closed.
    lost: Mutex<Vec<String>>,
}

/// The longest time between two keys. The average is half of it.
const LONGEST_PAUSE: f64 = 2.0;
/// How many reasons are named.
const MAX_REASONS: usize = 10;
/// How long the relay may take to notice that all terminals are closed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Mebibytes.
const MEMORY_SLACK: Slack = Slack(1.0);
/// Connections that are being closed.
const DESCRIPTOR_SLACK: Slack = Slack(20.0);
/// Open files that come and go while no terminal is open: the watch, and the request for a metric.
const OWN_DESCRIPTORS: usize = 2;
/// The reasons with which connections end that clients close.
const CLOSED_BY_CLIENT: [&str; 2] = ["client-closed", "client-broken"];

/// Runs the terminals, and returns what the relay used meanwhile.
pub(crate) fn soak(load: Load, pace: Pace) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let cluster = runtime.block_on(EchoCluster::start(PodChanges::Steady))?;
    let relay = cluster.start_relay();
    let mut watched = Watched::new(&relay)?;
    let done = Arc::new(Done::default());
    let end = Instant::now() + pace.duration;
    let terminals = runtime.block_on(start(load, relay.address(), &done, end))?;
    while Instant::now() < end {
        thread::sleep(
            pace.every
                .min(end.saturating_duration_since(Instant::now())),
        );
        watched.look(&done)?;
    }
    runtime.block_on(terminals.join_all());
    watched.all_closed(&done)?;
    Ok(watched.outcome(load, pace, &done))
}

/// Starts the terminals, each with its own random choices.
async fn start(
    load: Load,
    relay: SocketAddr,
    done: &Arc<Done>,
    end: Instant,
) -> io::Result<JoinSet<()>> {
    let hellos = EchoTerminal::hellos()?;
    let mut terminals = JoinSet::new();
    for (number, hello) in (0..load.terminals).zip(hellos.iter().cycle()) {
        let (hello, done) = (Arc::clone(hello), Arc::clone(done));
        let mut choices = Rng::with_seed(load.seed.wrapping_add(number as u64));
        terminals.spawn(async move {
            while Instant::now() < end {
                let lived = live(relay, number, &hello, load.life, &mut choices, &done, end).await;
                if let Err(error) = lived {
                    let mut lost = done.lost.lock().unwrap_or_else(PoisonError::into_inner);
                    lost.push(format!("terminal {number}: {error}"));
                }
            }
        });
    }
    Ok(terminals)
}

/// Opens a terminal, types into it for a while, and closes it.
async fn live(
    relay: SocketAddr,
    number: usize,
    hello: &[u8],
    life: Duration,
    choices: &mut Rng,
    done: &Done,
    end: Instant,
) -> io::Result<()> {
    // Lifetimes differ a lot: most are short, and some are long.
    let life = life.mul_f64(-(1.0 - choices.f64()).ln());
    let closes = end.min(Instant::now() + life);
    let mut terminal = EchoTerminal::open(relay, number, hello).await?;
    done.opened.fetch_add(1, Ordering::Relaxed);
    loop {
        let pause = Duration::from_secs_f64(LONGEST_PAUSE * choices.f64());
        let next = Instant::now() + pause;
        if next >= closes {
            time::sleep_until(closes.into()).await;
            break;
        }
        time::sleep_until(next.into()).await;
        terminal.type_key().await?;
        done.keys.fetch_add(1, Ordering::Relaxed);
    }
    match choices.u8(..3) {
        // The connection ends while the echo is on its way.
        0 => terminal.type_without_looking().await,
        1 => terminal.reset(),
        _ => Ok(()),
    }
}

/// The observed state of the relay.
struct Watched<'r> {
    relay: &'r Relay,
    process: Process,
    memory: Series,
    descriptors: Series,
    /// Open files before the first terminal.
    descriptors_before: usize,
    /// Open files after the last.
    descriptors_after: usize,
    /// How many connections ended for each reason.
    ended: BTreeMap<String, u64>,
    /// Lines of the log that report a problem.
    complaints: Vec<String>,
}

impl<'r> Watched<'r> {
    fn new(relay: &'r Relay) -> io::Result<Self> {
        let process = relay.process();
        Ok(Self {
            relay,
            process,
            memory: Series::new("memory in MiB"),
            descriptors: Series::new("open files"),
            descriptors_before: process.descriptors()?,
            descriptors_after: 0,
            ended: BTreeMap::new(),
            complaints: Vec::new(),
        })
    }

    fn look(&mut self, done: &Done) -> io::Result<()> {
        let memory = self.process.memory()? / f64::from(1 << 20);
        let descriptors = self.process.descriptors()?;
        self.memory.push(memory);
        self.descriptors.push(descriptors as f64);
        self.read_log();
        let opened = done.opened.load(Ordering::Relaxed);
        let lost = done
            .lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        eprintln!("{memory:.1} MiB, {descriptors} open files, {opened} terminals, {lost} lost");
        Ok(())
    }

    /// Reads what the relay has logged since the last time.
    fn read_log(&mut self) {
        for line in self.relay.take_log() {
            let text = |field: &str| line.get(field).and_then(Value::as_str).unwrap_or_default();
            let reason = text("reason");
            if text("event") == "connection" {
                *self.ended.entry(reason.to_owned()).or_default() += 1;
            }
            let is_usual = match text("event") {
                "connection" => CLOSED_BY_CLIENT.contains(&reason),
                _ => text("level") == "info",
            };
            if !is_usual && self.complaints.len() < MAX_REASONS {
                self.complaints.push(line.to_string());
            }
        }
    }

    /// Waits until the relay has noticed that all are closed.
    fn all_closed(&mut self, done: &Done) -> io::Result<()> {
        self.relay
            .wait_for_metric("runner_terminal_relay_connections_open", 0.0);
        let opened = done.opened.load(Ordering::Relaxed);
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.read_log();
            self.descriptors_after = self.process.descriptors()?;
            let is_settled =
                !self.keeps_descriptors() && self.ended.values().sum::<u64>() >= opened;
            if is_settled || Instant::now() > deadline {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// True if files are open that were not before the first terminal.
    fn keeps_descriptors(&self) -> bool {
        self.descriptors_after > self.descriptors_before + OWN_DESCRIPTORS
    }

    fn outcome(&self, load: Load, pace: Pace, done: &Done) -> Outcome {
        let opened = done.opened.load(Ordering::Relaxed);
        let keys = done.keys.load(Ordering::Relaxed);
        let lost = done.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let ended: u64 = self.ended.values().sum();
        let growth = [
            self.memory.growth(MEMORY_SLACK),
            self.descriptors.growth(DESCRIPTOR_SLACK),
        ];
        let mut problems: Vec<String> = growth.into_iter().flatten().collect();
        problems.extend(lost.iter().take(MAX_REASONS).cloned());
        problems.extend(
            self.complaints
                .iter()
                .map(|line| format!("the relay logged {line}")),
        );
        if self.keeps_descriptors() {
            let (before, after) = (self.descriptors_before, self.descriptors_after);
            problems.push(format!(
                "{after} files are open after the last terminal, and {before} were before the first"
            ));
        }
        if ended != opened {
            problems.push(format!("{opened} terminals were opened, and {ended} ended"));
        }
        let figures = json!({
            "seconds": pace.duration.as_secs(),
            "terminals at once": load.terminals,
            "terminals opened": opened,
            "keys": keys,
            "lost": lost.len(),
            "ended": self.ended,
            "memory": self.memory.to_json(),
            "descriptors": self.descriptors.to_json(),
            "descriptors before": self.descriptors_before,
            "descriptors after": self.descriptors_after,
        });
        Outcome { figures, problems }
    }
}
