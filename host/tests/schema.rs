//! The checked-in schemas match the types, and a served version only grows. `UPDATE_SCHEMA=1 cargo
//! test -p runner-terminal-host --test schema` writes what has grown.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "schema/growth.rs"]
mod growth;

use std::path::{Path, PathBuf};
use std::{env, fs};

use growth::narrowed;
use runner_terminal::function_config::ApiVersion;
use runner_terminal::schema::{Dialect, advertise_address, session_server, verify_terminals};
use serde_json::{Value, json};

/// Each schema of the types, and its file.
fn schemas() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    let of = |version: ApiVersion| {
        let folder = match version {
            ApiVersion::V1Alpha1 => folder.clone(),
            version => folder.join(version.name()),
        };
        let schemas = [
            (
                "sessionserver",
                session_server(version, Dialect::JsonSchema),
            ),
            (
                "advertiseaddress",
                advertise_address(version, Dialect::JsonSchema),
            ),
            (
                "verifyterminals",
                verify_terminals(version, Dialect::JsonSchema),
            ),
        ];
        schemas.map(|(name, schema)| (folder.join(format!("{name}.json")), json!(schema)))
    };
    ApiVersion::SERVED.into_iter().flat_map(of).collect()
}

fn committed(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn schemas_are_current_and_only_grow() {
    for (path, schema) in schemas() {
        let shown = path.display();
        if path.is_file() {
            let lost = narrowed(&committed(&path), &schema);
            assert!(
                lost.is_empty(),
                "{shown}: functionConfigs of a version that is served would be refused, or mean \
                 something else: {lost:#?}\nSuch a change belongs into a new version: see \
                 docs/api-versions.md"
            );
        }
        let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &expected).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == expected,
            "{shown} is out of date; UPDATE_SCHEMA=1 writes it anew"
        );
    }
}

/// `convert` relies on this: no field of one version is missing in the other.
#[test]
fn the_versions_have_the_same_fields() {
    let schemas = schemas();
    let (alpha, beta) = schemas.split_at(3);
    for ((path, alpha), (_, beta)) in alpha.iter().zip(beta) {
        let mut beta = beta.clone();
        beta["properties"]["apiVersion"] = alpha["properties"]["apiVersion"].clone();
        assert_eq!(*alpha, beta, "{}", path.display());
    }
}

/// The removal of any field, value or type is detected, wherever it is in the schemas.
#[test]
fn every_loss_is_noticed() {
    let (mut fields, mut values) = (0, 0);
    for (path, schema) in schemas().into_iter().take(2) {
        assert_eq!(narrowed(&schema, &schema), [""; 0], "{}", path.display());
        for pointer in pointers(&schema) {
            let Some((parent, key)) = pointer.rsplit_once('/') else {
                continue;
            };
            let mut without = schema.clone();
            let place = without.pointer_mut(parent).unwrap();
            if parent.ends_with("/properties") {
                place.as_object_mut().unwrap().shift_remove(key);
                fields += 1;
            } else if ["/enum", "/oneOf", "/anyOf", "/type"]
                .iter()
                .any(|list| parent.ends_with(list))
                && place.is_array()
            {
                place.as_array_mut().unwrap().remove(key.parse().unwrap());
                values += 1;
            } else {
                continue;
            }
            assert_ne!(narrowed(&schema, &without), [""; 0], "without {pointer}");
        }
    }
    assert!(
        fields > 80 && values > 40,
        "{fields} fields, {values} values"
    );
    println!("{fields} fields and {values} values and types taken away");
}

/// Every place in a value.
fn pointers(value: &Value) -> Vec<String> {
    let below = |key: &str, member: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        let below = pointers(member).into_iter();
        below
            .map(|pointer| format!("/{key}{pointer}"))
            .collect::<Vec<_>>()
    };
    let mut all = vec![String::new()];
    match value {
        Value::Object(members) => {
            all.extend(members.iter().flat_map(|(key, member)| below(key, member)));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            all.extend(items.flat_map(|(index, item)| below(&index.to_string(), item)));
        }
        _ => {}
    }
    all
}
