//! The values that do not depend on the exposure.
//!
//! Source: the chart's `_helpers.tpl` (defaults, when it is on), `configmap.yaml` (`config.toml`
//! and the scripts), `deployment.yaml`, `hpa.yaml`; of what came after 0.86.0, the chart's merge
//! requests 537 (`initContainers`), 544 (`configOverride`) and 557 (`labels`).

use serde_json::{Value, json};

use super::ChartValuesError;
use super::draft::{Draft, Part};
use super::values::whole;
use runner_terminal::function_config::API_VERSION;

/// The keys of `sessionServer`.
const KEYS: [&str; 13] = [
    "enabled",
    "annotations",
    "labels",
    "timeout",
    "internalPort",
    "externalPort",
    "nodePort",
    "publicIP",
    "loadBalancerSourceRanges",
    "serviceType",
    "externalTrafficPolicy",
    "internalTrafficPolicy",
    "ingress",
];
/// The keys of `sessionServer.ingress`.
const INGRESS_KEYS: [&str; 4] = ["enabled", "className", "annotations", "tls"];

/// Reads everything but the exposure.
///
/// # Errors
/// A value that the chart cannot use.
pub(super) fn read(draft: &mut Draft<'_>) -> Result<(), ChartValuesError> {
    let values = draft.values;
    if values
        .get(&["sessionServer"])
        .is_some_and(|value| !value.is_object())
    {
        return Err(values.wrong(&["sessionServer"], "is no mapping"));
    }
    state(draft)?;
    processes(draft)?;
    elsewhere(draft);
    unknown(draft, &["sessionServer"], &KEYS);
    unknown(draft, &["sessionServer", "ingress"], &INGRESS_KEYS);

    let listen_port = values.port(&["sessionServer", "internalPort"])?;
    draft.set_some(
        Part::Spec,
        "listenPort",
        listen_port.map(|port| json!(port)),
    );
    let timeout = values.number(
        &["sessionServer", "timeout"],
        u32::MAX,
        "length of time in seconds",
    )?;
    draft.set_some(
        Part::Spec,
        "sessionTimeout",
        timeout.map(|seconds| json!(seconds)),
    );
    Ok(())
}

/// Whether the chart's session server is enabled at all.
fn state(draft: &mut Draft<'_>) -> Result<(), ChartValuesError> {
    let path = ["sessionServer", "enabled"];
    let message = if draft.values.switch(&path)? {
        return Ok(());
    } else if draft.values.get(&["sessionServer"]).is_none() {
        "there is none in these values, so the chart runs no session server; this SessionServer \
         adds one with the chart's defaults"
    } else {
        "it is not true, so the chart runs no session server; this SessionServer adds one"
    };
    let known = if draft.values.get(&path).is_some() {
        2
    } else {
        1
    };
    let path = path.get(..known).unwrap_or_default();
    draft.note(Part::Head, path, message);
    Ok(())
}

/// A terminal exists in only one process.
fn processes(draft: &mut Draft<'_>) -> Result<(), ChartValuesError> {
    let values = draft.values;
    if let Some(replicas) = values.set(&["replicas"]).and_then(whole)
        && replicas > 1
    {
        draft.note(
            Part::Head,
            &["replicas"],
            format!(
                "the chart leaves the session server out when replicas is {replicas}, and this \
                 function refuses one address for all: set spec.exposure.type to Relay, PodIP or \
                 HostPort (docs/exposures.md says which), with spec.configure.at: PodStart, or replicas \
                 to 1, which runs as many jobs as concurrent allows"
            ),
        );
    }
    let most = ["hpa", "maxReplicas"];
    if let Some(replicas) = values.set(&most).and_then(whole)
        && replicas > 1
    {
        draft.note(
            Part::Head,
            &most,
            format!(
                "the autoscaler may run {replicas} replicas behind one address, which the chart \
                 lets pass and this function refuses: remove hpa, or set spec.exposure.type to Relay, \
                 PodIP or HostPort (docs/exposures.md says which), with spec.configure.at: PodStart"
            ),
        );
    }
    Ok(())
}

/// Words that indicate that something writes the session server's configuration.
const CONFIG_WORDS: [&str; 3] = ["session_server", "SESSION_SERVER", "advertise_address"];

/// Values outside of `sessionServer` that affect terminals.
fn elsewhere(draft: &mut Draft<'_>) {
    let mentions = |path: &[&str], words: &[&str]| {
        draft.values.set(path).is_some_and(|value| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            words.iter().any(|word| text.contains(word))
        })
    };
    let notes: [(&[&str], bool, &str); 5] = [
        (
            &["runners", "config"],
            mentions(&["runners", "config"], &["[session_server"]),
            "a [session_server] here has no effect: the runner takes [[runners]] alone from its \
             template",
        ),
        (
            &["runners", "configOverride"],
            draft.values.set(&["runners", "configOverride"]).is_some(),
            "with it, the chart leaves sessionServer out of config.toml; what that text says of \
             [session_server] stays, unless the SessionServer sets the same key",
        ),
        (
            &["preEntrypointScript"],
            mentions(&["preEntrypointScript"], &CONFIG_WORDS),
            "this script seems to write the session server's configuration at each start, over \
             what the function writes: remove that part",
        ),
        (
            &["initContainers"],
            mentions(&["initContainers"], &CONFIG_WORDS),
            "an init container here seems to write the session server's configuration, which the \
             function writes: take that part away",
        ),
        (
            &["extraObjects"],
            has_rival(draft),
            "an object here has to do with the session server: it may stand in the way of those \
             that the function adds",
        ),
    ];
    for (path, applies, message) in notes {
        if applies {
            draft.note(Part::Head, path, message);
        }
    }
}

/// Whether a manifest in the values is about the session server. A functionConfig does not count:
/// Helm's post-renderer removes it.
fn has_rival(draft: &Draft<'_>) -> bool {
    let is_own = |object: &Value| {
        let version = object.get("apiVersion").and_then(Value::as_str);
        let group = version.and_then(|version| version.split_once('/'));
        group.map(|(group, _)| group) == API_VERSION.split_once('/').map(|(group, _)| group)
    };
    // The second is the chart's helper for the Service's name.
    let mentions = |object: &Value| {
        let text = object.to_string();
        text.contains("session-server") || text.contains("server-session-service-name")
    };
    match draft.values.set(&["extraObjects"]) {
        Some(Value::Array(objects)) => objects
            .iter()
            .any(|object| !is_own(object) && mentions(object)),
        Some(other) => mentions(other),
        None => false,
    }
}

/// Keys that the chart does not know, and ignores.
fn unknown(draft: &mut Draft<'_>, path: &[&str], keys: &[&str]) {
    let Some(Value::Object(members)) = draft.values.get(path) else {
        return;
    };
    for key in members.keys().filter(|key| !keys.contains(&key.as_str())) {
        let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
        draft.note(
            Part::Head,
            &path,
            format!("the chart knows no such key; it knows {}", keys.join(", ")),
        );
    }
}
