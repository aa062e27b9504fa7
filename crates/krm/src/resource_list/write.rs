//! Writes a list with changes applied.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem;
use serde_json::{Value, json};
use yaml_splice::{EditError, Style, Tree};

use super::members::JsonLines;
use super::scan::{Form, ItemSpan};
use super::{Changes, Patched, ResourceList, WriteError, original_text};
use crate::alignment::Alignment;
use crate::results::FunctionResult;

/// A list that was written.
#[derive(Debug, Default)]
pub struct Written<'a> {
    /// The text in pieces: unchanged text is borrowed from the input.
    pub pieces: Vec<Cow<'a, str>>,
    /// How its items correspond to those of the input.
    pub alignment: Alignment,
}

impl<'a> ResourceList<'a> {
    /// The list's text with the changes applied and the results written. Unchanged text is borrowed
    /// from the input.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(
        &self,
        changes: &Changes,
        results: &[FunctionResult],
    ) -> Result<Written<'a>, WriteError> {
        let neighbours = changes.added.iter();
        let neighbours: Vec<usize> = neighbours
            .map(|(item, value)| self.neighbour(*item, value))
            .collect();
        let alignment = self.alignment(changes, &neighbours);
        let untangled = self.untangled(changes)?;
        let changes = untangled.as_ref().unwrap_or(changes);
        let mut out = Pieces::new(self.text);
        let added: Vec<(usize, &Value)> = changes
            .added
            .iter()
            .map(|(item, value)| (self.neighbour(*item, value), value))
            .collect();
        let copies = changes.copies.iter().map(|(item, _)| *item);
        let followed: BTreeSet<usize> = copies.chain(added.iter().map(|(item, _)| *item)).collect();
        for item in changes.touched() {
            let Some(span) = self.span(item) else {
                continue;
            };
            if changes.removed.contains(&item) || changes.dropped.contains(&item) {
                let (range, left) = self.removal(item, span, changes, &followed);
                out.replace(range, left);
            } else if let Some(patch) = changes.patches.get(&item) {
                self.check_anchors(item)?;
                let mut edited = self.edit(item, patch)?;
                let mut range = span.range.clone();
                // New text goes after the item but before the comments about the next one.
                if followed.contains(&item)
                    && let Some(own) = self.own_range(item)
                    && let Some(behind) = self.text.get(own.end..range.end)
                    && edited.ends_with(behind)
                {
                    edited.truncate(edited.len() - behind.len());
                    range.end = own.end;
                }
                out.replace(range, edited);
            }
        }
        for (item, patch) in &changes.copies {
            let Some(own) = self.own_range(*item) else {
                continue;
            };
            let at = own.end;
            let copy = yaml_splice::apply(self.text.get(own).unwrap_or_default(), patch)
                .map_err(|source| self.edit_error(*item, source))?;
            let before = match self.form(*item) {
                Form::Flow => self.comma(*item),
                Form::Block(_) => self.gap(at).to_owned(),
            };
            out.replace(at..at, format!("{before}{copy}"));
        }
        for (item, value) in &added {
            if let Some(own) = self.own_range(*item) {
                out.replace(own.end..own.end, self.new_item(value, *item, own.end));
            }
        }
        if let Some(text) = self.results_text(results) {
            match &self.layout.results {
                Some(section) => out.replace(section.clone(), text),
                None => out.replace(self.layout.end..self.layout.end, text),
            }
        } else if let Some(section) = &self.layout.results {
            out.replace(section.clone(), String::new());
        }
        Ok(Written {
            pieces: out.finish(),
            alignment,
        })
    }

    fn style(&self) -> Style {
        Style {
            newline: yaml_splice::line_break(self.text),
            indent_sequences: false,
        }
    }

    /// The line break, if any, that must precede whole lines inserted at `at`.
    fn gap(&self, at: usize) -> &'static str {
        let before = self.text.get(..at).unwrap_or_default();
        if before.ends_with('\n') {
            ""
        } else {
            yaml_splice::line_break(self.text)
        }
    }

    /// The item that a new resource is placed after. A `DeploymentList` holds only Deployments, so
    /// a Service for one of them goes after the whole list.
    pub(super) fn neighbour(&self, item: usize, value: &Value) -> usize {
        let mut item = item;
        while let Some(member) = item.checked_sub(self.len())
            && let Some((_, kind)) = self.members.implied(member)
            && value.get("kind").and_then(Value::as_str) != Some(kind)
        {
            let within = self
                .members
                .wrapper_of(member)
                .and_then(|wrapper| wrapper.within);
            item = match (within, self.around(item)) {
                (Some(member), _) => member + self.len(),
                (None, Some(around)) => around,
                (None, None) => break,
            };
        }
        item
    }

    /// The text of a new item after another, which ends at `at`.
    fn new_item(&self, value: &Value, neighbour: usize, at: usize) -> String {
        match self.form(neighbour) {
            Form::Flow => {
                let item = match JsonLines::of(self.text, self.start(neighbour)) {
                    Some(lines) => lines.json(value),
                    None => yaml_splice::flow(value, false),
                };
                format!("{}{item}", self.comma(neighbour))
            }
            Form::Block(column) => {
                let block = yaml_splice::block_document(value, column + 2, self.style());
                let body = block.get(column + 2..).unwrap_or_default();
                let gap = self.gap(at);
                format!("{gap}{}- {body}", " ".repeat(column))
            }
        }
    }

    /// The separator between an item in brackets and a new one after it.
    fn comma(&self, neighbour: usize) -> String {
        let lines = JsonLines::of(self.text, self.start(neighbour));
        format!(",{}", lines.map_or(" ", |lines| lines.start))
    }

    /// An item is removed with its own lines, but not with the comments after them. Returns the
    /// range, and its replacement.
    fn removal(
        &self,
        item: usize,
        span: &ItemSpan,
        changes: &Changes,
        followed: &BTreeSet<usize>,
    ) -> (Range<usize>, String) {
        if item < self.len() && self.layout.form != Form::Flow {
            let own = self.own_range(item);
            return (own.unwrap_or(span.range.clone()), String::new());
        }
        let goes = |item: usize| changes.removed.contains(&item) || changes.dropped.contains(&item);
        let siblings = self.siblings(item);
        let of = |place: usize| siblings.get(place).map(|(_, range)| range);
        let place = siblings
            .iter()
            .position(|(sibling, _)| *sibling == Some(item));
        let place = place.unwrap_or_default();
        let stays = |(sibling, _): &(Option<usize>, Range<usize>)| !sibling.is_some_and(goes);
        let is_behind = siblings.iter().take(place).any(stays);
        let range = match self.form(item) {
            Form::Flow => match (place.checked_sub(1).and_then(of), of(place + 1)) {
                (Some(previous), _) if is_behind => previous.end..span.range.end,
                (_, Some(next)) => span.range.start..next.start,
                (_, None) => span.range.clone(),
            },
            Form::Block(_) => self.own_range(item).unwrap_or(span.range.clone()),
        };
        let is_followed = |(sibling, _): &(Option<usize>, Range<usize>)| {
            sibling.is_some_and(|sibling| followed.contains(&sibling))
        };
        let left = match self.form(item) {
            // `items:` with nothing below it would be null.
            Form::Block(column)
                if place == 0 && !siblings.iter().any(|one| stays(one) || is_followed(one)) =>
            {
                format!(
                    "{}[]{}",
                    " ".repeat(column + 1),
                    yaml_splice::line_break(self.text)
                )
            }
            _ => String::new(),
        };
        (range, left)
    }

    /// Everything in the same sequence as an item, including the item itself: its range and, if it
    /// is an item, its number.
    fn siblings(&self, item: usize) -> Vec<(Option<usize>, Range<usize>)> {
        let members = &self.members.members;
        let Some(member) = item
            .checked_sub(self.len())
            .and_then(|member| members.get(member))
        else {
            let items = self.layout.items.iter().enumerate();
            return items
                .map(|(item, span)| (Some(item), span.range.clone()))
                .collect();
        };
        let Some(wrapper) = self.members.wrappers.get(member.wrapper) else {
            return Vec::new();
        };
        let mut siblings: Vec<_> = wrapper
            .values
            .iter()
            .map(|range| (None, range.clone()))
            .collect();
        let numbered = members.iter().zip(self.len()..);
        for (sibling, item) in numbered.filter(|(sibling, _)| sibling.wrapper == member.wrapper) {
            if let Some((number, _)) = siblings.get_mut(sibling.place) {
                *number = Some(item);
            }
        }
        siblings
    }

    /// An item without the trailing comments that are about the next one: those that are not
    /// indented deeper than its dash.
    fn own_range(&self, item: usize) -> Option<Range<usize>> {
        let range = self.span(item)?.range.clone();
        let Form::Block(column) = self.form(item) else {
            return Some(range);
        };
        let text = self.text_of(item);
        let content_end = self.tree(item).and_then(|tree| {
            let root = tree.root()?;
            Some(tree.next_line(tree.node(root).span.end))
        });
        let mut end = content_end.unwrap_or(text.len());
        for line in text.get(end..).unwrap_or_default().split_inclusive('\n') {
            let indent = line.len() - line.trim_start_matches(' ').len();
            if line.trim_start().starts_with('#') && indent <= column {
                break;
            }
            end += line.len();
        }
        Some(range.start..range.start + end)
    }

    /// Checks that an edit does not affect other items through an anchor.
    fn check_anchors(&self, item: usize) -> Result<(), WriteError> {
        let text = self.text_of(item);
        if !text.contains('&') {
            return Ok(());
        }
        let Ok(tree) = Tree::parse(text) else {
            return Ok(());
        };
        for (_, node) in tree.nodes().filter(|(_, node)| node.anchor > 0) {
            let written = text.get(node.span.start..).unwrap_or_default();
            let Some(name) = written.split_once('&').map(|(_, rest)| rest) else {
                continue;
            };
            let name = name
                .split([' ', '\n', '\r', '\t', ',', ']', '}'])
                .next()
                .unwrap_or_default();
            let alias = format!("*{name}");
            let elsewhere = (0..self.count()).any(|other| {
                other != item
                    && self.around(other) != Some(item)
                    && memmem::find(self.text_of(other).as_bytes(), alias.as_bytes()).is_some()
                    && Tree::parse(self.text_of(other)).is_err()
            });
            if elsewhere {
                return Err(WriteError::SharedAnchor {
                    anchor: name.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// An item's text with a patch applied.
    fn edit(&self, item: usize, patch: &Patched) -> Result<String, WriteError> {
        let edited = match self.tree(item) {
            Some(tree) => original_text::edit(&tree, patch),
            None => yaml_splice::apply(self.text_of(item), &patch.operations),
        };
        edited.map_err(|source| self.edit_error(item, source))
    }

    pub(super) fn edit_error(&self, item: usize, source: EditError) -> WriteError {
        WriteError::Edit {
            resource: self.display_name(item),
            source,
        }
    }

    /// The section `results`, or the replacement of an earlier one. `None` if there is nothing to
    /// write.
    fn results_text(&self, results: &[FunctionResult]) -> Option<String> {
        let results: Vec<Value> = results
            .iter()
            .filter_map(|result| serde_json::to_value(result).ok())
            .collect();
        match (self.layout.root, &self.layout.results) {
            (Form::Flow, None) if results.is_empty() => None,
            (Form::Flow, before) => {
                let list = yaml_splice::flow(&Value::Array(results), false);
                let members = self.text.get(..self.layout.end);
                let comma = match before {
                    Some(_) => "",
                    // A key without a value: go-yaml treats the colon of `key:,` as part of the
                    // key.
                    None if members.is_some_and(|members| members.ends_with(':')) => " , ",
                    None => ", ",
                };
                Some(format!("{comma}\"results\": {list}"))
            }
            (Form::Block(_), _) if results.is_empty() => None,
            (Form::Block(column), _) => {
                let section = json!({ "results": results });
                let text = yaml_splice::block_document(&section, column, self.style());
                Some(format!("{}{text}", self.gap(self.layout.end)))
            }
        }
    }
}

/// Text in pieces: parts of the input, and replacements.
struct Pieces<'a> {
    text: &'a str,
    replacements: Vec<(Range<usize>, String)>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            replacements: Vec::new(),
        }
    }

    fn replace(&mut self, range: Range<usize>, text: String) {
        self.replacements.push((range, text));
    }

    fn finish(mut self) -> Vec<Cow<'a, str>> {
        // Insertions come before whatever starts at the same position.
        self.replacements
            .sort_by_key(|(range, _)| (range.start, range.end));
        let mut pieces = Vec::with_capacity(self.replacements.len() * 2 + 1);
        let mut at = 0;
        for (range, text) in self.replacements {
            pieces.push(Cow::Borrowed(
                self.text.get(at..range.start).unwrap_or_default(),
            ));
            pieces.push(Cow::Owned(text));
            at = at.max(range.end);
        }
        pieces.push(Cow::Borrowed(self.text.get(at..).unwrap_or_default()));
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comment at the dash's column or left of it is about the item below it.
    #[test]
    fn the_comment_above_an_item_stays_when_the_item_before_it_goes() {
        const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n";
        const LAST: &str = "- kind: B\n";
        for (own, about_the_next) in [
            ("", "# about B\n"),
            ("", " # about B\n"),
            ("  # about A\n", "# about B\n"),
            ("   # about A\n", ""),
        ] {
            for column in ["", " "] {
                let list = format!("{HEAD}{column}- kind: A\n{own}{about_the_next}{column}{LAST}");
                let read = ResourceList::read(list.as_bytes()).unwrap();
                let changes = Changes {
                    removed: BTreeSet::from([0]),
                    ..Changes::default()
                };
                let written = read.write(&changes, &[]).unwrap().pieces.concat();
                let belongs_to_a = about_the_next.starts_with(' ') && column.is_empty();
                let left = if belongs_to_a { "" } else { about_the_next };
                assert_eq!(written, format!("{HEAD}{left}{column}{LAST}"), "{list}");
            }
        }
    }
}
