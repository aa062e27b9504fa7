//! What says to function catalogs that these functions exist: `KRMFunctionDefinition`s and a
//! `KRMFunctionCatalog` of them, in the form of KEP 2906.
//!
//! Those in `kustomization/catalog` are made here, from `docs/schema`. Those of a release have the
//! programs and the image too.

mod open_api;
mod runtimes;

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::file;
pub(crate) use runtimes::Runtimes;

const API: &str = "config.kubernetes.io/v1alpha1";

/// The project's own page, which is in `Cargo.toml`.
const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// A function, and what the schema of its functionConfig does not tell.
struct Function {
    kind: &'static str,
    /// The name of its file, and of the object.
    name: &'static str,
    /// The files of its schemas, one for each version, the preferred one first.
    schemas: [&'static str; 2],
    /// A folder with an example.
    example: &'static str,
    tags: &'static [&'static str],
}

const FUNCTIONS: [Function; 3] = [
    Function {
        kind: "SessionServer",
        name: "session-server",
        schemas: [
            "docs/schema/sessionserver.json",
            "docs/schema/v1beta1/sessionserver.json",
        ],
        example: "kustomization/example",
        tags: &["mutator", "gitlab-runner", "web-terminal"],
    },
    Function {
        kind: "AdvertiseAddress",
        name: "advertise-address",
        schemas: [
            "docs/schema/advertiseaddress.json",
            "docs/schema/v1beta1/advertiseaddress.json",
        ],
        example: "kustomization/two-step",
        tags: &["mutator", "gitlab-runner", "web-terminal", "load-balancer"],
    },
    Function {
        kind: "VerifyTerminals",
        name: "verify-terminals",
        schemas: [
            "docs/schema/verifyterminals.json",
            "docs/schema/v1beta1/verifyterminals.json",
        ],
        example: "kustomization/verify",
        tags: &["validator", "gitlab-runner", "web-terminal"],
    },
];

/// The definitions in `kustomization/catalog`: the name and the text of each.
///
/// # Errors
///
/// If a schema cannot be read or has something that OpenAPI has no words for.
pub fn definitions(root: &Path) -> Result<Vec<(String, String)>> {
    definitions_with(root, &Runtimes::default())
}

/// The same, with the programs and the image of a release.
pub(crate) fn definitions_with(root: &Path, runtimes: &Runtimes) -> Result<Vec<(String, String)>> {
    let definition = |function: &Function| {
        let definition = json!({
            "apiVersion": API,
            "kind": "KRMFunctionDefinition",
            "metadata": {"name": function.name},
            "spec": function.spec(root, runtimes)?,
        });
        Ok((format!("{}.yaml", function.name), text(&definition)?))
    };
    FUNCTIONS.iter().map(definition).collect()
}

/// The catalog of all functions: its name and its text.
pub(crate) fn catalog_with(root: &Path, runtimes: &Runtimes) -> Result<(String, String)> {
    let functions = FUNCTIONS
        .iter()
        .map(|function| function.spec(root, runtimes));
    let catalog = json!({
        "apiVersion": API,
        "kind": "KRMFunctionCatalog",
        "metadata": {"name": "runner-terminal"},
        "spec": {"krmFunctions": functions.collect::<Result<Vec<_>>>()?},
    });
    Ok(("catalog.yaml".to_owned(), text(&catalog)?))
}

impl Function {
    fn spec(&self, root: &Path, runtimes: &Runtimes) -> Result<Value> {
        let read = |path: &&'static str| Schema::read(root, path);
        let schemas: Vec<_> = self.schemas.iter().map(read).collect::<Result<_>>()?;
        let first = schemas.first().context("there is no schema")?;
        let versions = schemas.iter().map(|schema| self.version(schema, runtimes));
        Ok(json!({
            "group": first.group,
            "names": {"kind": self.kind},
            "description": first.value.get("description").cloned().unwrap_or_default(),
            "publisher": HOME,
            "home": HOME,
            "maintainers": [HOME],
            "tags": self.tags,
            "versions": versions.collect::<Result<Vec<_>>>()?,
        }))
    }

    fn version(&self, schema: &Schema, runtimes: &Runtimes) -> Result<Value> {
        let version = env!("CARGO_PKG_VERSION");
        Ok(json!({
            "name": schema.version,
            "idempotent": true,
            // The only one that the KEP knows, and how it spells it.
            "license": "Apache 2.0",
            "usage": format!("{HOME}/blob/v{version}/README.md"),
            "examples": [format!("{HOME}/tree/v{version}/{}", self.example)],
            "runtime": runtimes.to_json(),
            "schema": {
                "openAPIV3Schema": open_api::of(&schema.value)
                    .with_context(|| format!("{} in OpenAPI", schema.path))?,
            },
        }))
    }
}

/// The schema of a functionConfig in one version.
struct Schema {
    path: &'static str,
    group: String,
    version: String,
    value: Value,
}

impl Schema {
    fn read(root: &Path, path: &'static str) -> Result<Self> {
        let value: Value = serde_json::from_slice(&file::read(&root.join(path))?)
            .with_context(|| format!("{path} is no JSON"))?;
        let (group, version) = value
            .pointer("/properties/apiVersion/const")
            .and_then(Value::as_str)
            .and_then(|version| version.split_once('/'))
            .with_context(|| format!("{path} does not tell its apiVersion"))?;
        Ok(Self {
            path,
            group: group.to_owned(),
            version: version.to_owned(),
            value,
        })
    }
}

fn text(document: &Value) -> Result<String> {
    let yaml = yaml_serde::to_string(document)?;
    Ok(format!(
        "# Made from docs/schema by `UPDATE_CATALOG=1 cargo test -p dist`.\n{yaml}"
    ))
}
