//! Why no object of the list holds a runner's `config.toml`.

use super::file_path::FilePath;
use super::file_source::{FileSource, Pod};
use super::kept_elsewhere::vault_annotation;
use super::mounts::ObjectSource;
use crate::runner::Workload;
use krm::resource::{Identity, Resource};
use krm::results::{FunctionResult, Refusal, field_path};

/// What to do if the manifests do not determine the object.
const NAME_IT: &str = "name the object that holds it in spec.config of the functionConfig";

/// The file is not a key of an object.
pub(super) fn of_source(
    workload: &Workload,
    pod: &Pod<'_, '_>,
    path: &FilePath,
    source: &FileSource<'_>,
) -> Refusal {
    let message = match source {
        FileSource::Image | FileSource::Empty(_) => match written_at_start(workload, pod, path) {
            Some(message) => message,
            None => match source {
                FileSource::Empty(volume) => format!(
                    "its {path} is in volume {volume}, which is empty when the pod starts, and no \
                     command in these manifests is seen to copy a file there: {NAME_IT}"
                ),
                _ => format!(
                    "its container mounts nothing at {path}, so its {} is in the image, and no \
                     manifest holds it: put the file in a ConfigMap or Secret and mount it there, \
                     or set the path by --config",
                    path.name()
                ),
            },
        },
        FileSource::Outside(what) => format!(
            "its {} is on {what}, which no manifest holds: write [session_server] into the file \
             there, or keep the file in a ConfigMap or Secret that is mounted at {path}",
            path.name()
        ),
        FileSource::Undeclared(volume) => format!(
            "its {} is in volume {volume}, which its pod does not have: add it to the volumes",
            path.name()
        ),
        FileSource::Commands(container) => match written_at_start(workload, pod, path) {
            Some(message) => message,
            None => format!(
                "the commands of {container} write its {path}, so no object holds it: keep the file \
                 in a ConfigMap or Secret that is mounted or copied there"
            ),
        },
        FileSource::Joined { container, parts } => {
            let mut names: Vec<String> = Vec::new();
            for part in parts {
                let name = of_part(part);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let all = match names.split_last() {
                Some((last, names)) if !names.is_empty() => {
                    format!("{} and {last}", names.join(", "))
                }
                _ => names.concat(),
            };
            format!(
                "{container} makes its {path} of {all}, so which of them is to have \
                 [session_server] is not known: {NAME_IT}"
            )
        }
        // The object that holds it is not in the list.
        FileSource::Keys(_) => format!("no object of the list holds its {}", path.name()),
    };
    refuse(workload, message, &workload.pod_pointer("/spec/volumes"))
}

/// A program in the pod writes the configuration at startup.
fn written_at_start(workload: &Workload, pod: &Pod<'_, '_>, path: &FilePath) -> Option<String> {
    if let Some(annotation) = vault_annotation(workload, path) {
        return Some(format!(
            "the Vault agent writes its {path} when the pod starts (annotation {annotation}), so no \
             manifest holds it: put [session_server] into what the agent writes"
        ));
    }
    let way_on = format!(
        "mount a whole config.toml, with the token of each runner, at {path} from a Secret, or \
         {NAME_IT}, where one is copied there"
    );
    if let Some(template) = pod.templates().first() {
        return Some(format!(
            "{template} is a template of gitlab-runner register, which takes only [[runners]] from \
             it; its config.toml is written when the pod starts, and no manifest holds it: {way_on}"
        ));
    }
    pod.registers().then(|| {
        format!(
            "gitlab-runner register writes its config.toml when the pod starts, so no manifest \
             holds it: {way_on}"
        )
    })
}

fn of_part(part: &FileSource<'_>) -> String {
    match part {
        FileSource::Keys(keys) => keys
            .iter()
            .map(|key| format!("{} {} ({})", key.source.kind, key.source.name, key.key))
            .collect::<Vec<_>>()
            .join(" or "),
        FileSource::Joined { parts, .. } => {
            parts.iter().map(of_part).collect::<Vec<_>>().join(" and ")
        }
        FileSource::Image => "a file of its image".to_owned(),
        FileSource::Outside(what) => format!("a file on {what}"),
        FileSource::Empty(volume) | FileSource::Undeclared(volume) => {
            format!("a file in volume {volume}")
        }
        FileSource::Commands(_) => "what its commands print".to_owned(),
    }
}

/// The object is not in the list, or has no such key.
pub(super) fn not_in_list(
    workload: &Workload,
    path: &FilePath,
    missing: &[&ObjectSource<'_>],
    looked_at: &[(Identity, &str)],
) -> Refusal {
    let file = path.name();
    let keys: Vec<String> = looked_at
        .iter()
        .map(|(object, key)| format!("{object} has no key {key}"))
        .collect();
    if let [first, ..] = missing {
        let names: Vec<String> = missing.iter().map(|source| source.written()).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        return refuse(
            workload,
            format!(
                "no object of the list holds its {file}, and {} {verb} not in the list: add it to \
                 the manifests that the function is given",
                names.join(", ")
            ),
            &first.pointer,
        );
    }
    let message = if keys.is_empty() {
        format!("the volume that is mounted there shows no file at {path}: add it to its items")
    } else {
        format!(
            "it reads {path}, and {}: add the file, or set the path by --config",
            keys.join(", and ")
        )
    };
    refuse(workload, message, &workload.pod_pointer("/spec/volumes"))
}

/// A volume may mean several objects of the list.
pub(super) fn several(
    workload: &Workload,
    path: &FilePath,
    source: &ObjectSource<'_>,
    objects: &[Resource],
) -> Refusal {
    let names: Vec<String> = objects
        .iter()
        .map(|object| object.identity.to_string())
        .collect();
    refuse(
        workload,
        format!(
            "several objects may hold its {}: {} of its volume {} may be {}. Give each a name of \
             its own",
            path.name(),
            source.name,
            source.volume,
            names.join(" or ")
        ),
        &source.pointer,
    )
}

/// Mentions the alternative, for a file that cannot be edited in the manifests.
pub(in crate::runner) fn or_at_start(mut refusal: Refusal) -> Refusal {
    refusal.message.push_str(
        ". Or set spec.configure.at: PodStart in the SessionServer: then [session_server] is written \
         when the pod starts, wherever the file comes from",
    );
    refusal
}

/// The file cannot be written at pod start.
pub(super) fn at_start(workload: &Workload, message: String) -> Refusal {
    refuse(workload, message, &workload.pod_pointer("/spec/containers"))
}

fn refuse(workload: &Workload, message: String, pointer: &str) -> Refusal {
    Box::new(
        FunctionResult::error(message)
            .about(&workload.resource.identity)
            .at(field_path(pointer)),
    )
}
