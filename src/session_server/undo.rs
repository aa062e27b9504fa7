//! `enabled: false`: takes away what earlier runs added, and says what cannot be given back.

use std::collections::BTreeSet;

use serde_json::Value;

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile};
use super::record::{self, Record};
use super::service::{self, Existing};
use super::shard::rejoin;
use super::unchangeable::refuse_unwanted_change;
use super::{ADDED_PORT, ASKED_TIMEOUT, checksum, objects, port, settings};
use crate::exposure::RELAY_NAMESPACE;
use crate::fields::RunnerSelector;
use crate::ownership::is_ours;
use crate::plan::Plan;
use crate::runner::shard;
use crate::runner::{self, Chosen, ConfigToml, WORKLOAD_KINDS, Workload, field};
use krm::bookkeeping::{CONFIG_BEFORE, OWNED_BY};
use krm::bookkeeping::{PREFIX, WRITTEN_BEFORE, annotation};
use krm::resource::Resource;
use krm::resource_list::ResourceList;
use krm::results::FunctionResult;
use krm::results::Refusal;
use yaml_splice::pointer::At as _;
use yaml_splice::sources::{NOT_KEPT, Sources};

/// A file in an object: the object's place in the list, and the file's key.
type File = (usize, String);

/// Takes away what earlier runs added for the runners that the selector takes, and nothing else.
///
/// # Errors
/// A resource of ours, or a workload, that cannot be parsed.
pub fn undo(list: &ResourceList<'_>, chosen: Chosen<'_>, plan: &mut Plan) -> Result<(), Refusal> {
    let Chosen {
        selector,
        container,
        config,
    } = chosen;
    let mut restored = BTreeSet::new();
    let mut gone = BTreeSet::new();
    let workloads = workloads(list, selector, container)?;
    chosen.check(&workloads)?;
    for workload in workloads {
        let is_marked = is_marked(&workload);
        if is_ours(&workload.resource) {
            plan.results.push(
                FunctionResult::info(
                    "is removed with its configuration, as it was made for a shard: what was changed \
                     in it alone goes with it, and in the cluster it stays until an apply that prunes",
                )
                .about(&workload.resource.identity),
            );
        }
        rejoin(list, &workload, &mut plan.patches);
        let runner = runner::complete(list, workload.clone(), container, config);
        let own_container = runner
            .as_ref()
            .ok()
            .and_then(|runner| Some(runner.container()?.index));
        let service = service::find(list, &workload)?;
        let had_service = remove_objects(list, &service, &mut gone, plan)?;
        if !port::withdraw(&workload, own_container, &mut plan.patches) {
            plan.results.push(
                FunctionResult::warning(
                    "several containers have a port of the name that this function added, and none \
                     of them is known to be the runner's: remove the one that is not yours",
                )
                .about(&workload.resource.identity)
                .at(field(&workload.pod_pointer("/spec/containers"))),
            );
        }
        let resource = &workload.resource;
        plan.patches.remove(resource, &annotation(ASKED_TIMEOUT));
        plan.patches.remove(resource, &checksum(&workload));
        plan.patches.forget_empty(resource);
        match runner {
            Ok(runner) => {
                let config = &runner.config;
                restored.insert((config.object.item, config.key.clone()));
                restore(config, is_marked || had_service, plan);
                refuse_unwanted_change(&runner, plan);
            }
            Err(refusal) if is_marked || had_service => {
                plan.results.push(without_config(&workload, &refusal));
            }
            // Nothing was added to it.
            Err(_) => {}
        }
    }
    restore_unread(list, selector, &restored, plan)?;
    remove_stale(list, selector, &mut gone, plan)
}

/// The runners, and the workloads that an earlier run has left something on, whether or not they
/// are recognized as runners now.
fn workloads(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
) -> Result<Vec<Workload>, Refusal> {
    let mut found = runner::find_workloads(list, selector, container)?;
    for item in list.candidates(&WORKLOAD_KINDS, PREFIX) {
        if found.iter().any(|known| known.resource.item == item) {
            continue;
        }
        let Some(mut workload) = Workload::new(list.resource(item)?) else {
            continue;
        };
        if is_marked(&workload) && fits(selector, &workload) {
            workload.look_at_programs(list);
            found.push(workload);
        }
    }
    Ok(found)
}

