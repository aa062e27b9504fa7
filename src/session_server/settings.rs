//! Which keys of `config.toml` get which values, given those that the user has set.

use serde_json::{Value, json};

use super::ASKED_TIMEOUT;
use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, SESSION_TIMEOUT, port_of};
use super::config_plan::{ConfigDraft, ConfigLocation, RecordPlan};
use super::record::Record;
use super::service_binding::ServiceBinding;
use crate::address::Address;
use crate::fields::Seconds;
use crate::function_config::SessionServerSpec;
use crate::runner::Workload;
use krm::Internal;
use krm::results::{FunctionResult, Refusal, Severity};
use krm::text::{MASKED, without_credentials};

/// The placeholder that the upstream chart writes, and its scripts fill in at startup.
pub const CHART_PLACEHOLDER: &str = "SESSION_SERVER_ADDRESS:SESSION_SERVER_PORT";
/// The runner's own default, in seconds.
pub(crate) const DEFAULT_TIMEOUT: u32 = 1800;

/// The port in the configuration's `listen_address`.
pub(super) fn configured_port(file: &ConfigFile) -> Option<u16> {
    port_of(file.get(LISTEN_ADDRESS)?.as_str()?)
}

/// The port in the user's own configuration, regardless of what an earlier run wrote. `before` is
/// the record of that run.
pub(super) fn own_port(file: &ConfigFile, before: Option<&Record>) -> Option<u16> {
    match before.filter(|before| before.has(LISTEN_ADDRESS)) {
        Some(before) => port_of(before.value(LISTEN_ADDRESS)?.as_str()?),
        None => configured_port(file),
    }
}

/// True if the chart's own session server is on: its placeholder is present, or was before an
/// earlier run. `before` is the record of that run.
pub(super) fn is_of_chart(file: &ConfigFile, before: Option<&Record>) -> bool {
    let placeholder = json!(CHART_PLACEHOLDER);
    file.get(ADVERTISE_ADDRESS).as_ref() == Some(&placeholder)
        || before.is_some_and(|before| before.value(ADVERTISE_ADDRESS) == Some(placeholder))
}

/// The address that the user has written into the configuration.
pub(crate) fn own_address(file: &ConfigFile, before: Option<&Record>) -> Option<String> {
    if before.is_some_and(|before| before.has(ADVERTISE_ADDRESS)) {
        return None;
    }
    address_of(file)
}

/// `advertise_address`, if it is an address.
fn address_of(file: &ConfigFile) -> Option<String> {
    match file.get(ADVERTISE_ADDRESS) {
        Some(Value::String(text)) if text != CHART_PLACEHOLDER && !text.is_empty() => Some(text),
        _ => None,
    }
}

/// An address to advertise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advertise {
    /// host:port
    pub(super) address: String,
    /// The functionConfig or the exposure sets it, so it replaces the one in the file.
    pub(super) is_asked: bool,
}

impl Advertise {
    fn asked(address: String) -> Self {
        Self {
            address,
            is_asked: true,
        }
    }
}

/// The address to advertise: from the functionConfig, from the user's own configuration, or from
/// the exposure, in this order. `None` if there is none yet.
///
/// # Errors
/// An address that no runner can advertise.
pub(super) fn address(
    spec: &SessionServerSpec,
    draft: &ConfigDraft<'_>,
    binding: &ServiceBinding,
    results: &mut Vec<FunctionResult>,
) -> Result<Option<Advertise>, Refusal> {
    if let Some(text) = &spec.advertise_address {
        return asked_address(text, binding).map(Some);
    }
    let known = binding.known.as_ref();
    let Some(own) = address_of(&draft.file) else {
        return Ok(known.cloned().map(Advertise::asked));
    };
    // An address that an earlier run wrote changes with the exposure.
    let before = draft.before.as_ref();
    if let Some(known) = known
        && before.is_some_and(|before| before.has(ADVERTISE_ADDRESS))
    {
        return Ok(Some(Advertise::asked(known.clone())));
    }
    results.extend(check_own_address(&own, &draft.location, binding.port)?);
    Ok(Some(Advertise {
        address: own,
        is_asked: false,
    }))
}

