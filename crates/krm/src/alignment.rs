//! Which resources are the same before and after a run of the function.
//!
//! A function keeps the order of its list: items stay, go, or are added in between. So a position
//! says it all, and no name has to be compared: two items may have one name, and a name may change.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How a list that a function wrote corresponds to the one that it read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alignment {
    /// The items of the list itself.
    pub items: Sequence,
    /// The resources in the order of the text: items, and the members of those that wrap others in
    /// their place.
    pub resources: Sequence,
}

/// What became of a sequence whose order was kept. Positions count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// The positions before of what is gone.
    pub removed: BTreeSet<usize>,
    /// The positions after of what is new.
    pub added: BTreeSet<usize>,
}

/// An element before and after: one of both is `None` where it is new or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its position before.
    pub before: Option<usize>,
    /// Its position after.
    pub after: Option<usize>,
}

impl Alignment {
    /// What two runs have done, one after the other.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self {
            items: self.items.then(&next.items),
            resources: self.resources.then(&next.resources),
        }
    }
}

impl Sequence {
    /// The elements in order, of a sequence that had so many before. What is new comes right after the
    /// element before it that stays: it is never in the place of one that is gone, which may have stood
    /// in another file.
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

    /// The change back: what is new was gone, and what is gone is new.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            removed: self.added.clone(),
            added: self.removed.clone(),
        }
    }

    /// What two changes come to, one after the other.
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

/// How many numbers below this one are not in the set; `None` where it is in it itself.
fn nth_other(set: &BTreeSet<usize>, number: usize) -> Option<usize> {
    (!set.contains(&number)).then(|| number - set.range(..number).count())
}

/// The number that has so many below it which are not in the set, and is not in it itself.
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

    /// A list of names, changed as a sequence says: the new ones get names of their own.
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

    /// A change of a sequence of so many elements that can be.
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
