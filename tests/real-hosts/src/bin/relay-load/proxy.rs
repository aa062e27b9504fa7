//! A program that is measured.

use std::net::SocketAddr;

use real_hosts::{Balance, EchoCluster, HaProxy, Process, Relay};

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    _program: Program,
}

enum Program {
    Relay(#[allow(dead_code, reason = "it ends when it is dropped")] Relay),
    HaProxy(#[allow(dead_code, reason = "it ends when it is dropped")] HaProxy),
}

impl Proxy {
    /// A relay that knows all pods.
    pub(crate) fn relay(cluster: &EchoCluster) -> Self {
        let relay = cluster.start_relay();
        Self {
            name: "relay",
            address: relay.address(),
            process: relay.process(),
            _program: Program::Relay(relay),
        }
    }

    /// HAProxy with a backend for each pod, which it chooses as the relay does.
    pub(crate) fn haproxy(cluster: &EchoCluster) -> Self {
        let proxy = HaProxy::start(Balance::ByHost(&cluster.routes()));
        let address = proxy.address().parse();
        Self {
            name: "haproxy",
            address: address.expect("it listens at an IP address"),
            process: proxy.process(),
            _program: Program::HaProxy(proxy),
        }
    }
}
