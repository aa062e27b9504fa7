//! Metadata for function catalogs: `KRMFunctionDefinition`s, and a `KRMFunctionCatalog` of them, in
//! the form of KEP 2906.
//!
//! Those in `kustomization/catalog` are generated here. Those of a release also name the programs
//! and the image.

use anyhow::{Result, bail};
use runner_terminal::function_config::ApiVersion;
use runner_terminal::schema::{self, Dialect};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::package_managers::Archive;
use crate::{HOME, with};

const API: &str = "config.kubernetes.io/v1alpha1";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The group of the functionConfigs.
const GROUP: &str = "runner-terminal.dev";

/// A function, and what the schema of its functionConfig does not tell.
#[derive(Deserialize)]
struct Function {
    kind: String,
    /// The name of its file, and of the object.
    name: String,
    /// A folder with an example.
    example: String,
    tags: Vec<String>,
}

/// The ways to run a function: the image, and the programs that are released.
///
/// The KEP has no field for modules: they are in the image, under their own platforms.
pub(crate) fn runtimes(image: &Value, programs: &[Value]) -> Value {
    let container = json!({"container": image});
    if programs.is_empty() {
        return container;
    }
    with(container, "exec", json!({"platforms": programs}))
}

/// An image by its name.
pub(crate) fn image(name: &str, version: &str) -> Value {
    let image = format!("{name}:{version}");
    json!({"image": image, "requireNetwork": false, "requireStorageMount": false})
}

/// A launcher by its archive.
pub(crate) fn program(archive: &Archive) -> Value {
    json!({
        "bin": archive.target.program(),
        "os": archive.target.system,
        "arch": archive.target.cpu,
        "uri": archive.url(VERSION),
        "sha256": archive.sha256,
    })
}

/// The definitions in `kustomization/catalog`: the name and the text of each.
///
/// # Errors
///
/// If one cannot be written as YAML.
pub fn definitions() -> Result<Vec<(String, String)>> {
    // Before a release there is only a name for the image.
    let image = image("runner-terminal", VERSION);
    let mut files = files(&runtimes(&image, &[]))?;
    files.pop();
    Ok(files)
}

/// The definitions with these runtimes, and last the catalog of all: the name and the text of each.
pub(crate) fn files(runtimes: &Value) -> Result<Vec<(String, String)>> {
    let object = |kind: &str, name: &str, spec| {
        let metadata = json!({"name": name});
        json!({"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec})
    };
    let (mut files, mut specs) = (Vec::new(), Vec::new());
    for function in yaml_serde::from_str::<Vec<Function>>(include_str!("functions.yaml"))? {
        let spec = function.spec(runtimes)?;
        let definition = object("KRMFunctionDefinition", &function.name, spec.clone());
        files.push((format!("{}.yaml", function.name), text(&definition)?));
        specs.push(spec);
    }
    let all = json!({"krmFunctions": specs});
    let catalog = object("KRMFunctionCatalog", "runner-terminal", all);
    files.push(("catalog.yaml".to_owned(), text(&catalog)?));
    Ok(files)
}

fn text(document: &Value) -> Result<String> {
    let yaml = yaml_serde::to_string(document)?;
    Ok(format!(
        "# Made by `UPDATE_CATALOG=1 cargo test -p dist`.\n{yaml}"
    ))
}

impl Function {
    fn spec(&self, runtimes: &Value) -> Result<Value> {
        let schema_of = match self.kind.as_str() {
            "SessionServer" => schema::session_server,
            "AdvertiseAddress" => schema::advertise_address,
            "VerifyTerminals" => schema::verify_terminals,
            kind => bail!("there is no schema of {kind}"),
        };
        let version = |version: ApiVersion| {
            json!({
                "name": version.name(),
                "idempotent": true,
                // The only value that the KEP knows, in its spelling.
                "license": "Apache 2.0",
                "usage": format!("{HOME}/blob/v{VERSION}/README.md"),
                "examples": [format!("{HOME}/tree/v{VERSION}/{}", self.example)],
                "runtime": runtimes,
                "schema": {"openAPIV3Schema": schema_of(version, Dialect::OpenApi)},
            })
        };
        let newest = schema_of(ApiVersion::NEWEST, Dialect::OpenApi);
        Ok(json!({
            "group": GROUP,
            "names": {"kind": self.kind},
            "description": newest.get("description"),
            "publisher": HOME,
            "home": HOME,
            "maintainers": [HOME],
            "tags": self.tags,
            "versions": ApiVersion::SERVED.map(version),
        }))
    }
}
