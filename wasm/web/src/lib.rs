//! runner-terminal for browsers and Node.js.
//!
//! Only text crosses to JavaScript: the manifests as they are, everything else as JSON, which
//! engines parse faster than they create objects one by one. `npm/core.js` turns it into the
//! package's functions and errors.

#![forbid(unsafe_code)]

mod explain;
mod export;
mod fault;
mod last;
mod list;
mod schema;
mod transform;
mod yaml;

use wasm_bindgen::prelude::wasm_bindgen;

use runner_terminal::export::Secrets;
use transform::Given;

/// Texts of manifests, and the rest as JSON.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Answer {
    texts: Vec<String>,
    json: String,
}

#[wasm_bindgen]
impl Answer {
    /// The texts, in the order of what was given.
    pub fn texts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.texts)
    }

    /// The rest.
    pub fn json(&mut self) -> String {
        std::mem::take(&mut self.json)
    }
}

/// Runs the functions on manifests: texts, and the path of each.
///
/// # Errors
///
/// JSON of a `Fault`.
#[wasm_bindgen]
pub fn transform(
    paths: Vec<String>,
    texts: Vec<String>,
    function_config: Option<String>,
    observed: Option<String>,
) -> Result<Answer, String> {
    let given = Given::new(paths, texts, function_config, observed);
    let transformed = transform::transform(&given).map_err(|fault| fault.to_json())?;
    let (texts, json, drawable) = transformed;
    last::keep(given, drawable);
    Ok(Answer { texts, json })
}

/// Draws the path that a terminal takes.
///
/// # Errors
///
/// JSON of a `Fault`.
#[wasm_bindgen]
pub fn explain(
    paths: Vec<String>,
    texts: Vec<String>,
    function_config: Option<String>,
    observed: Option<String>,
) -> Result<String, String> {
    let given = Given::new(paths, texts, function_config, observed);
    let explanation = explain::explain(&given).map_err(|fault| fault.to_json())?;
    Ok(json(&explanation))
}

/// Gives what the functions change as files for hosts that run no functions.
///
/// # Errors
///
/// JSON of a `Fault`.
#[wasm_bindgen(js_name = exportFiles)]
pub fn export_files(
    paths: Vec<String>,
    texts: Vec<String>,
    function_config: Option<String>,
    observed: Option<String>,
    include_secrets: bool,
) -> Result<String, String> {
    let given = Given::new(paths, texts, function_config, observed);
    let secrets = match include_secrets {
        true => Secrets::Include,
        false => Secrets::Refuse,
    };
    let exported = export::run(&given, secrets).map_err(|fault| fault.to_json())?;
    Ok(json(&exported))
}

/// Runs the function on the text of a ResourceList.
#[wasm_bindgen]
pub fn run(list: &str) -> Answer {
    let (text, rest) = list::run(list);
    Answer {
        texts: vec![text],
        json: json(&rest),
    }
}

/// The JSON Schema of a kind of functionConfig.
#[wasm_bindgen]
pub fn schema(kind: &str) -> Option<String> {
    schema::of(kind).map(str::to_owned)
}

/// The value of a YAML document, as JSON.
///
/// # Errors
///
/// JSON of a `Fault`.
#[wasm_bindgen]
pub fn parse(text: &str) -> Result<String, String> {
    let value = yaml::parse(text).map_err(|fault| fault.to_json())?;
    Ok(json(&value))
}

/// Edits the text of a YAML document by a patch (RFC 6902), which is JSON.
///
/// # Errors
///
/// JSON of a `Fault`.
#[wasm_bindgen]
pub fn edit(text: &str, patch: &str) -> Result<String, String> {
    yaml::edit(text, patch).map_err(|fault| fault.to_json())
}

/// Texts, numbers and lists of them can always be written as JSON.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
