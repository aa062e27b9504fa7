//! `enabled: false`: removes what earlier runs added, and says what cannot be restored.

use std::collections::BTreeSet;

use super::adopt::{Services, not_named_after_workloads};
use super::companions::{self, CompanionScope};
use super::config_file::{ADVERTISE_ADDRESS, ConfigFile};
use super::config_plan::{ConfigDraft, ConfigPlan};
use super::pod_start;
use super::port::{self, Withdrawal};
use super::record::{self, Record};
use super::relay::{self, RelaysPlan};
use super::service::{self, Existing};
use super::shard::{Edit, rejoin};
use super::{ADDED_PORT, ASKED_TIMEOUT, checksum, unchangeable};
use crate::fields::RunnerSelector;
use crate::ownership::is_ours;
use crate::runner::start_record::POD_START;
use crate::runner::{self, Chosen, ConfigToml, WORKLOAD_KINDS, Workload, shard};
use krm::bookkeeping::{CONFIG_BEFORE, EMPTY_BEFORE, PREFIX, WRITTEN_BEFORE, annotation};
use krm::patch::Patches;
use krm::resource::Resource;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;
use yaml_splice::sources::{NOT_KEPT, Sources};

/// How the changes of earlier runs are undone.
#[derive(Debug, Default)]
pub struct UndoPlan {
    /// What changes in each workload.
    pub workloads: Vec<WorkloadUndo>,
    /// The files that runners read.
    pub files: Vec<FileUndo>,
    /// Resources that earlier runs made.
    pub removed: Vec<Resource>,
    /// The relays that served the runners.
    pub relays: RelaysPlan,
}

/// What changes in a workload.
#[derive(Debug)]
pub struct WorkloadUndo {
    /// The workload.
    pub workload: Resource,
    /// What changes in it, in this order.
    pub edits: Vec<Edit>,
}

/// A file that a runner reads.
#[derive(Debug)]
pub struct FileUndo {
    /// The file.
    pub config: ConfigToml,
    /// How it is restored; none if no run has edited it.
    pub restored: Option<ConfigPlan>,
}

impl UndoPlan {
    /// Writes what is planned.
    pub(crate) fn patch(self, patches: &mut Patches) {
        for resource in &self.removed {
            patches.remove_item(resource);
        }
        self.relays.patch(patches);
        for WorkloadUndo { workload, edits } in self.workloads {
            for edit in edits {
                match edit {
                    Edit::Set(pointer, value) => patches.set(&workload, &pointer, value),
                    Edit::Remove(pointer) => patches.remove(&workload, &pointer),
                }
            }
            patches.forget_empty(&workload);
        }
        for FileUndo { config, restored } in self.files {
            if let Some(plan) = restored {
                plan.patch(&config, patches);
            }
            patches.forget_empty(&config.object);
        }
    }
}

impl WorkloadUndo {
    /// True if the workload changes.
    fn changes(&self) -> bool {
        let resource = &self.workload;
        let has_note = [EMPTY_BEFORE, WRITTEN_BEFORE]
            .iter()
            .any(|name| resource.annotation(name).is_some());
        has_note
            || self.edits.iter().any(|edit| match edit {
                Edit::Set(pointer, value) => resource.value.at(pointer) != Some(value),
                Edit::Remove(pointer) => resource.value.at(pointer).is_some(),
            })
    }
}

impl FileUndo {
    fn changes(&self) -> bool {
        let plan = self.restored.as_ref();
        plan.is_some_and(|plan| plan.text.is_some())
    }
}

/// Plans to undo what earlier runs did for the selected runners, and nothing else.
///
/// # Errors
/// A resource of ours, or a workload, that cannot be parsed.
pub fn undo(
    list: &ResourceList<'_>,
    chosen: Chosen<'_>,
    results: &mut Vec<FunctionResult>,
) -> Result<UndoPlan, Refusal> {
    let workloads = workloads(list, chosen.selector, chosen.container)?;
    chosen.check(&workloads)?;
    let mut relays = relay::undo(list, relay::keys(list, &workloads)?)?;
    let mut planner = Planner {
        list,
        chosen,
        plan: UndoPlan::default(),
        services: BTreeSet::new(),
        unfound: Vec::new(),
        results,
    };
    for workload in workloads {
        planner.workload(workload)?;
    }
    let read = planner.plan.files.len();
    planner.unread_files()?;
    planner.report_unfound_files(read);
    planner.stale_services()?;
    planner.results.append(&mut relays.results);
    planner.plan.relays = relays;
    Ok(planner.plan)
}

/// A plan while it is made.
struct Planner<'a, 'list> {
    list: &'a ResourceList<'list>,
    chosen: Chosen<'a>,
    plan: UndoPlan,
    /// The Services that are removed, by their places in the list.
    services: BTreeSet<usize>,
    /// What to say of workloads whose file is not found, with their namespaces.
    unfound: Vec<(String, FunctionResult)>,
    results: &'a mut Vec<FunctionResult>,
}

