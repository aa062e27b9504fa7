//! The cases, as the packages contain them.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

/// The cases of both suites.
#[derive(Debug, Deserialize)]
pub struct Suites {
    /// Of the YAML test suite.
    pub yaml: Vec<YamlCase>,
    /// Of the JSON Patch test suite.
    pub patch: Vec<PatchCase>,
}

/// A text, and its meaning.
#[derive(Debug, Deserialize)]
pub struct YamlCase {
    /// `9MQT`, and `9MQT/1` for the second of a file.
    pub id: String,
    /// What it is about.
    pub name: String,
    /// The suite's own tags for its topic.
    pub tags: Vec<String>,
    /// The text.
    pub yaml: String,
    /// The text is not YAML.
    pub fails: bool,
    /// The parse as events, a line each.
    pub tree: Option<String>,
    /// The values of the documents, if JSON can express them.
    pub json: Option<String>,
}

impl YamlCase {
    /// The values of the documents, if JSON can express them.
    pub fn json(&self) -> Option<Vec<Value>> {
        let text = self.json.as_deref()?;
        let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let values = values.collect::<Result<_, _>>();
        Some(values.unwrap_or_else(|error| panic!("the JSON of {}: {error}", self.id)))
    }
}

/// A document, a patch, and the expected result.
#[derive(Debug, Deserialize)]
pub struct PatchCase {
    /// `tests.json/7`
    pub id: String,
    /// What it is about.
    #[serde(default)]
    pub comment: String,
    /// The document.
    pub doc: Value,
    /// The patch, which may be invalid.
    pub patch: Value,
    /// The document with the patch applied.
    pub expected: Option<Value>,
    /// Why the patch cannot be applied.
    pub error: Option<String>,
    /// The suite's authors have disabled the case.
    #[serde(default)]
    pub disabled: bool,
}

/// Reads both suites.
///
/// # Panics
///
/// If they are not installed.
pub fn suites() -> Suites {
    let printed = node("suites.mjs", &[]);
    serde_json::from_slice(&printed).expect("suites.mjs prints the cases")
}

/// What a script of this package prints when it reads `input`.
pub(crate) fn node(script: &str, input: &[u8]) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(
        folder.join("node_modules").is_dir(),
        "the suites are missing: run `cargo xtask hosts conformance`"
    );
    piped(Command::new("node").arg(folder.join(script)), input)
}

/// What a program prints when it reads `input`.
pub(crate) fn piped(program: &mut Command, input: &[u8]) -> Vec<u8> {
    let name = program.get_program().to_string_lossy().into_owned();
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("it has an input");
    std::thread::scope(|scope| {
        // A program that reads nothing may end before it is written to.
        scope.spawn(move || drop(std::io::Write::write_all(&mut stdin, input)));
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{name} failed: {}", ended.status);
        ended.stdout
    })
}
