//! What the function changed: each resource before and after.
//!
//! ```
//! use krm::alignment::Sequence;
//! use view::changes::Changes;
//!
//! let before = [("a.yaml", "kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b}\n")];
//! let after = [("a.yaml", "kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b}\nx: 1\n")];
//! let changes = Changes::of_files(&before, &after, &Sequence::default())?;
//! assert_eq!(changes.unchanged, 1);
//! assert_eq!(changes.resources[0].name, "Pod b");
//! assert_eq!(changes.resources[0].place.to_string(), "a.yaml:4");
//! assert_eq!(changes.resources[0].fields[0].to_string(), "+ x");
//! # Ok::<(), krm::documents::DocumentError>(())
//! ```

mod fields;

use std::fmt;

use serde::Serialize;

use krm::alignment::Sequence;
use krm::documents::{Document, DocumentError, Item, items, members, resources_of, split};
use krm::resource::{Identity, Resource, display_name};

pub use fields::{Difference, Field};

/// All changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The resources that changed, in the order of the list.
    pub resources: Vec<Change>,
    /// The number of unchanged resources.
    pub unchanged: usize,
}

/// A resource that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is called: `Deployment ci/runner`.
    pub name: String,
    /// Its position before, or after if it is new.
    pub place: Place,
    /// What happened to it.
    pub change: Difference,
    /// The fields that differ; empty if it was added or removed as a whole, and if only comments or
    /// the style differ.
    pub fields: Vec<Field>,
}

/// Where a resource is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// A line of a file of manifests.
    Line {
        /// The path of the file, as given.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// An item of a ResourceList.
    Item {
        /// The path of the list, as given.
        file: String,
        /// Its number, from 1.
        item: usize,
    },
}

/// A resource, and where it is.
struct Placed<'text> {
    item: Item<'text>,
    place: Place,
}

impl Changes {
    /// Compares manifests, given as (path, text). `resources_now` maps the later resources to the
    /// earlier ones.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if a file cannot be split into documents.
    pub fn of_files(
        before: &[(&str, &str)],
        after: &[(&str, &str)],
        resources_now: &Sequence,
    ) -> Result<Self, DocumentError> {
        let (was, is) = (split(before)?, split(after)?);
        Ok(Self::of_documents(
            (before, &was),
            (after, &is),
            resources_now,
        ))
    }

    /// Like [`Self::of_files`], for files that are already split.
    pub fn of_documents(
        before: (&[(&str, &str)], &[Document]),
        after: (&[(&str, &str)], &[Document]),
        resources_now: &Sequence,
    ) -> Self {
        let before = Placed::files(before.0, before.1);
        let after = Placed::files(after.0, after.1);
        Self::find(&before, &after, resources_now)
    }

    /// Compares the texts of two ResourceLists. The first is in the file with this path.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] when one of the lists has no items in block style.
    pub fn of_lists(
        path: &str,
        before: &str,
        after: &str,
        resources_now: &Sequence,
    ) -> Result<Self, DocumentError> {
        let (before, after) = (Placed::list(path, before)?, Placed::list(path, after)?);
        Ok(Self::find(&before, &after, resources_now))
    }

    fn find(before: &[Placed<'_>], after: &[Placed<'_>], resources_now: &Sequence) -> Self {
        let mut changes = Self::default();
        let mut pairs: Vec<_> = resources_now
            .pairs(before.len())
            .into_iter()
            .map(|pair| {
                let was = pair.before.and_then(|position| before.get(position));
                let is = pair.after.and_then(|position| after.get(position));
                (was, is)
            })
            .collect();
        join_again(&mut pairs);
        for (was, is) in pairs {
            let (one, value, change, fields) = match (was, is) {
                (Some(was), Some(is)) if was.item.is(&is.item) => {
                    changes.unchanged += 1;
                    continue;
                }
                (Some(was), Some(is)) => {
                    let (value, value_now) = (was.item.value(), is.item.value());
                    // Text that is not YAML has no fields.
                    let fields = if value.is_null() || value_now.is_null() {
                        Vec::new()
                    } else {
                        fields::changed(&value, &value_now)
                    };
                    (was, value, Difference::Changed, fields)
                }
                (None, Some(is)) => (is, is.item.value(), Difference::Added, Vec::new()),
                (Some(was), None) => (was, was.item.value(), Difference::Removed, Vec::new()),
                (None, None) => continue,
            };
            changes.resources.push(Change {
                name: name(&Resource::new(0, value).identity),
                place: one.place.clone(),
                change,
                fields,
            });
        }
        changes
    }
}

