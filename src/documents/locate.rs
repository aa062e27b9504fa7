//! Where in the given files a result is about something.

use std::cell::OnceCell;

use serde::Serialize;

use super::item::{Item, ItemName, names};
use super::members::{Member, members};
use super::{Config, Document, DocumentError, is_function_config, split};
use crate::results::FunctionResult;
use crate::yaml::Tree;
use crate::yaml::tree::{Kind, NodeId};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The path of the file, as given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// What the messages of results about the functionConfig begin with, before the field.
const ABOUT_CONFIG: &str = "functionConfig ";

/// Finds what results are about, each of a run with this config on these files: the field of the
/// resource, or of the functionConfig. Where the field is not there, it is the nearest around it;
/// where the resource isn't, `None`.
pub fn locate<'r>(
    files: &[(&str, &str)],
    results: impl IntoIterator<Item = (&'r Config<'r>, &'r FunctionResult)>,
) -> Vec<Option<Location>> {
    let named = OnceCell::new();
    let in_files = |result: &FunctionResult| {
        let resource = result.resource_ref.as_ref()?;
        let mut named = named.get_or_init(|| named_documents(files)).iter();
        let (document, path, _) = named.find(|(_, _, name)| {
            (&name.kind, &name.name, &name.namespace)
                == (&resource.kind, &resource.name, &resource.namespace)
        })?;
        let field = result.field.as_ref().map_or("", |field| &field.path);
        let tree = Tree::parse(document.text(files));
        let dot = if path.is_empty() || field.is_empty() || field.starts_with('[') {
            ""
        } else {
            "."
        };
        let line = tree.map_or(1, |tree| line_of(&tree, &format!("{path}{dot}{field}")));
        Some(Location {
            file: files.get(document.file)?.0.to_owned(),
            line: document.line + line - 1,
        })
    };
    results
        .into_iter()
        .map(|(config, result)| match config_field(result) {
            Some(field) => in_config(config, field),
            None => in_files(result),
        })
        .collect()
}

/// The resources of the files: each one's document, its path there, and what it is called.
pub(super) fn named_documents(files: &[(&str, &str)]) -> Vec<(Document, String, ItemName)> {
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

/// The field of the functionConfig that a result is about.
fn config_field(result: &FunctionResult) -> Option<&str> {
    if result.resource_ref.is_some() {
        return None;
    }
    let rest = result.message.strip_prefix(ABOUT_CONFIG)?;
    rest.split_once(": ").map(|(field, _)| field)
}

fn in_config(config: &Config<'_>, field: &str) -> Option<Location> {
    let line = Tree::parse(&config.text).map_or(1, |tree| line_of(&tree, field));
    (config.line > 0).then(|| Location {
        file: config.file.clone(),
        line: config.line_in_file(line),
    })
}

/// The line of a field, by its path from the document's root as results write it:
/// `spec.containers[0].ports`, `data[config.toml]`, or that of the nearest around it.
pub(crate) fn line_of(tree: &Tree<'_>, path: &str) -> usize {
    let at = tree.root().map_or(0, |root| position(tree, root, path));
    let before = tree.text.as_bytes().get(..at).unwrap_or_default();
    memchr::memchr_iter(b'\n', before).count() + 1
}

fn position(tree: &Tree<'_>, root: NodeId, path: &str) -> usize {
    let mut at = tree.node(root).span.start;
    let mut node = root;
    let mut rest = path;
    loop {
        if let Kind::Alias { target, .. } = tree.node(node).kind {
            node = target;
        }
        let step = match tree.node(node).kind {
            Kind::Mapping { .. } => member(tree, node, rest),
            Kind::Sequence { .. } => item(tree, node, rest),
            _ => None,
        };
        let Some(step) = step else {
            return at;
        };
        // An anchor stands elsewhere: what is in there says nothing about here.
        let start = tree.node(step.place).span.start;
        at = if start < at { at } else { start };
        (node, rest) = (step.value, step.rest);
    }
}

/// One part of a path.
struct Step<'path> {
    /// The node whose line it is.
    place: NodeId,
    value: NodeId,
    rest: &'path str,
}

/// The member that a path leads into: of two keys, where one begins as the other does, the longer.
/// Keys may have dots.
fn member<'path>(tree: &Tree<'_>, mapping: NodeId, path: &'path str) -> Option<Step<'path>> {
    let steps = tree.entries(mapping).iter().filter_map(|(key, value)| {
        let rest = after_key(path, tree.scalar(*key)?)?;
        Some(Step {
            place: *key,
            value: *value,
            rest,
        })
    });
    steps.min_by_key(|step| step.rest.len())
}

