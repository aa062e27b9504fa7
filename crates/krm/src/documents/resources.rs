//! All resources in some files, wrapped or not.

use std::collections::{BTreeMap, BTreeSet};

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

/// Resources that were looked for, by kind, name and namespace.
#[derive(Clone, Debug, Default)]
pub struct FoundResources<'text>(BTreeMap<[String; 3], FileResource<'text>>);

impl<'text> FoundResources<'text> {
    /// Looks for the first resource of the files that has the kind, name and namespace of each of
    /// these. The files are read once.
    pub fn of(files: &[(&str, &'text str)], wanted: &[Identity]) -> Self {
        /// Up to so many names, looking for them in a text is faster than reading its own.
        const FEW: usize = 8;

        let may_be_wanted = |item: &Item<'_>| {
            wanted.len() > FEW || wanted.iter().any(|one| item.may_be_named(&one.name))
        };
        let wanted_keys: BTreeSet<[String; 3]> = wanted.iter().map(key).collect();
        let mut found = BTreeMap::new();
        for resource in resources(files).unwrap_or_default() {
            if !may_be_wanted(&resource.item) {
                continue;
            }
            let key = key(&resource.item.identity());
            if wanted_keys.contains(&key) {
                found.entry(key).or_insert(resource);
            }
        }
        Self(found)
    }

    /// The resource with this kind, name and namespace, if it was looked for and is there.
    pub fn get(&self, wanted: &Identity) -> Option<&FileResource<'text>> {
        self.0.get(&key(wanted))
    }
}

fn key(identity: &Identity) -> [String; 3] {
    [&identity.kind, &identity.name, &identity.namespace].map(String::clone)
}

/// Reports a document that is not YAML, with its line in the file: the function only knows the
/// lines of its list.
pub fn unreadable(files: &[(&str, &str)]) -> Option<DocumentError> {
    split(files).ok()?.iter().find_map(|document| {
        let error = Tree::parse(document.text(files)).err()?;
        Some(document.not_yaml(files, error))
    })
}