/// Checks the address that the user has written into the configuration. `port` is the Service's.
///
/// # Errors
/// No runner can advertise it.
pub(crate) fn check_own_address(
    own: &str,
    location: &ConfigLocation<'_>,
    port: Option<u16>,
) -> Result<Option<FunctionResult>, Refusal> {
    let result = match Address::parse(own) {
        Ok(address) if address.port.is_some() => return Ok(None),
        Ok(address) => FunctionResult::warning(format!(
            "advertise_address {own:?} has no port, so the runner makes its certificate for the \
             wrong host: write {:?}",
            port.map_or_else(
                || {
                    // An IPv6 address gets its brackets.
                    let with_port = address.with_default_port(1);
                    format!("{}PORT", with_port.trim_end_matches('1'))
                },
                |port| address.with_default_port(port)
            )
        )),
        Err(error) => {
            let message = location.refused_address(own, error);
            return Err(Box::new(location.locate(FunctionResult::error(message))));
        }
    };
    Ok(Some(location.locate(result)))
}

/// The address of the functionConfig, with the Service's port where it has none.
fn asked_address(text: &str, binding: &ServiceBinding) -> Result<Advertise, Refusal> {
    let address = Address::parse(text).map_err(|error| {
        FunctionResult::refuse_config("spec.advertiseAddress", &error.to_string())
    })?;
    match address.port.or(binding.port) {
        Some(port) => Ok(Advertise::asked(address.with_default_port(port))),
        None => Err(FunctionResult::refuse_config(
            "spec.advertiseAddress",
            "has no port, and the cluster chooses the node port: write host:port, or set \
             spec.exposure.nodePort",
        )),
    }
}

/// The `advertise_address` of a configuration, for messages.
pub(super) fn shown_address(address: &str, is_secret: bool) -> String {
    let is_known = address.is_empty() || address == CHART_PLACEHOLDER;
    if is_secret && !is_known && Address::parse(address).is_err() {
        MASKED.to_owned()
    } else {
        without_credentials(address).into_owned()
    }
}

/// The desired values of `[session_server]`. Those that the user requests replace the present ones.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) listen_port: u16,
    pub(crate) listen_port_is_asked: bool,
    pub(crate) address: &'a str,
    pub(crate) address_is_asked: bool,
    pub(crate) timeout: Option<Seconds>,
}

/// The host of a `listen_address` on TCP: `0.0.0.0`, `[::]`, or nothing, as in `:8093`.
fn listen_host(address: &str) -> Option<&str> {
    let (host, port) = address.rsplit_once(':')?;
    if port.ends_with(']') {
        return Some(address);
    }
    (!host.starts_with("unix") && !host.contains('/')).then_some(host)
}

/// A key of `[session_server]`, and its desired value.
struct Setting {
    key: &'static str,
    value: Value,
    /// The user has requested it, so it replaces another value.
    is_asked: bool,
}

impl Wanted<'_> {
    fn settings(&self, file: &ConfigFile) -> [Setting; 3] {
        let port = self.listen_port;
        let own_listen = file.get(LISTEN_ADDRESS);
        // A change of the port keeps the interface.
        let host = own_listen
            .as_ref()
            .and_then(Value::as_str)
            .and_then(listen_host)
            .unwrap_or("0.0.0.0");
        let timeout = self.timeout.map_or(DEFAULT_TIMEOUT, |seconds| seconds.0);
        let setting = |key, value, is_asked| Setting {
            key,
            value,
            is_asked,
        };
        [
            setting(SESSION_TIMEOUT, json!(timeout), self.timeout.is_some()),
            setting(
                LISTEN_ADDRESS,
                json!(format!("{host}:{port}")),
                self.listen_port_is_asked && configured_port(file) != Some(port),
            ),
            setting(
                ADVERTISE_ADDRESS,
                json!(self.address),
                self.address_is_asked,
            ),
        ]
    }
}

