//! The relay in front of all runners that name it (`exposure.type: Relay`): its manifests, and the route
//! that each runner has in them.
//!
//! A relay is found again by its ConfigMap, which has a key for each runner. A run adds, changes and
//! removes the keys of its own runners, and those of runners that are gone. The relay goes with the last
//! one. The Role of a runner is among its [`super::companions`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::companions::CompanionPlan;
use super::service::{self, Existing};
use super::{RunnerPlan, owned, taken};
use crate::exposure::pod_names::PodNames;
use crate::exposure::{ExposureContext, ExposureKind, RELAY_KINDS, Relay, RelaySpec, relay_name};
use crate::function_config::SessionServerSpec;
use crate::ownership::is_ours;
use crate::rbac;
use crate::runner::start_container::{StartContainer, StartSource};
use crate::runner::start_record::POD_START;
use crate::runner::{WORKLOAD_KINDS, Workload};
use krm::patch::Patches;
use krm::resource::{Identity, Resource};
use krm::resource_list::{ReadError, ResourceList};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::At as _;

/// On a relay's ConfigMap: the settings that its runners agree on, as JSON.
pub const RELAY_SETTINGS: &str = "runner-terminal.dev/relay-settings";

/// What happens to the relays of a list.
#[derive(Debug, Default)]
pub struct RelaysPlan {
    /// The manifests of all relays, each with the resource that it follows if it is new.
    manifests: Vec<(Resource, CompanionPlan)>,
    /// What to tell the user.
    pub results: Vec<FunctionResult>,
}

impl RelaysPlan {
    /// The resources that are removed, by their places in the list.
    pub(crate) fn removed_items(&self) -> impl Iterator<Item = usize> {
        let removed = |(_, manifest): &(Resource, CompanionPlan)| Some(manifest.removed()?.item);
        self.manifests.iter().filter_map(removed)
    }

    /// Writes what is planned.
    pub(crate) fn patch(self, patches: &mut Patches) {
        for (neighbour, manifest) in self.manifests {
            manifest.patch(&neighbour, patches);
        }
    }
}

/// The key of a runner in the ConfigMap of its relay. Neither part has an underscore of its own.
fn key_of(service: &Identity) -> String {
    format!("{}_{}", service.namespace, service.name)
}

/// The Service's name and namespace of a key. None for a key that the user has added.
fn service_of(key: &str) -> Option<Identity> {
    let (namespace, name) = key.split_once('_')?;
    Some(Identity {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        ..Identity::default()
    })
}

/// The domain of a route, `*.DOMAIN=…`.
fn domain_of(route: &str) -> Option<String> {
    let (host, _) = route.split_once('=')?;
    host.trim().strip_prefix("*.").map(str::to_owned)
}

/// The keys of these workloads in the ConfigMap of a relay, whether or not they exist. `None` if no
/// earlier run added a relay.
///
/// # Errors
/// A Service, or a workload whose Service would have the same name, that cannot be parsed.
pub fn keys<'w>(
    list: &ResourceList<'_>,
    workloads: impl IntoIterator<Item = &'w Workload>,
) -> Result<Option<BTreeSet<String>>, Refusal> {
    if relay_maps(list).is_empty() {
        return Ok(None);
    }
    let mut keys = BTreeSet::new();
    for workload in workloads {
        keys.insert(key(list, workload)?);
    }
    Ok(Some(keys))
}

fn key(list: &ResourceList<'_>, workload: &Workload) -> Result<String, Refusal> {
    Ok(key_of(&match service::find(list, workload)? {
        Existing::None(identity) => identity,
        Existing::Ours(service) | Existing::Foreign(service) => service.identity,
    }))
}

fn relay_maps(list: &ResourceList<'_>) -> Vec<usize> {
    list.candidates(&["ConfigMap"], RELAY_SETTINGS)
}

/// A relay of an earlier run.
struct ExistingRelay {
    map: Resource,
    spec: RelaySpec,
    settings: Value,
}

