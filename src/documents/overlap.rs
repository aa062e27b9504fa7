//! Runners that several SessionServers serve.

use std::collections::BTreeMap;

use super::Config;
use crate::function_config::{FunctionConfig, SessionServer};
use crate::runner;
use krm::resource_list::ResourceList;

/// Warns of each runner that more than one of the configs serves: the last one's settings replace
/// those before. `list` is a ResourceList with the manifests.
///
/// `enabled: false` is not counted, as it makes an exception from a functionConfig before it.
pub(super) fn warnings(list: &str, configs: &[Config<'_>]) -> Vec<String> {
    let servers: Vec<(String, Box<SessionServer>)> = configs
        .iter()
        .filter_map(|config| match config.parse() {
            Ok(FunctionConfig::SessionServer(server)) if server.spec.enabled => {
                Some((config.place(), server))
            }
            _ => None,
        })
        .collect();
    if servers.len() < 2 {
        return Vec::new();
    }
    let Ok(list) = ResourceList::read(list.as_bytes()) else {
        return Vec::new();
    };
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (place, server) in &servers {
        let container = server.spec.container.as_deref();
        let workloads = runner::find_workloads(&list, &server.spec.runner, container);
        for workload in workloads.unwrap_or_default() {
            let name = workload.resource.identity.to_string();
            places.entry(name).or_default().push(place);
        }
    }
    places.retain(|_, places| places.len() > 1);
    let warning = |(runner, places): (&String, &Vec<&str>)| {
        format!(
            "warning: {runner} is served by {}, and the last one's settings replace the others': \
             choose other runners for each by spec.runner, or remove one",
            places.join(" and by ")
        )
    };
    places.iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::super::function_configs;
    use super::*;
    use krm::documents::to_resource_list;

    const RUNNERS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: ci}
spec: {template: {spec: {containers: [{name: runner, image: gitlab/gitlab-runner}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b, namespace: ci}
spec: {template: {spec: {containers: [{name: runner, image: gitlab/gitlab-runner}]}}}
";

    /// The warnings for SessionServers with these specs.
    fn said(specs: &[&str]) -> Vec<String> {
        let config = |spec: &&str| {
            format!(
                "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata: {{name: s}}\n\
                 spec: {spec}\n"
            )
        };
        let text = specs.iter().map(config).collect::<Vec<_>>().join("---\n");
        let given = [("c.yaml", text.as_str())];
        let configs = function_configs(&[], &given).unwrap();
        let list = to_resource_list(&[("m.yaml", RUNNERS)], "kind: One\n").unwrap();
        warnings(&list.text, &configs)
    }

    #[test]
    fn a_runner_that_two_serve_is_named_with_both_places() {
        let said = said(&["{}", "{runner: {name: b}}"]);
        assert_eq!(said.len(), 1, "{said:?}");
        let expected =
            "warning: Deployment ci/b is served by c.yaml:1 and by c.yaml:6, and the last";
        assert!(said[0].starts_with(expected), "{said:?}");
    }

    #[test]
    fn each_may_have_its_own_and_one_may_be_an_exception() {
        for specs in [
            &["{runner: {name: a}}", "{runner: {name: b}}"][..],
            &["{}", "{runner: {name: b}, enabled: false}"],
            &["{}"],
            &["{}", "{typo: 1}"],
        ] {
            assert_eq!(said(specs), [""; 0], "{specs:?}");
        }
    }
}
