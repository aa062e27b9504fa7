//! The session server's plan: what a runner's manifests need so that its terminals work.
//!
//! | module | what it plans |
//! |---|---|
//! | [`config_file`] | the root table `[session_server]` of `config.toml` |
//! | [`port`] | the container port |
//! | [`service`] | the Service in front of it |
//! | [`settings`] | which keys of `config.toml` get which values |
//! | [`advertise`] | the follow-up: the address that the live Service has been given |
//! | [`live_service`] | the rules by which a Service's status says its address |

mod advertise;
pub mod config_file;
mod live_service;
mod port;
mod service;
mod settings;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::exposure::Exposure;
use crate::function_config::SessionServerSpec;
use crate::patch::{Patches, token};
use crate::resource::Identity;
use crate::resource_list::{ReadError, ResourceList};
use crate::results::FunctionResult;
use crate::runner::{Refusal, Runner, Workload};
pub use advertise::advertise;
use config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS};
use service::Existing;

/// On a pod template: the sha256 of `config.toml`, so that pods restart when it changes.
pub const CONFIG_CHECKSUM: &str = "runner-terminal.dev/config-checksum";
/// On a Service that this function made.
pub const OWNED_BY: &str = "runner-terminal.dev/owned-by";
/// The value of [`OWNED_BY`].
pub const OWNER: &str = "SessionServer";
/// On a workload: the name of the container port that this function added.
pub const ADDED_PORT: &str = "runner-terminal.dev/added-port";
/// On the object with `config.toml`: the values that its keys had before, `null` for none.
pub const CONFIG_BEFORE: &str = "runner-terminal.dev/config-before";

/// Where a pod template's annotations are.
const POD_ANNOTATIONS: &str = "/metadata/annotations";

/// Plans the session server of one runner, and says in results what a person should know.
///
/// # Errors
/// The reason why this runner cannot have one, or an item that cannot be parsed.
pub fn add(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    runner: &Runner,
    workloads: &[Workload],
    patches: &mut Patches,
    results: &mut Vec<FunctionResult>,
) -> Result<Result<(), Refusal>, ReadError> {
    let found = service::find(list, &runner.workload)?;
    Ok(add_with(spec, runner, workloads, found, patches, results))
}

fn add_with(
    spec: &SessionServerSpec,
    runner: &Runner,
    workloads: &[Workload],
    found: Existing,
    patches: &mut Patches,
    results: &mut Vec<FunctionResult>,
) -> Result<(), Refusal> {
    service::check_selector(&runner.workload, workloads)?;
    let mut config = open_config(runner, patches)?;
    let listen_port = port::listen_port(
        spec,
        settings::configured_port(&config),
        &runner.container,
    );
    let target_port = port::ensure(runner, listen_port, config.metrics_port(), patches)?;
    let front = front(spec, runner, found, listen_port, &target_port, &config, patches, results)?;

    let address = settings::address(spec, &config, runner, front.port, results)?;
    match &address {
        Some(address) => {
            let wanted = settings::Wanted {
                listen_port,
                listen_port_is_asked: spec.listen_port.is_some(),
                address,
                address_is_asked: spec.advertise_address.is_some(),
                timeout: spec.session_timeout,
            };
            settings::write(&wanted, &mut config, runner, patches, results);
        }
        None => results.push(pending(&front, &config, runner)),
    }
    if config.has_misplaced_table() {
        results.push(
            FunctionResult::warning(
                "a session_server stands under [[runners]], where the runner ignores it: \
                 [session_server] is a table of the file's root",
            )
            .about(&runner.config.object.identity)
            .at(runner.config.field()),
        );
    }
    roll_pods(runner, &config, patches);
    Ok(())
}

