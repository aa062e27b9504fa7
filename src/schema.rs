//! The JSON Schema of each functionConfig, for editors and for `runner-terminal schema`.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::json;

use crate::function_config::{API_VERSION, SessionServerSpec};

/// The schema of `kind: SessionServer`: the resource as a user writes it.
pub fn session_server() -> Schema {
    let settings = SchemaSettings::draft2020_12();
    let mut generator = settings.into_generator();
    let spec = generator.subschema_for::<SessionServerSpec>();
    let mut schema = schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SessionServer",
        "description": "Adds the session server to the GitLab Runners of a list.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "SessionServer"},
            "metadata": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}},
            },
            "spec": {"anyOf": [spec, {"type": "null"}]},
        },
    });
    let definitions = generator.take_definitions(true);
    schema.insert("$defs".to_owned(), json!(definitions));
    schema
}
