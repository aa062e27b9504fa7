//! The resources of some files, wherever they stand there.

use super::item::{Item, ItemName, names};
use super::members::{Member, members};
use super::{Document, DocumentError, is_function_config, split};
use yaml_splice::Tree;

/// The resources of the files: each one's document, its path there, and what it is called.
pub fn named_documents(files: &[(&str, &str)]) -> Vec<(Document, String, ItemName)> {
    let mut documents = split(files).unwrap_or_default();
    documents.retain(|document| !is_function_config(document.text(files)));
    let (places, items): (Vec<_>, Vec<_>) = documents
        .iter()
        .flat_map(|document| {
            let members = members(Item::of(document, files)).into_iter();
            members.map(move |Member { item, path, .. }| ((document.clone(), path), item))
        })
        .unzip();
    // Where one document is no YAML, each is looked at by itself.
    let alone = |item: &Item<'_>| {
        let name = names(std::slice::from_ref(item)).unwrap_or_default();
        name.into_iter().next().unwrap_or_default()
    };
    let names = names(&items).unwrap_or_else(|_| items.iter().map(alone).collect());
    let named = places.into_iter().zip(names);
    named
        .map(|((document, path), name)| (document, path, name))
        .collect()
}

/// Says where a document is no YAML: the function knows the lines of its list, and not the files.
pub fn unreadable(files: &[(&str, &str)]) -> Option<DocumentError> {
    split(files).ok()?.iter().find_map(|document| {
        let error = Tree::parse(document.text(files)).err()?;
        Some(document.not_yaml(files, error))
    })
}
