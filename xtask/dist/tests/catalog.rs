//! The checked-in definitions match the schemas. `UPDATE_CATALOG=1 cargo test -p dist --test
//! catalog` regenerates them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::{env, fs};

use serde_json::Value;

#[test]
fn definitions_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kustomization/catalog");
    for (name, expected) in dist::definitions().unwrap() {
        let path = folder.join(&name);
        if env::var_os("UPDATE_CATALOG").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &expected).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == expected,
            "{name} is out of date; UPDATE_CATALOG=1 writes it anew"
        );
    }
}

/// What the KEP's own schema requires of a definition.
#[test]
fn definitions_have_what_the_kep_requires() {
    for (name, text) in dist::definitions().unwrap() {
        let document: Value = yaml_serde::from_str(&text).unwrap();
        assert_eq!(document["apiVersion"], "config.kubernetes.io/v1alpha1");
        assert_eq!(document["kind"], "KRMFunctionDefinition");
        let function = &document["spec"];
        for field in ["group", "names", "description", "publisher", "versions"] {
            assert!(function.get(field).is_some(), "{name}: {field}");
        }
        for version in function["versions"].as_array().unwrap() {
            let fields = "name schema idempotent runtime usage examples license";
            for field in fields.split(' ') {
                assert!(version.get(field).is_some(), "{name}: {field}");
            }
            assert_eq!(version["license"], "Apache 2.0", "{name}");
            let properties = &version["schema"]["openAPIV3Schema"]["properties"];
            assert!(properties["spec"]["properties"].is_object(), "{name}");
        }
    }
}

/// The keywords of OpenAPI 3.0's schemas, as far as ours use them.
const WORDS: &str = "title description type nullable default enum format required properties \
    additionalProperties items anyOf oneOf allOf not minimum maximum pattern minLength maxLength \
    minItems maxItems uniqueItems";

#[test]
fn schemas_are_in_open_api_s_words() {
    for (name, text) in dist::definitions().unwrap() {
        let document: Value = yaml_serde::from_str(&text).unwrap();
        for version in document["spec"]["versions"].as_array().unwrap() {
            check(&version["schema"]["openAPIV3Schema"], &name);
        }
    }
}

fn check(schema: &Value, name: &str) {
    let members = schema.as_object().unwrap();
    for (word, value) in members {
        assert!(
            WORDS.split_whitespace().any(|known| known == word),
            "{name}: {word}"
        );
        match (word.as_str(), value) {
            ("type", value) => assert!(value.is_string(), "{name}: {value}"),
            ("properties", Value::Object(schemas)) => {
                schemas.values().for_each(|schema| check(schema, name));
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(schemas)) => {
                schemas.iter().for_each(|schema| check(schema, name));
            }
            ("items" | "not" | "additionalProperties", Value::Object(_)) => check(value, name),
            _ => {}
        }
    }
}
