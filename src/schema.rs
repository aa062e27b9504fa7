//! The JSON Schema of each functionConfig, for editors and for `runner-terminal schema`.
//!
//! The versions that are served have the same fields, those of the types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::json;

use crate::function_config::{
    AdvertiseAddressSpec, ApiVersion, SessionServerSpec, VerifyTerminalsSpec,
};

/// The schema of `kind: SessionServer`: the resource as a user writes it.
pub fn session_server(version: ApiVersion) -> Schema {
    resource::<SessionServerSpec>(
        version,
        "SessionServer",
        "Adds the session server to the GitLab Runners of a list.",
    )
}

/// The schema of `kind: AdvertiseAddress`.
pub fn advertise_address(version: ApiVersion) -> Schema {
    resource::<AdvertiseAddressSpec>(
        version,
        "AdvertiseAddress",
        "Fills in the address that a session server's live Service has been given.",
    )
}

/// The schema of `kind: VerifyTerminals`.
pub fn verify_terminals(version: ApiVersion) -> Schema {
    resource::<VerifyTerminalsSpec>(
        version,
        "VerifyTerminals",
        "Checks finished manifests: each runner's address, Service, names and processes. Changes nothing.",
    )
}

fn resource<Spec: JsonSchema>(version: ApiVersion, kind: &str, description: &str) -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let spec = generator.subschema_for::<Spec>();
    let definitions = generator.take_definitions(true);
    let metadata = json!({
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}},
    });
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind,
        "description": description,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {"const": version.as_str()},
            "kind": {"const": kind},
            "metadata": metadata,
            "spec": {"anyOf": [json!(spec), {"type": "null"}]},
        },
        "$defs": json!(definitions),
    })
}
