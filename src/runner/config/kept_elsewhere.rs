//! Secrets that are generated from another object: an ExternalSecret, a SealedSecret and so on.

use serde_json::Value;

use super::{ConfigToml, Encoding, holder};
use crate::runner::Workload;
use krm::resource::{Resource, without_hash};
use krm::resource_list::{ResourceList, is_compatible};
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// The kinds that generate Secrets, with JSON pointers to the name of the Secret: the first one
/// that is set counts. Without one, the Secret has the name of the object.
///
/// Sources: the API references of External Secrets Operator, Sealed Secrets, Vault Secrets Operator,
/// the SOPS operator, 1Password Operator, Infisical and Doppler.
const MAKERS: [(&str, &[&str]); 10] = [
    ("ExternalSecret", &["/spec/target/name"]),
    (
        "ClusterExternalSecret",
        &[
            "/spec/externalSecretSpec/target/name",
            "/spec/externalSecretName",
        ],
    ),
    ("SealedSecret", &[]),
    ("VaultStaticSecret", &["/spec/destination/name"]),
    ("VaultDynamicSecret", &["/spec/destination/name"]),
    ("SecretProviderClass", &[]),
    ("SopsSecret", &[]),
    ("OnePasswordItem", &[]),
    (
        "InfisicalSecret",
        &["/spec/managedSecretReference/secretName"],
    ),
    ("DopplerSecret", &["/spec/managedSecret/name"]),
];

/// A key of a Secret that another object of the list generates; `None` if there is no such object.
///
/// # Errors
/// The object stores the file where it cannot be edited.
pub(super) fn find(
    list: &ResourceList<'_>,
    workload: &Workload,
    kind: &str,
    name: &str,
    key: &str,
) -> Result<Option<ConfigToml>, Refusal> {
    if kind != "Secret" || name.is_empty() {
        return Ok(None);
    }
    let namespace = &workload.resource.identity.namespace;
    for (maker, names) in MAKERS {
        for item in list.candidates(&[maker], without_hash(name).unwrap_or(name)) {
            let object = list.resource(item)?;
            let of = &object.identity;
            let is_beside = is_compatible(&of.namespace, namespace);
            if of.kind == maker && is_beside && makes(&object, maker, names, name) {
                return read(&object, key);
            }
        }
    }
    Ok(None)
}

fn makes(object: &Resource, maker: &str, names: &[&str], name: &str) -> bool {
    let many = |pointer: &str, field: &str| {
        let all = object.value.at(pointer).and_then(Value::as_array);
        let mut all = all.into_iter().flatten();
        all.any(|one| one.get(field).and_then(Value::as_str) == Some(name))
    };
    match maker {
        "SecretProviderClass" => many("/spec/secretObjects", "secretName"),
        "SopsSecret" => many("/spec/secretTemplates", "name"),
        _ => {
            let own = names
                .iter()
                .find_map(|pointer| object.value.at(pointer)?.as_str())
                .filter(|own| !own.is_empty());
            match own {
                Some(own) => own == name,
                None => object.answers_to(name),
            }
        }
    }
}

/// Reads the file in an object that makes a Secret.
///
/// # Errors
/// The object does not have the file in plain text, or that is unknown.
pub(super) fn read(object: &Resource, key: &str) -> Result<Option<ConfigToml>, Refusal> {
    let kind = object.identity.kind.as_str();
    let spec = match kind {
        "ClusterExternalSecret" => "/spec/externalSecretSpec",
        _ => "/spec",
    };
    let template = match kind {
        "ExternalSecret" | "ClusterExternalSecret" => format!("{spec}/target/template/data"),
        "SealedSecret" => format!("{spec}/template/data"),
        _ => return Err(refusal(object, spec, fetched_or_encrypted(kind, key))),
    };
    if let Some(value) = object.value.at(&holder::pointer(&template, key)) {
        return holder::read_at(object, template, key, Encoding::Text, value).map(Some);
    }
    if kind == "SealedSecret" {
        let encrypted = holder::pointer(&format!("{spec}/encryptedData"), key);
        if object.value.at(&encrypted).is_none() {
            return Ok(None);
        }
        let message = format!(
            "{key} is sealed, so it cannot be edited here: run the function on the Secret before \
             kubeseal, or put [session_server] into {key} and seal it again"
        );
        return Err(refusal(object, &encrypted, message));
    }
    let from = format!("{spec}/target/template/templateFrom");
    let (place, why) = match object.value.at(&from) {
        Some(_) => (&from, "is made of the templates of another object"),
        None => (&template, "is whole in the secret store"),
    };
    let message = format!(
        "{key} {why}, so it cannot be edited here: write the file under {}, with {{{{ .name }}}} in \
         place of each secret value",
        field_path(&holder::pointer(&template, key))
    );
    Err(refusal(object, place, message))
}

fn refusal(object: &Resource, place: &str, message: String) -> Refusal {
    let result = FunctionResult::error(message);
    Box::new(result.about(&object.identity).at(field_path(place)))
}

/// Why an object without a template cannot be edited.
fn fetched_or_encrypted(kind: &str, key: &str) -> String {
    match kind {
        "SecretProviderClass" => format!(
            "the Secrets Store CSI driver fetches {key}, so no manifest holds it: write \
             [session_server] where it is kept"
        ),
        "SopsSecret" => {
            format!("{key} is encrypted by SOPS: run the function after decryption")
        }
        _ => format!(
            "{kind} fetches {key} from a secret store, so no manifest holds it: write \
             [session_server] where it is kept"
        ),
    }
}

/// Whether SOPS has encrypted a value.
pub(super) fn is_sops_value(text: &str) -> bool {
    text.trim_start().starts_with("ENC[")
}

/// The annotation that makes the Vault agent write a file into the pod; `None` if there is none.
///
/// Source: the annotations of vault-k8s, "Vault Agent Injector annotations".
pub(super) fn vault_annotation(workload: &Workload, path: &super::FilePath) -> Option<String> {
    const PREFIX: &str = "vault.hashicorp.com/";
    let annotations = workload.pod("/metadata/annotations")?.as_object()?;
    let of = |name: &str| annotations.get(&format!("{PREFIX}{name}"))?.as_str();
    annotations.keys().find_map(|annotation| {
        let name = annotation
            .strip_prefix(PREFIX)?
            .strip_prefix("agent-inject-secret-")
            .or_else(|| {
                annotation
                    .strip_prefix(PREFIX)?
                    .strip_prefix("agent-inject-template-")
            })?;
        let folder = of(&format!("secret-volume-path-{name}"))
            .or_else(|| of("secret-volume-path"))
            .unwrap_or("/vault/secrets");
        let file = of(&format!("agent-inject-file-{name}")).unwrap_or(name);
        let written = super::FilePath::parse(folder).join(file);
        written.is(path).then(|| annotation.clone())
    })
}
