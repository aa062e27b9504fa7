//! Which of the values in a file are the chart's.

use std::fmt;

use serde_json::Value;

use super::document::{Document, merged};
use super::recognise::{Likeness, is_empty, is_key, likeness};
use super::release::{is_manifest, sources};
use super::source::{Source, at, shown};
use super::values::{Values, quoted};
use super::{ChartValuesError, KeyPath, Note, Selection};

use yaml_splice::tree::NodeId;

/// Deeper mappings are not looked at.
const MAX_DEPTH: usize = 64;
/// At most this many places are looked at.
const MAX_PLACES: usize = 100;
/// Merge keys are followed through this many mappings.
const MAX_TEMPLATES: usize = 1000;
/// At most this many places are named in an error.
const MAX_NAMED: usize = 8;
/// The key of the chart's values in those of a chart that depends on it.
const SUBCHART: &str = "gitlab-runner";

/// A place that looks like values of the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The resource, as `HelmRelease ci/runner`; `None` in a plain values file.
    pub resource: Option<String>,
    /// What chooses this resource in a [`Selection`].
    pub selector: Option<String>,
    /// The keys that lead there, from the top of the document.
    pub path: KeyPath,
    /// The line of the last of these keys, from 1.
    pub line: usize,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = shown(&self.path.to_string());
        let path = match self.path.keys() {
            [] => "the top of the document",
            _ => &path,
        };
        match &self.resource {
            Some(resource) => write!(f, "{path} of {resource} (line {})", self.line),
            None => write!(f, "{path} (line {})", self.line),
        }
    }
}

/// Several places, in a message.
pub(super) fn list(found: &[Found]) -> String {
    let mut names: Vec<String> = found
        .iter()
        .take(MAX_NAMED)
        .map(ToString::to_string)
        .collect();
    if found.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// A place in the values of a release.
struct Candidate {
    source: usize,
    keys: Vec<String>,
    likeness: Likeness,
}

/// The values of the chart in the documents of a file.
///
/// # Errors
/// There are none, several, or some that cannot be read.
pub(super) fn find<'a>(
    documents: &'a [Document<'a>],
    selection: &Selection,
) -> Result<Values<'a>, ChartValuesError> {
    let mut sources: Vec<Source<'a>> = documents.iter().flat_map(sources).collect();
    if let Some(selector) = &selection.resource {
        sources = of_resource(documents, sources, selector)?;
    }
    let candidates = match &selection.at {
        Some(at) => named(documents, &mut sources, at.keys(), selection)?,
        None => alike(&sources, selection.resource.is_some()),
    };
    match candidates.as_slice() {
        [only] => {
            let index = only.source;
            let keys = only.keys.clone();
            match sources.into_iter().nth(index) {
                Some(source) => readable(source, keys),
                None => Err(nothing(documents, &[])),
            }
        }
        [] => Err(nothing(documents, &sources)),
        several => Err(ChartValuesError::Several(
            several
                .iter()
                .filter_map(|candidate| {
                    let source = sources.get(candidate.source)?;
                    Some(found(source, &candidate.keys))
                })
                .collect(),
        )),
    }
}

fn readable(source: Source<'_>, keys: Vec<String>) -> Result<Values<'_>, ChartValuesError> {
    if let Some(problem) = source.problem {
        return Err(problem);
    }
    match elsewhere_only(&source) {
        Some(error) => Err(error),
        None => Ok(Values::new(source, keys)),
    }
}

/// Says where a release that has no values here keeps them.
fn elsewhere_only(source: &Source<'_>) -> Option<ChartValuesError> {
    let first = source.elsewhere.first();
    let first = first.filter(|_| source.is_elsewhere_only())?;
    let names: Vec<&str> = source
        .elsewhere
        .iter()
        .take(MAX_NAMED)
        .map(|note| note.message.as_str())
        .collect();
    let message = format!(
        "the values are not here; import those in {}",
        names.join(" and ")
    );
    let place = first.place.clone();
    Some(ChartValuesError::Value {
        note: Note { place, message },
    })
}

fn found(source: &Source<'_>, keys: &[String]) -> Found {
    let resource = source.resource.as_ref();
    Found {
        resource: resource.map(ToString::to_string),
        selector: resource.map(|name| name.selector()),
        path: source.path_of(keys),
        line: source.place(keys).line,
    }
}

/// The sources of the resource that is asked for.
fn of_resource<'a>(
    documents: &'a [Document<'a>],
    sources: Vec<Source<'a>>,
    selector: &str,
) -> Result<Vec<Source<'a>>, ChartValuesError> {
    let mut names: Vec<String> = Vec::new();
    for source in &sources {
        if let Some(name) = source.resource.as_ref().map(|name| name.selector())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    let kept: Vec<Source<'a>> = sources
        .into_iter()
        .filter(|source| {
            source
                .resource
                .as_ref()
                .is_some_and(|name| name.is(selector))
        })
        .collect();
    if !kept.is_empty() {
        return Ok(kept);
    }
    let names: Vec<String> = names
        .iter()
        .take(MAX_NAMED)
        .map(|name| shown(name))
        .collect();
    let there = if names.is_empty() {
        "no resource here holds Helm values".to_owned()
    } else {
        format!("those that hold Helm values are {}", names.join(", "))
    };
    let selector = shown(selector);
    Err(missing(
        documents,
        format!("there is no resource {selector}; {there}"),
    ))
}

