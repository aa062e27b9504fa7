//! The JSON Schema of each functionConfig, for editors and for `runner-terminal schema`, and the
//! same as an OpenAPI schema, for function catalogs.
//!
//! The versions that are served have the same fields, those of the types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::json;

use crate::function_config::{
    AdvertiseAddressSpec, ApiVersion, SessionServerSpec, VerifyTerminalsSpec,
};

/// The dialect of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON Schema, draft 2020-12, with references to definitions.
    JsonSchema,
    /// OpenAPI 3.0, without references.
    OpenApi,
}

/// The schema of `kind: SessionServer`: the resource as a user writes it.
pub fn session_server(version: ApiVersion, dialect: Dialect) -> Schema {
    resource::<SessionServerSpec>(
        version,
        dialect,
        "SessionServer",
        "Adds the session server to the GitLab Runners of a list.",
    )
}

/// The schema of `kind: AdvertiseAddress`.
pub fn advertise_address(version: ApiVersion, dialect: Dialect) -> Schema {
    resource::<AdvertiseAddressSpec>(
        version,
        dialect,
        "AdvertiseAddress",
        "Fills in the address that a session server's live Service has been given.",
    )
}

/// The schema of `kind: VerifyTerminals`.
pub fn verify_terminals(version: ApiVersion, dialect: Dialect) -> Schema {
    resource::<VerifyTerminalsSpec>(
        version,
        dialect,
        "VerifyTerminals",
        "Checks finished manifests: each runner's address, Service, names and processes. Changes nothing.",
    )
}

fn resource<Spec: JsonSchema>(
    version: ApiVersion,
    dialect: Dialect,
    kind: &str,
    description: &str,
) -> Schema {
    let settings = match dialect {
        Dialect::JsonSchema => SchemaSettings::draft2020_12(),
        Dialect::OpenApi => {
            SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true)
        }
    };
    let mut generator = settings.into_generator();
    let spec = generator.subschema_for::<Option<Spec>>();
    let mut schema = match dialect {
        Dialect::JsonSchema => {
            schemars::json_schema!({"$schema": "https://json-schema.org/draft/2020-12/schema"})
        }
        Dialect::OpenApi => Schema::default(),
    };
    for (word, value) in [
        ("title", json!(kind)),
        ("description", json!(description)),
        ("type", json!("object")),
        ("required", json!(["apiVersion", "kind", "metadata"])),
        ("additionalProperties", json!(false)),
        (
            "properties",
            json!({
                "apiVersion": {"const": version.as_str()},
                "kind": {"const": kind},
                "metadata": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"type": "string"}},
                },
                "spec": spec,
            }),
        ),
    ] {
        schema.insert(word.to_owned(), value);
    }
    if dialect == Dialect::JsonSchema {
        let definitions = generator.take_definitions(true);
        schema.insert("$defs".to_owned(), definitions.into());
    }
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema
}
