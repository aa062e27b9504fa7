//! Warnings as comments, for programs that run this one and do not show its standard error.

use krm::documents::{DocumentError, FoundResources, split};
use krm::resource::Identity;
use krm::text::printable;
use serde_json::Value;

use crate::manifests::{File, texts};

/// Puts each warning above the document of the resource that it is about, and the others above the
/// first document.
///
/// # Errors
///
/// A file cannot be split into documents.
pub(super) fn insert(files: &mut [File], results: &[Value]) -> Result<(), DocumentError> {
    let mut comments: Vec<(usize, usize, String)> = Vec::new();
    {
        let texts = texts(files);
        let documents = split(&texts)?;
        let first = documents.iter().find(|one| !one.is_function_config);
        let is_warning = |result: &&Value| {
            let severity = result.get("severity").and_then(Value::as_str);
            severity == Some("warning")
        };
        let warnings: Vec<&Value> = results.iter().filter(is_warning).collect();
        let wanted: Vec<Identity> = warnings.iter().map(|result| identity(result)).collect();
        let found = FoundResources::of(&texts, &wanted);
        for (result, wanted) in warnings.iter().zip(&wanted) {
            let document = found.get(wanted).map(|found| &found.document).or(first);
            if let Some(document) = document {
                let line = comment(result);
                comments.push((document.file, document.range.start, line));
            }
        }
    }
    // From the last to the first, so that the earlier places stay.
    comments.reverse();
    comments.sort_by_key(|(file, at, _)| std::cmp::Reverse((*file, *at)));
    for (file, at, line) in comments {
        if let Some(file) = files.get_mut(file) {
            let before = file.text.get(..at).unwrap_or_default();
            // A document may begin on the line of its `---`.
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let at = if before.ends_with('\u{feff}') {
                at
            } else {
                line_start
            };
            let line_break = yaml_splice::line_break(&file.text);
            file.text.insert_str(at, &format!("{line}{line_break}"));
        }
    }
    Ok(())
}

fn identity(result: &Value) -> Identity {
    let text = |name: &str| {
        let text = result.pointer(&format!("/resourceRef/{name}"));
        text.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Identity {
        api_version: text("apiVersion"),
        kind: text("kind"),
        name: text("name"),
        namespace: text("namespace"),
        ..Identity::default()
    }
}

/// `# runner-terminal: warning: spec.replicas: message`, on one line. The document is below it.
fn comment(result: &Value) -> String {
    let text = |pointer: &str| result.pointer(pointer).and_then(Value::as_str);
    let message = text("/message").unwrap_or_default();
    let said = match text("/field/path") {
        Some(field) if !field.is_empty() => format!("{field}: {message}"),
        _ => message.to_owned(),
    };
    let words: Vec<&str> = said.split_whitespace().collect();
    format!(
        "# runner-terminal: warning: {}",
        printable(&words.join(" "))
    )
}