/// The relays of earlier runs.
fn existing(list: &ResourceList<'_>) -> Result<Vec<ExistingRelay>, Refusal> {
    let mut relays = Vec::new();
    for item in relay_maps(list) {
        let map = list.resource(item)?;
        let Some(text) = map.annotation(RELAY_SETTINGS).filter(|_| is_ours(&map)) else {
            continue;
        };
        let settings = serde_json::from_str::<Value>(text).ok();
        let read = settings.and_then(|value| Some((RelaySpec::from_settings(&value).ok()?, value)));
        let Some((spec, settings)) = read else {
            return Err(Box::new(
                FunctionResult::error(format!(
                    "its annotation {RELAY_SETTINGS} cannot be read, so what belongs to this relay is not \
                     known: remove this ConfigMap, and run the function again for all its runners"
                ))
                .about(&map.identity)
                .at("metadata.annotations"),
            ));
        };
        relays.push(ExistingRelay {
            map,
            spec,
            settings,
        });
    }
    Ok(relays)
}

/// A runner that is not selected, and that an earlier run has put behind a relay.
struct OtherRunner {
    workload: Workload,
    key: String,
    domain: String,
}

fn others(list: &ResourceList<'_>, own: &BTreeSet<String>) -> Result<Vec<OtherRunner>, Refusal> {
    let mut others = Vec::new();
    for item in list.candidates(&WORKLOAD_KINDS, POD_START) {
        let Some(workload) = Workload::new(list.resource(item)?) else {
            continue;
        };
        let source = StartContainer::find(&workload).and_then(|start| start.source());
        let Some(StartSource::PodName { domain, .. }) = source else {
            continue;
        };
        let (key, domain) = (key(list, &workload)?, domain.to_owned());
        if !own.contains(&key) {
            others.push(OtherRunner {
                workload,
                key,
                domain,
            });
        }
    }
    Ok(others)
}

/// The relay that this run's runners name, and their routes.
struct Wanted {
    spec: RelaySpec,
    routes: BTreeMap<String, String>,
    /// The first of the runners.
    first: Resource,
}

/// Plans the relays of a list. `own`: the [`keys`] of all workloads that the functionConfig selects.
///
/// # Errors
/// The runners cannot share the relay, or a manifest of that name is the user's own.
pub fn plan_relays(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    own: Option<BTreeSet<String>>,
    runners: &[RunnerPlan],
) -> Result<RelaysPlan, Refusal> {
    let wanted = wanted(spec, runners);
    if wanted.is_none() && own.is_none() {
        return Ok(RelaysPlan::default());
    }
    let mut own = own.unwrap_or_default();
    own.extend(
        wanted
            .iter()
            .flat_map(|wanted| wanted.routes.keys().cloned()),
    );
    let others = others(list, &own)?;
    if let ExposureKind::Relay(relay) = &spec.exposure.kind {
        check_pod_names(relay, runners, &others)?;
    }
    let is_wanted = wanted.is_some();
    let mut plan = plan(list, wanted, &own, &others)?;
    if let ExposureKind::Relay(relay) = &spec.exposure.kind
        && is_wanted
    {
        plan.results.extend(relay.check_port());
    }
    Ok(plan)
}

/// Plans the relays of a list whose runners with these [`keys`] no longer use one.
///
/// # Errors
/// A manifest that cannot be parsed.
pub(super) fn undo(
    list: &ResourceList<'_>,
    own: Option<BTreeSet<String>>,
) -> Result<RelaysPlan, Refusal> {
    match own {
        Some(own) => plan(list, None, &own, &others(list, &own)?),
        None => Ok(RelaysPlan::default()),
    }
}

fn wanted(spec: &SessionServerSpec, runners: &[RunnerPlan]) -> Option<Wanted> {
    let ExposureKind::Relay(relay) = &spec.exposure.kind else {
        return None;
    };
    let routes = runners.iter().filter_map(|plan| {
        let network = plan.network.as_ref()?;
        let service = network.service.identity();
        let route = relay.route(ExposureContext {
            service,
            workload: &plan.runner.workload,
            listen_port: network.port.number,
            shard: None,
            has_given_address: false,
        });
        Some((key_of(service), route))
    });
    let first = runners.iter().find(|plan| plan.network.is_some())?;
    Some(Wanted {
        spec: relay.relay.with_image(spec.configure.image.as_deref()),
        routes: routes.collect(),
        first: first.runner.workload.resource.clone(),
    })
}

