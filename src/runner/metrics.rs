//! Where a runner's metrics server listens.
//!
//! Source: `--listen-address` and `LISTEN_ADDRESS` of the command `run` in GitLab Runner's
//! `commands`. They take precedence over `listen_address` of config.toml, and the default port is
//! 9252.

use super::config_path::option;
use super::program::Program;
use super::{Container, Runner, Workload};

/// The default port of an address.
const DEFAULT_PORT: u16 = 9252;

/// The port of a metrics server, and the setting that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsPort {
    /// The port.
    pub port: u16,
    /// For example `listen_address of config.toml`.
    pub said_by: &'static str,
}

impl Runner {
    /// The port of the metrics server, if there is one: from the command line or the environment,
    /// otherwise from the configuration.
    pub fn metrics(&self, in_config: Option<u16>) -> Option<MetricsPort> {
        let said = self
            .container()
            .and_then(|container| of_command(&self.workload, container));
        said.or(in_config.map(|port| MetricsPort {
            port,
            said_by: "listen_address of config.toml",
        }))
    }
}

fn of_command(workload: &Workload, container: Container<'_>) -> Option<MetricsPort> {
    let Program::Runner(invocations) = workload.program(container) else {
        return None;
    };
    let running = invocations.last()?;
    let option = option(&running.arguments, &["listen-address"]);
    let variable = running.variables.get("LISTEN_ADDRESS").cloned();
    let (address, said_by) = option
        .map(|address| (address, "--listen-address of its command"))
        .or(variable.map(|address| (address, "LISTEN_ADDRESS of its environment")))
        .filter(|(address, _)| !address.is_empty())?;
    let port = port_of(&address)?;
    Some(MetricsPort { port, said_by })
}

/// The port of an address such as `:9252`.
pub fn port_of(address: &str) -> Option<u16> {
    match address.rsplit_once(':') {
        Some((_, port)) if !address.ends_with(']') => port.parse().ok().filter(|port| *port > 0),
        _ if address.is_empty() || address.starts_with('$') => None,
        _ => Some(DEFAULT_PORT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_port_has_the_default_one() {
        for (address, port) in [
            (":9252", Some(9252)),
            ("[::]:9100", Some(9100)),
            ("0.0.0.0", Some(9252)),
            ("[::1]", Some(9252)),
            ("$ADDRESS", None),
            ("", None),
            ("a:0", None),
            ("a:b", None),
        ] {
            assert_eq!(port_of(address), port, "{address}");
        }
    }
}
