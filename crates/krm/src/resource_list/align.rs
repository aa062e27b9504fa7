//! How a list that was written corresponds to the one that was read.

use std::collections::BTreeSet;

use super::{Changes, ResourceList};
use crate::alignment::{Alignment, Sequence};

/// The position of something new: after everything that starts before this byte.
#[derive(Clone, Copy, Debug)]
struct New {
    position: usize,
    neighbour: usize,
}

impl ResourceList<'_> {
    /// The alignment for these changes. `neighbours` has the item that precedes each added one.
    pub(super) fn alignment(&self, changes: &Changes, neighbours: &[usize]) -> Alignment {
        let gone: BTreeSet<usize> = changes.removed.union(&changes.dropped).copied().collect();
        let copies = changes.copies.iter().map(|(original, _)| original);
        let mut new: Vec<New> = copies
            .chain(neighbours)
            .filter_map(|neighbour| {
                Some(New {
                    position: self.span(*neighbour)?.range.end,
                    neighbour: *neighbour,
                })
            })
            .collect();
        if gone.is_empty() && new.is_empty() {
            return Alignment::default();
        }
        new.sort_by_key(|new| new.position);

        let items: Vec<usize> = (0..self.len()).collect();
        let own: Vec<New> = new
            .iter()
            .filter(|new| new.neighbour < self.len())
            .copied()
            .collect();
        let mut resources: Vec<usize> = self.resources().collect();
        if self.has_members() {
            resources.sort_by_key(|item| self.start(*item));
            // A wrapper that no longer holds any resource counts as a resource itself.
            new.extend(self.emptied(&gone, neighbours));
            new.sort_by_key(|new| new.position);
        }
        Alignment {
            items: self.sequence(&items, &gone, &own),
            resources: self.sequence(&resources, &gone, &new),
        }
    }

    /// The positions of removed or new elements, given in the order of the text.
    fn sequence(&self, elements: &[usize], gone: &BTreeSet<usize>, new: &[New]) -> Sequence {
        let removed: BTreeSet<usize> = if gone.is_empty() {
            BTreeSet::new()
        } else {
            let elements = elements.iter().enumerate();
            let removed = elements.filter(|(_, item)| gone.contains(item));
            removed.map(|(position, _)| position).collect()
        };
        let added = new.iter().enumerate().map(|(earlier, new)| {
            let before = elements.partition_point(|item| self.start(*item) < new.position);
            before - removed.range(..before).count() + earlier
        });
        Sequence {
            added: added.collect(),
            removed,
        }
    }

    /// The wrappers that lose all their members and gain none.
    fn emptied(&self, gone: &BTreeSet<usize>, neighbours: &[usize]) -> Vec<New> {
        let numbered = || self.members.members.iter().zip(self.len()..);
        let goes = |number: usize| {
            let mut members = numbered().filter(|(member, _)| member.wrapper == number);
            members.all(|(_, item)| gone.contains(&item) && !neighbours.contains(&item))
        };
        let touched: BTreeSet<usize> = numbered()
            .filter(|(_, item)| gone.contains(item))
            .map(|(member, _)| member.wrapper)
            .collect();
        let emptied = touched.into_iter().filter(|number| goes(*number));
        emptied
            .filter_map(|number| {
                let wrapper = self.members.wrappers.get(number)?;
                let item = match wrapper.within {
                    Some(member) => member + self.len(),
                    None => {
                        let (_, first) = numbered().find(|(member, _)| member.wrapper == number)?;
                        self.around(first)?
                    }
                };
                Some(New {
                    position: self.start(item),
                    neighbour: item,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::{items, members};

    const ROW: &str = "- {kind: A}\n- kind: A\n- {kind: A, n: 3}\n";
    const NESTED: &str = "\
- {kind: A, n: 1}
- kind: List
  items:
  - {kind: B, n: 2}
  - kind: List
    items:
    - {kind: C, n: 3}
- kind: Template
  apiVersion: template.openshift.io/v1
  objects: [{kind: D, n: 4}, {kind: D, n: 5}]
- {kind: A, n: 1}
";
    const TANGLED: &str = "\
- kind: List
  items:
  - &a {kind: B, n: 1}
  - *a
- kind: ConfigMapList
  apiVersion: v1
  items:
  - {metadata: {name: a}}
";

    /// The resources of a list as documents, in the order of the text.
    fn resources(list: &str) -> Vec<String> {
        let items = items(list).unwrap().into_iter();
        items
            .flat_map(|item| members(item).into_iter().map(|member| member.item.text()))
            .collect()
    }

    /// Removes each set of resources, and adds one after each: resources that stay are recognised
    /// by their text.
    #[test]
    fn positions_tell_which_resource_is_which() {
        for items in [ROW, NESTED, TANGLED] {
            let text =
                format!("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}");
            let list = ResourceList::read(text.as_bytes()).unwrap();
            let before = resources(&text);
            let numbers: Vec<usize> = list.resources().collect();
            assert_eq!(numbers.len(), before.len());
            for removed in 0..1_usize << numbers.len() {
                let gone = |place: usize| removed >> place & 1 == 1;
                let set = numbers.iter().enumerate();
                let set = set.filter(|(place, _)| gone(*place)).map(|(_, item)| *item);
                let set: BTreeSet<usize> = set.collect();
                let staying = numbers.iter().filter(|item| !set.contains(item));
                for neighbour in staying.copied().map(Some).chain([None]) {
                    let added = neighbour.map(|item| (item, json!({"kind": "New"})));
                    let changes = Changes {
                        removed: set.clone(),
                        added: added.into_iter().collect(),
                        ..Changes::default()
                    };
                    let written = list.write(&changes, &[]).unwrap();
                    let text_after = written.pieces.concat();
                    // A list inside of an item is never left without a value.
                    let value = yaml_splice::Tree::parse(&text_after).unwrap().to_value();
                    let items = value.unwrap()["items"].take();
                    assert!(!items.to_string().contains(":null"), "{text_after}");
                    let after = resources(&text_after);
                    let pairs = written.alignment.resources.pairs(before.len());
                    let known = pairs.iter().filter(|pair| pair.after.is_some()).count();
                    assert_eq!(known, after.len(), "{text}{changes:?}{after:?}");
                    for pair in pairs {
                        let (Some(old), Some(new)) = (pair.before, pair.after) else {
                            continue;
                        };
                        let mean = |text: &str| {
                            yaml_splice::Tree::parse(text).and_then(|tree| tree.to_value())
                        };
                        if let Ok(meaning) = mean(&before[old]) {
                            assert_eq!(Ok(meaning), mean(&after[new]), "{text}{changes:?}");
                        }
                    }
                }
            }
        }
    }
}
