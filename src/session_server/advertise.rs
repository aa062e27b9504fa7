//! The follow-up: fills in the address that the live Service has been given.

use serde_json::Value;

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile};
use super::live_service::{self, Resolution};
use super::service::{self, Existing};
use super::{OWNED_BY, OWNER, open_config, parse_address, port, roll_pods, settings};
use crate::exposure::Exposure;
use crate::function_config::{AdvertiseAddressSpec, Source, WhenPending};
use crate::observed::{OBSERVE_TAG, Observation, Observed};
use crate::patch::{Patches, Plan};
use crate::resource::Identity;
use crate::resource_list::ResourceList;
use crate::results::FunctionResult;
use crate::runner::{Refusal, Runner};

/// Plans the address of one runner.
///
/// # Errors
/// The reason why it can have none.
pub fn advertise(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    runner: &Runner,
    observed: &Observed,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let declared = service::find(list, &runner.workload)?;
    let mut config = open_config(runner, &mut plan.patches)?;
    let of_chart = settings::is_of_chart(&config, runner);
    let identity = front(runner, &declared, of_chart)?;
    let current = config.get(ADVERTISE_ADDRESS);
    let current = current.as_ref().and_then(Value::as_str);
    let state = match (&spec.address, spec.source) {
        (Some(address), Source::Static) => static_address(address, &declared),
        _ => observe(spec, &identity, observed, of_chart, current)?,
    };
    match state {
        State::Known(address) => {
            let configured = settings::configured_port(&config);
            let wanted = settings::Wanted {
                listen_port: port::of_container(configured, &runner.container),
                listen_port_is_asked: false,
                address: &address,
                address_is_asked: true,
                timeout: None,
            };
            settings::write(&wanted, &mut config, runner, plan);
        }
        State::Pending(reason) => {
            let result = pending(
                spec,
                &identity,
                &mut config,
                runner,
                &reason,
                &mut plan.patches,
            );
            plan.results.push(result);
        }
        State::Unknown => return Err(unknown(&identity)),
    }
    roll_pods(runner, &config, &mut plan.patches);
    Ok(())
}

/// What is known of a runner's address.
enum State {
    Known(String),
    Pending(String),
    /// Nobody has looked yet: the host is asked to.
    Unknown,
}

/// The Service in front of a runner: the one of the list, or the one that is called as it would be.
fn front(runner: &Runner, declared: &Existing, of_chart: bool) -> Result<Identity, Refusal> {
    match declared {
        Existing::Ours(service) => Ok(service.identity.clone()),
        Existing::Foreign(service) if of_chart => Ok(service.identity.clone()),
        Existing::Foreign(service) => Err(not_ours(&service.identity)),
        Existing::None => {
            let workload = &runner.workload.resource.identity;
            Ok(Identity {
                api_version: "v1".to_owned(),
                kind: "Service".to_owned(),
                name: service::name(&workload.name),
                namespace: workload.namespace.clone(),
                ..Identity::default()
            })
        }
    }
}

fn static_address(address: &str, declared: &Existing) -> State {
    let port = match declared {
        Existing::Ours(service) | Existing::Foreign(service) => service::port_of(service),
        Existing::None => None,
    };
    let port = port.unwrap_or_else(|| Exposure::default().port());
    match parse_address(address) {
        Some(address) => State::Known(address.with_default_port(port)),
        None => State::Unknown,
    }
}

fn observe(
    spec: &AdvertiseAddressSpec,
    identity: &Identity,
    observed: &Observed,
    of_chart: bool,
    current: Option<&str>,
) -> Result<State, Refusal> {
    let seen = observed.service(&identity.namespace, &identity.name);
    let live = match (seen, spec.source) {
        (Some(Observation::Live { service, by_host }), source)
            if *by_host || source != Source::Cluster =>
        {
            service
        }
        (Some(Observation::Absent), Source::Auto | Source::Cluster) => {
            return Ok(State::Pending("is not in the cluster yet".to_owned()));
        }
        (_, Source::Items) => {
            return Ok(State::Pending(
                "is not among the items with its status".to_owned(),
            ));
        }
        _ => return Ok(State::Unknown),
    };
    if !service::is_ours(live) && !of_chart {
        return Err(not_ours(&live.identity));
    }
    match live_service::resolve(live, spec, current) {
        Resolution::Address(address) => Ok(State::Known(address)),
        Resolution::Pending(reason) => Ok(State::Pending(reason)),
        Resolution::Refused(reason) => Err(Box::new(
            FunctionResult::error(reason).about(&live.identity),
        )),
    }
}

fn not_ours(service: &Identity) -> Refusal {
    Box::new(
        FunctionResult::error(format!(
            "was not made by this function, so its address may lead elsewhere: annotate it with \
             {OWNED_BY}: {OWNER} to hand it over"
        ))
        .about(service)
        .at("metadata.annotations"),
    )
}

/// The host is asked for the Service; where it cannot read a cluster, the user reads this.
fn unknown(identity: &Identity) -> Refusal {
    let result = FunctionResult::error(format!(
        "its address has to be read from the cluster, and this host has not done that: put the \
         output of `{} -o yaml` among the items, with the annotation \
         config.kubernetes.io/local-config: 'true' so that it is not applied",
        service::kubectl(identity)
    ));
    Box::new(
        result
            .about(identity)
            .at("status.loadBalancer")
            .tagged(OBSERVE_TAG, "true"),
    )
}

fn pending(
    spec: &AdvertiseAddressSpec,
    identity: &Identity,
    config: &mut ConfigFile,
    runner: &Runner,
    reason: &str,
    patches: &mut Patches,
) -> FunctionResult {
    let result = match spec.when_pending {
        WhenPending::Fail => FunctionResult::error(format!(
            "{reason}: apply the manifests, wait until `{}` shows an address, and build again",
            service::kubectl(identity)
        )),
        WhenPending::Disable => {
            let state = if settings::switch_off(config, runner, patches) {
                "terminals stay off until then, and jobs run as ever"
            } else {
                "config.toml has a listen_address of the user's own, which stays"
            };
            FunctionResult::warning(format!(
                "{reason}; {state}. Apply these manifests, wait until `{}` shows an address, and \
                 build and apply again",
                service::kubectl(identity)
            ))
        }
    };
    result
        .about(identity)
        .at("status.loadBalancer")
        .tagged(OBSERVE_TAG, "pending")
}
