//! Where a runner's `config.toml` stands: which object of the list, under which key.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::workload::{field, text};
use super::{Container, Refusal, Workload};
use crate::patch::token;
use crate::pointer::At as _;
use crate::resource::Resource;
use crate::resource_list::{ReadError, ResourceList};
use crate::results::FunctionResult;

/// The configuration of a runner, and where it stands.
#[derive(Clone, Debug)]
pub struct ConfigToml {
    /// The ConfigMap or Secret.
    pub object: Resource,
    /// The key under which the file stands.
    pub key: String,
    /// How it is written there.
    pub encoding: Encoding,
    /// The file's text.
    pub text: String,
}

/// How an object holds a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ConfigMap `data`.
    Data,
    /// Secret `stringData`.
    StringData,
    /// Secret `data`, in base64.
    Base64,
}

impl Encoding {
    fn section(self) -> &'static str {
        match self {
            Self::Data | Self::Base64 => "data",
            Self::StringData => "stringData",
        }
    }
}

/// A ConfigMap or Secret that a volume shows to the container.
#[derive(Debug)]
struct Source<'w> {
    volume: &'w str,
    kind: &'static str,
    name: &'w str,
    /// `items:` of the source: key and path. `None` when every key is shown under its own name.
    items: Option<Vec<(&'w str, &'w str)>>,
    pointer: String,
}

impl ConfigToml {
    /// Finds the configuration that the container reads.
    ///
    /// # Errors
    /// It is in no object of the list, in several, or in a form that cannot be read.
    pub(super) fn find(
        list: &ResourceList<'_>,
        workload: &Workload,
        container: Container<'_>,
    ) -> Result<Self, Refusal> {
        let files = file_names(container);
        let sources = sources(workload, container);
        let mut found: Vec<Self> = Vec::new();
        let mut missing = Vec::new();
        for source in &sources {
            let objects = objects(list, workload, source)?;
            if objects.is_empty() {
                missing.push(source);
            }
            for object in objects {
                for key in source.keys(&files, container) {
                    if let Some(config) = Self::read(&object, &key)? {
                        let known = found
                            .iter()
                            .any(|c| c.object.item == config.object.item && c.key == config.key);
                        if !known {
                            found.push(config);
                        }
                    }
                }
            }
        }
        let identity = &workload.resource.identity;
        match (found.len(), found.pop()) {
            (1, Some(config)) => Ok(config),
            (0, _) => Err(Box::new(not_found(workload, &files, &sources, &missing))),
            (_, Some(last)) => {
                let names: Vec<String> = found
                    .iter()
                    .chain([&last])
                    .map(|config| format!("{} ({})", config.object.identity, config.key))
                    .collect();
                Err(Box::new(
                    FunctionResult::error(format!(
                        "several objects hold {}: {}. Mount one of them only in this container",
                        files.join(" or "),
                        names.join(", ")
                    ))
                    .about(identity)
                    .at(field(&workload.pod_pointer("/spec/volumes"))),
                ))
            }
            (_, None) => Err(Box::new(not_found(workload, &files, &sources, &missing))),
        }
    }

    /// The text of a file that a ConfigMap or Secret of the list shows to the container.
    pub(super) fn mounted_text(
        list: &ResourceList<'_>,
        workload: &Workload,
        container: Container<'_>,
        path: &str,
    ) -> Option<String> {
        let mount = mounts(container).find(|mount| {
            let below = path.strip_prefix(text(mount, "mountPath"));
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })?;
        let name = path.rsplit('/').next()?;
        let sources = sources(workload, container);
        let source = sources
            .iter()
            .find(|one| one.volume == text(mount, "name"))?;
        let object = objects(list, workload, source).ok()?.pop()?;
        Some(object.value.at("/data")?.get(name)?.as_str()?.to_owned())
    }

    /// JSON pointer of the file in its object.
    pub fn pointer(&self) -> String {
        format!("/{}/{}", self.encoding.section(), token(&self.key))
    }

    /// The file's place as results name it.
    pub fn field(&self) -> String {
        field(&self.pointer())
    }

    /// A text as it is to be written in the object.
    pub fn encode(&self, text: &str) -> String {
        match self.encoding {
            Encoding::Data | Encoding::StringData => text.to_owned(),
            Encoding::Base64 => BASE64_STANDARD.encode(text),
        }
    }