impl Planner<'_, '_> {
    fn workload(&mut self, workload: Workload) -> Result<(), Refusal> {
        let is_marked = is_marked(&workload);
        let resource = workload.resource.clone();
        if is_ours(&resource) {
            self.results.push(
                FunctionResult::info(
                    "is removed with its configuration, as it was made for a shard: what was changed \
                     in it alone goes with it, and in the cluster it stays until an apply that prunes",
                )
                .about(&resource.identity),
            );
        }
        let rejoin = rejoin(self.list, &workload)?;
        self.plan.removed.extend(rejoin.removed);
        let mut edits = rejoin.edits;
        let had_service = self.service(&service::find(self.list, &workload)?)?;
        self.companions_of_adopted(&workload)?;
        let Chosen {
            container, config, ..
        } = self.chosen;
        let runner = runner::complete(self.list, workload.clone(), container, config);
        let own_container = runner
            .as_ref()
            .ok()
            .and_then(|runner| Some(runner.container()?.index));
        edits.extend(self.port(&workload, own_container));
        edits.extend(pod_start::removal(&workload));
        let left = [
            annotation(ADDED_PORT),
            annotation(ASKED_TIMEOUT),
            checksum(&workload),
        ];
        let is_there = |pointer: &String| resource.value.at(pointer).is_some();
        edits.extend(left.into_iter().filter(is_there).map(Edit::Remove));
        let undo = WorkloadUndo {
            workload: resource,
            edits,
        };
        let changes_workload = undo.changes();
        self.plan.workloads.push(undo);
        self.results.extend(self.lasting_file(&workload));
        match runner {
            Ok(runner) => {
                let is_served = is_marked || had_service;
                let changes_config = self.file(&runner.config, is_served);
                let refused = unchangeable::refuse(&runner, changes_config, changes_workload);
                self.results.extend(refused);
            }
            // The file was written in the pods, and its manifest has not changed.
            Err(_) if pod_start::is_configured_at_start(&workload) => {}
            Err(refusal) if is_marked || had_service => {
                let namespace = workload.resource.identity.namespace.clone();
                let result = without_config(&workload, &refusal);
                self.unfound.push((namespace, result));
            }
            // Nothing was added to it.
            Err(_) => {}
        }
        Ok(())
    }

    /// Says that a file on a volume keeps what the pods have written into it.
    fn lasting_file(&self, workload: &Workload) -> Option<FunctionResult> {
        if !pod_start::is_configured_at_start(workload) {
            return None;
        }
        let Chosen { container, .. } = self.chosen;
        let runner = runner::complete_at_start(self.list, workload.clone(), container, None);
        let file = runner.as_ref().ok()?.lasting_file()?;
        let result = FunctionResult::warning(format!(
            "its pods have written [session_server] into config.toml on {}, where it stays: remove it \
             there, or GitLab shows a Debug button that leads nowhere",
            file.volume
        ));
        Some(result.about(&workload.resource.identity))
    }

    /// Plans to remove the port that an earlier run added.
    fn port(&mut self, workload: &Workload, own_container: Option<usize>) -> Option<Edit> {
        match port::withdrawal(workload, own_container) {
            Withdrawal::None => None,
            Withdrawal::Remove(pointer) => Some(Edit::Remove(pointer)),
            Withdrawal::Unknown => {
                self.results.push(
                    FunctionResult::warning(
                        "several containers have a port of the name that this function added, and \
                         none of them is known to be the runner's: remove the one that is not yours",
                    )
                    .about(&workload.resource.identity)
                    .at(field_path(&workload.pod_pointer("/spec/containers"))),
                );
                None
            }
        }
    }

    /// Plans to remove the Service and its companions. Returns true if there was a Service of ours.
    fn service(&mut self, found: &Existing) -> Result<bool, Refusal> {
        let scope = match found {
            Existing::Ours(service) | Existing::Foreign(service) => CompanionScope::of(service),
            Existing::None(made) => CompanionScope {
                service: made,
                relay: None,
            },
        };
        let companions = companions::made(self.list, scope)?;
        self.plan.removed.extend(companions);
        let Existing::Ours(service) = found else {
            return Ok(false);
        };
        if self.services.insert(service.item) {
            self.remove_service(service);
        }
        Ok(true)
    }

    /// Plans to remove the companions of the user's Services that lead to a workload.
    fn companions_of_adopted(&mut self, workload: &Workload) -> Result<(), Refusal> {
        for service in Services::of(self.list, &[workload])?.leading_to(workload) {
            let companions = companions::made(self.list, CompanionScope::of(service))?;
            let known = &self.plan.removed;
            let is_new = |one: &Resource| known.iter().all(|known| known.item != one.item);
            let companions: Vec<_> = companions.into_iter().filter(is_new).collect();
            self.plan.removed.extend(companions);
        }
        Ok(())
    }

