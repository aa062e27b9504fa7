//! What tells the values of the chart gitlab-runner from other mappings.
//!
//! Source: the keys of the chart's values.yaml, 0.86.0, and those that later versions added.

use serde_json::{Map, Value};

/// Keys that hardly any other chart has.
const DISTINCTIVE: [&str; 11] = [
    "sessionServer",
    "gitlabUrl",
    "runnerToken",
    "runnerRegistrationToken",
    "unregisterRunners",
    "preEntrypointScript",
    "checkInterval",
    "shutdown_timeout",
    "certsSecretName",
    "sentryDsn",
    "connectionMaxAge",
];

/// Keys that other charts have too.
const COMMON: [&str; 55] = [
    "affinity",
    "automountServiceAccountToken",
    "concurrent",
    "configMapLabels",
    "configMaps",
    "containerSecurityContext",
    "deploymentAnnotations",
    "deploymentLabels",
    "deploymentLifecycle",
    "envVars",
    "extraContainers",
    "extraEnv",
    "extraEnvFrom",
    "extraEnvFromRefs",
    "extraObjects",
    "fullnameOverride",
    "hostAliases",
    "hostname",
    "hpa",
    "image",
    "imagePullPolicy",
    "imagePullSecrets",
    "initContainers",
    "livenessProbe",
    "logFormat",
    "logLevel",
    "metrics",
    "nameOverride",
    "namespace",
    "nodeSelector",
    "podAnnotations",
    "podDisruptionBudget",
    "podLabels",
    "podSecurityContext",
    "priorityClassName",
    "probeTimeoutSeconds",
    "rbac",
    "readinessProbe",
    "replicas",
    "resources",
    "revisionHistoryLimit",
    "runners",
    "runtimeClassName",
    "schedulerName",
    "secrets",
    "securityContext",
    "service",
    "serviceAccount",
    "strategy",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "useTini",
    "volumeMounts",
    "volumes",
];

/// Keys of `runners` that hardly any other mapping of this name has.
const RUNNERS: [&str; 6] = [
    "config",
    "configOverride",
    "configPath",
    "executor",
    "runUntagged",
    "secret",
];

/// Keys by which a chart switches its dependency.
const SWITCHES: [&str; 3] = ["enabled", "install", "global"];

/// How much a mapping looks like the chart's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// It has no key of the chart.
    None,
    /// Its keys are the chart's, but also those of other charts.
    Possible,
    /// It has one key that only this chart has.
    Likely,
    /// It has several such keys, or the session server's.
    Certain,
}

/// How similar a value is to the chart's values.
pub(super) fn likeness(value: &Value) -> Likeness {
    let Value::Object(members) = value else {
        return Likeness::None;
    };
    if members.contains_key("sessionServer") {
        return Likeness::Certain;
    }
    let mut distinctive = DISTINCTIVE
        .iter()
        .filter(|key| members.contains_key(**key))
        .count();
    if has_config(members) {
        distinctive += 1;
    }
    // The number of concurrent jobs; other charts have it, but hardly together with the others.
    let known = members.keys().filter(|key| is_key(key)).count();
    if distinctive == 0 && members.get("concurrent").is_some_and(Value::is_number) && known > 1 {
        distinctive += 1;
    }
    match (distinctive, known) {
        (0, 0) => Likeness::None,
        (0, _) => Likeness::Possible,
        (1, _) => Likeness::Likely,
        _ => Likeness::Certain,
    }
}

fn has_config(members: &Map<String, Value>) -> bool {
    members.get("runners").is_some_and(|runners| {
        RUNNERS
            .iter()
            .any(|key| runners.get(key).is_some_and(|value| !value.is_object()))
    })
}

/// Whether the chart has a key of this name at the top of its values.
pub(super) fn is_key(key: &str) -> bool {
    DISTINCTIVE.contains(&key) || COMMON.contains(&key)
}

/// Whether a mapping is empty, or only enables a dependency.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.keys().all(|key| SWITCHES.contains(&key.as_str())),
        _ => false,
    }
}