fn fits(selector: &RunnerSelector, workload: &Workload) -> bool {
    let identity = &workload.resource.identity;
    (selector.name.is_empty()
        || selector.name == identity.name
        || shard::name_before(workload).as_ref() == Some(&selector.name))
        && (selector.namespace.is_empty() || selector.namespace == identity.namespace)
        && selector.label_selector.matches(workload.labels())
}

/// Whether an earlier run has left something on a workload.
fn is_marked(workload: &Workload) -> bool {
    let resource = &workload.resource;
    [ADDED_PORT, ASKED_TIMEOUT]
        .iter()
        .any(|name| resource.annotation(name).is_some())
        || resource.value.at(&checksum(workload)).is_some()
        || shard::name_before(workload).is_some()
}

/// Takes the Service and what stands beside it out of the list. True when there was a Service of
/// ours.
fn remove_objects(
    list: &ResourceList<'_>,
    found: &Existing,
    gone: &mut BTreeSet<usize>,
    plan: &mut Plan,
) -> Result<bool, Refusal> {
    let place = match found {
        Existing::Ours(service) | Existing::Foreign(service) => objects::Place {
            service: &service.identity,
            relay: service.annotation(RELAY_NAMESPACE),
        },
        Existing::None(made) => objects::Place {
            service: made,
            relay: None,
        },
    };
    objects::remove(list, place, &mut plan.patches)?;
    let Existing::Ours(service) = found else {
        return Ok(false);
    };
    if gone.insert(service.item) {
        remove_service(service, plan);
    }
    Ok(true)
}

/// A manifest that is gone does not delete what is in the cluster.
fn remove_service(service: &Resource, plan: &mut Plan) {
    plan.patches.remove_item(service);
    let kind = service.value.at("/spec/type").and_then(Value::as_str);
    let what = match kind {
        Some("LoadBalancer") => "it and its load balancer stay",
        _ => "it stays",
    };
    let namespace = match service.identity.namespace.as_str() {
        "" => String::new(),
        namespace => format!("--namespace {namespace} "),
    };
    plan.results.push(
        FunctionResult::info(format!(
            "is removed from the manifests; in the cluster {what} until an apply that prunes, or \
             `kubectl {namespace}delete service {}`, deletes it",
            service.identity.name
        ))
        .about(&service.identity),
    );
}

/// Gives a file back what its keys were. `was_served` says that an earlier run has left something on
/// its runner.
fn restore(config: &ConfigToml, was_served: bool, plan: &mut Plan) {
    let object = &config.object;
    let warn = |message: String| {
        FunctionResult::warning(message)
            .about(&object.identity)
            .at(config.field())
    };
    if Record::read(config, &mut plan.patches).is_some() {
        let text = settings::current_text(config, &mut plan.patches);
        match ConfigFile::parse(&text) {
            Ok(mut file) => settings::restore(&mut file, config, &mut plan.patches),
            Err(error) => plan.results.push(warn(format!(
                "{} {error}; its [session_server] stays as it is. Correct the file and run this \
                 again, or remove by hand what the annotation {CONFIG_BEFORE} names",
                config.key
            ))),
        }
    } else if Record::is_doubtful(config, &mut plan.patches) {
        plan.results.push(warn(format!(
            "the annotation {CONFIG_BEFORE} is of an earlier version and does not say which file of \
             this object it is about, so {} stays as it is: correct its [session_server] by hand and \
             remove the annotation",
            config.key
        )));
    } else if was_served && is_advertised(config, plan) {
        let message = format!(
            "{} has an advertise_address and no record of what was there before, so it stays. If it \
             is not your own, remove it: GitLab shows a Debug button that leads nowhere",
            config.key
        );
        plan.results.push(
            FunctionResult::info(message)
                .about(&object.identity)
                .at(config.field()),
        );
    }
    warn_of_style(config, plan);
    plan.patches.forget_empty(object);
}

/// Says that a file is written in another form than before.
fn warn_of_style(config: &ConfigToml, plan: &mut Plan) {
    let note = config.object.annotation(WRITTEN_BEFORE);
    let texts = note.and_then(|note| serde_json::from_str::<Sources>(note).ok());
    let text = texts.and_then(|texts| texts.get(&config.pointer()).cloned());
    if text.as_deref() == Some(NOT_KEPT) {
        plan.results.push(
            FunctionResult::info(
                "has the text of before, but may be quoted or broken into lines otherwise: how it was \
                 written is not noted where it is a Secret's, is longer than an annotation may be, or \
                 was changed by a later run than the first",
            )
            .about(&config.object.identity)
            .at(config.field()),
        );
    }
}

