//! Finds the place that the user specifies.

use super::alike::{Candidate, search};
use super::missing::not_there;
use crate::document::Document;
use crate::recognise::{Likeness, is_empty, likeness};
use crate::source::{Source, at, shown};
use crate::{ChartValuesError, Note, Selection};
use serde_json::Value;

/// The specified place, in each document that has it.
pub(super) fn named<'a>(
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
    // A resource of another kind with values in one of its fields, or a text in a file.
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

/// A place in a document that does not belong to the values of a known resource.
pub(super) fn in_other_field<'a>(
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

/// Whether a specified place can be the chart's values.
pub(super) fn judge(source: &Source<'_>, keys: &[String]) -> Result<(), ChartValuesError> {
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
