//! Converts the functionConfigs in files to another version. Only the text that differs between the
//! two versions changes.

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

use super::{ApiVersion, FunctionConfig};
use crate::fields::ConfigError;
use krm::Internal;
use krm::documents::{ANY_VERSION, DocumentError, line_of, split};
use yaml_splice::Tree;
use yaml_splice::tree::NodeId;

/// A file with its functionConfigs in another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The file.
    pub text: String,
    /// The number of functionConfigs, including those that already had this version.
    pub configs: usize,
}

/// Why a file cannot be converted. In that case, nothing in it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct ConvertError {
    /// The path of the file, as given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl From<DocumentError> for ConvertError {
    fn from(error: DocumentError) -> Self {
        Self {
            file: error.path,
            line: error.line,
            message: error.problem.to_string(),
        }
    }
}

/// The fields of a kustomization that list functions. An entry may be inline text.
const INLINE: [&str; 3] = ["generators", "transformers", "validators"];

/// Converts the functionConfigs of a file: its documents, those in and among the items of a
/// ResourceList, and those inline in a kustomization. The rest stays byte for byte.
///
/// # Errors
/// A functionConfig that the function refuses too, a document that mentions one and is not YAML, or a
/// file that cannot be split into documents.
pub fn convert(path: &str, text: &str, to: ApiVersion) -> Result<Converted, ConvertError> {
    let mut converted = Converted {
        text: String::with_capacity(text.len()),
        configs: 0,
    };
    let mut at = 0;
    // Most files have no functionConfigs, and may not even be manifests.
    let documents = if mentions(text) {
        split(&[(path, text)])?
    } else {
        Vec::new()
    };
    for document in documents {
        let written = document.text(&[(path, text)]);
        if !mentions(written) {
            continue;
        }
        let fault = |(line, message): Fault| ConvertError {
            file: path.to_owned(),
            line: document.line + line.saturating_sub(1),
            message,
        };
        let (edited, configs) = convert_document(written, to).map_err(fault)?;
        converted.configs += configs;
        converted
            .text
            .push_str(part(path, text, at..document.range.start)?);
        converted.text.push_str(&edited);
        at = document.range.end;
    }
    converted.text.push_str(part(path, text, at..text.len())?);
    Ok(converted)
}

fn part<'t>(
    path: &str,
    text: &'t str,
    range: std::ops::Range<usize>,
) -> Result<&'t str, ConvertError> {
    text.get(range).ok_or_else(|| ConvertError {
        file: path.to_owned(),
        line: 1,
        message: Internal::new("a document is not where its file has it").to_string(),
    })
}

/// The line in the document, and the problem there.
type Fault = (usize, String);

fn mentions(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), ANY_VERSION.as_bytes()).is_some()
}

fn convert_document(text: &str, to: ApiVersion) -> Result<(String, usize), Fault> {
    let tree = Tree::parse(text);
    let value = tree.as_ref().map_err(Clone::clone);
    let value = value.and_then(Tree::to_value).map_err(|error| {
        (
            error.line,
            format!(
                "this mentions a functionConfig and is not valid YAML: {}",
                error.message
            ),
        )
    })?;
    let fault = |path: &str, message: String| {
        let line = tree.as_ref().map_or(1, |tree| line_of(tree, path));
        (line, format!("{path}: {message}"))
    };
    let (mut edited, mut count) = (text.to_owned(), 0);
    for place in places(&value) {
        let config = value.pointer(place.as_str()).unwrap_or(&Value::Null);
        let refused = |error: ConfigError| fault(&field(&place, &error.path), error.message);
        count += 1;
        let from = ApiVersion::of(config).map_err(refused)?;
        FunctionConfig::parse(config).map_err(refused)?;
        if from == to {
            continue;
        }
        let operations = from.conversion().operations(to.conversion(), config);
        let operations: Vec<_> = operations
            .map_err(refused)?
            .into_iter()
            .map(|operation| below(&place, operation))
            .collect();
        let write = |edited: &str| {
            let edited = yaml_splice::apply(edited, &operations)?;
            with_version(&edited, &place, from, to)
        };
        edited = write(&edited)
            .map_err(|error| fault(&field(&place, "apiVersion"), error.to_string()))?;
    }
    for place in inline(&value) {
        let config = value.pointer(place.as_str()).and_then(Value::as_str);
        let config = config.ok_or_else(|| {
            let error = Internal::new("an inline functionConfig is not text");
            fault(&field(&place, ""), error.to_string())
        })?;
        let inner = convert("", config, to);
        let inner = inner.map_err(|error| fault(&field(&place, ""), error.message))?;
        count += inner.configs;
        if inner.text != config {
            let operation = replace(place.clone(), inner.text.into());
            edited = yaml_splice::apply(&edited, &[operation])
                .map_err(|error| fault(&field(&place, ""), error.to_string()))?;
        }
    }
    Ok((edited, count))
}

