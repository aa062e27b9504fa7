//! The routes from a host name to a Service: Ingress, HTTPProxy, TLSRoute and others, and the relay.

use serde_json::Value;

use super::inventory::{Inventory, same_namespace};
use super::terminal::Reaching;
use crate::fields::LabelSelector;
use crate::runner::Workload;
use krm::resource::{Identity, Resource};
use krm::resource_list::{ReadError, ResourceList};

/// A Service that an object leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Backend<'v> {
    pub(super) name: &'v str,
    pub(super) namespace: &'v str,
}

/// The hosts that an object routes, as it writes them.
pub(super) fn hosts(object: &Resource) -> Vec<String> {
    let found = match object.identity.kind.as_str() {
        "Ingress" => at(&object.value, &["spec", "rules", "*", "host"]),
        "HTTPProxy" => at(&object.value, &["spec", "virtualhost", "fqdn"]),
        "TLSRoute" => at(&object.value, &["spec", "hostnames", "*"]),
        "Route" => at(&object.value, &["spec", "host"]),
        "IngressRouteTCP" => {
            let rules = at(&object.value, &["spec", "routes", "*", "match"]);
            return rules
                .into_iter()
                .filter_map(Value::as_str)
                .flat_map(quoted)
                .collect();
        }
        _ => Vec::new(),
    };
    found
        .into_iter()
        .filter_map(|host| Some(host.as_str()?.to_owned()))
        .collect()
}

/// The text in backquotes in a Traefik rule: the hosts of `HostSNI(`a`) || HostSNI(`b`)`.
fn quoted(rule: &str) -> Vec<String> {
    let parts = rule.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

/// The Services that an object leads to.
pub(super) fn backends(object: &Resource) -> Vec<Backend<'_>> {
    let paths: &[&[&str]] = match object.identity.kind.as_str() {
        "Ingress" => &[
            &["spec", "defaultBackend", "service"],
            &[
                "spec", "rules", "*", "http", "paths", "*", "backend", "service",
            ],
        ],
        "HTTPProxy" => &[
            &["spec", "tcpproxy", "services", "*"],
            &["spec", "routes", "*", "services", "*"],
        ],
        "TLSRoute" => &[&["spec", "rules", "*", "backendRefs", "*"]],
        "IngressRouteTCP" => &[&["spec", "routes", "*", "services", "*"]],
        "Route" => &[&["spec", "to"], &["spec", "alternateBackends", "*"]],
        _ => &[],
    };
    let found = paths.iter().flat_map(|path| at(&object.value, path));
    found
        .filter_map(|backend| {
            let text = |field: &str| backend.get(field).and_then(Value::as_str);
            Some(Backend {
                name: text("name")?,
                namespace: text("namespace").unwrap_or(&object.identity.namespace),
            })
        })
        .collect()
}

/// True when an object leads to this Service. During a kustomize build it may still have the name
/// without the prefix.
pub(super) fn leads_to(list: &ResourceList<'_>, object: &Resource, one: &Reaching<'_>) -> bool {
    let service = one.service;
    backends(object).iter().any(|backend| {
        same_namespace(backend.namespace, &service.identity.namespace)
            && (backend.name == service.identity.name
                || list.has_renamed_items() && service.answers_to(backend.name))
    })
}

/// All that a path leads to; `*` stands for each member of a list.
pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> Vec<&'v Value> {
    let Some((first, rest)) = path.split_first() else {
        return vec![value];
    };
    if *first == "*" {
        let items = value.as_array().into_iter().flatten();
        return items.flat_map(|item| at(item, rest)).collect();
    }
    value.get(first).map_or(Vec::new(), |value| at(value, rest))
}

/// `--route=HOST=NAMESPACE/SELECTOR:PORT` of `runner-terminal relay`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RelayRoute {
    pub(super) host: String,
    pub(super) namespace: String,
    pub(super) selector: String,
    pub(super) port: u16,
}

impl RelayRoute {
    fn parse(text: &str) -> Option<Self> {
        let (host, target) = text.split_once('=')?;
        let (namespace, target) = target.split_once('/')?;
        let (selector, port) = target.rsplit_once(':')?;
        Some(Self {
            host: host.to_ascii_lowercase(),
            namespace: namespace.to_owned(),
            selector: selector.to_owned(),
            port: port.parse().ok()?,
        })
    }

    /// True when it selects a workload's pods.
    pub(super) fn selects(&self, workload: &Workload) -> bool {
        LabelSelector::parse(&self.selector)
            .is_some_and(|selector| selector.matches(Some(workload.pod_labels())))
    }
}

