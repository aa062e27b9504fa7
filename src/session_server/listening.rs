//! Checks the `listen_address` that the configuration has.
//!
//! Source: `session.NewServer` of gitlab-runner, which listens on TCP by Go's `net.Listen`.

use serde_json::Value;

use super::config_file::{ConfigFile, LISTEN_ADDRESS};
use crate::exposure::ExposureKind;
use crate::function_config::SessionServerSpec;
use crate::runner::Runner;
use krm::results::{FunctionResult, Refusal};

/// Checks the address. An empty one counts as missing, and is replaced.
///
/// # Errors
/// The session server cannot start at it, or no Service can lead to it, and `spec.listenPort` does not
/// replace it.
pub(super) fn check(
    config: &ConfigFile,
    spec: &SessionServerSpec,
    runner: &Runner,
) -> Result<Option<FunctionResult>, Refusal> {
    let Some(Value::String(address)) = config.get(LISTEN_ADDRESS) else {
        return Ok(None);
    };
    let place = |result: FunctionResult| {
        result
            .about(&runner.config.object.identity)
            .at(runner.config.field())
    };
    let port = match address.rsplit_once(':') {
        Some((_, port)) => port,
        None => "",
    };
    let problem = if address.is_empty() {
        return Ok(None);
    } else if address.starts_with("unix:") || address.starts_with('/') {
        "is a unix socket, and the session server listens on TCP alone"
    } else if port.is_empty() || port.contains(']') {
        "has no port, so the session server does not start"
    } else if port.parse() == Ok(0_u16) {
        "has another port after each start, so no Service can lead to it"
    } else if port.parse::<u16>().is_err() {
        "has no port from 1 to 65535, so the session server does not start"
    } else {
        // The relay's port-forward ends inside the pod.
        let is_inside = matches!(spec.exposure.kind, ExposureKind::ApiServer(_));
        return Ok(loopback(&address).filter(|_| !is_inside).map(place));
    };
    if spec.listen_port.is_some() {
        return Ok(None);
    }
    Err(Box::new(place(FunctionResult::error(format!(
        "listen_address {address:?} {problem}: write 0.0.0.0:8093, or leave it out"
    )))))
}

/// Warns of a `host:port` that cannot be reached from outside the pod.
pub(crate) fn loopback(address: &str) -> Option<FunctionResult> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    let ip = host.parse::<std::net::IpAddr>();
    let is_loopback = host == "localhost" || ip.is_ok_and(|ip| ip.to_canonical().is_loopback());
    is_loopback.then(|| {
        FunctionResult::warning(format!(
            "listen_address is {address:?}, where nothing outside the pod can connect: listen on \
             0.0.0.0:{port}"
        ))
    })
}
