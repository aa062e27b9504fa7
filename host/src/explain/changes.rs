//! What the function changed: the items before and after, paired by what they are.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use runner_terminal::documents::from_resource_list;

use super::fields::{self, Field};
use crate::manifests::Manifests;

/// All that changed.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    /// The resources that changed, in the order of the list, new ones at the end.
    pub(super) resources: Vec<Resource>,
    /// How many stayed as they are.
    pub(super) unchanged: usize,
    files: Vec<(&'a str, &'a str, String)>,
}

/// A resource that changed.
#[derive(Debug)]
pub(super) struct Resource {
    /// What it is called.
    pub(super) identity: Identity,
    /// `file:line`, or nothing for one that the function made.
    pub(super) place: String,
    /// What happened to it.
    pub(super) change: Change,
}

/// What happened to a resource.
#[derive(Debug)]
pub(super) enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// These fields are not what they were.
    Changed(Vec<Field>),
}

impl<'a> Changes<'a> {
    /// Compares the manifests with the list that the function gave.
    ///
    /// # Errors
    ///
    /// A sentence, when one of the lists has no items in block style.
    pub(super) fn find(manifests: &'a Manifests, list: &str) -> Result<Self, String> {
        let before = manifests.items()?;
        let after = from_resource_list(list).map_err(|error| error.to_string())?;

        let mut by_identity: HashMap<Identity, VecDeque<usize>> = HashMap::new();
        for (index, item) in after.iter().enumerate() {
            by_identity
                .entry(Identity::of(item))
                .or_default()
                .push_back(index);
        }
        let mut is_paired = vec![false; after.len()];
        let mut resources = Vec::new();
        let mut unchanged = 0;
        // The text that each changed item has now; none for one that is gone.
        let mut edits = Vec::new();
        for (index, item) in before.iter().enumerate() {
            let identity = Identity::of(item);
            let partner = by_identity.get_mut(&identity).and_then(VecDeque::pop_front);
            if let Some(paired) = partner.and_then(|partner| is_paired.get_mut(partner)) {
                *paired = true;
            }
            let now = partner.and_then(|partner| after.get(partner));
            if now == Some(item) {
                unchanged += 1;
                continue;
            }
            let change = match now {
                Some(now) => Change::Changed(fields::changed(item, now)),
                None => Change::Removed,
            };
            resources.push(Resource {
                identity,
                place: place(manifests, index),
                change,
            });
            edits.push((index, now.map_or("", String::as_str)));
        }

        let mut files = edited(manifests, list, &edits);
        for (item, _) in after
            .iter()
            .zip(is_paired)
            .filter(|(_, is_paired)| !is_paired)
        {
            let identity = Identity::of(item);
            // A ResourceList's own diff shows its new items.
            if let Manifests::Plain { .. } = manifests {
                files.push(("/dev/null", "", item.to_owned()));
            }
            resources.push(Resource {
                identity,
                place: String::new(),
                change: Change::Added,
            });
        }
        Ok(Self {
            resources,
            unchanged,
            files,
        })
    }

    /// The path of each file that changed, its text before, and its text after. A resource that
    /// is in no file is one whose path is `/dev/null`.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.files
            .iter()
            .map(|(path, before, after)| (*path, *before, after.as_str()))
    }
}

/// Where an item comes from.
fn place(manifests: &Manifests, index: usize) -> String {
    match manifests {
        Manifests::Plain {
            files, documents, ..
        } => documents
            .get(index)
            .and_then(|document| Some((files.get(document.file)?, document)))
            .map(|(file, document)| format!("{}:{}", file.path, document.line))
            .unwrap_or_default(),
        Manifests::List(file) => format!("{}, item {}", file.path, index + 1),
    }
}

/// The files with the edits done in their text: all around the edited documents stays.
fn edited<'a>(
    manifests: &'a Manifests,
    list: &str,
    edits: &[(usize, &str)],
) -> Vec<(&'a str, &'a str, String)> {
    let (files, documents) = match manifests {
        Manifests::Plain {
            files, documents, ..
        } => (files, documents),
        Manifests::List(file) if file.text == list => return Vec::new(),
        Manifests::List(file) => return vec![(&file.path, &file.text, list.to_owned())],
    };
    let mut texts: Vec<Option<String>> = vec![None; files.len()];
    // From the end, so that the ranges of the documents before stay true.
    for (index, now) in edits.iter().rev() {
        if let Some(document) = documents.get(*index)
            && let Some(file) = files.get(document.file)
            && let Some(text) = texts.get_mut(document.file)
        {
            text.get_or_insert_with(|| file.text.clone())
                .replace_range(document.range.clone(), now);
        }
    }
    files
        .iter()
        .zip(texts)
        .filter_map(|(file, text)| Some((file.path.as_str(), file.text.as_str(), text?)))
        .collect()
}

/// What a resource is called: enough to tell it from the others, and for a person to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    kind: String,
    namespace: String,
    name: String,
}

impl Identity {
    /// Reads it from the text of a resource in block style. One in flow style or JSON has no name
    /// here: its place tells which one it is.
    pub(super) fn of(item: &str) -> Self {
        let mut identity = Self::default();
        for (path, value) in fields::scalars(item) {
            match path.as_str() {
                "kind" => identity.kind = value.to_owned(),
                "metadata.namespace" => identity.namespace = value.to_owned(),
                "metadata.name" => identity.name = value.to_owned(),
                _ => {}
            }
        }
        identity
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind.is_empty() {
            "(resource)"
        } else {
            &self.kind
        };
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        let full = format!("{kind} {}{slash}{}", self.namespace, self.name);
        formatter.pad(full.trim_end())
    }
}
