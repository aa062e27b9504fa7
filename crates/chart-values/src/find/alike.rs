//! The places that look like the chart's values.

use super::{MAX_DEPTH, MAX_PLACES, MAX_TEMPLATES, SUBCHART};
use crate::document::merged;
use crate::recognise::{Likeness, is_empty, is_key, likeness};
use crate::source::Source;
use serde_json::Value;
use yaml_splice::tree::NodeId;

/// A place in the values of a release.
pub(super) struct Candidate {
    pub(super) source: usize,
    pub(super) keys: Vec<String>,
    pub(super) likeness: Likeness,
}

/// The places that look like the chart's values, without those that are less likely than others.
pub(super) fn alike(sources: &[Source<'_>], with_guesses: bool) -> Vec<Candidate> {
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
pub(super) fn keep_likeliest(sources: &[Source<'_>], all: &mut Vec<Candidate>) {
    let best = all.iter().map(|candidate| candidate.likeness).max();
    let is_of_chart = |candidate: &Candidate| {
        sources
            .get(candidate.source)
            .is_some_and(|source| source.is_of_chart)
    };
    // Within one source the best match wins; between sources, the one of the chart counts as much
    // as any other.
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

pub(super) fn is_empty_mapping(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Looks for places that are at least likely, and for those under the chart's own name.
pub(super) fn search(
    value: &Value,
    path: &mut Vec<String>,
    places: &mut Vec<(Vec<String>, Likeness)>,
) {
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
                // Below the chart's own keys are only its values, and no other chart's.
                if is_likely && is_key(key) {
                    continue;
                }
                path.push(key.clone());
                search(value, path, places);
                path.pop();
            }
            // Values with the chart's name as a key belong to a chart that depends on it.
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
pub(super) fn without_templates(
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