/// Refuses runners whose pods would have the same name below the same domain.
fn check_pod_names(
    relay: &Relay,
    runners: &[RunnerPlan],
    others: &[OtherRunner],
) -> Result<(), Refusal> {
    let domain = relay.host.domain();
    let others = others
        .iter()
        .filter(|other| other.domain == domain)
        .map(|other| &other.workload);
    let own = runners
        .iter()
        .filter(|plan| plan.network.is_some())
        .map(|plan| &plan.runner.workload);
    let mut seen: Vec<(&Workload, PodNames)> = others
        .map(|workload| (workload, PodNames::of(workload)))
        .collect();
    for workload in own {
        let (names, identity) = (PodNames::of(workload), &workload.resource.identity);
        for (other, others) in &seen {
            let other = &other.resource.identity;
            // Within a namespace, pod names are unique.
            let shared = names.shared_with(others);
            if let Some(name) = shared.filter(|_| other.namespace != identity.namespace) {
                return Err(Box::new(
                    FunctionResult::error(format!(
                        "has a pod {name}, and so has {other}: both would advertise {name}.{domain}, which \
                         leads to one of them. Give one of them another domain by its own functionConfig, \
                         such as spec.exposure.host: {{pod}}.{}.{domain}",
                        identity.namespace
                    ))
                    .about(identity)
                    .at("metadata.name"),
                ));
            }
        }
        seen.push((workload, names));
    }
    Ok(())
}

fn plan(
    list: &ResourceList<'_>,
    mut wanted: Option<Wanted>,
    own: &BTreeSet<String>,
    others: &[OtherRunner],
) -> Result<RelaysPlan, Refusal> {
    let mut plan = RelaysPlan::default();
    for relay in existing(list)? {
        let is_wanted = wanted.as_ref().is_some_and(|wanted| {
            wanted.spec.name == relay.spec.name
                && wanted.spec.namespace == relay.map.identity.namespace
        });
        let mut routes = kept_routes(list, &relay, own, others, &mut plan)?;
        let (mut spec, mut neighbour) = (relay.spec.clone(), relay.map.clone());
        if let Some(wanted) = wanted.take_if(|_| is_wanted) {
            check_agreement(&relay, &wanted.spec, &routes, others)?;
            (spec, neighbour) = (wanted.spec, wanted.first);
            routes.extend(wanted.routes);
        }
        plan.relay(list, &spec, &routes, &neighbour)?;
    }
    if let Some(wanted) = wanted {
        plan.relay(list, &wanted.spec, &wanted.routes, &wanted.first)?;
    }
    Ok(plan)
}

/// The routes of a relay that are kept: those of other runners, and the user's own. The remaining
/// companions of runners that no longer exist are removed.
fn kept_routes(
    list: &ResourceList<'_>,
    relay: &ExistingRelay,
    own: &BTreeSet<String>,
    others: &[OtherRunner],
    plan: &mut RelaysPlan,
) -> Result<BTreeMap<String, String>, ReadError> {
    let data = relay.map.value.at("/data").and_then(Value::as_object);
    let mut kept = BTreeMap::new();
    for (key, route) in data.into_iter().flatten() {
        let Some(route) = route.as_str() else {
            continue;
        };
        let Some(service) = service_of(key) else {
            kept.insert(key.clone(), route.to_owned());
            continue;
        };
        if others.iter().any(|other| other.key == *key) {
            kept.insert(key.clone(), route.to_owned());
        } else if !own.contains(key) {
            plan.results.push(
                FunctionResult::info(format!(
                    "its route {key} is removed, as its runner is not in the list, or is not behind this \
                     relay any more"
                ))
                .about(&relay.map.identity),
            );
            for kind in ["Role", "RoleBinding"] {
                let name = relay_name(&service.name);
                let mut found = of_group(list, kind, rbac::GROUP, &name, &service.namespace)?;
                found.retain(is_ours);
                plan.removed(found);
            }
        }
    }
    Ok(kept)
}

/// Refuses settings that differ from those of the other runners behind the relay.
fn check_agreement(
    relay: &ExistingRelay,
    wanted: &RelaySpec,
    kept: &BTreeMap<String, String>,
    others: &[OtherRunner],
) -> Result<(), Refusal> {
    let sharing: Vec<String> = others
        .iter()
        .filter(|other| kept.contains_key(&other.key))
        .map(|other| other.workload.resource.identity.to_string())
        .collect();
    let settings = wanted.settings();
    let (Some(before), Some(now)) = (relay.settings.as_object(), settings.as_object()) else {
        return Ok(());
    };
    let mut fields = before.keys().chain(now.keys());
    let Some(field) = fields
        .find(|field| before.get(*field) != now.get(*field))
        .filter(|_| !sharing.is_empty())
    else {
        return Ok(());
    };
    let shown = |value: Option<&Value>| value.map_or("not set".to_owned(), Value::to_string);
    Err(FunctionResult::refuse_config(
        &format!("spec.exposure.relay.{field}"),
        &format!(
            "is {} here, and {} for {}, which {} serves too: write the same in both functionConfigs, or give \
             one of them another relay.name. To change it for all, remove that ConfigMap from the manifests \
             and run all of them again",
            shown(now.get(field)),
            shown(before.get(field)),
            sharing.join(", "),
            relay.map.identity,
        ),
    ))
}

