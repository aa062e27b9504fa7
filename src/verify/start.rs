//! A runner that is configured when its pods start: whether its init container is still whole, and may
//! do what it is asked to.
//!
//! The address is not in any manifest. So the checks cover everything that the pod needs to find
//! it.

use serde_json::Value;

use super::inventory::{Inventory, Reference, look_up, same_namespace};
use super::route;
use crate::runner::Workload;
use crate::runner::start_container::{StartContainer, StartSource};
use crate::runner::start_record::{
    CONFIG_VOLUME, INIT_CONTAINER, POD_START, StartRecord, TOKEN_VOLUME, position,
};
use crate::session_server::pod_service_account;
use krm::resource::{PREVIOUS_NAMES, Resource, display_name};
use krm::resource_list::{ReadError, ResourceList};
use krm::results::{FunctionResult, field_path};
use yaml_splice::pointer::At as _;

/// What to do about a part that a later step has changed.
pub(super) const REMEDY: &str = "Run the SessionServer last, in the outermost kustomization";

/// The problems of a workload's init container, except those of its Service.
pub(super) fn whole(workload: &Workload) -> Vec<FunctionResult> {
    let resource = &workload.resource;
    let identity = &resource.identity;
    let at = |message: String, below: &str| {
        FunctionResult::error(format!("{message}. {REMEDY}"))
            .about(identity)
            .at(field_path(&workload.pod_pointer(below)))
    };
    let Some(record) = StartRecord::read(resource) else {
        let message = format!("its annotation {POD_START} cannot be read");
        return vec![at(message, "/spec")];
    };
    let Some(start) = StartContainer::find(workload) else {
        let message = format!(
            "is to be configured when its pods start, and its init container {INIT_CONTAINER} is gone"
        );
        return vec![at(message, "/spec/initContainers")];
    };
    let mut findings = Vec::new();
    if let Some(other) = start.followed_by {
        let message = format!(
            "its init container {other} runs after {INIT_CONTAINER}, so it may overwrite what that \
             has written"
        );
        findings.push(at(message, "/spec/initContainers"));
    }
    let pod = workload.pod_pointer("/spec");
    let volumes = format!("{pod}/volumes");
    let is_claimed = |name: &str| {
        let pointer = "/spec/volumeClaimTemplates";
        let claims = resource.value.at(pointer).and_then(Value::as_array);
        let mut claims = claims.into_iter().flatten();
        claims.any(|claim| claim.at("/metadata/name").and_then(Value::as_str) == Some(name))
    };
    let mut mounted: Vec<&str> = start.mounts().map(|(name, _)| name).collect();
    if record.mount.is_some() && !mounted.contains(&CONFIG_VOLUME) {
        let message = format!("its init container {INIT_CONTAINER} does not mount {CONFIG_VOLUME}");
        findings.push(at(message, "/spec/initContainers"));
        mounted.push(CONFIG_VOLUME);
    }
    for name in mounted {
        if position(&resource.value, &volumes, name).is_none() && !is_claimed(name) {
            let message = format!(
                "its init container {INIT_CONTAINER} needs the volume {name}, which its pod does \
                 not have"
            );
            findings.push(at(message, "/spec/volumes"));
        }
    }
    if record.mount.is_some() && record.mount_pointer(&resource.value, &pod).is_none() {
        let path = record.mount.as_ref().map_or("", |mount| &mount.path);
        let message = format!(
            "its container {} does not mount {CONFIG_VOLUME} at {path}, so the runner reads another \
             file than the init container {INIT_CONTAINER} writes",
            record.container
        );
        findings.push(at(message, "/spec/containers"));
    }
    findings.extend(
        arguments(&start)
            .into_iter()
            .map(|message| at(message, "/spec/initContainers")),
    );
    findings
}

/// The problems of the init container's command line.
fn arguments(start: &StartContainer<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    let of = format!("its init container {INIT_CONTAINER}");
    let config = start.argument("config");
    let is_mounted = |file: &str| {
        start.mounts().any(|(_, path)| {
            let below = file.strip_prefix(path);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })
    };
    match config {
        None => problems.push(format!("{of} has no --config")),
        Some(file) if !is_mounted(file) => {
            problems.push(format!(
                "{of} writes {file}, and no volume is mounted there"
            ));
        }
        Some(_) => {}
    }
    match start.source() {
        None => problems.push(format!(
            "{of} is told no address: it has none of --service, --advertise-address and \
             --advertise-port"
        )),
        Some(StartSource::Service(_)) => {
            if !start.mounts().any(|(name, _)| name == TOKEN_VOLUME) {
                problems.push(format!(
                    "{of} reads its Service, and does not mount {TOKEN_VOLUME}, which has the token"
                ));
            }
        }
        Some(
            StartSource::Known(_)
            | StartSource::Pod(_)
            | StartSource::PodName { .. }
            | StartSource::Node(_),
        ) => {}
    }
    if start.listen_port().is_none() {
        problems.push(format!("{of} has no --listen-port from 1 to 65535"));
    }
    problems
}

