//! The runners' addresses, from the manifests and the cluster.

use krm::results::Refusal;
use runner_terminal::address::Address;
use runner_terminal::function_config::API_VERSION;
use runner_terminal::observed::Request;
use runner_terminal::session_server::{Advertised, State, addressed_by_pods};
use runner_terminal::{RunnerAddress, addresses};
use serde_json::{Value, json};

use crate::observe::{self, Step};

/// Finds the addresses of the runners of a ResourceList; reads the cluster if necessary.
///
/// # Errors
///
/// The list has no runner, or its function config is invalid.
pub(crate) fn find(list: &str) -> Result<Vec<Row>, Refusal> {
    let found = observe::run(list.as_bytes().to_vec(), |list| -> Result<_, Refusal> {
        let outcome = addresses(&list)?;
        let requests = outcome.iter().filter_map(request).cloned().collect();
        Ok(Step { outcome, requests })
    })?;
    Ok(found.into_iter().map(Row::new).collect())
}

/// An AdvertiseAddress with these fields.
pub(crate) fn advertise_address(spec: &Value) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "AdvertiseAddress",
        "metadata": {"name": "advertise-address"},
        "spec": spec,
    })
}

fn request(found: &RunnerAddress) -> Option<&Request> {
    match &found.found.as_ref().ok()?.as_ref()?.state {
        State::Unknown(request)
        | State::Pending {
            wait: Some(request),
            ..
        } => Some(request),
        State::Known(_) | State::Pending { wait: None, .. } => None,
    }
}

/// The state of a runner that advertises the address that it should.
const CURRENT: &str = "current";
/// The state of a runner whose pods have addresses of their own.
const OF_PODS: &str = "of-pods";

/// The printed data of a runner.
pub(crate) struct Row {
    /// Its kind, namespace and name.
    pub(crate) runner: [String; 3],
    /// The Service's namespace and name; `None` if there is none, or the reason is not about it.
    pub(crate) service: Option<[String; 2]>,
    pub(crate) address: Option<String>,
    /// The address in the runner's `config.toml`.
    pub(crate) configured: Option<String>,
    pub(crate) state: &'static str,
    /// The explanation of the state.
    pub(crate) message: String,
    /// The message, split into its text and the manifests at its end.
    summary_and_manifests: Option<(String, String)>,
}

impl Row {
    /// True if the runner advertises the address that it should.
    pub(crate) fn is_current(&self) -> bool {
        self.state == CURRENT
    }

    /// True if each pod of the runner has its own address, which only the pod knows.
    pub(crate) fn is_of_pods(&self) -> bool {
        self.state == OF_PODS
    }

    /// The runner as messages name it.
    pub(crate) fn runner(&self) -> String {
        let [kind, namespace, name] = &self.runner;
        krm::resource::display_name(kind, name, namespace)
    }

    /// The state, and the manifests to apply that come with it.
    pub(crate) fn state(&self) -> (String, Option<&str>) {
        match &self.summary_and_manifests {
            Some((summary, manifests)) => (
                format!("{}: {summary}:", self.state),
                Some(manifests.as_str()),
            ),
            None => (format!("{}: {}", self.state, self.message), None),
        }
    }

    fn new(found: RunnerAddress) -> Self {
        let RunnerAddress { runner, found } = found;
        let mut row = Self {
            runner: [&runner.kind, &runner.namespace, &runner.name].map(String::clone),
            service: None,
            address: None,
            configured: None,
            state: "failed",
            message: String::new(),
            summary_and_manifests: None,
        };
        let Advertised {
            service,
            configured,
            asked,
            state,
            is_at_start,
            is_only_live: _,
        } = match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                row.state = OF_PODS;
                row.message = addressed_by_pods(&runner).message;
                return row;
            }
            Err(refusal) => {
                let summary = refusal.summary().to_owned();
                row.message = refusal.message;
                row.summary_and_manifests =
                    (summary != row.message).then_some((summary, refusal.manifests));
                row.service = refusal
                    .resource_ref
                    .filter(|resource| resource.kind == "Service")
                    .map(|service| [service.namespace, service.name]);
                return row;
            }
        };
        row.service = Some([service.namespace, service.name]);
        (row.state, row.message) = match &state {
            State::Known(_) if is_at_start => {
                (CURRENT, "its pods find it when they start".to_owned())
            }
            State::Known(address) if configured.as_ref() == Some(address) => {
                (CURRENT, "config.toml has it".to_owned())
            }
            State::Known(_) => (
                "new",
                match &configured {
                    Some(other) => format!("config.toml has {other}: build and apply again"),
                    None => "not in config.toml yet: build and apply again".to_owned(),
                },
            ),
            State::Pending { reason, .. } => ("pending", reason.clone()),
            State::Unknown(_) => ("unknown", "the cluster has not been asked".to_owned()),
        };
        if let (State::Known(_), Some(asked)) = (&state, asked) {
            row.message
                .push_str(&format!(" (read from the API server {asked})"));
        }
        if let State::Known(address) = state {
            // A configured value that is not a valid address is printed as it is configured.
            row.address = match Address::parse(&address) {
                Ok(_) => Some(address),
                Err(_) => configured.clone(),
            };
        }
        row.configured = configured;
        row
    }
}
