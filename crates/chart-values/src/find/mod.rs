//! Finds the chart's values among the values in a file.

mod alike;
mod missing;
mod named;

use super::document::Document;
use super::release::sources;
use super::source::{Source, shown};
use super::values::Values;
use super::{ChartValuesError, KeyPath, Note, Selection};
use alike::alike;
use missing::{missing, nothing};
use named::named;
use std::fmt;

/// The maximum depth of mappings that are searched.
const MAX_DEPTH: usize = 64;

/// The maximum number of places that are examined.
const MAX_PLACES: usize = 100;

/// The maximum number of mappings to follow merge keys through.
const MAX_TEMPLATES: usize = 1000;

/// The maximum number of places in an error message.
const MAX_NAMED: usize = 8;

/// The key of the chart's values in those of a chart that depends on it.
const SUBCHART: &str = "gitlab-runner";

/// A place that looks like values of the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The resource, as `HelmRelease ci/runner`; `None` in a plain values file.
    pub resource: Option<String>,
    /// The string that selects this resource in a [`Selection`].
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

/// Reports where a release without values keeps them.
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

/// The sources of the requested resource.
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
