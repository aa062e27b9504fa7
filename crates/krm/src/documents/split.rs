//! Splits files into documents.

use yaml_splice::Tree;
use yaml_splice::tree::skip_gap;

use super::item::lines;
use super::{Document, DocumentError, Problem};

/// The prefix of the apiVersion of this function's functionConfigs.
pub const ANY_VERSION: &str = "runner-terminal.dev/v";

/// Splits files, given as (path, text), into the documents that have content.
///
/// # Errors
///
/// [`DocumentError`] if a file has content that a ResourceList cannot hold.
pub fn split(files: &[(&str, &str)]) -> Result<Vec<Document>, DocumentError> {
    let mut documents = Vec::new();
    for (file, (path, text)) in files.iter().enumerate() {
        documents.append(&mut split_file(file, path, text)?);
    }
    Ok(documents)
}

/// True for a document that is a functionConfig of this function, and no resource of a cluster.
pub fn is_function_config(document: &str) -> bool {
    let version = || {
        let tree = Tree::parse(document).ok()?;
        let value = tree.value_of(tree.root()?).ok()?;
        Some(value.get("apiVersion")?.as_str()?.starts_with(ANY_VERSION))
    };
    memchr::memmem::find(document.as_bytes(), ANY_VERSION.as_bytes()).is_some()
        && version().unwrap_or(false)
}

fn split_file(file: usize, path: &str, text: &str) -> Result<Vec<Document>, DocumentError> {
    let mut documents: Vec<Document> = Vec::new();
    let mut separator = None;
    // Whether the lines belong to the last of `documents`, or come before the next one.
    let mut is_open = false;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let offset = text.len() - body.len();
    for (index, (start, line)) in lines(body).enumerate() {
        let (start, end) = (offset + start, offset + start + line.len());
        let refuse = |problem| DocumentError::new(path, index + 1, problem);
        if has_lone_return(line) {
            return Err(refuse(Problem::LoneCarriageReturn));
        }
        if let Some(rest) = after(line, "---") {
            if is_content(rest) {
                return Err(refuse(Problem::ContentAfterSeparator));
            }
            is_open = false;
            separator = Some(start);
        } else if let Some(rest) = after(line, "...") {
            if is_content(rest) {
                return Err(refuse(Problem::ContentAfterSeparator));
            }
            is_open = false;
        } else if is_open {
            if let Some(document) = documents.last_mut() {
                document.range.end = end;
            }
        } else if line.starts_with('%') {
            return Err(refuse(Problem::Directive));
        } else if line.starts_with('\u{feff}') {
            return Err(refuse(Problem::ByteOrderMark));
        } else if is_content(line) {
            let number = documents.len() + 1;
            documents.push(Document {
                file,
                number,
                line: index + 1,
                range: start..end,
                separator: separator.take(),
                is_function_config: false,
            });
            is_open = true;
        }
    }
    for document in &mut documents {
        let content = text.get(document.range.clone()).unwrap_or_default();
        if is_block_scalar(content) {
            return Err(DocumentError::new(
                path,
                document.line,
                Problem::BlockScalar,
            ));
        }
        document.is_function_config = is_function_config(content);
    }
    Ok(documents)
}

/// True for a document that is a single block scalar, after its tag and anchor.
fn is_block_scalar(document: &str) -> bool {
    let mut at = skip_gap(document, 0);
    loop {
        let rest = document.get(at..).unwrap_or_default();
        if !rest.starts_with(['!', '&']) {
            return rest.starts_with(['|', '>']);
        }
        let word = rest.find([' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        at = skip_gap(document, at + word);
    }
}

/// True for a line with a carriage return before its end.
fn has_lone_return(line: &str) -> bool {
    let text = line.strip_suffix('\n').unwrap_or(line);
    let text = text.strip_suffix('\r').unwrap_or(text);
    memchr::memchr(b'\r', text.as_bytes()).is_some()
}

/// The rest of a line after a token that ends at a blank or at the end of the line, without leading
/// blanks.
pub(super) fn after<'line>(line: &'line str, token: &str) -> Option<&'line str> {
    let rest = line.strip_prefix(token)?;
    (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        .then(|| rest.trim_start_matches([' ', '\t']))
}

/// True for a line with something other than blanks and a comment.
pub(super) fn is_content(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '\r', '\n']);
    !line.is_empty() && !line.starts_with('#')
}