    /// A text as it is written in the object, as the file's own; `None` when it is not one.
    pub fn decode(&self, written: &str) -> Option<String> {
        match self.encoding {
            Encoding::Data | Encoding::StringData => Some(written.to_owned()),
            Encoding::Base64 => String::from_utf8(decode_base64(written)?).ok(),
        }
    }

    fn read(object: &Resource, key: &str) -> Result<Option<Self>, Refusal> {
        let entry = |section: &str| {
            object
                .value
                .get(section)
                .and_then(|section| section.get(key))
        };
        let is_secret = object.identity.kind == "Secret";
        let (encoding, value) = if is_secret && let Some(value) = entry("stringData") {
            (Encoding::StringData, value)
        } else if let Some(value) = entry("data") {
            let encoding = if is_secret {
                Encoding::Base64
            } else {
                Encoding::Data
            };
            (encoding, value)
        } else if entry("binaryData").is_some() {
            return Err(Box::new(
                FunctionResult::error(
                    "the configuration stands in binaryData: put it in data, as text",
                )
                .about(&object.identity)
                .at(format!("binaryData[{key}]")),
            ));
        } else {
            return Ok(None);
        };
        let mut config = Self {
            object: object.clone(),
            key: key.to_owned(),
            encoding,
            text: String::new(),
        };
        let refuse = |message: &str| {
            Box::new(
                FunctionResult::error(message)
                    .about(&object.identity)
                    .at(config.field()),
            )
        };
        let written = match value {
            Value::String(text) => text.as_str(),
            Value::Null => "",
            _ => return Err(refuse("must be text: write it as a block scalar (key: |)")),
        };
        config.text = match encoding {
            Encoding::Data | Encoding::StringData => written.to_owned(),
            Encoding::Base64 => {
                let bytes = decode_base64(written).ok_or_else(|| {
                    refuse("is not base64: encode the file, or write it as text under stringData")
                })?;
                String::from_utf8(bytes)
                    .map_err(|_| refuse("its base64 holds bytes that are not UTF-8 text"))?
            }
        };
        Ok(Some(config))
    }
}

/// Base64 may be broken into lines.
fn decode_base64(written: &str) -> Option<Vec<u8>> {
    let packed: String = written.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(packed).ok()
}

impl Source<'_> {
    /// The keys of the object that the container sees as its configuration file.
    fn keys(&self, files: &[String], container: Container<'_>) -> Vec<String> {
        let name_of = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let wanted = |path: &str| files.contains(&name_of(path));
        let mut keys: Vec<String> = match &self.items {
            Some(items) => items
                .iter()
                .filter(|(_, path)| wanted(path))
                .map(|(key, _)| (*key).to_owned())
                .collect(),
            None => files.to_vec(),
        };
        // `mountPath: /etc/gitlab-runner/config.toml` with `subPath: runner.toml`.
        for mount in mounts(container) {
            let of_volume = text(mount, "name") == self.volume;
            let sub_path = text(mount, "subPath");
            if of_volume && !sub_path.is_empty() && wanted(text(mount, "mountPath")) {
                let key = match &self.items {
                    Some(items) => items
                        .iter()
                        .find(|(_, path)| *path == sub_path)
                        .map(|i| i.0),
                    None => Some(sub_path),
                };
                keys.extend(key.map(str::to_owned));
            }
        }
        let mut seen = BTreeSet::new();
        keys.retain(|key| seen.insert(key.clone()));
        keys
    }
}