/// The problems of the Service whose address the pods read, and of their permission to read it.
/// `reaching`: the Services that lead to the session server.
///
/// # Errors
/// A resource that matters cannot be parsed.
pub(super) fn service(
    list: &ResourceList<'_>,
    inventory: &Inventory,
    workload: &Workload,
    name: &str,
    reaching: &[&Resource],
) -> Result<Option<FunctionResult>, ReadError> {
    let identity = &workload.resource.identity;
    let namespace = identity.namespace.as_str();
    let named = display_name("Service", name, namespace);
    let problem = match inventory.service(name, namespace) {
        Some(service) if reaching.iter().any(|one| one.identity == service.identity) => {
            return may_read(list, workload, service);
        }
        Some(_) => {
            format!("reads the address of {named}, which does not lead to its session server")
        }
        None => match look_up(list, "Service", name, namespace)? {
            Reference::Renamed(now) => format!(
                "reads the address of {named}, which is called {} now: kustomize does not rename \
                 what stands in arguments. Run the SessionServer in the outermost kustomization, \
                 the one that sets the prefix",
                now.name
            ),
            Reference::Current | Reference::Missing => format!(
                "reads the address of {named}, which is not in these manifests. Where a prefix or a \
                 namespace was set after the SessionServer ran, run it in the outermost \
                 kustomization, the one that sets it"
            ),
        },
    };
    let result = FunctionResult::error(format!("its init container {INIT_CONTAINER} {problem}"));
    let place = workload.pod_pointer("/spec/initContainers");
    Ok(Some(result.about(identity).at(field_path(&place))))
}

/// Whether the service account of the pods may read a Service.
fn may_read(
    list: &ResourceList<'_>,
    workload: &Workload,
    service: &Resource,
) -> Result<Option<FunctionResult>, ReadError> {
    // The name now, and the one that kustomize has yet to update in the pod template.
    let names = ["/spec/serviceAccountName", "/spec/serviceAccount"];
    let written = names.iter().find_map(|name| workload.pod(name)?.as_str());
    let written = written.filter(|name| !name.is_empty()).unwrap_or("default");
    let current = pod_service_account(list, workload).unwrap_or_else(|_| written.to_owned());
    let account = current.as_str();
    let (identity, of) = (&workload.resource.identity, &service.identity);
    for item in list.candidates(&["RoleBinding", "ClusterRoleBinding"], "") {
        let binding = list.resource(item)?;
        let is_cluster_wide = binding.identity.kind == "ClusterRoleBinding";
        if !is_cluster_wide && !same_namespace(&binding.identity.namespace, &of.namespace) {
            continue;
        }
        let subjects = route::at(&binding.value, &["subjects", "*"]);
        let is_subject = subjects.into_iter().any(|subject| {
            let text = |field: &str| {
                subject
                    .get(field)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            match text("kind") {
                // At the end of a build, kustomize moves the subjects that it knows.
                "ServiceAccount" => {
                    [account, written].contains(&text("name"))
                        && (same_namespace(text("namespace"), &identity.namespace)
                            || list.has_renamed_items())
                }
                "Group" => text("name").starts_with("system:serviceaccounts"),
                _ => false,
            }
        });
        if is_subject && lets_read(list, &binding, service)? {
            return Ok(None);
        }
    }
    let account = display_name("ServiceAccount", account, &identity.namespace);
    let result = FunctionResult::error(format!(
        "its init container {INIT_CONTAINER} reads {of} as {account}, and no RoleBinding of these \
         manifests lets it get and watch that. {REMEDY}"
    ));
    let place = workload.pod_pointer("/spec/serviceAccountName");
    Ok(Some(result.about(identity).at(field_path(&place))))
}

/// Whether the role of a binding lets its subjects get and watch a Service. One that is not in the list
/// may.
fn lets_read(
    list: &ResourceList<'_>,
    binding: &Resource,
    service: &Resource,
) -> Result<bool, ReadError> {
    let text = |pointer: &str| {
        let text = binding.value.at(pointer).and_then(Value::as_str);
        text.unwrap_or_default()
    };
    let (kind, name) = (text("/roleRef/kind"), text("/roleRef/name"));
    let mut is_there = false;
    for item in list.candidates(&[kind], name) {
        let role = list.resource(item)?;
        let previous = role.annotation(PREVIOUS_NAMES).unwrap_or_default();
        let is_named =
            role.identity.name == name || previous.split(',').any(|previous| previous == name);
        let is_beside = kind == "ClusterRole"
            || same_namespace(&role.identity.namespace, &service.identity.namespace);
        if !is_named || !is_beside {
            continue;
        }
        is_there = true;
        let rules = route::at(&role.value, &["rules", "*"]);
        let has = |rule: &Value, field: &str, wanted: &str| {
            let all = route::at(rule, &[field, "*"]);
            all.iter().any(|one| *one == wanted || **one == "*")
        };
        let allows = rules.into_iter().any(|rule| {
            let names = route::at(rule, &["resourceNames", "*"]);
            has(rule, "resources", "services")
                && has(rule, "verbs", "get")
                && has(rule, "verbs", "watch")
                && (names.is_empty()
                    || names
                        .iter()
                        .any(|name| **name == service.identity.name.as_str()))
        });
        if allows {
            return Ok(true);
        }
    }
    // A ClusterRole of the cluster itself, such as `view`.
    Ok(!is_there && kind == "ClusterRole")
}