    /// Removes a Service, and says that this does not delete it in the cluster.
    fn remove_service(&mut self, service: &Resource) {
        self.plan.removed.push(service.clone());
        self.results.push(service::removed(service));
    }

    /// Plans to restore a file, and says whether its text changes. `is_served`: an earlier run has edited its
    /// runner.
    fn file(&mut self, config: &ConfigToml, is_served: bool) -> bool {
        let known = self.plan.files.iter().find(|known| {
            known.config.object.item == config.object.item && known.config.key == config.key
        });
        if let Some(known) = known {
            return known.changes();
        }
        let (restored, result) = restore(config, is_served);
        self.results.extend(result);
        self.results.extend(style(config));
        let undo = FileUndo {
            config: config.clone(),
            restored,
        };
        let changes = undo.changes();
        self.plan.files.push(undo);
        changes
    }

    /// Plans for files that an earlier run edited and no runner of this run reads.
    fn unread_files(&mut self) -> Result<(), Refusal> {
        let list = self.list;
        let mut unread = Vec::new();
        for item in list.candidates(&ConfigToml::HOLDERS, CONFIG_BEFORE) {
            let object = list.resource(item)?;
            if is_ours(&object) {
                continue;
            }
            for key in record::files(&object) {
                let mut files = self.plan.files.iter();
                let is_read = files
                    .any(|FileUndo { config, .. }| config.object.item == item && config.key == key);
                unread.extend(ConfigToml::open(&object, &key).filter(|_| !is_read));
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
            if *self.chosen.selector == RunnerSelector::default() {
                self.file(&config, false);
            } else {
                self.results.push(
                    FunctionResult::warning(format!(
                        "no runner of the list reads {}, which this function has edited, so it stays \
                         as it is: leave out spec.runner, and it is restored too",
                        config.key
                    ))
                    .about(&config.object.identity)
                    .at(config.field()),
                );
            }
        }
        Ok(())
    }

    /// Reports workloads whose file is not found, unless a file that no runner reads is restored in
    /// their namespace, which is taken for theirs. The first `read` files are those of runners.
    fn report_unfound_files(&mut self, read: usize) {
        let unread = self.plan.files.iter().skip(read);
        let restored: BTreeSet<&str> = unread
            .filter(|file| file.changes())
            .map(|file| file.config.object.identity.namespace.as_str())
            .collect();
        let unfound = std::mem::take(&mut self.unfound).into_iter();
        let left = unfound.filter(|(namespace, _)| !restored.contains(namespace.as_str()));
        self.results.extend(left.map(|(_, result)| result));
    }

    /// Plans for Services of ours that are not named after a workload of the list. They are removed
    /// if they lead to a workload of this run, which had another name before, or if the functionConfig
    /// names their workload. If no workload is behind them, there is a warning.
    fn stale_services(&mut self) -> Result<(), Refusal> {
        let list = self.list;
        let (services, workloads) = not_named_after_workloads(list, &self.services)?;
        let selector = self.chosen.selector;
        for service in services {
            let identity = &service.identity;
            let leads_to = |workload: &&Workload| {
                workload.resource.identity.namespace == identity.namespace
                    && service::leads_to(&service, workload)
            };
            let behind: Vec<&Workload> = workloads.iter().filter(leads_to).collect();
            let is_undone = |workload: &&Workload| {
                let mut undone = self.plan.workloads.iter();
                undone.any(|one| one.workload.item == workload.resource.item)
            };
            if !behind.is_empty() && !behind.iter().any(is_undone) {
                continue;
            }
            let is_named = !selector.name.is_empty()
                && identity.name == service::name(&selector.name)
                && (selector.namespace.is_empty() || selector.namespace == identity.namespace);
            if is_named || !behind.is_empty() {
                let companions = companions::made(list, CompanionScope::of(&service))?;
                self.plan.removed.extend(companions);
                self.remove_service(&service);
            } else {
                self.results.push(
                    FunctionResult::warning(
                        "was made by this function for a workload that is not in the list, so it \
                         stays: remove it, or name the workload in spec.runner.name and run this \
                         again",
                    )
                    .about(identity),
                );
            }
        }
        Ok(())
    }
}

/// The runners, and the workloads that an earlier run edited, even if they are no longer recognised
/// as runners.
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
        if is_marked(&workload) && runner::is_selected(&workload, selector) {
            workload.look_at_programs(list);
            found.push(workload);
        }
    }
    Ok(found)
}

