//! The object that holds a `config.toml`, found by kind and name.

use serde_json::Value;

use super::mounts::ObjectSource;
use super::{ConfigToml, Encoding, decode_base64, kept_elsewhere, placeholder};
use crate::fields::{ConfigReference, HolderKind};
use crate::runner::Workload;
use krm::resource::Resource;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::token;

/// The objects of the list that a reference in a pod means.
pub(super) fn objects(
    list: &ResourceList<'_>,
    workload: &Workload,
    kind: &str,
    name: &str,
) -> Result<Vec<Resource>, Refusal> {
    Ok(list.referenced(kind, name, &workload.resource)?)
}

/// The text of a key, where an object of the list has it.
pub(super) fn text_of(
    list: &ResourceList<'_>,
    workload: &Workload,
    kind: &str,
    name: &str,
    key: &str,
) -> Option<String> {
    let objects = objects(list, workload, kind, name).ok()?;
    objects
        .iter()
        .find_map(|object| Some(read(object, key).ok()??.text))
}

/// The keys of an object of the list and their texts.
pub(super) fn texts(
    list: &ResourceList<'_>,
    workload: &Workload,
    kind: &str,
    name: &str,
) -> Vec<(String, String)> {
    // If several objects have this name, it is unclear which one is meant.
    let objects = objects(list, workload, kind, name).unwrap_or_default();
    let Some(object) = objects.first() else {
        return Vec::new();
    };
    let sections = ["data", "stringData"].iter();
    let keys = sections
        .filter_map(|section| object.value.get(section)?.as_object())
        .flat_map(|section| section.keys());
    keys.filter_map(|key| Some((key.clone(), read(object, key).ok()??.text)))
        .collect()
}

/// Whether an object of the list has a key, or an object that generates it has.
pub(super) fn has_key(
    list: &ResourceList<'_>,
    workload: &Workload,
    source: &ObjectSource<'_>,
    key: &str,
) -> bool {
    // If several objects have this name, it is unclear which one is meant.
    let objects = objects(list, workload, source.kind, source.name).unwrap_or_default();
    objects
        .iter()
        .any(|object| !matches!(read(object, key), Ok(None)))
        || !matches!(
            kept_elsewhere::find(list, workload, source.kind, source.name, key),
            Ok(None)
        )
}

/// The file that the functionConfig names.
///
/// # Errors
/// The object is not in the list, or has no such key.
pub(super) fn referred(
    list: &ResourceList<'_>,
    workload: &Workload,
    reference: &ConfigReference,
) -> Result<ConfigToml, Refusal> {
    let ConfigReference { kind, name, key } = reference;
    let kind_name = kind.as_str();
    let objects = objects(list, workload, kind_name, name)?;
    let refuse = |message: String| {
        Box::new(
            FunctionResult::refuse_config("spec.config", &message)
                .about(&workload.resource.identity),
        )
    };
    if let [_, second, ..] = objects.as_slice() {
        return Err(refuse(format!(
            "several objects are {kind_name} {name}, one of them in namespace {:?}: select the \
             runner of one namespace by spec.runner.namespace",
            second.identity.namespace
        )));
    }
    if let [object] = objects.as_slice() {
        let found = match kind {
            HolderKind::ConfigMap | HolderKind::Secret => read(object, key)?,
            HolderKind::ExternalSecret | HolderKind::SealedSecret => {
                kept_elsewhere::read(object, key)?
            }
        };
        if let Some(config) = found {
            return Ok(config);
        }
    }
    if let Some(config) = kept_elsewhere::find(list, workload, kind_name, name, key)? {
        return Ok(config);
    }
    Err(refuse(if objects.is_empty() {
        format!(
            "{kind_name} {name} is not in the list: add it to the manifests that the function is \
             given, or correct the name"
        )
    } else {
        format!(
            "{kind_name} {name} has no key {key}: set spec.config.key to the one that holds config.toml"
        )
    }))
}

/// Reads a key of a ConfigMap or a Secret; `None` when the object has no such key.
///
/// # Errors
/// The value is not text.
pub(super) fn read(object: &Resource, key: &str) -> Result<Option<ConfigToml>, Refusal> {
    let entry = |section: &str| object.value.get(section)?.get(key);
    let is_secret = object.identity.kind == "Secret";
    // The API server lets stringData win over data, and refuses a key in both data and binaryData.
    let sections = match is_secret {
        true => [("stringData", Encoding::Text), ("data", Encoding::Base64)],
        false => [("data", Encoding::Text), ("binaryData", Encoding::Base64)],
    };
    for (section, encoding) in sections {
        if let Some(value) = entry(section) {
            let section = format!("/{section}");
            return read_at(object, section, key, encoding, value).map(Some);
        }
    }
    Ok(None)
}

/// Reads a value of an object.
///
/// # Errors
/// The value is not text.
pub(super) fn read_at(
    object: &Resource,
    section: String,
    key: &str,
    encoding: Encoding,
    value: &Value,
) -> Result<ConfigToml, Refusal> {
    let mut config = ConfigToml {
        object: object.clone(),
        section,
        key: key.to_owned(),
        encoding,
        text: String::new(),
    };
    let field = config.field();
    let refuse = |message: &str| {
        Box::new(
            FunctionResult::error(message)
                .about(&object.identity)
                .at(field.as_str()),
        )
    };
    let written = match value {
        Value::String(text) => text.as_str(),
        Value::Null => "",
        _ => return Err(refuse("must be text: write it as a block scalar (key: |)")),
    };
    if kept_elsewhere::is_sops_value(written) {
        return Err(refuse(
            "is encrypted by SOPS: run the function after decryption, as behind ksops in \
             kustomize or helm-secrets in Helm",
        ));
    }
    config.text = match encoding {
        Encoding::Text => written.to_owned(),
        Encoding::Base64 => decoded(written, object).map_err(refuse)?,
    };
    Ok(config)
}

/// Whether a key of a ConfigMap or a Secret is encrypted, or one placeholder.
pub(super) fn is_filled_in_later(object: &Resource, key: &str) -> bool {
    let sections = ["data", "stringData", "binaryData"].iter();
    let mut values = sections.filter_map(|section| object.value.get(section)?.get(key)?.as_str());
    values.any(|value| kept_elsewhere::is_sops_value(value) || placeholder::is_placeholder(value))
}

/// Decodes base64; the error is a clause about the field.
fn decoded(written: &str, object: &Resource) -> Result<String, &'static str> {
    if placeholder::is_placeholder(written) {
        return Err(
            "is one placeholder, which something fills in later: run the function after that",
        );
    }
    let is_secret = object.identity.kind == "Secret";
    let bytes = decode_base64(written).ok_or(if is_secret {
        "is not base64: encode the file, or write it as text under stringData"
    } else {
        "is not base64: write the file as text under data"
    })?;
    String::from_utf8(bytes).map_err(|_| "its base64 holds bytes that are not UTF-8 text")
}

/// JSON pointer of a key in a section.
pub(super) fn pointer(section: &str, key: &str) -> String {
    format!("{section}/{}", token(key))
}