/// The names that the configuration file may have: what the command or the environment say, or
/// `config.toml`.
fn file_names(container: Container<'_>) -> Vec<String> {
    let arguments: Vec<&str> = ["command", "args"]
        .iter()
        .filter_map(|field| container.value.get(field)?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut paths: Vec<&str> = Vec::new();
    for (argument, next) in arguments.iter().zip(arguments.iter().skip(1).chain([&""])) {
        if *argument == "--config" {
            paths.push(next);
        } else if let Some(path) = argument.strip_prefix("--config=") {
            paths.push(path);
        }
    }
    let environment = container.value.get("env").and_then(Value::as_array);
    for variable in environment.into_iter().flatten() {
        if text(variable, "name") == "CONFIG_FILE" {
            paths.push(text(variable, "value"));
        }
    }
    let mut names: Vec<String> = paths
        .iter()
        .filter_map(|path| path.rsplit('/').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if !names.iter().any(|name| name == "config.toml") {
        names.push("config.toml".to_owned());
    }
    names
}

fn mounts(container: Container<'_>) -> impl Iterator<Item = &Value> {
    let mounts = container
        .value
        .get("volumeMounts")
        .and_then(Value::as_array);
    mounts.into_iter().flatten()
}

/// The ConfigMaps and Secrets that the container mounts, directly or projected.
fn sources<'w>(workload: &'w Workload, container: Container<'_>) -> Vec<Source<'w>> {
    let mounted: Vec<&str> = mounts(container).map(|mount| text(mount, "name")).collect();
    let mut sources = Vec::new();
    let volumes = workload.pod("/spec/volumes").and_then(Value::as_array);
    for (index, volume) in volumes.into_iter().flatten().enumerate() {
        let name = text(volume, "name");
        // A chart may hand the files on by an init container: a volume that nobody else is shown
        // to is looked at too, after the container's own.
        let own = mounted.contains(&name);
        let pointer = workload.pod_pointer(&format!("/spec/volumes/{index}"));
        let projected = volume.at("/projected/sources").and_then(Value::as_array);
        let parts = [(volume, pointer.clone())].into_iter().chain(
            projected
                .into_iter()
                .flatten()
                .enumerate()
                .map(|(place, part)| (part, format!("{pointer}/projected/sources/{place}"))),
        );
        for (part, pointer) in parts {
            if let Some(source) = source(name, part, pointer) {
                sources.push((own, source));
            }
        }
    }
    let any_own = sources.iter().any(|(own, _)| *own);
    sources
        .into_iter()
        .filter(|(own, _)| *own || !any_own)
        .map(|(_, source)| source)
        .collect()
}

fn source<'w>(volume: &'w str, part: &'w Value, pointer: String) -> Option<Source<'w>> {
    let (kind, object, name_field) = if let Some(object) = part.get("configMap") {
        ("ConfigMap", object, "name")
    } else {
        let object = part.get("secret")?;
        // A volume says secretName, a projected source says name.
        let field = if object.get("secretName").is_some() {
            "secretName"
        } else {
            "name"
        };
        ("Secret", object, field)
    };
    let items = object.get("items").and_then(Value::as_array);
    Some(Source {
        volume,
        kind,
        name: text(object, name_field),
        items: items.map(|items| {
            items
                .iter()
                .map(|item| (text(item, "key"), text(item, "path")))
                .collect()
        }),
        pointer,
    })
}

/// The objects of the list that a source names.
fn objects(
    list: &ResourceList<'_>,
    workload: &Workload,
    source: &Source<'_>,
) -> Result<Vec<Resource>, Refusal> {
    Ok(list.referenced(source.kind, source.name, &workload.resource)?)
}

fn not_found(
    workload: &Workload,
    files: &[String],
    sources: &[Source<'_>],
    missing: &[&Source<'_>],
) -> FunctionResult {
    let file = files.join(" or ");
    let volumes = field(&workload.pod_pointer("/spec/volumes"));
    let (message, place) = match (sources, missing) {
        ([], _) => (
            format!(
                "its container mounts no ConfigMap and no Secret, so its {file} is not in these \
                 manifests: put the file in a ConfigMap or Secret and mount it"
            ),
            volumes,
        ),
        (_, [first, ..]) => {
            let names: Vec<String> = missing
                .iter()
                .map(|source| format!("{} {} (volume {})", source.kind, source.name, source.volume))
                .collect();
            (
                format!(
                    "no object of the list holds its {file}, and {} is not in the list: add it to \
                     the manifests that the function is given",
                    names.join(", ")
                ),
                field(&first.pointer),
            )
        }
        (_, []) => {
            let names: Vec<String> = sources
                .iter()
                .map(|source| format!("{} {} (volume {})", source.kind, source.name, source.volume))
                .collect();
            (
                format!(
                    "none of its volumes holds {file}: looked at {}",
                    names.join(", ")
                ),
                volumes,
            )
        }
    };
    FunctionResult::error(message)
        .about(&workload.resource.identity)
        .at(place)
}
