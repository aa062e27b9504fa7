//! Reads the addresses that the runners in manifests advertise.

use krm::results::Refusal;
use runner_terminal::session_server::addressed_by_pods;
use runner_terminal::{RunnerAddress, addresses};

/// Queries no cluster: the configuration has the address that GitLab gets.
pub(super) const CONFIG: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: AdvertiseAddress
metadata:
  name: advertise-address
spec:
  source: Items
";

/// Each runner and its `advertise_address`, if it has one.
///
/// # Errors
///
/// The manifests have no runner, or one that cannot have terminals.
pub(super) fn addresses_of(list: &str) -> Result<Vec<(String, Option<String>)>, Refusal> {
    let found = addresses(list.as_bytes())?.into_iter();
    let address = |runner: RunnerAddress| match runner.found? {
        Some(found) => Ok((runner.runner.to_string(), found.configured)),
        None => Err(Box::new(addressed_by_pods(&runner.runner))),
    };
    found.map(address).collect()
}