/// The places that look like the chart's values, without those that are less likely than others.
fn alike(sources: &[Source<'_>], with_guesses: bool) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let mut places = Vec::new();
        search(&source.value, &mut Vec::new(), &mut places);
        let places = without_templates(source, places);
        let is_file = source.resource.is_none() && source.path.is_empty();
        let is_blank = is_file && (source.value.is_null() || is_empty_mapping(&source.value));
        let places: Vec<_> = places
            .into_iter()
            .filter(|(_, likeness)| !source.is_guess || *likeness == Likeness::Certain)
            .collect();
        let found_any = !places.is_empty();
        all.extend(places.into_iter().map(|(keys, likeness)| Candidate {
            source: index,
            keys,
            likeness,
        }));
        let is_its = is_empty(&source.value) || likeness(&source.value) > Likeness::None;
        if !found_any && (is_blank || source.is_of_chart && is_its) {
            all.push(Candidate {
                source: index,
                keys: Vec::new(),
                likeness: Likeness::Possible,
            });
        }
    }
    let is_guess = |candidate: &Candidate| {
        !with_guesses
            && sources
                .get(candidate.source)
                .is_some_and(|source| source.is_guess)
    };
    if all.iter().any(|candidate| !is_guess(candidate)) {
        all.retain(|candidate| !is_guess(candidate));
    }
    keep_likeliest(sources, &mut all);
    all
}

