//! What the function changed: the items before and after, paired by what they are.

use runner_terminal::documents::{Item, items, pair, to_resource_list};
use runner_terminal::resource::written;

use super::fields::{self, Field};
use crate::apply::texts;
use crate::manifests::File;

/// Manifests are taken apart as the items of a list, whose function is not run.
const NO_CONFIG: &str = "{}";

/// All that changed.
#[derive(Debug)]
pub(super) struct Changes {
    /// The resources that changed, in the order of the list.
    pub(super) resources: Vec<Resource>,
    /// How many stayed as they are.
    pub(super) unchanged: usize,
}

/// A resource that changed.
#[derive(Debug)]
pub(super) struct Resource {
    /// What it is called: `Deployment ci/runner`.
    pub(super) name: String,
    /// Where it was, or where it is where it is new: `file:line`.
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

/// Items, and where each is.
struct Placed {
    items: Vec<Item>,
    places: Vec<String>,
}

impl Changes {
    /// Compares manifests.
    ///
    /// # Errors
    ///
    /// A sentence that names the file that cannot be taken apart.
    pub(super) fn of_files(before: &[File], after: &[File]) -> Result<Self, String> {
        Ok(Self::find(&Placed::files(before)?, &Placed::files(after)?))
    }

    /// Compares ResourceLists, the first of which is the file's.
    ///
    /// # Errors
    ///
    /// A sentence, when one of the lists has no items in block style.
    pub(super) fn of_lists(before: &File, after: &str) -> Result<Self, String> {
        Ok(Self::find(
            &Placed::list(&before.path, &before.text)?,
            &Placed::list(&before.path, after)?,
        ))
    }

    fn find(before: &Placed, after: &Placed) -> Self {
        let mut changes = Self {
            resources: Vec::new(),
            unchanged: 0,
        };
        for pair in pair(&before.items, &after.items) {
            let was = pair.before.and_then(|place| before.items.get(place));
            let is = pair.after.and_then(|place| after.items.get(place));
            let change = match (was, is) {
                (Some(was), Some(is)) if was.text == is.text => {
                    changes.unchanged += 1;
                    continue;
                }
                (Some(was), Some(is)) => Change::Changed(fields::changed(&was.text, &is.text)),
                (None, Some(_)) => Change::Added,
                (_, None) => Change::Removed,
            };
            let place = match (pair.before, pair.after) {
                (Some(place), _) => before.places.get(place),
                (None, place) => place.and_then(|place| after.places.get(place)),
            };
            changes.resources.push(Resource {
                name: was.or(is).map(name).unwrap_or_default(),
                place: place.cloned().unwrap_or_default(),
                change,
            });
        }
        changes
    }
}

impl Placed {
    fn files(files: &[File]) -> Result<Self, String> {
        let texts = texts(files);
        let wrapped = to_resource_list(&texts, NO_CONFIG).map_err(|error| error.to_string())?;
        let place = |document: &runner_terminal::documents::Document| {
            let path = texts.get(document.file).map_or("", |(path, _)| *path);
            format!("{path}:{}", document.line)
        };
        Ok(Self {
            places: wrapped.documents.iter().map(place).collect(),
            items: items(&wrapped.text).map_err(|error| error.to_string())?,
        })
    }

    fn list(path: &str, text: &str) -> Result<Self, String> {
        let items = items(text).map_err(|mut error| {
            path.clone_into(&mut error.path);
            error.to_string()
        })?;
        let places = (1..=items.len()).map(|item| format!("{path}, item {item}"));
        Ok(Self {
            places: places.collect(),
            items,
        })
    }
}

fn name(item: &Item) -> String {
    let kind = if item.kind.is_empty() {
        "(resource)"
    } else {
        &item.kind
    };
    let name = written(kind, &item.name, &item.namespace);
    name.trim_end().to_owned()
}
