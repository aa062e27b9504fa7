//! Which resources are the same before and after a run of the function.
//!
//! A function keeps the order of its list: items are kept, removed, or added in between. So
//! positions are sufficient, and no names have to be compared: two items may have the same name,
//! and a name may change.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How a list that a function wrote corresponds to the one that it read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alignment {
    /// The items of the list itself.
    pub items: Sequence,
    /// The resources in the order of the text: items, with the members of wrapper items in place of
    /// the wrappers.
    pub resources: Sequence,
}

/// The changes to a sequence whose order is kept. Positions count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// The old positions of removed elements.
    pub removed: BTreeSet<usize>,
    /// The new positions of added elements.
    pub added: BTreeSet<usize>,
}

/// An element before and after: one of the two is `None` if it is new or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its position before.
    pub before: Option<usize>,
    /// Its position after.
    pub after: Option<usize>,
}

impl Alignment {
    /// The combined effect of two consecutive runs.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self {
            items: self.items.then(&next.items),
            resources: self.resources.then(&next.resources),
        }
    }
}

impl Sequence {
    /// All elements in order, for a sequence with `len` elements before. A new element directly
    /// follows the preceding element that is kept. It never takes the place of a removed one, which
    /// may have been in another file.
    pub fn pairs(&self, len: usize) -> Vec<Pair> {
        let mut pairs = Vec::with_capacity(len + self.added.len());
        let mut after = 0;
        let add_at = |after: &mut usize, pairs: &mut Vec<Pair>| {
            while self.added.contains(after) {
                pairs.push(Pair {
                    before: None,
                    after: Some(*after),
                });
                *after += 1;
            }
        };
        for before in 0..len {
            add_at(&mut after, &mut pairs);
            if self.removed.contains(&before) {
                pairs.push(Pair {
                    before: Some(before),
                    after: None,
                });
                continue;
            }
            pairs.push(Pair {
                before: Some(before),
                after: Some(after),
            });
            after += 1;
        }
        add_at(&mut after, &mut pairs);
        pairs
    }

    /// The reverse change: added elements are removed, and removed ones added.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            removed: self.added.clone(),
            added: self.removed.clone(),
        }
    }

    /// The combined effect of two consecutive changes.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let mut both = Self {
            removed: self.removed.clone(),
            added: next.added.clone(),
        };
        for between in &next.removed {
            if let Some(stayed) = nth_other(&self.added, *between) {
                both.removed.insert(nth(&self.removed, stayed));
            }
        }
        for between in &self.added {
            if let Some(stays) = nth_other(&next.removed, *between) {
                both.added.insert(nth(&next.added, stays));
            }
        }
        both
    }
}

/// How many numbers below this one are not in the set; `None` if the number is in it.
fn nth_other(set: &BTreeSet<usize>, number: usize) -> Option<usize> {
    (!set.contains(&number)).then(|| number - set.range(..number).count())
}

/// The number that is not in the set and has `others` such numbers below it.
fn nth(set: &BTreeSet<usize>, others: usize) -> usize {
    set.iter().fold(others, |number, member| {
        number + usize::from(*member <= number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sequence(removed: &[usize], added: &[usize]) -> Sequence {
        Sequence {
            removed: removed.iter().copied().collect(),
            added: added.iter().copied().collect(),
        }
    }

    fn pairs(sequence: &Sequence, len: usize) -> Vec<(Option<usize>, Option<usize>)> {
        let pairs = sequence.pairs(len).into_iter();
        pairs.map(|pair| (pair.before, pair.after)).collect()
    }

    #[test]
    fn elements_keep_their_order() {
        assert_eq!(
            pairs(&Sequence::default(), 2),
            [(Some(0), Some(0)), (Some(1), Some(1))]
        );
        assert_eq!(
            pairs(&sequence(&[1], &[0, 2]), 3),
            [
                (None, Some(0)),
                (Some(0), Some(1)),
                (None, Some(2)),
                (Some(1), None),
                (Some(2), Some(3)),
            ]
        );
        assert_eq!(pairs(&sequence(&[7], &[0]), 0), [(None, Some(0))]);
    }

    #[test]
    fn an_inverse_swaps_before_and_after() {
        let change = sequence(&[1], &[0, 2]);
        let back = pairs(&change.inverse(), 4).into_iter();
        let mut swapped: Vec<_> = back.map(|(before, after)| (after, before)).collect();
        let mut expected = pairs(&change, 3);
        swapped.sort();
        expected.sort();
        assert_eq!(swapped, expected);
    }

    #[test]
    fn two_runs_are_one_for_items_and_for_resources() {
        let first = Alignment {
            items: sequence(&[0], &[]),
            resources: sequence(&[], &[1]),
        };
        let second = Alignment {
            items: sequence(&[], &[0]),
            resources: sequence(&[2], &[]),
        };
        let both = Alignment {
            items: sequence(&[0], &[0]),
            resources: sequence(&[1], &[1]),
        };
        assert_eq!(first.then(&second), both);
    }

    /// Applies a sequence to a list of names; added elements get new names.
    fn changed(before: &[u32], sequence: &Sequence, next: &mut u32) -> Vec<u32> {
        let pairs = sequence.pairs(before.len()).into_iter();
        let after = pairs.filter_map(|pair| match (pair.before, pair.after) {
            (Some(place), Some(_)) => Some(before[place]),
            (None, _) => {
                *next += 1;
                Some(*next)
            }
            (_, None) => None,
        });
        after.collect()
    }

    /// A valid change of a sequence with `len` elements.
    fn change(len: usize) -> impl Strategy<Value = Sequence> {
        let what = proptest::collection::vec((any::<bool>(), 0..3_usize), len + 1);
        what.prop_map(move |what| {
            let mut sequence = Sequence::default();
            let mut after = 0;
            for (place, (goes, added)) in what.into_iter().enumerate() {
                sequence.added.extend(after..after + added);
                after += added;
                if place < len && goes {
                    sequence.removed.insert(place);
                } else {
                    after += 1;
                }
            }
            sequence
        })
    }

    proptest! {
        #[test]
        fn two_changes_are_one(
            (len, first, second) in (0..6_usize).prop_flat_map(|len| {
                (Just(len), change(len)).prop_flat_map(|(len, first)| {
                    let between = len - first.removed.len() + first.added.len();
                    (Just(len), Just(first), change(between))
                })
            })
        ) {
            let before: Vec<u32> = (0..6).take(len).collect();
            let mut next = 100;
            let between = changed(&before, &first, &mut next);
            let after = changed(&between, &second, &mut next);
            let both = first.then(&second);
            let known = |list: &[u32]| -> Vec<Option<u32>> {
                list.iter().map(|name| (*name < 100).then_some(*name)).collect()
            };
            prop_assert_eq!(known(&changed(&before, &both, &mut next)), known(&after));
        }
    }
}