impl Setting {
    /// True if the file keeps its value.
    fn stays(&self, current: Option<&Value>) -> bool {
        match current {
            None => false,
            // An empty address means that the feature is off.
            Some(Value::String(text)) if text.is_empty() => false,
            Some(current) => *current == self.value || !self.is_asked,
        }
    }
}

/// Plans the requested keys, and those that are missing.
///
/// # Errors
/// The file cannot be edited: a bug.
pub(crate) fn set(
    wanted: &Wanted<'_>,
    draft: &mut ConfigDraft<'_>,
    results: &mut Vec<FunctionResult>,
) -> Result<(), Refusal> {
    let had_table = draft.file.has_table();
    let mut record = draft.before.clone().unwrap_or_default();
    let mut keys = Vec::new();
    for setting in wanted.settings(&draft.file) {
        let current = draft.file.get(setting.key);
        if setting.stays(current.as_ref()) {
            continue;
        }
        let key = setting.key;
        let is_ours = draft.before.as_ref().is_some_and(|ours| ours.has(key));
        results.extend(replaced(&setting, current, is_ours, &draft.location));
        if had_table && !is_ours {
            record.note(key, draft.file.source(key).map(str::to_owned));
        }
        keys.push((key, setting.value));
    }
    if keys.is_empty() {
        return Ok(());
    }
    draft.file.set(&keys);
    let is_set = |(key, value): &(&str, Value)| draft.file.get(key).as_ref() == Some(value);
    if !keys.iter().all(is_set) {
        return Err(Internal::new(
            "[session_server] of config.toml does not have the values that were written",
        )
        .into());
    }
    draft.keys = keys;
    draft.record = RecordPlan::Store(if had_table {
        record
    } else {
        Record::without_table()
    });
    Ok(())
}

/// Says that a value is replaced: a warning if it is the user's own.
fn replaced(
    setting: &Setting,
    current: Option<Value>,
    is_ours: bool,
    location: &ConfigLocation<'_>,
) -> Option<FunctionResult> {
    let Setting { key, value, .. } = setting;
    let shown = match current? {
        Value::String(text) if text == CHART_PLACEHOLDER || text.is_empty() => return None,
        Value::String(text) if *key == ADVERTISE_ADDRESS => json!(location.shown_address(&text)),
        Value::String(text) => json!(without_credentials(&text)),
        other => other,
    };
    let severity = if is_ours {
        Severity::Info
    } else {
        Severity::Warning
    };
    let message = format!("{key} was {shown} in the runner's configuration; it is set to {value}");
    let result = location.locate(FunctionResult::new(severity, message));
    Some(result.values(shown, value.clone()))
}

/// The timeout that a SessionServer has left for the AdvertiseAddress that writes it.
pub(super) fn asked_timeout(workload: &Workload) -> Option<Seconds> {
    let timeout = workload.resource.annotation(ASKED_TIMEOUT)?;
    timeout.parse().ok().map(Seconds)
}

/// Warns of a table that the runner ignores.
pub(crate) fn misplaced_table(draft: &ConfigDraft<'_>) -> Option<FunctionResult> {
    draft.file.has_misplaced_table().then(|| {
        draft.location.locate(FunctionResult::warning(
            "a session_server stands under [[runners]], where the runner ignores it: \
             [session_server] is a table of the file's root",
        ))
    })
}

/// Removes `listen_address` and `advertise_address` if an earlier run added them. Returns false if
/// they are the user's own.
pub(super) fn switch_off(draft: &mut ConfigDraft<'_>) -> bool {
    if draft.file.get(LISTEN_ADDRESS).is_none() {
        return true;
    }
    let before = draft.before.as_ref();
    let keys = [LISTEN_ADDRESS, ADVERTISE_ADDRESS];
    let is_ours = keys
        .iter()
        .all(|key| before.is_some_and(|before| before.has_added(key)));
    if is_ours {
        draft.restore();
    }
    is_ours
}