/// The runner reads its configuration at start: the pod template changes with it.
fn roll_pods(runner: &Runner, config: &ConfigFile, patches: &mut Patches) {
    let checksum = runner.workload.pod_pointer(&annotation(CONFIG_CHECKSUM));
    let digest = Sha256::digest(config.text().as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    patches.set(&runner.workload.resource, &checksum, json!(digest));
}

/// Takes away what an earlier run added to a runner, and nothing else.
///
/// # Errors
/// As [`add`].
pub fn remove(
    list: &ResourceList<'_>,
    runner: &Runner,
    patches: &mut Patches,
) -> Result<Result<(), Refusal>, ReadError> {
    if let Existing::Ours(service) = service::find(list, &runner.workload)? {
        patches.remove_item(&service);
    }
    port::withdraw(&runner.workload, patches);
    let resource = &runner.workload.resource;
    patches.remove(resource, &runner.workload.pod_pointer(&annotation(CONFIG_CHECKSUM)));
    // Read only where there is something to put back: the rest is none of ours to judge.
    if runner.config.object.annotation(CONFIG_BEFORE).is_some() {
        let mut config = match open_config(runner, patches) {
            Ok(config) => config,
            Err(refusal) => return Ok(Err(refusal)),
        };
        settings::restore(&mut config, runner, patches);
    }
    Ok(Ok(()))
}

/// The Service in front of a runner, ours or adopted.
struct Front {
    identity: Identity,
    port: u16,
    adopted: bool,
}

#[allow(clippy::too_many_arguments)]
fn front(
    spec: &SessionServerSpec,
    runner: &Runner,
    found: Existing,
    listen_port: u16,
    target_port: &Value,
    config: &ConfigFile,
    patches: &mut Patches,
    results: &mut Vec<FunctionResult>,
) -> Result<Front, Refusal> {
    let exposure: &Exposure = &spec.exposure;
    let ensure = |existing, patches: &mut Patches| Front {
        identity: service::ensure(existing, &runner.workload, exposure, target_port, patches),
        port: exposure.port(),
        adopted: false,
    };
    match found {
        Existing::None => Ok(ensure(None, patches)),
        Existing::Ours(service) => Ok(ensure(Some(&service), patches)),
        Existing::Foreign(service) => {
            let of_chart = settings::is_of_chart(config, runner);
            let port = service::port_of(&service);
            let (true, true, Some(port)) =
                (of_chart, service::serves(&service, &runner.workload, listen_port), port)
            else {
                return Err(Box::new(
                    FunctionResult::error(format!(
                        "a Service of this name is here already, and it was not made by this \
                         function: rename it, or annotate it with {OWNED_BY}: {OWNER} to hand it over"
                    ))
                    .about(&service.identity)
                    .at("metadata.name"),
                ));
            };
            results.push(
                FunctionResult::info(
                    "adopted the Service of the chart's own session server; no second one is added. \
                     The chart's scripts look for its address at each start",
                )
                .about(&service.identity),
            );
            if !exposure.is_default() {
                results.push(
                    FunctionResult::warning(
                        "spec.exposure is not applied to a Service that the chart makes: set the \
                         chart's sessionServer values, or its sessionServer.enabled to false",
                    )
                    .about(&service.identity),
                );
            }
            Ok(Front {
                identity: service.identity,
                port,
                adopted: true,
            })
        }
    }
}

/// What has to happen before the address is known.
fn pending(front: &Front, config: &ConfigFile, runner: &Runner) -> FunctionResult {
    let Identity {
        name, namespace, ..
    } = &front.identity;
    let kubectl = if namespace.is_empty() {
        format!("kubectl get service {name}")
    } else {
        format!("kubectl --namespace {namespace} get service {name}")
    };
    if front.adopted {
        return FunctionResult::info(format!(
            "the terminal works once the chart's scripts have found an IPv4 address of the Service. \
             To be sure of it, read it off `{kubectl}` and set spec.advertiseAddress"
        ))
        .about(&front.identity)
        .at("status.loadBalancer");
    }
    let state = if config.get(LISTEN_ADDRESS).is_some() && config.get(ADVERTISE_ADDRESS).is_none() {
        format!(
            "{} has a listen_address and no advertise_address, so the Debug button is there and \
             broken",
            runner.config.field()
        )
    } else {
        "terminals stay off until then, and jobs run as ever".to_owned()
    };
    FunctionResult::warning(format!(
        "has to get an address first; {state}. Apply these manifests, read the address off \
         `{kubectl}`, set spec.advertiseAddress of the functionConfig to it, and build again"
    ))
    .about(&front.identity)
    .at("status.loadBalancer")
}

/// The runner's configuration as the patches so far have left it: runners may share one.
fn open_config(runner: &Runner, patches: &mut Patches) -> Result<ConfigFile, Refusal> {
    let config = &runner.config;
    let text = settings::current_text(config, patches);
    ConfigFile::parse(&text).map_err(|error| {
        Box::new(
            FunctionResult::error(format!("{} {error}", config.key))
                .about(&config.object.identity)
                .at(config.field()),
        )
    })
}

fn annotation(name: &str) -> String {
    format!("{POD_ANNOTATIONS}/{}", token(name))
}

/// Reads an address that the functionConfig has been checked to hold.
fn parse_address(text: &str) -> Option<Address> {
    Address::parse(text).ok()
}
