//! Which keys of `config.toml` get which values, and what the user's own values mean for that.

use serde_json::{Value, json};

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, SESSION_TIMEOUT, port_of};
use super::front::Front;
use super::record::Record;
use super::{ASKED_TIMEOUT, base64_lines, parse_address};
use crate::address::{Address, AddressError};
use crate::fields::Seconds;
use crate::function_config::SessionServerSpec;
use crate::plan::Plan;
use crate::runner::{ConfigToml, Encoding, Runner, Workload};
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::results::Refusal;
use krm::results::{FunctionResult, Severity};
use krm::text::{MASKED, without_credentials};
use yaml_splice::pointer::At as _;

/// What the upstream chart writes for its scripts to fill in at start.
pub const CHART_PLACEHOLDER: &str = "SESSION_SERVER_ADDRESS:SESSION_SERVER_PORT";
/// The runner's own default, in seconds.
const DEFAULT_TIMEOUT: u32 = 1800;

/// The port that the configuration listens on.
pub(super) fn configured_port(config: &ConfigFile) -> Option<u16> {
    port_of(config.get(LISTEN_ADDRESS)?.as_str()?)
}

/// True when the chart's own session server is on: its placeholder is there, or was before an
/// earlier run put an address in its place.
pub(super) fn is_of_chart(config: &ConfigFile, runner: &Runner) -> bool {
    let placeholder = json!(CHART_PLACEHOLDER);
    config.get(ADVERTISE_ADDRESS).as_ref() == Some(&placeholder)
        || before(&runner.config)
            .is_some_and(|before| before.value(ADVERTISE_ADDRESS) == Some(placeholder))
}

