//! All resources in some files, wrapped or not.

use super::item::Item;
use super::members::members;
use super::{Document, DocumentError, split};
use crate::resource::Identity;
use yaml_splice::Tree;

/// A resource of a file.
#[derive(Clone, Debug)]
pub struct FileResource<'text> {
    /// The document that it is, or that wraps it.
    pub document: Document,
    /// Its path there in the notation of results: `items[3]`; empty for the document itself.
    pub path: String,
    /// How many lines of the document come before it.
    pub lines_before: usize,
    /// The resource.
    pub item: Item<'text>,
}

/// The resources of files, given as (path, text), in the order of the text, without
/// functionConfigs.
///
/// # Errors
///
/// As [`split`].
pub fn resources<'text>(
    files: &[(&str, &'text str)],
) -> Result<Vec<FileResource<'text>>, DocumentError> {
    Ok(resources_of(files, &split(files)?))
}

/// Like [`resources`], for files that are already split.
pub fn resources_of<'text>(
    files: &[(&str, &'text str)],
    documents: &[Document],
) -> Vec<FileResource<'text>> {
    let mut found = Vec::new();
    for document in documents {
        if document.is_function_config {
            continue;
        }
        let members = members(Item::of(document, files)).into_iter();
        found.extend(members.map(|member| FileResource {
            document: document.clone(),
            path: member.path,
            lines_before: member.lines_before,
            item: member.item,
        }));
    }
    found
}

/// The first resource of the files that has this kind, name and namespace.
pub fn find<'text>(files: &[(&str, &'text str)], wanted: &Identity) -> Option<FileResource<'text>> {
    let mut resources = resources(files).ok()?.into_iter();
    resources.find(|resource| {
        resource.item.may_be_named(&wanted.name) && {
            let identity = resource.item.identity();
            (&identity.kind, &identity.name, &identity.namespace)
                == (&wanted.kind, &wanted.name, &wanted.namespace)
        }
    })
}

/// Reports a document that is not YAML, with its line in the file: the function only knows the
/// lines of its list.
pub fn unreadable(files: &[(&str, &str)]) -> Option<DocumentError> {
    split(files).ok()?.iter().find_map(|document| {
        let error = Tree::parse(document.text(files)).err()?;
        Some(document.not_yaml(files, error))
    })
}