/// The positions of the functionConfigs in a document.
fn places(document: &Value) -> Vec<PointerBuf> {
    let is_config = |value: &Value| {
        let version = value.get("apiVersion").and_then(Value::as_str);
        version.is_some_and(|version| version.starts_with(ANY_VERSION))
    };
    if is_config(document) {
        return vec![PointerBuf::new()];
    }
    let mut places = Vec::new();
    if document.get("kind").and_then(Value::as_str) != Some("ResourceList") {
        return places;
    }
    if document.get("functionConfig").is_some_and(is_config) {
        places.push(PointerBuf::from_tokens(["functionConfig"]));
    }
    places.extend(members(document, "items", is_config));
    places
}

/// The positions of inline functionConfigs in a kustomization.
fn inline(document: &Value) -> Vec<PointerBuf> {
    // `kind` is optional in a kustomization.
    let kind = document.get("kind").and_then(Value::as_str);
    if !matches!(kind, None | Some("Kustomization" | "Component")) {
        return Vec::new();
    }
    let is_text = |value: &Value| value.as_str().is_some_and(mentions);
    INLINE
        .iter()
        .flat_map(|list| members(document, list, is_text))
        .collect()
}

/// The members of a list that meet a condition.
fn members(document: &Value, list: &str, are: impl Fn(&Value) -> bool) -> Vec<PointerBuf> {
    let items = document.get(list).and_then(Value::as_array);
    let items = items.into_iter().flatten().enumerate();
    items
        .filter(|(_, item)| are(item))
        .map(|(index, _)| PointerBuf::from_tokens([list, &index.to_string()]))
        .collect()
}

/// A field in the notation of results, from the root of the document.
fn field(place: &Pointer, path: &str) -> String {
    let mut field = String::new();
    for token in place.tokens() {
        let token = token.decoded();
        if token.parse::<usize>().is_ok() {
            field.push_str(&format!("[{token}]"));
        } else {
            field.push_str(&token);
        }
    }
    if !field.is_empty() && !path.is_empty() {
        field.push('.');
    }
    field + path
}

/// Rebases an operation on a functionConfig onto the document around it.
fn below(place: &Pointer, operation: PatchOperation) -> PatchOperation {
    match operation {
        PatchOperation::Add(AddOperation { path, value }) => PatchOperation::Add(AddOperation {
            path: place.concat(&path),
            value,
        }),
        PatchOperation::Remove(RemoveOperation { path }) => {
            PatchOperation::Remove(RemoveOperation {
                path: place.concat(&path),
            })
        }
        PatchOperation::Replace(ReplaceOperation { path, value }) => {
            replace(place.concat(&path), value)
        }
        // The editor reports these as unsupported.
        other => other,
    }
}

fn replace(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Replace(ReplaceOperation { path, value })
}

/// The text with another version. Where the version is written without escapes, only its own letters
/// change, so that converting back gives the same text, whatever the quotes.
fn with_version(
    text: &str,
    place: &Pointer,
    from: ApiVersion,
    to: ApiVersion,
) -> Result<String, yaml_splice::EditError> {
    let path = place.concat(&PointerBuf::from_tokens(["apiVersion"]));
    let operation = replace(path.clone(), to.as_str().into());
    let mut expected = Tree::parse(text)?.to_value()?;
    let patched = json_patch::patch(&mut expected, std::slice::from_ref(&operation)).is_ok();
    let in_place = node_at(&Tree::parse(text)?, &path).and_then(|range| {
        let written = text.get(range.clone())?;
        let converted = written.replace(from.as_str(), to.as_str());
        let parts = [text.get(..range.start)?, &converted, text.get(range.end..)?];
        (written.matches(from.as_str()).count() == 1).then(|| parts.concat())
    });
    match in_place {
        Some(edited) if patched && means(&edited, &expected) => Ok(edited),
        _ => yaml_splice::apply(text, &[operation]),
    }
}

fn means(text: &str, value: &Value) -> bool {
    let found = Tree::parse(text).and_then(|tree| tree.to_value());
    found.as_ref() == Ok(value)
}

/// The bytes of the node that a pointer leads to without following aliases.
fn node_at(tree: &Tree<'_>, path: &Pointer) -> Option<std::ops::Range<usize>> {
    let step = |node: NodeId, token: json_patch::jsonptr::Token<'_>| {
        let token = token.decoded();
        match token.parse::<usize>() {
            Ok(index) => tree.items(node).get(index).copied(),
            Err(_) => tree.entry(node, &token).map(|(_, value)| value),
        }
    };
    let node = path.tokens().try_fold(tree.root()?, step)?;
    Some(tree.node(node).span.clone())
}