/// Drops unlikely places where there is a likely one, except for a release of the chart gitlab-runner.
fn keep_likeliest(sources: &[Source<'_>], all: &mut Vec<Candidate>) {
    let best = all.iter().map(|candidate| candidate.likeness).max();
    let is_of_chart = |candidate: &Candidate| {
        sources
            .get(candidate.source)
            .is_some_and(|source| source.is_of_chart)
    };
    // In one source the best wins; between sources, that of the chart counts as much as any.
    let mut per_source = vec![None; sources.len()];
    for candidate in &*all {
        if let Some(most) = per_source.get_mut(candidate.source) {
            *most = (*most).max(Some(candidate.likeness));
        }
    }
    all.retain(|candidate| {
        let in_source = per_source.get(candidate.source).copied().flatten();
        let is_best = Some(candidate.likeness) == in_source;
        is_best && (is_of_chart(candidate) || Some(candidate.likeness) == best)
    });
}

fn is_empty_mapping(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Looks for places that are at least likely, and for those under the chart's own name.
fn search(value: &Value, path: &mut Vec<String>, places: &mut Vec<(Vec<String>, Likeness)>) {
    if path.len() > MAX_DEPTH || places.len() >= MAX_PLACES {
        return;
    }
    let is_subchart = path.last().map(String::as_str) == Some(SUBCHART);
    match value {
        // All its keys may be commented out.
        Value::Null if is_subchart => places.push((path.clone(), Likeness::Possible)),
        Value::Object(members) => {
            let mut likeness = likeness(value);
            if is_subchart && is_empty(value) {
                likeness = Likeness::Possible;
            }
            let is_likely = likeness >= Likeness::Likely;
            let before = places.len();
            for (key, value) in members {
                // What is below the chart's own keys are its values, and no other chart's.
                if is_likely && is_key(key) {
                    continue;
                }
                path.push(key.clone());
                search(value, path, places);
                path.pop();
            }
            // Values with the chart's name among their keys are those of a chart that depends on it.
            let is_parent = places.iter().skip(before).any(|(keys, likeness)| {
                *likeness >= Likeness::Likely
                    && keys.get(path.len()).map(String::as_str) == Some(SUBCHART)
            });
            if !is_parent && (is_likely || is_subchart && likeness > Likeness::None) {
                places.push((path.clone(), likeness));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                search(item, path, places);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Drops mappings that only define defaults: those that are merged into another place
/// (`<<: *defaults`), and all but the last of those that are equal through aliases.
fn without_templates(
    source: &Source<'_>,
    places: Vec<(Vec<String>, Likeness)>,
) -> Vec<(Vec<String>, Likeness)> {
    if places.len() < 2 {
        return places;
    }
    let nodes: Vec<Option<NodeId>> = places
        .iter()
        .map(|(keys, _)| source.node(keys).map(|(_, node)| node))
        .collect();
    let mut templates: Vec<NodeId> = Vec::new();
    for (keys, _) in &places {
        if let Some((tree, node)) = source.node(keys) {
            let mut open = merged(tree, node);
            // A template may be made of others.
            while let Some(next) = open.pop() {
                if templates.len() < MAX_TEMPLATES && !templates.contains(&next) {
                    templates.push(next);
                    open.extend(merged(tree, next));
                }
            }
        }
    }
    let is_used_again = |index: usize, node: NodeId| {
        nodes
            .iter()
            .skip(index + 1)
            .any(|other| *other == Some(node))
    };
    places
        .into_iter()
        .enumerate()
        .filter(|(index, _)| {
            let node = nodes.get(*index).copied().flatten();
            node.is_none_or(|node| !templates.contains(&node) && !is_used_again(*index, node))
        })
        .map(|(_, place)| place)
        .collect()
}

/// The place that is named, in each document that has it.
fn named<'a>(
    documents: &'a [Document<'a>],
    sources: &mut Vec<Source<'a>>,
    keys: &[String],
    selection: &Selection,
) -> Result<Vec<Candidate>, ChartValuesError> {
    let mut candidates = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let is_there = |keys: &&[String]| {
            let value = at(&source.value, keys);
            keys.is_empty() && source.problem.is_some()
                || value.is_some_and(|value| !value.is_string())
        };
        let is_plain = source.resource.is_none();
        let relative = (!is_plain && !source.is_guess).then_some(keys);
        let below = source.below(keys).filter(is_there);
        if let Some(keys) = below.or_else(|| relative.filter(is_there)) {
            candidates.push(Candidate {
                source: index,
                keys: keys.to_vec(),
                likeness: likeness(at(&source.value, keys).unwrap_or(&Value::Null)),
            });
        }
    }
    // A resource of another kind that holds values in a field of its own, or a text in a file.
    if candidates.is_empty() && selection.resource.is_none() {
        for document in documents {
            if let Some((source, rest)) = in_other_field(document, keys) {
                candidates.push(Candidate {
                    source: sources.len(),
                    likeness: likeness(at(&source.value, &rest).unwrap_or(&Value::Null)),
                    keys: rest,
                });
                sources.push(source);
            }
        }
    }
    if candidates.is_empty() {
        return Err(not_there(documents, keys));
    }
    for candidate in &candidates {
        if let Some(source) = sources.get(candidate.source) {
            judge(source, &candidate.keys)?;
        }
    }
    Ok(candidates)
}

/// A place of a document that is none of a known resource's values.
fn in_other_field<'a>(
    document: &'a Document<'a>,
    keys: &[String],
) -> Option<(Source<'a>, Vec<String>)> {
    let file = Source::file(document);
    if at(&document.value, keys).is_some_and(|value| !value.is_string()) {
        return Some((file, keys.to_vec()));
    }
    for length in 0..=keys.len() {
        let (path, rest) = keys.split_at_checked(length)?;
        if at(&document.value, path)?.is_string() {
            let mut source = Source::new(document, file.resource, path.to_vec());
            source.add_text(path);
            let is_there = source.problem.is_some() || at(&source.value, rest).is_some();
            return is_there.then(|| (source, rest.to_vec()));
        }
    }
    None
}

/// Whether a place that is named can be the chart's values.
fn judge(source: &Source<'_>, keys: &[String]) -> Result<(), ChartValuesError> {
    if let Some(problem) = &source.problem {
        return Err(problem.clone());
    }
    let value = at(&source.value, keys).unwrap_or(&Value::Null);
    let error = |message: String| {
        Err(ChartValuesError::Value {
            note: Note {
                place: source.place(keys),
                message,
            },
        })
    };
    if !value.is_object() && !value.is_null() {
        return error("this is not a mapping, so these are not values".to_owned());
    }
    if likeness(value) >= Likeness::Likely {
        return Ok(());
    }
    let mut below = Vec::new();
    search(value, &mut Vec::new(), &mut below);
    if let Some((rest, _)) = below
        .iter()
        .find(|(_, likeness)| *likeness >= Likeness::Likely)
    {
        let keys: Vec<String> = keys.iter().chain(rest).cloned().collect();
        let path = shown(&source.path_of(&keys).to_string());
        return error(format!(
            "this does not look like values of the chart gitlab-runner; those at {path} do"
        ));
    }
    if likeness(value) == Likeness::None && !is_empty(value) {
        return error("no key here is one of the chart gitlab-runner".to_owned());
    }
    Ok(())
}

/// Why there is nothing at a path that is named.
fn not_there(documents: &[Document<'_>], keys: &[String]) -> ChartValuesError {
    let mut best: Option<(&[String], &Document<'_>)> = None;
    for document in documents {
        let mut known = keys;
        while at(&document.value, known).is_none()
            && let Some((_, above)) = known.split_last()
        {
            known = above;
        }
        if best.is_none_or(|(most, _)| known.len() > most.len()) {
            best = Some((known, document));
        }
    }
    let path = best.map_or(&[][..], |(known, _)| known);
    let known = path.len();
    let key = keys.get(known).map_or(String::new(), |key| shown(key));
    let here = best.and_then(|(_, document)| at(&document.value, path));
    let keys: Vec<String> = here
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|members| members.keys().take(MAX_NAMED).map(|key| shown(key)))
        .collect();
    let keys = if keys.is_empty() {
        String::new()
    } else {
        format!("; there are {}", keys.join(", "))
    };
    let message = if known == 0 {
        format!("there is no key {key} at the top{keys}")
    } else {
        format!("there is no key {key} in it{keys}")
    };
    match best {
        Some((_, document)) => ChartValuesError::Value {
            note: Note {
                place: document.place_at(path),
                message,
            },
        },
        None => missing(documents, message),
    }
}

/// Why no values of the chart are in a file.
fn nothing(documents: &[Document<'_>], sources: &[Source<'_>]) -> ChartValuesError {
    if let Some(problem) = sources.iter().find_map(|source| source.problem.clone()) {
        return problem;
    }
    if let [source] = sources
        && let Some(error) = elsewhere_only(source)
    {
        return error;
    }
    let are_manifests = documents
        .iter()
        .all(|document| is_manifest(&document.value))
        && sources.iter().all(|source| source.is_guess);
    match documents {
        [first, rest @ ..] if are_manifests => {
            let these = if rest.is_empty() {
                "this is a manifest and holds"
            } else {
                "these are manifests and hold"
            };
            ChartValuesError::NotFound {
                note: Note {
                    place: first.place_at(&["kind".to_owned()]),
                    message: format!(
                        "{these} no Helm values of the chart gitlab-runner; give the values file, \
                         or the resource that deploys the chart"
                    ),
                },
            }
        }
        [document] if !document.value.is_object() => {
            let value = quoted(&document.value);
            ChartValuesError::Value {
                note: Note {
                    place: document.place_at(&[]),
                    message: format!("{value} is no mapping, so these are no values"),
                },
            }
        }
        _ => not_alike(documents, sources),
    }
}

fn not_alike(documents: &[Document<'_>], sources: &[Source<'_>]) -> ChartValuesError {
    let message =
        "nothing here looks like values of the chart gitlab-runner, which have keys such \
                   as gitlabUrl, runners and sessionServer"
            .to_owned();
    let mut releases = sources.iter().filter(|source| !source.path.is_empty());
    match (releases.next(), releases.next()) {
        (Some(only), None) if !only.is_guess => ChartValuesError::NotFound {
            note: Note {
                place: only.place(&[]),
                message,
            },
        },
        _ => missing(documents, message),
    }
}

fn missing(documents: &[Document<'_>], message: String) -> ChartValuesError {
    let place = match documents.first() {
        Some(document) => {
            let root = document.tree.root();
            let start = root.map_or(0, |root| document.tree.node(root).span.start);
            document.place("values".to_owned(), start)
        }
        None => super::Place {
            path: "values".to_owned(),
            line: 1,
            column: 1,
        },
    };
    ChartValuesError::NotFound {
        note: Note { place, message },
    }
}
