//! The init container that `configure.at: PodStart` has added, as it is in the manifests.

use serde_json::Value;

use super::Workload;
use super::start_record::{INIT_CONTAINER, POD_START};
use super::workload::text;
use yaml_splice::pointer::At as _;

/// The variable with the pod's name.
pub const POD_NAME: &str = "SESSION_SERVER_POD_NAME";

/// The init container that configures the session server.
#[derive(Clone, Copy, Debug)]
pub struct StartContainer<'w> {
    /// The container.
    pub value: &'w Value,
    /// The init container after it that ends before the runner's container starts; it may change the file.
    pub followed_by: Option<&'w str>,
}

/// Where the pod gets its address from, as the command line of the init container says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartSource<'w> {
    /// `--advertise-address`: a fixed address.
    Known(&'w str),
    /// `--advertise-ip` and `--advertise-port`: the pod's own IP address with this port.
    Pod(&'w str),
    /// The same with the IP address of the pod's node.
    Node(&'w str),
    /// `--advertise-address`: the pod's own name, below this domain.
    PodName {
        /// The domain.
        domain: &'w str,
        /// The port.
        port: &'w str,
    },
    /// `--service`: the live Service of this name.
    Service(&'w str),
}

impl<'w> StartContainer<'w> {
    /// The init container of a workload that is configured at pod start; `None` if it has been
    /// removed, or the workload is not configured that way.
    pub fn find(workload: &'w Workload) -> Option<Self> {
        workload.resource.annotation(POD_START)?;
        let pointer = workload.pod_pointer("/spec/initContainers");
        let all = workload.resource.value.at(&pointer)?.as_array()?;
        let mut after = all
            .iter()
            .skip_while(|container| text(container, "name") != INIT_CONTAINER);
        let value = after.next()?;
        // A native sidecar keeps running next to the runner.
        let mut others = after.filter(|container| text(container, "restartPolicy") != "Always");
        Some(Self {
            value,
            followed_by: others.next().map(|container| text(container, "name")),
        })
    }

    /// The value of an argument of the form `--name=value`.
    pub fn argument(&self, name: &str) -> Option<&'w str> {
        let arguments = self.value.get("args")?.as_array()?;
        arguments.iter().find_map(|argument| {
            let argument = argument.as_str()?.strip_prefix("--")?;
            argument.strip_prefix(name)?.strip_prefix('=')
        })
    }

    /// The pod field that a variable gets its value from.
    pub fn field_of(&self, variable: &str) -> Option<&'w str> {
        let variables = self.value.get("env")?.as_array()?;
        let mut variables = variables.iter();
        let variable = variables.find(|entry| text(entry, "name") == variable)?;
        variable.at("/valueFrom/fieldRef/fieldPath")?.as_str()
    }

    /// `--listen-port`
    pub fn listen_port(&self) -> Option<u16> {
        self.argument("listen-port")?.parse().ok()
    }

    /// Where the address comes from.
    pub fn source(&self) -> Option<StartSource<'w>> {
        let known = self.argument("advertise-address").map(|address| {
            let behind = address
                .strip_prefix("$(")
                .and_then(|rest| rest.strip_prefix(POD_NAME)?.strip_prefix(")."));
            match behind.and_then(|behind| behind.rsplit_once(':')) {
                Some((domain, port)) => StartSource::PodName { domain, port },
                None => StartSource::Known(address),
            }
        });
        let is_of_pod = self.argument("advertise-ip") == Some("$(SESSION_SERVER_POD_IP)");
        let node = || {
            let port = self.argument("advertise-port")?;
            Some(match is_of_pod {
                true => StartSource::Pod(port),
                false => StartSource::Node(port),
            })
        };
        let service = || self.argument("service").map(StartSource::Service);
        known.or_else(node).or_else(service)
    }

    /// The volumes that it mounts, with their paths.
    pub fn mounts(&self) -> impl Iterator<Item = (&'w str, &'w str)> + use<'w> {
        let mounts = self.value.get("volumeMounts").and_then(Value::as_array);
        let mounts = mounts.into_iter().flatten();
        mounts.map(|mount| (text(mount, "name"), text(mount, "mountPath")))
    }
}
