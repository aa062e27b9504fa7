//! A runner's `config.toml`: which object and key of the list hold it.
//!
//! | module | what it knows |
//! |---|---|
//! | [`file_path`] | paths in a container, of Linux and Windows |
//! | [`environment`] | the variables of a container |
//! | [`mounts`] | the volume that is mounted at a path |
//! | [`copies`] | which files the commands of a container copy where |
//! | [`file_source`] | both together: where the file at a path comes from |
//! | [`holder`] | the ConfigMap or Secret of the list, and the text of a key |
//! | [`kept_elsewhere`] | Secrets that are generated from other objects |
//! | [`placeholder`](mod@placeholder) | placeholders that something fills in later |
//! | [`refusal`] | messages about why no object holds the file |

mod copies;
pub(super) mod environment;
pub(super) mod file_path;
mod file_source;
mod holder;
mod kept_elsewhere;
mod mounts;

mod placeholder;
mod refusal;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::config_path::config_path;
use super::{Container, Workload};
use crate::fields::ConfigReference;
use file_path::FilePath;
use file_source::{FileSource, Key, Pod};
pub use file_source::{StartFile, StartForm};
use krm::resource::Resource;
use krm::resource_list::ResourceList;
use krm::results::{Refusal, field_path};
pub use mounts::{LastingFile, OF_THE_CLUSTER, SharedPlace};
pub use placeholder::{Placeholder, placeholder};
pub(super) use refusal::or_at_start;

/// The configuration of a runner, and the object that holds it.
#[derive(Clone, Debug)]
pub struct ConfigToml {
    /// The object that holds it: a ConfigMap, a Secret, or one that a Secret is made of.
    pub object: Resource,
    /// JSON pointer of the section of the object: `/data`.
    section: String,
    /// The key of the file.
    pub key: String,
    /// How it is written there.
    pub encoding: Encoding,
    /// The file's text.
    pub text: String,
}

/// How an object holds a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As text: ConfigMap `data`, Secret `stringData`, the template of an ExternalSecret.
    Text,
    /// In base64: Secret `data`, ConfigMap `binaryData`.
    Base64,
}

impl ConfigToml {
    /// Finds the configuration that the container reads: the one that the functionConfig names, or
    /// the one at the path that its command says.
    ///
    /// # Errors
    /// It is in no object of the list, or cannot be parsed. The error mentions `configure.at:
    /// PodStart` if that is possible.
    pub(super) fn find(
        list: &ResourceList<'_>,
        workload: &Workload,
        container: Container<'_>,
        named: Option<&ConfigReference>,
    ) -> Result<Self, Refusal> {
        if let Some(reference) = named {
            return holder::referred(list, workload, reference);
        }
        let path = config_path(list, workload, container)?;
        let pod = Pod::new(list, workload, container);
        let or_at_start = |refusal| match pod.can_start(&path) {
            true => refusal::or_at_start(refusal),
            false => refusal,
        };
        let source = pod.source(&path).map_err(or_at_start)?;
        let FileSource::Keys(keys) = &source else {
            let refusal = refusal::of_source(workload, &pod, &path, &source);
            return Err(or_at_start(refusal));
        };
        let mut missing = Vec::new();
        let mut looked_at = Vec::new();
        for Key { source, key } in keys {
            let objects = holder::objects(list, workload, source.kind, source.name)?;
            match objects.as_slice() {
                [] => {}
                [object] => match holder::read(object, key) {
                    Ok(Some(config)) => return Ok(config),
                    Ok(None) => {}
                    Err(refusal) if holder::is_filled_in_later(object, key) => {
                        return Err(or_at_start(refusal));
                    }
                    Err(refusal) => return Err(refusal),
                },
                several => {
                    let refusal = refusal::several(workload, &path, source, several);
                    return Err(or_at_start(refusal));
                }
            }
            let elsewhere = kept_elsewhere::find(list, workload, source.kind, source.name, key);
            if let Some(config) = elsewhere.map_err(or_at_start)? {
                return Ok(config);
            }
            match objects.first() {
                Some(object) => looked_at.push((object.identity.clone(), key.as_str())),
                None => missing.push(source),
            }
        }
        let refusal = refusal::not_in_list(workload, &path, &missing, &looked_at);
        Err(or_at_start(refusal))
    }

    /// Whether the configuration that the container reads can be written at the pod's start.
    pub(super) fn can_start(
        list: &ResourceList<'_>,
        workload: &Workload,
        container: Container<'_>,
    ) -> bool {
        config_path(list, workload, container)
            .is_ok_and(|path| Pod::new(list, workload, container).can_start(&path))
    }

    /// How the configuration that the container reads can be written at the pod's start.
    ///
    /// # Errors
    /// It cannot.
    pub(super) fn start_file(
        list: &ResourceList<'_>,
        workload: &Workload,
        container: Container<'_>,
    ) -> Result<StartFile, Refusal> {
        let path = config_path(list, workload, container)?;
        Pod::new(list, workload, container).start_file(&path)
    }

    /// A configuration that is not in the manifests: it reads as empty, and is never edited.
    pub(super) fn outside_of_manifests(workload: &Workload) -> Self {
        Self {
            object: workload.resource.clone(),
            section: String::new(),
            key: "config.toml".to_owned(),
            encoding: Encoding::Text,
            text: String::new(),
        }
    }

    /// True if an object of the list holds it.
    pub fn is_in_manifests(&self) -> bool {
        !self.section.is_empty()
    }

    /// The kinds of objects that can hold one.
    pub const HOLDERS: [&str; 5] = [
        "ConfigMap",
        "Secret",
        "ExternalSecret",
        "ClusterExternalSecret",
        "SealedSecret",
    ];

    /// The file under a key of an object of one of [`Self::HOLDERS`]; `None` if there is none that
    /// can be read.
    pub fn open(object: &Resource, key: &str) -> Option<Self> {
        let read = match object.identity.kind.as_str() {
            "ConfigMap" | "Secret" => holder::read(object, key),
            _ => kept_elsewhere::read(object, key),
        };
        read.ok().flatten()
    }

    /// The text of a file that the container gets from an object of the list.
    pub(super) fn mounted_text(
        list: &ResourceList<'_>,
        workload: &Workload,
        container: Container<'_>,
        path: &str,
    ) -> Option<String> {
        let path = FilePath::parse(path);
        let source = Pod::new(list, workload, container).source(&path).ok()?;
        let FileSource::Keys(keys) = source else {
            return None;
        };
        keys.iter().find_map(|Key { source, key }| {
            holder::text_of(list, workload, source.kind, source.name, key)
        })
    }

    /// JSON pointer of the file in its object.
    pub fn pointer(&self) -> String {
        holder::pointer(&self.section, &self.key)
    }

    /// The file's place as results name it.
    pub fn field(&self) -> String {
        field_path(&self.pointer())
    }

    /// A text in the encoding of the object.
    pub fn encode(&self, text: &str) -> String {
        match self.encoding {
            Encoding::Text => text.to_owned(),
            Encoding::Base64 => BASE64_STANDARD.encode(text),
        }
    }

    /// The file's text from its encoding in the object; `None` when that is not base64.
    pub fn decode(&self, written: &str) -> Option<String> {
        match self.encoding {
            Encoding::Text => Some(written.to_owned()),
            Encoding::Base64 => String::from_utf8(decode_base64(written)?).ok(),
        }
    }
}

/// Base64 may be broken into lines.
fn decode_base64(written: &str) -> Option<Vec<u8>> {
    let packed: String = written.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(packed).ok()
}
