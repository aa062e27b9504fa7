//! The Deployment of a relay.
//!
//! It meets the Pod Security Standard "restricted".

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{TLS_PORT, labels};
use crate::exposure::SERVICE_PORT;

/// The port for metrics and health; the default of `runner-terminal relay`.
pub(super) const OBSERVE_PORT: u16 = 9100;
/// Longer than `--drain-timeout` plus [`STOP_DELAY_SECONDS`]: open terminals stay connected that
/// long while a pod stops, for example in a rollout.
const GRACE_SECONDS: u16 = 3660;
/// How long a stopping pod still accepts connections, so that the Service has time to remove it.
const STOP_DELAY_SECONDS: u16 = 10;

/// A relay's Deployment.
pub(super) struct RelayDeployment<'a> {
    /// Its name, also used as the value of a label.
    pub(super) name: &'a str,
    /// An image that has `runner-terminal` on its PATH.
    pub(super) image: &'a str,
    pub(super) replicas: u16,
    /// The service account for requests to the API server; `None` if it has a kubeconfig.
    pub(super) service_account: Option<&'a str>,
    /// Arguments of `runner-terminal relay`.
    pub(super) arguments: Vec<String>,
    /// The source of the volume with its settings.
    pub(super) volume: Value,
    /// Where the volume is mounted.
    pub(super) mount_path: &'a str,
    pub(super) scheduling: Scheduling<'a>,
}

/// Resources and scheduling of its pods.
#[derive(Clone, Copy, Default)]
pub(super) struct Scheduling<'a> {
    /// Defaults to a small request.
    pub(super) resources: Option<&'a Map<String, Value>>,
    pub(super) node_selector: Option<&'a BTreeMap<String, String>>,
    pub(super) tolerations: &'a [Map<String, Value>],
}

impl RelayDeployment<'_> {
    /// Its `spec`.
    pub(super) fn spec(&self) -> Value {
        let labels = labels(self.name);
        json!({
            "replicas": self.replicas,
            "selector": {"matchLabels": labels},
            // A pod is replaced before it stops, and its terminals stay open until they end.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": labels}, "spec": self.pod()},
        })
    }

    fn pod(&self) -> Value {
        let spread = |topology: &str| {
            json!({
                "maxSkew": 1,
                "topologyKey": topology,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels(self.name)},
            })
        };
        let mut pod = json!({
            "automountServiceAccountToken": self.service_account.is_some(),
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                spread("kubernetes.io/hostname"),
                spread("topology.kubernetes.io/zone"),
            ],
            "containers": [self.container()],
            "volumes": [{"name": "relay"}],
        });
        let Scheduling {
            node_selector,
            tolerations,
            ..
        } = self.scheduling;
        if let (Some(members), Some(source)) = (
            pod.pointer_mut("/volumes/0").and_then(Value::as_object_mut),
            self.volume.as_object(),
        ) {
            members.extend(source.clone());
        }
        if let Some(members) = pod.as_object_mut() {
            let more = [
                ("serviceAccountName", json!(self.service_account)),
                ("nodeSelector", json!(node_selector)),
                ("tolerations", json!(tolerations)),
            ];
            let is_set = |value: &Value| !value.is_null() && *value != json!([]);
            members.extend(
                more.into_iter()
                    .filter(|(_, value)| is_set(value))
                    .map(|(name, value)| (name.to_owned(), value)),
            );
        }
        pod
    }

    fn container(&self) -> Value {
        let mut arguments = self.arguments.clone();
        arguments.push("--drain-timeout=1h".to_owned());
        let small = json!({"requests": {"cpu": "10m", "memory": "32Mi"}});
        let resources = self.scheduling.resources.map_or(small, |map| json!(map));
        json!({
            "name": "relay",
            "image": self.image,
            "command": ["runner-terminal", "relay"],
            "args": arguments,
            "ports": [
                {"name": TLS_PORT, "containerPort": SERVICE_PORT, "protocol": "TCP"},
                {"name": "observe", "containerPort": OBSERVE_PORT, "protocol": "TCP"},
            ],
            "lifecycle": {"preStop": {"sleep": {"seconds": STOP_DELAY_SECONDS}}},
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": "observe"}},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": "observe"}},
            "resources": resources,
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": "relay", "mountPath": self.mount_path, "readOnly": true}],
        })
    }
}
