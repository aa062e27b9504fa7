//! Whose Service stands in front of a session server: ours, or the upstream chart's.

use serde_json::Value;

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS};
use super::service::{self, Existing, Ports};
use super::{ADDRESS_FROM, owned, settings, shard};
use crate::exposure::{Origin, Place, RELAY_NAMESPACE};
use crate::function_config::SessionServerSpec;
use crate::patch::Plan;
use crate::resource::{Identity, Resource};
use crate::results::FunctionResult;
use crate::runner::{Refusal, Runner};

/// The Service in front of a runner.
pub(super) struct Front {
    /// What it is called.
    pub(super) identity: Identity,
    /// The port to advertise; unknown where the cluster chooses it.
    pub(super) port: Option<u16>,
    /// The address, where the way of exposure says it.
    pub(super) known: Option<String>,
    /// An earlier run knew the address by another way of exposure: it leads nowhere now.
    pub(super) has_lost_address: bool,
    /// The namespace of the relay's manifests of an earlier run.
    pub(super) relay_before: Option<String>,
    /// What stands beside it.
    pub(super) objects: Vec<Value>,
    adopted: bool,
}

/// Makes our Service, or brings the one of an earlier run up to date.
///
/// # Errors
/// The runner cannot be reached in the way that is asked for.
pub(super) fn make(
    found: Existing,
    spec: &SessionServerSpec,
    runner: &Runner,
    ports: Ports<'_>,
    plan: &mut Plan,
) -> Result<Front, Refusal> {
    let existing = match &found {
        Existing::Ours(service) => Some(service),
        Existing::None | Existing::Foreign(_) => None,
    };
    let identity = match existing {
        Some(service) => service.identity.clone(),
        None => service::identity(&runner.workload),
    };
    let place = Place {
        service: &identity,
        workload: &runner.workload,
        listen_port: ports.listen,
        shard: shard::index(&runner.workload),
    };
    let way = spec.exposure.way();
    let origin = way.origin(place)?;
    let front = Front {
        identity: service::ensure(
            existing,
            place,
            &spec.exposure,
            &origin,
            ports.target,
            &mut plan.patches,
        ),
        port: way.advertised_port(place),
        objects: way.objects(place),
        relay_before: existing
            .and_then(|service| service.annotation(RELAY_NAMESPACE))
            .map(str::to_owned),
        has_lost_address: origin == Origin::LiveService
            && existing.is_some_and(|service| service.annotation(ADDRESS_FROM).is_some()),
        known: match origin {
            Origin::Known(address) => Some(address),
            Origin::LiveService => None,
        },
        adopted: false,
    };
    Ok(front)
}

/// Adopts the Service of the chart's own session server.
///
/// # Errors
/// It is somebody else's.
pub(super) fn adopt(
    found: &Resource,
    spec: &SessionServerSpec,
    runner: &Runner,
    listen_port: u16,
    config: &ConfigFile,
    plan: &mut Plan,
) -> Result<Front, Refusal> {
    let is_of_chart = settings::is_of_chart(config, runner)
        && service::serves(found, &runner.workload, listen_port);
    let Some(port) = service::port_of(found).filter(|_| is_of_chart) else {
        return Err(owned::not_ours(found));
    };
    plan.results.push(
        FunctionResult::info(
            "adopted the Service of the chart's own session server; no second one is added. The \
             chart's scripts look for its address at each start",
        )
        .about(&found.identity),
    );
    if !spec.exposure.is_default() {
        plan.results.push(
            FunctionResult::warning(
                "spec.exposure is not applied to a Service that the chart makes: set the chart's \
                 sessionServer values, or its sessionServer.enabled to false",
            )
            .about(&found.identity),
        );
    }
    Ok(Front {
        identity: found.identity.clone(),
        port: Some(port),
        known: None,
        has_lost_address: false,
        relay_before: None,
        objects: Vec::new(),
        adopted: true,
    })
}

impl Front {
    /// What has to happen before the address is known.
    pub(super) fn pending(&self, config: &ConfigFile, runner: &Runner) -> FunctionResult {
        let look = service::kubectl(&self.identity);
        let result = if self.adopted {
            FunctionResult::info(format!(
                "the terminal works once the chart's scripts have found an IPv4 address of the \
                 Service. To be sure of it, read it off `{look}` and set spec.advertiseAddress"
            ))
        } else {
            let listens = config.get(LISTEN_ADDRESS).is_some();
            let state = if listens && config.get(ADVERTISE_ADDRESS).is_none() {
                format!(
                    "{} has a listen_address and no advertise_address, so the Debug button is \
                     there and broken",
                    runner.config.field()
                )
            } else {
                "terminals stay off until then, and jobs run as ever".to_owned()
            };
            FunctionResult::warning(format!(
                "has to get an address first; {state}. Apply these manifests; then let the function \
                 AdvertiseAddress fill the address in, or set spec.advertiseAddress to what \
                 `{look}` shows, and build and apply again"
            ))
        };
        result.about(&self.identity).at("status.loadBalancer")
    }
}