/// The resources of a kind and a name, without those of other API groups.
fn of_group(
    list: &ResourceList<'_>,
    kind: &str,
    group: &str,
    name: &str,
    namespace: &str,
) -> Result<Vec<Resource>, ReadError> {
    let mut found = owned::find(list, kind, name, namespace)?;
    found.retain(|object| object.identity.group() == group);
    Ok(found)
}

impl RelaysPlan {
    /// Plans the manifests of a relay with these routes. Without routes, the relay is removed.
    fn relay(
        &mut self,
        list: &ResourceList<'_>,
        spec: &RelaySpec,
        routes: &BTreeMap<String, String>,
        neighbour: &Resource,
    ) -> Result<(), Refusal> {
        let domains: BTreeSet<String> = routes
            .values()
            .filter_map(|route| domain_of(route))
            .collect();
        let desired = if routes.is_empty() {
            Vec::new()
        } else {
            spec.check_domains(&domains)?;
            for address in spec.fixed_addresses(&domains) {
                taken::check_fixed(list, &address, &spec.identity("v1", "Service"))?;
            }
            spec.objects(routes, &domains)
        };
        for (kind, group) in RELAY_KINDS {
            let is_it = |object: &&Value| object.get("kind").and_then(Value::as_str) == Some(kind);
            let mut wanted = desired.iter().find(is_it);
            for existing in of_group(list, kind, group, &spec.name_of(kind), &spec.namespace)? {
                match wanted.take() {
                    Some(_) if !is_ours(&existing) => return Err(owned::not_ours(&existing)),
                    Some(object) => {
                        let desired = marked(object, spec, neighbour)?;
                        let update = CompanionPlan::Updated { existing, desired };
                        self.manifests.push((neighbour.clone(), update));
                    }
                    None if is_ours(&existing) => {
                        if kind == "Service" {
                            self.results.push(service::removed(&existing));
                        }
                        self.removed([existing]);
                    }
                    None => {}
                }
            }
            if let Some(object) = wanted {
                let made = CompanionPlan::Made(marked(object, spec, neighbour)?);
                self.manifests.push((neighbour.clone(), made));
            }
        }
        if !desired.is_empty() {
            self.results.push(led_to(spec, routes.len(), &domains));
        }
        Ok(())
    }

    fn removed(&mut self, resources: impl IntoIterator<Item = Resource>) {
        let removed = resources.into_iter();
        self.manifests
            .extend(removed.map(|one| (one.clone(), CompanionPlan::Removed(one))));
    }
}

/// A manifest of a relay, marked as ours. It does not get the labels of a runner, as it belongs to
/// several.
fn marked(object: &Value, spec: &RelaySpec, neighbour: &Resource) -> Result<Value, Refusal> {
    let texts = owned::texts(object, "annotations");
    let mut annotations = texts;
    if object.get("kind").and_then(Value::as_str) == Some("ConfigMap") {
        annotations.insert(RELAY_SETTINGS.to_owned(), spec.settings().to_string());
    }
    let labels = owned::texts(object, "labels");
    owned::mark_beside(object.clone(), neighbour, &labels, &annotations)
}

/// Reports what must route to a relay.
fn led_to(spec: &RelaySpec, runners: usize, domains: &BTreeSet<String>) -> FunctionResult {
    let hosts: Vec<String> = domains.iter().map(|domain| format!("*.{domain}")).collect();
    FunctionResult::info(format!(
        "serves {runners} {}. The wildcard DNS name {} has to lead to {}",
        if runners == 1 { "runner" } else { "runners" },
        hosts.join(" and "),
        spec.reached_at(),
    ))
    .about(&spec.identity("apps/v1", "Deployment"))
}
