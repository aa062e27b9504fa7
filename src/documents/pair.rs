//! Which items of a list are which items of another, made from it.

use std::collections::HashMap;
use std::ops::Range;

use super::{DocumentError, LIST, Problem, from_resource_list};
use crate::resource_list::ResourceList;

/// An item of a list: what it is called, and its text as the document that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `Deployment`; empty, as the others, where the item does not parse.
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`; empty when absent.
    pub namespace: String,
    /// Its text, as of [`from_resource_list`].
    pub text: String,
}

/// An item before and after: one of both is `None` where it is new or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its place in the list that was.
    pub before: Option<usize>,
    /// Its place in the list that was made of it.
    pub after: Option<usize>,
}

/// The items of a ResourceList.
///
/// # Errors
///
/// [`DocumentError`] when `items` is not in block style, or the text is no ResourceList.
pub fn items(list: &str) -> Result<Vec<Item>, DocumentError> {
    let texts = from_resource_list(list)?;
    let list = ResourceList::read(list.as_bytes())
        .ok()
        .filter(|list| list.len() == texts.len())
        .ok_or_else(|| DocumentError::new(LIST, 1, Problem::NoItems))?;
    let named = texts.into_iter().enumerate().map(|(item, text)| {
        let (kind, name, namespace) = list.head(item);
        Item {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            text,
        }
    });
    Ok(named.collect())
}

/// Pairs the items of a list with those of a list that the function made of it: it keeps their
/// order, takes some away, and puts new ones in between.
///
/// An item is known by its kind, name and namespace. Between two that are in both lists, one that
/// is gone and one of its kind that is new are the same, renamed.
pub fn pair(before: &[Item], after: &[Item]) -> Vec<Pair> {
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
fn run(items: &[Item], start: usize, others: &HashMap<Head<'_>, usize>) -> Range<usize> {
    let rest = items.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .take_while(|item| !remains(others, item))
        .count();
    start..start + length
}

fn kind(items: &[Item], place: usize) -> Option<&str> {
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

impl Item {
    fn head(&self) -> Head<'_> {
        (&self.kind, &self.name, &self.namespace)
    }
}

fn counted(items: &[Item]) -> HashMap<Head<'_>, usize> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item.head()).or_default() += 1;
    }
    counts
}

fn remains(left: &HashMap<Head<'_>, usize>, item: &Item) -> bool {
    left.get(&item.head()).is_some_and(|count| *count > 0)
}

fn take<'a>(left: &mut HashMap<Head<'a>, usize>, item: &'a Item) {
    if let Some(count) = left.get_mut(&item.head()) {
        *count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(names: &str) -> Vec<Item> {
        let item = |name: &str| Item {
            kind: name.chars().take(1).collect(),
            name: name.to_owned(),
            namespace: String::new(),
            text: String::new(),
        };
        names.split_whitespace().map(item).collect()
    }

    /// `a`: kept, `+a`: new, `-a`: gone, `a>b`: renamed.
    fn paired(before: &str, after: &str) -> String {
        let (before, after) = (items(before), items(after));
        let words: Vec<_> = pair(&before, &after)
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