/// The address that the user has written into the configuration.
pub(super) fn own_address(config: &ConfigFile, runner: &Runner) -> Option<String> {
    let ours = before(&runner.config).unwrap_or_default();
    if ours.has(ADVERTISE_ADDRESS) {
        return None;
    }
    match config.get(ADVERTISE_ADDRESS) {
        Some(Value::String(text)) if text != CHART_PLACEHOLDER && !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The address to advertise, and whether it is asked for rather than found: the functionConfig's,
/// else the user's own, else the one that the way of exposure knows. `None` while none says one.
///
/// # Errors
/// An address that no runner can advertise.
pub(super) fn address(
    spec: &SessionServerSpec,
    config: &ConfigFile,
    runner: &Runner,
    front: &Front,
    results: &mut Vec<FunctionResult>,
) -> Result<Option<(String, bool)>, Refusal> {
    if let Some(address) = spec.advertise_address.as_deref().and_then(parse_address) {
        let Some(port) = address.port.or(front.port) else {
            return Err(Box::new(FunctionResult::error(
                "functionConfig spec.advertiseAddress: has no port, and the cluster chooses the node \
                 port: write host:port, or set spec.exposure.nodePort",
            )));
        };
        return Ok(Some((address.with_default_port(port), true)));
    }
    let own = match config.get(ADVERTISE_ADDRESS) {
        Some(Value::String(text)) if text != CHART_PLACEHOLDER && !text.is_empty() => text,
        _ => return Ok(front.known.clone().map(|address| (address, true))),
    };
    // What an earlier run has written follows the exposure.
    if let Some(known) = &front.known
        && before(&runner.config).is_some_and(|ours| ours.has(ADVERTISE_ADDRESS))
    {
        return Ok(Some((known.clone(), true)));
    }
    match Address::parse(&own) {
        Ok(address) if address.port.is_some() => {}
        Ok(address) => results.push(
            FunctionResult::warning(format!(
                "advertise_address {own:?} has no port, so the runner makes its certificate for the \
                 wrong host: write {:?}",
                front
                    .port
                    .map_or_else(|| format!("{own}:PORT"), |port| address.with_default_port(port))
            ))
            .about(&runner.config.object.identity)
            .at(runner.config.field()),
        ),
        Err(error) => {
            return Err(Box::new(
                FunctionResult::error(refused_address(&own, error, &runner.config))
                    .about(&runner.config.object.identity)
                    .at(runner.config.field()),
            ));
        }
    }
    Ok(Some((own, false)))
}

fn is_secret(config: &ConfigToml) -> bool {
    config.object.identity.kind == "Secret"
}

/// Why a runner cannot advertise the address of a configuration.
pub(crate) fn refused_address(address: &str, error: AddressError, config: &ConfigToml) -> String {
    let error = if is_secret(config) {
        error.masked()
    } else {
        error
    };
    format!(
        "advertise_address {:?}: {error}",
        shown_address(address, config)
    )
}

/// The `advertise_address` of a configuration, as messages quote it: without a password, and where the
/// configuration is in a Secret, only an address that a runner can advertise.
pub fn shown_address(address: &str, config: &ConfigToml) -> String {
    let is_known = address.is_empty() || address == CHART_PLACEHOLDER;
    if is_secret(config) && !is_known && Address::parse(address).is_err() {
        MASKED.to_owned()
    } else {
        without_credentials(address).into_owned()
    }
}

/// What `[session_server]` is to say, and which of it the user has asked for: that wins over what
/// the configuration says already.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) listen_port: u16,
    pub(super) listen_port_is_asked: bool,
    pub(super) address: &'a str,
    pub(super) address_is_asked: bool,
    pub(super) timeout: Option<Seconds>,
}

/// Writes the keys that are asked for and those that are missing.
pub(super) fn write(
    wanted: &Wanted<'_>,
    config: &mut ConfigFile,
    runner: &Runner,
    plan: &mut Plan,
) {
    let ours = Record::read(&runner.config, &mut plan.patches);
    let had_table = config.has_table();
    let listen_port = wanted.listen_port;
    let same_port = configured_port(config) == Some(listen_port);
    let own_listen = config.get(LISTEN_ADDRESS);
    // A user who listens on one interface goes on doing so when the port changes.
    let host = own_listen
        .as_ref()
        .and_then(|own| own.as_str()?.rsplit_once(':'))
        .filter(|(host, _)| !host.starts_with("unix") && !host.contains('/'))
        .map_or("0.0.0.0", |(host, _)| host);
    let listen = json!(format!("{host}:{listen_port}"));
    let timeout = wanted.timeout.map_or(DEFAULT_TIMEOUT, |seconds| seconds.0);
    let keys = [
        (SESSION_TIMEOUT, json!(timeout), wanted.timeout.is_some()),
        (
            LISTEN_ADDRESS,
            listen,
            wanted.listen_port_is_asked && !same_port,
        ),
        (
            ADVERTISE_ADDRESS,
            json!(wanted.address),
            wanted.address_is_asked,
        ),
    ];
    let mut changes: Vec<(&str, Value)> = Vec::new();
    let mut record = ours.clone().unwrap_or_default();
    for (key, value, asked) in keys {
        let current = config.get(key);
        let stays = match &current {
            None => false,
            // Off, and not an address.
            Some(Value::String(text)) if text.is_empty() => false,
            Some(current) => *current == value || !asked,
        };
        if stays {
            continue;
        }
        let is_ours = ours.as_ref().is_some_and(|ours| ours.has(key));
        if let Some(current) = &current
            && *current != json!(CHART_PLACEHOLDER)
            && *current != json!("")
        {
            let current = &match current {
                Value::String(text) if key == ADVERTISE_ADDRESS => {
                    json!(shown_address(text, &runner.config))
                }
                Value::String(text) => json!(without_credentials(text)),
                other => other.clone(),
            };
            let severity = if is_ours {
                Severity::Info
            } else {
                Severity::Warning
            };
            plan.results.push(
                FunctionResult::new(
                    severity,
                    format!(
                        "{key} was {current} in the runner's configuration; it is set to {value}"
                    ),
                )
                .about(&runner.config.object.identity)
                .at(runner.config.field())
                .values(current.clone(), value.clone()),
            );
        }
        if had_table && !is_ours {
            record.note(key, config.source(key).map(str::to_owned));
        }
        changes.push((key, value));
    }
    if changes.is_empty() {
        return;
    }
    if !had_table {
        record = Record::without_table();
    }
    config.set(&changes);
    store(runner, config, &mut plan.patches);
    record.store(&runner.config, &mut plan.patches);
}

/// Leaves the timeout for the follow-up, where that is to write the address.
pub(super) fn remember_timeout(
    spec: &SessionServerSpec,
    workload: &Workload,
    patches: &mut Patches,
) {
    let pointer = annotation(ASKED_TIMEOUT);
    match spec.session_timeout {
        Some(Seconds(timeout)) if spec.advertise_address.is_none() => {
            patches.set(&workload.resource, &pointer, json!(timeout.to_string()));
        }
        _ => patches.remove(&workload.resource, &pointer),
    }
}

/// The timeout that [`remember_timeout`] has left.
pub(super) fn asked_timeout(workload: &Workload) -> Option<Seconds> {
    let timeout = workload.resource.annotation(ASKED_TIMEOUT)?;
    timeout.parse().ok().map(Seconds)
}

/// Puts back what the keys were before the first run. Does nothing where no run has written them.
pub(super) fn restore(config: &mut ConfigFile, place: &ConfigToml, patches: &mut Patches) {
    let Some(record) = Record::read(place, patches) else {
        return;
    };
    if record.had_no_table() {
        config.unset(&[SESSION_TIMEOUT, LISTEN_ADDRESS, ADVERTISE_ADDRESS], true);
    } else {
        // New keys stand in the order in which they were added, and the last one goes first.
        let (added, changed): (Vec<_>, Vec<_>) =
            record.keys().partition(|(_, source)| source.is_none());
        let added: Vec<&str> = added.into_iter().map(|(key, _)| key).collect();
        config.unset(&added, false);
        for (key, source) in changed {
            config.set_sources(&[(key, source.unwrap_or_default().to_owned())]);
        }
    }
    store_text(place, config, patches);
    Record::remove(place, patches);
}

/// Takes `listen_address` and `advertise_address` away where an earlier run has written them.
/// False when they are the user's own.
pub(super) fn switch_off(config: &mut ConfigFile, runner: &Runner, patches: &mut Patches) -> bool {
    if config.get(LISTEN_ADDRESS).is_none() {
        return true;
    }
    let ours = Record::read(&runner.config, patches).unwrap_or_default();
    let keys = [LISTEN_ADDRESS, ADVERTISE_ADDRESS];
    let is_ours = keys.iter().all(|key| ours.has_added(key));
    if is_ours {
        restore(config, &runner.config, patches);
    }
    is_ours
}

/// The file's text as the patches so far have left it.
pub(super) fn current_text(config: &ConfigToml, patches: &mut Patches) -> String {
    let written = patches.current(&config.object).at(&config.pointer());
    let original = config.object.value.at(&config.pointer());
    match written {
        Some(Value::String(text)) if Some(&json!(text)) != original => {
            config.decode(text).unwrap_or_else(|| config.text.clone())
        }
        _ => config.text.clone(),
    }
}

fn store(runner: &Runner, config: &ConfigFile, patches: &mut Patches) {
    store_text(&runner.config, config, patches);
}

/// Writes the file as the object wrote it: base64 stays broken into lines as it was.
fn store_text(place: &ConfigToml, config: &ConfigFile, patches: &mut Patches) {
    if config.text() == current_text(place, patches) {
        return;
    }
    let empty = patches.empty_before(&place.object, &place.pointer());
    if let Some(empty) = empty.filter(|_| config.text().is_empty()) {
        return patches.set(&place.object, &place.pointer(), empty);
    }
    let encoded = place.encode(config.text());
    let current = patches.current(&place.object).at(&place.pointer());
    let written = match (place.encoding, current) {
        (Encoding::Base64, Some(Value::String(current))) => base64_lines::like(current, &encoded),
        _ => encoded,
    };
    patches.fill(&place.object, &place.pointer(), json!(written));
}

/// The record that an earlier run left.
fn before(config: &ConfigToml) -> Option<Record> {
    Record::read(config, &mut Patches::default())
}
