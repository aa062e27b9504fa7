//! Which items of a list are which items of another, made from it.

use std::collections::HashMap;
use std::ops::Range;

use super::DocumentError;
use super::item::{Item, ItemName, names};

/// An item before and after: one of both is `None` where it is new or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its place in the list that was.
    pub before: Option<usize>,
    /// Its place in the list that was made of it.
    pub after: Option<usize>,
}

/// Pairs the items of a list with those of a list that the function made of it: it keeps their
/// order, takes some away, and puts new ones in between.
///
/// An item is known by its kind, name and namespace. Between two that are in both lists, one that
/// is gone and one of its kind that is new are the same, renamed.
///
/// # Errors
///
/// [`DocumentError`] when what items are called cannot be told.
pub fn pair(before: &[Item<'_>], after: &[Item<'_>]) -> Result<Vec<Pair>, DocumentError> {
    // Most of a list stays as it is: only between the first and the last change names matter.
    let same = |(was, is): &(&Item<'_>, &Item<'_>)| was == is;
    let first = before.iter().zip(after).take_while(same).count();
    let (before_rest, after_rest) = (rest(before, first), rest(after, first));
    let ends = before_rest.iter().rev().zip(after_rest.iter().rev());
    let last = ends.take_while(same).count();
    let (old, new) = (before_rest.len() - last, after_rest.len() - last);

    let both = |old: usize, new: usize| Pair {
        before: Some(old),
        after: Some(new),
    };
    let mut pairs: Vec<_> = (0..first).map(|place| both(place, place)).collect();
    let between = pair_named(
        &names(before_rest.get(..old).unwrap_or_default())?,
        &names(after_rest.get(..new).unwrap_or_default())?,
    );
    pairs.extend(between.into_iter().map(|pair| Pair {
        before: pair.before.map(|place| first + place),
        after: pair.after.map(|place| first + place),
    }));
    pairs.extend((0..last).map(|place| both(first + old + place, first + new + place)));
    Ok(pairs)
}

fn rest<'i, 'l>(items: &'i [Item<'l>], from: usize) -> &'i [Item<'l>] {
    items.get(from..).unwrap_or_default()
}

fn pair_named(before: &[ItemName], after: &[ItemName]) -> Vec<Pair> {
    let mut left_before = counted(before);
    let mut left_after = counted(after);
    let mut pairs = Vec::with_capacity(after.len());
    let (mut old, mut new) = (0, 0);
    while old < before.len() || new < after.len() {
        let gone = run(before, old, &left_after);
        let come = run(after, new, &left_before);
        for was in gone.clone() {
            let is = (new..come.end).find(|is| kind(after, *is) == kind(before, was));
            if let Some(is) = is {
                pairs.extend((new..is).map(Pair::added));
                new = is + 1;
            }
            pairs.push(Pair {
                before: Some(was),
                after: is,
            });
        }
        pairs.extend((new..come.end).map(Pair::added));
        (old, new) = (gone.end, come.end);
        match (before.get(old), after.get(new)) {
            (Some(was), Some(is)) if was.head() == is.head() => {
                pairs.push(Pair {
                    before: Some(old),
                    after: Some(new),
                });
                take(&mut left_before, was);
                take(&mut left_after, is);
                (old, new) = (old + 1, new + 1);
            }
            // In another order than it was.
            (Some(was), _) => {
                pairs.push(Pair {
                    before: Some(old),
                    after: None,
                });
                take(&mut left_before, was);
                old += 1;
            }
            (None, Some(_)) => {
                pairs.push(Pair::added(new));
                new += 1;
            }
            (None, None) => {}
        }
    }
    pairs
}

/// The items from `start` on that have no equal among those left of the other list.
fn run(items: &[ItemName], start: usize, others: &HashMap<Head<'_>, usize>) -> Range<usize> {
    let rest = items.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .take_while(|item| !remains(others, item))
        .count();
    start..start + length
}

fn kind(items: &[ItemName], place: usize) -> Option<&str> {
    items.get(place).map(|item| item.kind.as_str())
}

impl Pair {
    fn added(after: usize) -> Self {
        Self {
            before: None,
            after: Some(after),
        }
    }
}

type Head<'a> = (&'a str, &'a str, &'a str);

impl ItemName {
    fn head(&self) -> Head<'_> {
        (&self.kind, &self.name, &self.namespace)
    }
}

fn counted(items: &[ItemName]) -> HashMap<Head<'_>, usize> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item.head()).or_default() += 1;
    }
    counts
}

fn remains(left: &HashMap<Head<'_>, usize>, item: &ItemName) -> bool {
    left.get(&item.head()).is_some_and(|count| *count > 0)
}

fn take<'a>(left: &mut HashMap<Head<'a>, usize>, item: &'a ItemName) {
    if let Some(count) = left.get_mut(&item.head()) {
        *count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::items;
    use super::*;

    fn named(names: &str) -> Vec<ItemName> {
        let item = |name: &str| ItemName {
            kind: name.chars().take(1).collect(),
            name: name.to_owned(),
            namespace: String::new(),
        };
        names.split_whitespace().map(item).collect()
    }

    fn list(names: &[ItemName]) -> String {
        let item = |name: &ItemName| {
            format!(
                "- kind: {}\n  metadata: {{name: {}}}\n",
                name.kind, name.name
            )
        };
        format!("items:\n{}", names.iter().map(item).collect::<String>())
    }

    /// `a`: kept, `+a`: new, `-a`: gone, `a>b`: renamed.
    fn paired(before: &str, after: &str) -> String {
        let (before, after) = (named(before), named(after));
        let pairs = pair_named(&before, &after);
        // What is told by texts alone is no other than what is told by names.
        let (old, new) = (list(&before), list(&after));
        if !before.is_empty() && !after.is_empty() {
            assert_eq!(
                pair(&items(&old).unwrap(), &items(&new).unwrap()).unwrap(),
                pairs
            );
        }
        let words: Vec<_> = pairs
            .into_iter()
            .map(|pair| {
                let was = pair.before.map(|place| before[place].name.as_str());
                match (was, pair.after.map(|place| after[place].name.as_str())) {
                    (Some(was), Some(is)) if was == is => is.to_owned(),
                    (Some(was), Some(is)) => format!("{was}>{is}"),
                    (None, Some(is)) => format!("+{is}"),
                    (was, None) => format!("-{}", was.unwrap()),
                }
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn items_are_paired_in_their_order() {
        assert_eq!(paired("", ""), "");
        assert_eq!(paired("c d s", "c d s"), "c d s");
        assert_eq!(paired("c d e", "c d s e"), "c d +s e");
        assert_eq!(paired("c d s e", "c d e"), "c d -s e");
        assert_eq!(paired("c d", "c d s t"), "c d +s +t");
        assert_eq!(paired("s c", "c"), "-s c");
        assert_eq!(paired("c", ""), "-c");
        assert_eq!(paired("a b", "b a"), "-a b +a");
    }

    #[test]
    fn the_first_shard_is_what_was_sharded() {
        assert_eq!(
            paired("c1 d e", "c1 c2 d0 d1 s0 s1 e"),
            "c1 +c2 d>d0 +d1 +s0 +s1 e"
        );
        assert_eq!(
            paired("c1 c2 d0 d1 s0 s1 e", "c1 d e"),
            "c1 -c2 d0>d -d1 -s0 -s1 e"
        );
    }

    #[test]
    fn twins_are_paired_one_by_one() {
        assert_eq!(paired("a a b", "a a b"), "a a b");
        assert_eq!(paired("a a b", "a b"), "a -a b");
    }
}
