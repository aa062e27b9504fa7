//! Explains why no values are found.

use super::{MAX_NAMED, elsewhere_only};
use crate::document::Document;
use crate::release::is_manifest;
use crate::source::{Source, at, shown};
use crate::values::quoted;
use crate::{ChartValuesError, Note, Place};
use serde_json::Value;

/// Explains why there is nothing at a given path.
pub(super) fn not_there(documents: &[Document<'_>], keys: &[String]) -> ChartValuesError {
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

/// Explains why a file has no values of the chart.
pub(super) fn nothing(documents: &[Document<'_>], sources: &[Source<'_>]) -> ChartValuesError {
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

pub(super) fn not_alike(documents: &[Document<'_>], sources: &[Source<'_>]) -> ChartValuesError {
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

pub(super) fn missing(documents: &[Document<'_>], message: String) -> ChartValuesError {
    let place = match documents.first() {
        Some(document) => {
            let root = document.tree.root();
            let start = root.map_or(0, |root| document.tree.node(root).span.start);
            document.place("values".to_owned(), start)
        }
        None => Place {
            path: "values".to_owned(),
            line: 1,
            column: 1,
        },
    };
    ChartValuesError::NotFound {
        note: Note { place, message },
    }
}
