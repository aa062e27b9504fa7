//! The addresses that the runners of manifests advertise.

use runner_terminal::addresses;

use crate::arguments::Source;

/// Nothing that is live is asked for: what the configuration says is what GitLab is told.
const CONFIG: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: AdvertiseAddress
metadata:
  name: advertise-address
spec:
  source: Items
";

/// The ResourceList of the manifests.
///
/// # Errors
///
/// A sentence: the manifests cannot be read.
pub(super) fn list_of(source: &Source) -> Result<String, String> {
    source.read()?.into_list(None, CONFIG)
}

/// Each runner and its `advertise_address`, `None` where it has none.
///
/// # Errors
///
/// A sentence: the manifests have no runner, or one that cannot have terminals.
pub(super) fn addresses_of(list: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let found = addresses(list.as_bytes()).map_err(|refusal| refusal.to_string())?;
    found
        .into_iter()
        .map(|runner| match runner.found {
            Ok(found) => Ok((runner.runner.to_string(), found.configured)),
            Err(refusal) => Err(refusal.to_string()),
        })
        .collect()
}