fn after_key<'path>(path: &'path str, key: &str) -> Option<&'path str> {
    if key.is_empty() {
        return None;
    }
    if let Some(bracketed) = path.strip_prefix('[') {
        return bracketed.strip_prefix(key)?.strip_prefix(']');
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let rest = path.strip_prefix(key)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

fn item<'path>(tree: &Tree<'_>, sequence: NodeId, path: &'path str) -> Option<Step<'path>> {
    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
    let item = *tree.items(sequence).get(index.parse::<usize>().ok()?)?;
    Some(Step {
        place: item,
        value: item,
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::super::function_configs;
    use super::*;
    use crate::resource::Identity;

    const TEXT: &str = "\
# head
kind: Deployment
metadata:
  annotations:
    example.com/a: x
    example.com: y
spec:
  containers:
  - name: one
    ports: [{port: 1},
      {port: 2}]
  -
    name: two
data:
  config.toml: |
    a
  b: c
";

    fn line(path: &str) -> usize {
        line_of(&Tree::parse(TEXT).unwrap(), path)
    }

    #[test]
    fn a_field_has_the_line_of_its_key() {
        assert_eq!(line("kind"), 2);
        assert_eq!(line("spec.containers"), 8);
        assert_eq!(line("spec.containers[0].ports"), 10);
        assert_eq!(line("spec.containers[0].ports[1].port"), 11);
        assert_eq!(line("spec.containers[1].name"), 13);
        assert_eq!(line("data[config.toml]"), 15);
        assert_eq!(line("data.config.toml"), 15);
        assert_eq!(line("data.b"), 17);
        assert_eq!(line("metadata.annotations.example.com/a"), 5);
        assert_eq!(line("metadata.annotations[example.com]"), 6);
    }

    #[test]
    fn a_field_that_is_not_there_has_the_line_of_the_nearest_around_it() {
        assert_eq!(line(""), 2);
        assert_eq!(line("status.loadBalancer"), 2);
        assert_eq!(line("spec.replicas"), 7);
        assert_eq!(line("spec.containers[7].ports"), 8);
        assert_eq!(line("spec.containers[x"), 8);
        assert_eq!(line("spec.containers[0].name.x"), 9);
        assert_eq!(line("kin"), 2);
        assert_eq!(line("].[..["), 2);
        assert_eq!(line_of(&Tree::parse("# none\n").unwrap(), "a"), 1);
    }

    #[test]
    fn what_an_alias_stands_for_is_not_where_it_is() {
        let text = "a: &a\n  x: 1\nb: *a\nc: 1\n";
        assert_eq!(line_of(&Tree::parse(text).unwrap(), "b.x"), 3);
    }

    #[test]
    fn results_are_located_in_their_file() {
        let files = [
            ("a.yaml", "kind: Pod\nmetadata: {name: p}\n"),
            (
                "b.yaml",
                "# b\n---\nkind: Pod\nmetadata:\n  name: p\n  namespace: ci\nspec:\n  x: 1\n",
            ),
        ];
        let given = [("functionConfig", "# mine\nkind: A\nspec:\n  address: x\n")];
        let config = &function_configs(&files, &given).unwrap()[0];
        let default = &function_configs(&files, &[]).unwrap()[0];
        let pod = |namespace: &str| Identity {
            kind: "Pod".to_owned(),
            name: "p".to_owned(),
            namespace: namespace.to_owned(),
            ..Identity::default()
        };
        let about = |namespace| FunctionResult::error("x").about(&pod(namespace));
        let results = [
            about("").at("metadata.name"),
            about("ci").at("spec.x"),
            about("ci"),
            about("other"),
            FunctionResult::error("functionConfig spec.address: is wrong"),
            FunctionResult::error("functionConfig spec.address: is wrong").about(&pod("ci")),
            FunctionResult::error("nothing in particular"),
        ];
        let located = |config| -> Vec<String> {
            locate(&files, results.iter().map(|result| (config, result)))
                .into_iter()
                .map(|place| match place {
                    Some(place) => format!("{}:{}", place.file, place.line),
                    None => "-".to_owned(),
                })
                .collect()
        };
        assert_eq!(
            located(config),
            [
                "a.yaml:2",
                "b.yaml:8",
                "b.yaml:3",
                "-",
                "functionConfig:4",
                "b.yaml:3",
                "-"
            ]
        );
        assert_eq!(located(default)[4], "-");

        let broken = [files[0], ("x.yaml", "a: [\n"), files[1]];
        let about = about("ci").at("spec.x");
        let located = locate(&broken, [(config, &about)]);
        assert_eq!(located[0].as_ref().map(|place| place.line), Some(8));
    }
}
