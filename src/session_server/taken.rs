//! Addresses that another resource of the list uses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile};
use super::live_item;
use crate::exposure::FixedAddress;
use crate::observed::OBSERVED;
use crate::ownership::is_ours;
use crate::runner::{ConfigToml, Runner};
use krm::bookkeeping::CONFIG_BEFORE;
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// The kinds with hosts by which a proxy chooses a backend.
const ROUTES: [&str; 5] = [
    "HTTPProxy",
    "Ingress",
    "IngressRouteTCP",
    "Route",
    "TLSRoute",
];

/// Refuses a fixed address that a Service or a route of the list uses, unless that is `service` or
/// one of its companions.
///
/// # Errors
/// The address is in use, or a resource that mentions it cannot be parsed.
pub(super) fn check_fixed(
    list: &ResourceList<'_>,
    address: &FixedAddress,
    service: &Identity,
) -> Result<(), Refusal> {
    let (kinds, word) = match address {
        FixedAddress::NodePort(port) => (&["Service"][..], port.to_string()),
        FixedAddress::LoadBalancerIp(ip, _) => (&["Service"][..], ip.to_string()),
        FixedAddress::Host(host) => (&ROUTES[..], host.clone()),
    };
    for item in list.candidates(kinds, &word) {
        let other = list.resource(item)?;
        let is_own =
            other.identity.name == service.name && other.identity.namespace == service.namespace;
        let is_observed = other.annotation(OBSERVED).is_some() || live_item::is_observation(&other);
        if is_own || is_observed || !has(&other, address) {
            continue;
        }
        let or_delete = match is_ours(&other) {
            true => {
                ". This function made it: if the runner had another name or namespace then, delete it"
            }
            false => "",
        };
        return Err(Box::new(
            FunctionResult::error(format!(
                "{address} is taken by {}, and one address leads to one runner: choose another for \
                 the functionConfig's exposure{or_delete}",
                other.identity
            ))
            .about(service)
            .at("spec"),
        ));
    }
    Ok(())
}

fn has(other: &Resource, address: &FixedAddress) -> bool {
    let value = &other.value;
    let array = |pointer: &str| {
        let array = value.at(pointer).and_then(Value::as_array);
        array.into_iter().flatten()
    };
    let is_tcp = |entry: &Value| {
        matches!(
            entry.get("protocol").and_then(Value::as_str),
            None | Some("TCP")
        )
    };
    match address {
        FixedAddress::NodePort(port) => array("/spec/ports")
            .any(|entry| entry.get("nodePort") == Some(&json!(port)) && is_tcp(entry)),
        FixedAddress::LoadBalancerIp(ip, port) => {
            let ip = ip.to_string();
            let annotations = value.at("/metadata/annotations").and_then(Value::as_object);
            let mut texts: BTreeSet<&str> = annotations
                .into_iter()
                .flatten()
                .filter_map(|(_, text)| text.as_str())
                .flat_map(|text| text.split(','))
                .map(str::trim)
                .collect();
            texts.extend(value.at("/spec/loadBalancerIP").and_then(Value::as_str));
            value.at("/spec/type") == Some(&json!("LoadBalancer"))
                && texts.contains(ip.as_str())
                && array("/spec/ports")
                    .any(|entry| entry.get("port") == Some(&json!(port)) && is_tcp(entry))
        }
        FixedAddress::Host(host) => {
            let is_host = |text: Option<&Value>| text == Some(&json!(host));
            let sni = format!("`{host}`");
            array("/spec/rules").any(|rule| is_host(rule.get("host")))
                || array("/spec/hostnames").any(|name| is_host(Some(name)))
                || is_host(value.at("/spec/virtualhost/fqdn"))
                || is_host(value.at("/spec/host"))
                || array("/spec/routes").any(|route| {
                    let rule = route.get("match").and_then(Value::as_str);
                    rule.is_some_and(|rule| rule.contains(&sni))
                })
        }
    }
}

/// The objects whose configuration an earlier run may have edited.
pub(super) fn edited(list: &ResourceList<'_>) -> Vec<usize> {
    list.candidates(&["ConfigMap", "Secret"], CONFIG_BEFORE)
}

/// Refuses an address that an earlier run wrote into the configuration of another runner, one of
/// those that [`edited`] returns.
///
/// # Errors
/// The address is taken, or a configuration cannot be parsed.
pub(super) fn check_advertised(
    list: &ResourceList<'_>,
    edited: &[usize],
    address: &str,
    runner: &Runner,
) -> Result<(), Refusal> {
    let own = &runner.config;
    for &item in edited {
        let object = list.resource(item)?;
        if item == own.object.item || object.annotation(CONFIG_BEFORE).is_none() {
            continue;
        }
        // Objects with one name in two namespaces belong to two runners, but two versions of one
        // object do not.
        if object.identity.name == own.object.identity.name
            && object.identity.namespace == own.object.identity.namespace
        {
            continue;
        }
        if texts(&object).any(|text| advertises(&text, address)) {
            return Err(Box::new(
                FunctionResult::error(format!(
                    "advertise_address {address:?} is that of another runner already, by {}: one \
                     address leads to one runner, so give this one another",
                    object.identity
                ))
                .about(&own.object.identity)
                .at(own.field()),
            ));
        }
    }
    Ok(())
}

fn advertises(text: &str, address: &str) -> bool {
    text.contains(ADVERTISE_ADDRESS)
        && ConfigFile::parse(text).is_ok_and(|config| {
            config
                .get(ADVERTISE_ADDRESS)
                .as_ref()
                .and_then(Value::as_str)
                == Some(address)
        })
}

/// The files that a ConfigMap or a Secret holds.
fn texts(object: &Resource) -> impl Iterator<Item = String> {
    let sections = ["/data", "/stringData"];
    let sections = sections
        .into_iter()
        .filter_map(|section| object.value.at(section)?.as_object());
    let keys = sections.flat_map(|section| section.keys());
    keys.filter_map(|key| Some(ConfigToml::open(object, key)?.text))
}