/// A resource before and after.
type Pair<'p, 'text> = (Option<&'p Placed<'text>>, Option<&'p Placed<'text>>);

/// Treats a resource that one function removed and a later one added again as one resource, changed
/// or not.
fn join_again(pairs: &mut Vec<Pair<'_, '_>>) {
    let is_new = |pair: &Pair<'_, '_>| pair.0.is_none();
    if !pairs.iter().any(is_new) || !pairs.iter().any(|pair| pair.1.is_none()) {
        return;
    }
    let mut added: Vec<_> = pairs.extract_if(.., |pair| is_new(pair)).collect();
    for (was, is) in pairs.iter_mut() {
        let (Some(was), None) = (&was, &is) else {
            continue;
        };
        let identity = was.item.identity();
        let again = added.iter().position(|(_, new)| {
            !identity.kind.is_empty() && new.is_some_and(|new| new.item.identity() == identity)
        });
        if let Some(position) = again {
            *is = added.remove(position).1;
        }
    }
    pairs.append(&mut added);
}

/// `Deployment ci/runner`; `(resource)` if it has no kind.
fn name(identity: &Identity) -> String {
    match identity.kind.as_str() {
        "" => display_name("(resource)", &identity.name, &identity.namespace),
        _ => identity.to_string(),
    }
}