fn is_advertised(config: &ConfigToml, plan: &mut Plan) -> bool {
    let text = settings::current_text(config, &mut plan.patches);
    ConfigFile::parse(&text).is_ok_and(|file| file.get(ADVERTISE_ADDRESS).is_some())
}

fn without_config(workload: &Workload, refusal: &FunctionResult) -> FunctionResult {
    let field = refusal
        .field
        .as_ref()
        .map_or_else(String::new, |field| field.path.clone());
    let result = FunctionResult::warning(format!(
        "what was added to this workload is removed, but [session_server] in its config.toml cannot \
         be, because the file is not found: {}. If the file has one that this function wrote, remove \
         it there",
        refusal.message
    ))
    .about(&workload.resource.identity);
    if field.is_empty() {
        result
    } else {
        result.at(field)
    }
}

/// Files with a record that no runner of this run reads: their runner is gone, or reads another one
/// now.
fn restore_unread(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    restored: &BTreeSet<File>,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let mut unread = Vec::new();
    for item in list.candidates(&ConfigToml::HOLDERS, CONFIG_BEFORE) {
        let object = list.resource(item)?;
        if is_ours(&object) {
            continue;
        }
        for key in record::files(&object) {
            if !restored.contains(&(item, key.clone()))
                && let Some(config) = ConfigToml::open(&object, &key)
            {
                unread.push(config);
            }
        }
    }
    if unread.is_empty() {
        return Ok(());
    }
    let read_by_others = read_files(list)?;
    for config in unread {
        if read_by_others.contains(&(config.object.item, config.key.clone())) {
            continue;
        }
        if *selector == RunnerSelector::default() {
            restore(&config, false, plan);
        } else {
            plan.results.push(
                FunctionResult::warning(format!(
                    "no runner of the list reads {}, which this function has edited, so it stays as \
                     it is: leave out spec.runner, and it is restored too",
                    config.key
                ))
                .about(&config.object.identity)
                .at(config.field()),
            );
        }
    }
    Ok(())
}

/// The files that the runners of the list read, whichever the functionConfig selects.
fn read_files(list: &ResourceList<'_>) -> Result<BTreeSet<File>, Refusal> {
    let all = runner::find_workloads(list, &RunnerSelector::default(), None)?;
    Ok(all
        .into_iter()
        .filter_map(|workload| runner::complete(list, workload, None, None).ok())
        .map(|runner| (runner.config.object.item, runner.config.key))
        .collect())
}

/// Services of ours whose workload is not in the list any more: removed where the functionConfig
/// names that workload, and named otherwise.
fn remove_stale(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    gone: &mut BTreeSet<usize>,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let mut services = Vec::new();
    for item in list.candidates(&["Service"], OWNED_BY) {
        let service = list.resource(item)?;
        if is_ours(&service) && !gone.contains(&item) {
            services.push(service);
        }
    }
    if services.is_empty() {
        return Ok(());
    }
    let mut workloads = Vec::new();
    for item in list.candidates(&WORKLOAD_KINDS, "") {
        workloads.extend(Workload::new(list.resource(item)?));
    }
    for service in services {
        let is_in_use = workloads.iter().any(|workload| {
            workload.resource.identity.namespace == service.identity.namespace
                && service::leads_to(&service, workload)
        });
        if is_in_use {
            continue;
        }
        let is_named = !selector.name.is_empty()
            && service.identity.name == service::name(&selector.name)
            && (selector.namespace.is_empty() || selector.namespace == service.identity.namespace);
        if is_named {
            let place = objects::Place {
                service: &service.identity,
                relay: service.annotation(RELAY_NAMESPACE),
            };
            objects::remove(list, place, &mut plan.patches)?;
            gone.insert(service.item);
            remove_service(&service, plan);
        } else {
            plan.results.push(
                FunctionResult::warning(
                    "was made by this function for a workload that is not in the list, so it stays: \
                     remove it, or name the workload in spec.runner.name and run this again",
                )
                .about(&service.identity),
            );
        }
    }
    Ok(())
}
