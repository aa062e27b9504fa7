//! The parts of the benchmark, each of which can be run alone.

use anyhow::{Result, bail};

use super::input::LISTS;
use super::lists::List;

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All programs on one list.
    List(List),
    /// kustomize on the example, with the function and without.
    Example,
    /// The launcher's start.
    Start,
    /// The sizes of what people get.
    Sizes,
}

impl Part {
    /// What the option calls it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::List(list) => list.name(),
            Self::Example => "example".to_owned(),
            Self::Start => "start".to_owned(),
            Self::Sizes => "sizes".to_owned(),
        }
    }
}

/// What all lists together are called.
const ALL_LISTS: &str = "lists";

/// The parts of these names, in their own order; all where there are none.
pub(crate) fn named(names: &[String]) -> Result<Vec<Part>> {
    let mut parts = all();
    let known: Vec<_> = parts.iter().map(|part| part.name()).collect();
    let is_known = |name: &String| name == ALL_LISTS || known.contains(name);
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        bail!(
            "there is no part {name}; the parts are {ALL_LISTS}, {}",
            known.join(", ")
        );
    }
    if !names.is_empty() {
        parts.retain(|part| {
            let own = part.name();
            names
                .iter()
                .any(|name| *name == own || (name == ALL_LISTS && matches!(part, Part::List(_))))
        });
    }
    Ok(parts)
}

fn all() -> Vec<Part> {
    let others = [Part::Example, Part::Start, Part::Sizes];
    LISTS
        .iter()
        .copied()
        .map(Part::List)
        .chain(others)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Vec<Part>> {
        named(
            &names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn parts_are_chosen_by_name() {
        assert_eq!(of(&["start"]).unwrap(), [Part::Start]);
        assert_eq!(of(&["10000-1"]).unwrap(), [Part::List(List::of(10_000, 1))]);
        assert_eq!(of(&["lists"]).unwrap().len(), LISTS.len());
        assert_eq!(of(&[]).unwrap(), all());
    }

    #[test]
    fn an_unknown_part_is_refused_with_the_names_of_the_known() {
        let error = of(&["begin"]).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no part begin; the parts are lists, 7-1,"),
            "{error}"
        );
        assert!(error.ends_with("example, start, sizes"), "{error}");
    }
}