impl<'text> Placed<'text> {
    fn files(files: &[(&str, &'text str)], documents: &[Document]) -> Vec<Self> {
        let placed = resources_of(files, documents).into_iter().map(|resource| {
            let path = files
                .get(resource.document.file)
                .map_or("", |(path, _)| *path);
            Self {
                item: resource.item,
                place: Place::Line {
                    file: path.to_owned(),
                    line: resource.document.line + resource.lines_before,
                },
            }
        });
        placed.collect()
    }

    fn list(path: &str, text: &'text str) -> Result<Vec<Self>, DocumentError> {
        let items = items(text).map_err(|mut error| {
            path.clone_into(&mut error.path);
            error
        })?;
        let placed = items.into_iter().zip(1..).flat_map(|(item, number)| {
            members(item).into_iter().map(move |member| Self {
                item: member.item,
                place: Place::Item {
                    file: path.to_owned(),
                    item: number,
                },
            })
        });
        Ok(placed.collect())
    }
}

/// `file:line` or `file, item 2`
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(formatter, "{file}:{line}"),
            Self::Item { file, item } => write!(formatter, "{file}, item {item}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krm::documents::resources;

    fn now(removed: &[usize], added: &[usize]) -> Sequence {
        Sequence {
            removed: removed.iter().copied().collect(),
            added: added.iter().copied().collect(),
        }
    }

    #[test]
    fn changes_are_written_as_the_package_gives_them() {
        let pod = |name: &str| format!("kind: Pod\nmetadata:\n  name: {name}\n");
        let before = format!("{}---\n{}---\n{}", pod("a"), pod("b"), pod("c"));
        let after = format!("{}---\n{}  x: 1\n---\nkind: S\n", pod("a"), pod("b"));
        let changes =
            Changes::of_files(&[("m", &before)], &[("m", &after)], &now(&[2], &[2])).unwrap();
        assert_eq!(
            serde_json::to_value(&changes.resources).unwrap(),
            serde_json::json!([
                {"name": "Pod b", "place": {"file": "m", "line": 5}, "change": "changed",
                    "fields": [{"difference": "added", "path": "metadata.x"}]},
                {"name": "Pod c", "place": {"file": "m", "line": 9}, "change": "removed",
                    "fields": []},
                {"name": "S", "place": {"file": "m", "line": 10}, "change": "added",
                    "fields": []},
            ])
        );
        assert_eq!(changes.unchanged, 1);
    }

    #[test]
    fn resources_in_lists_and_arrays_are_told_apart() {
        let list = |last: &str| {
            format!(
                "# c\nkind: List\nitems:\n- kind: A\n- kind: B\n  metadata: {{name: b}}\n{last}"
            )
        };
        let array =
            |last: &str| format!("---\n[{{\"kind\": \"C\"}},\n{{\"kind\": \"D\"}}{last}]\n");
        let before = list("") + &array("");
        let after = list("  x: 1\n- kind: S\n") + &array(",\n{\"kind\": \"E\"}");
        let changes =
            Changes::of_files(&[("m", &before)], &[("m", &after)], &now(&[], &[2, 5])).unwrap();
        let said: Vec<_> = changes
            .resources
            .iter()
            .map(|change| format!("{:?} {} {}", change.change, change.name, change.place))
            .collect();
        assert_eq!(said, ["Changed B b m:5", "Added S m:8", "Added E m:12"]);
        assert_eq!(changes.resources[0].fields[0].to_string(), "+ x");
        assert_eq!(changes.unchanged, 3);
    }

    /// Counts resources as the function does: an array of resources, and a List whose kind is
    /// spelled with an escape, hold one resource per member.
    #[test]
    fn wrappers_are_told_as_the_function_tells_them() {
        for wrapper in [
            "- kind: A\n- kind: B\n",
            "  - kind: A\n  - kind: B\n",
            "# c\n-\n  kind: A\n- kind: B\n",
            "&x\n- kind: A\n- kind: B\n",
            "[{kind: A}, {kind: B}]\n",
            "kind: \"L\\u0069st\"\nitems:\n- kind: A\n- kind: B\n",
            "{\"kind\": \"\\x4cist\", \"items\": [{\"kind\": \"A\"}, {\"kind\": \"B\"}]}\n",
        ] {
            let files = [("m", wrapper), ("n", "kind: C\n")];
            let list = krm::documents::to_resource_list(&files, "kind: X\n").unwrap();
            let list = krm::resource_list::ResourceList::read(list.text.as_bytes()).unwrap();
            assert_eq!(list.resources().count(), 3, "{wrapper}");
            assert_eq!(resources(&files).unwrap().len(), 3, "{wrapper}");
        }
    }

    /// A member that refers to another one through an alias has the fields that the alias stands
    /// for.
    #[test]
    fn members_that_share_anchors_have_fields() {
        let list = |port: u8, more: &str| {
            format!(
                "kind: List\nitems:\n- kind: A\n  metadata: {{name: a}}\n  spec: &s\n    \
                 port: {port}\n- kind: B\n  metadata: {{name: b}}\n  spec: *s\n{more}- kind: C\n"
            )
        };
        let said = |before: &str, after: &str| {
            let changes = Changes::of_files(&[("m", before)], &[("m", after)], &now(&[], &[]));
            let changes = changes.unwrap();
            let resources = changes.resources.iter();
            let said = resources.map(|one| {
                format!(
                    "{} {:?}",
                    one.name,
                    one.fields
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                )
            });
            (said.collect::<Vec<_>>(), changes.unchanged)
        };
        assert_eq!(
            said(&list(1, ""), &list(1, "  x: 1\n")),
            (vec!["B b [\"+ x\"]".to_owned()], 2)
        );
        let both = ["A a [\"~ spec.port\"]", "B b [\"~ spec.port\"]"];
        assert_eq!(
            said(&list(1, ""), &list(2, "")),
            (both.map(str::to_owned).to_vec(), 1)
        );
    }

    #[test]
    fn what_goes_and_comes_again_is_one_resource() {
        let pod = |n: u8| format!("kind: Pod\nmetadata: {{name: a}}\nspec: {{n: {n}}}\n");
        let (before, after) = (pod(1), format!("kind: B\n---\n{}", pod(2)));
        let said = |after: &str, now: &Sequence| {
            let changes = Changes::of_files(&[("m", &before)], &[("m", after)], now).unwrap();
            let resources = changes.resources.iter();
            let said =
                resources.map(|one| format!("{:?} {} {:?}", one.change, one.name, one.fields));
            (said.collect::<Vec<_>>(), changes.unchanged)
        };
        let (rows, unchanged) = said(&after, &now(&[0], &[0, 1]));
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(
            rows[0].contains("Changed Pod a") && rows[0].contains("spec.n"),
            "{rows:?}"
        );
        assert!(rows[1].contains("Added B"), "{rows:?}");
        assert_eq!(unchanged, 0);
        assert_eq!(said(&before, &now(&[0], &[0])), (Vec::new(), 1));
    }

    #[test]
    fn items_of_a_list_have_numbers() {
        let list = |item: &str| {
            format!("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{item}")
        };
        let (before, after) = (
            list("- kind: A\n- kind: B\n"),
            list("- kind: A\n- kind: B\n  x: 1\n"),
        );
        let changes = Changes::of_lists("l", &before, &after, &now(&[], &[])).unwrap();
        assert_eq!(changes.resources[0].place.to_string(), "l, item 2");
        let error = Changes::of_lists("l", "items: {}", &after, &now(&[], &[])).unwrap_err();
        assert_eq!((error.path.as_str(), error.line), ("l", 1));
    }
}
