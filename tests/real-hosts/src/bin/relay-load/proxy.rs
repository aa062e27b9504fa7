//! A program that is measured.

use std::fs;
use std::io::{self, Error};
use std::net::SocketAddr;

use real_hosts::{Balance, HaProxy, Relay};

use crate::cluster::Cluster;

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    process: u32,
    _program: Program,
}

enum Program {
    Relay(#[allow(dead_code, reason = "it ends when it is dropped")] Relay),
    HaProxy(#[allow(dead_code, reason = "it ends when it is dropped")] HaProxy),
}

/// Clock ticks a second in /proc. Source: `USER_HZ`, which is 100 on all machines that Rust runs on.
const TICKS: f64 = 100.0;

impl Proxy {
    /// A relay that knows all pods.
    pub(crate) fn relay(cluster: &Cluster) -> Self {
        let relay = start_relay(cluster);
        Self {
            name: "relay",
            address: relay.address(),
            process: relay.id(),
            _program: Program::Relay(relay),
        }
    }

    /// HAProxy with a backend for each pod, which it chooses as the relay does.
    pub(crate) fn haproxy(cluster: &Cluster) -> Self {
        let proxy = HaProxy::start(Balance::ByHost(&cluster.routes()));
        let address = proxy.address().parse();
        Self {
            name: "haproxy",
            address: address.expect("it listens at an IP address"),
            process: proxy.id(),
            _program: Program::HaProxy(proxy),
        }
    }

    /// The processor time that it has used, in seconds.
    pub(crate) fn seconds(&self) -> io::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process))?;
        // The name before it may have blanks. Source: proc_pid_stat(5), fields 14 and 15.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: Result<Vec<u64>, _> = ticks.map(str::parse).collect();
        let ticks = ticks.map_err(Error::other)?;
        Ok(ticks.iter().sum::<u64>() as f64 / TICKS)
    }

    /// Its memory now, in bytes.
    pub(crate) fn memory(&self) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes = kibibytes.and_then(|text| text.parse::<f64>().ok());
        let kibibytes = kibibytes.ok_or_else(|| Error::other("/proc has no VmRSS"))?;
        Ok(kibibytes * 1024.0)
    }
}

/// Starts a relay, and waits until it knows all pods.
pub(crate) fn start_relay(cluster: &Cluster) -> Relay {
    let route = format!(
        "--route=*.terminals.example.com=ci/app=runner:{}",
        cluster.port
    );
    let arguments = ["--dial=pod", "--max-connections=10000", &route];
    let relay = Relay::start(&cluster.kubeconfig(), &arguments);
    let known = "runner_terminal_relay_watched_pods{namespace=\"ci\",selector=\"app=runner\"}";
    relay.wait_for_metric(known, f64::from(crate::cluster::PODS));
    relay
}