/// True for a workload that an earlier run has edited.
fn is_marked(workload: &Workload) -> bool {
    let resource = &workload.resource;
    [ADDED_PORT, ASKED_TIMEOUT, POD_START]
        .iter()
        .any(|name| resource.annotation(name).is_some())
        || resource.value.at(&checksum(workload)).is_some()
        || shard::name_before(workload).is_some()
}

/// How a file is restored, and the message for the user. `is_served`: an earlier run edited its
/// runner.
fn restore(config: &ConfigToml, is_served: bool) -> (Option<ConfigPlan>, Option<FunctionResult>) {
    let about =
        |result: FunctionResult| Some(result.about(&config.object.identity).at(config.field()));
    let file = ConfigFile::parse(&config.text);
    if Record::read(config).is_some() {
        return match file {
            Ok(file) => {
                let mut draft = ConfigDraft::of(config, file);
                draft.restore();
                (Some(draft.finish()), None)
            }
            Err(error) => {
                let message = format!(
                    "{} {error}; its [session_server] stays as it is. Correct the file and run this \
                     again, or remove by hand what the annotation {CONFIG_BEFORE} names",
                    config.key
                );
                (None, about(FunctionResult::warning(message)))
            }
        };
    }
    if Record::is_doubtful(config) {
        let message = format!(
            "the annotation {CONFIG_BEFORE} is of an earlier version and does not say which file of \
             this object it is about, so {} stays as it is: correct its [session_server] by hand and \
             remove the annotation",
            config.key
        );
        return (None, about(FunctionResult::warning(message)));
    }
    let is_advertised = || file.is_ok_and(|file| file.get(ADVERTISE_ADDRESS).is_some());
    if is_served && is_advertised() {
        let message = format!(
            "{} has an advertise_address and no record of what was there before, so it stays. If it \
             is not your own, remove it: GitLab shows a Debug button that leads nowhere",
            config.key
        );
        return (None, about(FunctionResult::info(message)));
    }
    (None, None)
}

/// Says that a file may be quoted or broken into lines differently than before.
fn style(config: &ConfigToml) -> Option<FunctionResult> {
    let note = config.object.annotation(WRITTEN_BEFORE)?;
    let texts = serde_json::from_str::<Sources>(note).ok()?;
    let is_kept = texts.get(&config.pointer())? != NOT_KEPT;
    (!is_kept).then(|| {
        FunctionResult::info(
            "has the text of before, but may be quoted or broken into lines otherwise: how it was \
             written is not noted where it is a Secret's, is longer than an annotation may be, or \
             was changed by a later run than the first",
        )
        .about(&config.object.identity)
        .at(config.field())
    })
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

/// The files that the runners of the list read, regardless of the functionConfig's selection.
fn read_files(list: &ResourceList<'_>) -> Result<BTreeSet<(usize, String)>, Refusal> {
    let all = runner::find_workloads(list, &RunnerSelector::default(), None)?;
    Ok(all
        .into_iter()
        .filter_map(|workload| runner::complete(list, workload, None, None).ok())
        .map(|runner| (runner.config.object.item, runner.config.key))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_server::RecordPlan;

    /// A runner, and the functionConfig that it was given.
    const LIST: &str = concat!(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n",
        include_str!("../../tests/lists/runner.yaml"),
        "functionConfig:\n  apiVersion: runner-terminal.dev/v1alpha1\n  kind: SessionServer\n",
        "  metadata: {name: session-server}\n  spec: {exposure: {type: ClusterIP}}\n",
    );

    #[test]
    fn what_an_earlier_run_added_is_planned_to_go() {
        let outcome = crate::run(LIST.as_bytes());
        assert!(!outcome.failed(), "{}", outcome.report());
        let edited = outcome.text();
        let list = ResourceList::read(edited.as_bytes()).unwrap();
        let chosen = Chosen {
            selector: &RunnerSelector::default(),
            container: None,
            config: None,
        };
        let plan = undo(&list, chosen, &mut Vec::new()).unwrap();
        let removed = plan.removed.iter().map(|one| one.identity.to_string());
        assert_eq!(
            removed.collect::<Vec<_>>(),
            ["Service ci/workload-session-server"]
        );
        let [workload] = plan.workloads.as_slice() else {
            panic!("{:?}", plan.workloads);
        };
        insta::assert_debug_snapshot!(workload.edits, @r#"
        [
            Remove(
                "/spec/template/spec/containers/0/ports/0",
            ),
            Remove(
                "/metadata/annotations/runner-terminal.dev~1added-port",
            ),
            Remove(
                "/spec/template/metadata/annotations/runner-terminal.dev~1config-checksum",
            ),
        ]
        "#);
        let [file] = plan.files.as_slice() else {
            panic!("{:?}", plan.files);
        };
        let restored = file.restored.as_ref().unwrap();
        assert_eq!(restored.text.as_deref(), Some("concurrent = 10\n"));
        assert_eq!(restored.record, RecordPlan::Remove);
    }
}