/// The routes of the relays among the workloads: those of their arguments, and of the ConfigMaps that they
/// mount.
///
/// # Errors
/// A ConfigMap that one of them mounts cannot be parsed.
pub(super) fn relay_routes<'i>(
    list: &ResourceList<'_>,
    inventory: &'i Inventory,
) -> Result<Vec<(&'i Identity, RelayRoute)>, ReadError> {
    let mut routes = Vec::new();
    for workload in &inventory.workloads {
        for container in workload.containers() {
            let words: Vec<&str> = ["command", "args"]
                .iter()
                .filter_map(|field| container.value.get(field)?.as_array())
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            if !words.contains(&"relay") {
                continue;
            }
            let mut found: Vec<RelayRoute> = values(&words, "--route")
                .filter_map(RelayRoute::parse)
                .collect();
            for folder in values(&words, "--routes") {
                for text in files(list, workload, container.value, folder)? {
                    found.extend(text.lines().map(str::trim).filter_map(RelayRoute::parse));
                }
            }
            let relay = &workload.resource.identity;
            routes.extend(found.into_iter().map(|route| (relay, route)));
        }
    }
    Ok(routes)
}

/// The values of an option, as one word or two.
fn values<'w>(words: &'w [&'w str], option: &'w str) -> impl Iterator<Item = &'w str> {
    let following = words.iter().skip(1).chain([&""]);
    words
        .iter()
        .zip(following)
        .filter_map(move |(word, next)| match word.strip_prefix(option)? {
            "" => Some(*next),
            value => value.strip_prefix('='),
        })
}

/// The files of the ConfigMap that a container mounts at a folder.
fn files(
    list: &ResourceList<'_>,
    workload: &Workload,
    container: &Value,
    folder: &str,
) -> Result<Vec<String>, ReadError> {
    let text =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let mounts = at(container, &["volumeMounts", "*"]);
    let mount = mounts.into_iter().find(|mount| {
        let path = text(mount, "mountPath");
        path.is_some_and(|path| path.trim_end_matches('/') == folder.trim_end_matches('/'))
    });
    let volume = mount.and_then(|mount| text(mount, "name"));
    let volumes = workload
        .pod("/spec/volumes")
        .map(|volumes| at(volumes, &["*"]));
    let name = volumes.into_iter().flatten().find_map(|one| {
        let is_mounted = text(one, "name") == volume;
        text(one.get("configMap")?, "name").filter(|_| is_mounted)
    });
    let Some(name) = name else {
        return Ok(Vec::new());
    };
    let maps = list.referenced("ConfigMap", &name, &workload.resource)?;
    let data = maps.iter().flat_map(|map| at(&map.value, &["data"]));
    let files = data
        .filter_map(Value::as_object)
        .flat_map(|files| files.values());
    Ok(files
        .filter_map(|file| file.as_str().map(str::to_owned))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, spec: Value) -> Resource {
        let value =
            json!({"kind": kind, "metadata": {"name": "a", "namespace": "ci"}, "spec": spec});
        Resource::new(0, value)
    }

    #[test]
    fn hosts_and_backends_of_each_kind() {
        let ingress = json!({
            "rules": [{"host": "a.example.com", "http": {"paths": [{"backend": {"service": {"name": "s"}}}]}}],
        });
        let proxy = json!({
            "virtualhost": {"fqdn": "a.example.com"}, "tcpproxy": {"services": [{"name": "s"}]},
        });
        let route = json!({
            "hostnames": ["a.example.com"],
            "rules": [{"backendRefs": [{"name": "s", "namespace": "ci"}]}],
        });
        let traefik = json!({
            "routes": [{"match": "HostSNI(`a.example.com`)", "services": [{"name": "s"}]}],
        });
        let openshift = json!({"host": "a.example.com", "to": {"kind": "Service", "name": "s"}});
        for (kind, spec) in [
            ("Route", openshift),
            ("Ingress", ingress),
            ("HTTPProxy", proxy),
            ("TLSRoute", route),
            ("IngressRouteTCP", traefik),
        ] {
            let object = object(kind, spec);
            assert_eq!(hosts(&object), ["a.example.com"], "{kind}");
            let expected = Backend {
                name: "s",
                namespace: "ci",
            };
            assert_eq!(backends(&object), [expected], "{kind}");
        }
        assert_eq!(quoted("HostSNI(`a`) || HostSNI(`b`)"), ["a", "b"]);
        assert_eq!(hosts(&object("Pod", json!({}))), [""; 0]);
    }

    #[test]
    fn a_route_of_the_relay_is_read() {
        let route = RelayRoute::parse("A.example.com=ci/app=runner,x/y=z:8093").unwrap();
        assert_eq!(
            route,
            RelayRoute {
                host: "a.example.com".to_owned(),
                namespace: "ci".to_owned(),
                selector: "app=runner,x/y=z".to_owned(),
                port: 8093,
            }
        );
        assert_eq!(RelayRoute::parse("a=ci/x"), None);
    }
}
