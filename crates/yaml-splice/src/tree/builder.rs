//! Builds a tree from parser events.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use super::outdented::{self, Indented};
use super::positions::{Cursor, quoted_end, skip_gap, word_end};
use super::{Kind, MAX_DEPTH, Node, NodeId, Tree, ambiguous, merge, scalar, surrogates};
use crate::block_scalar::{self, Block};
use crate::{YamlError, YamlErrorKind, value};

/// A collection whose end has not been read yet.
struct Open {
    id: NodeId,
    /// The keys of a large mapping so far, to detect duplicates.
    keys: BTreeSet<String>,
    key: Option<NodeId>,
    is_mapping: bool,
    flow: bool,
    /// It has a key `<<`.
    merges: bool,
    items: Vec<NodeId>,
    entries: Vec<(NodeId, NodeId)>,
    /// Where the last member ends; where the first one may begin.
    end: usize,
}

/// Up to this many keys are compared one by one, without copying them.
const FEW_KEYS: usize = 16;

/// Where a node begins: see [`Node`].
struct NodeStart {
    indicator: Option<usize>,
    start: usize,
    content: usize,
}

pub(super) struct Builder<'a> {
    text: &'a str,
    nodes: Vec<Node<'a>>,
    stack: Vec<Open>,
    root: Option<NodeId>,
    documents: usize,
    /// Where the document begins.
    start: usize,
    anchors: Vec<Option<NodeId>>,
    cursor: Cursor<'a>,
    /// Whether the parser reads a copy of the text without surrogates.
    without_surrogates: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            nodes: Vec::new(),
            stack: Vec::new(),
            root: None,
            documents: 0,
            start: if text.starts_with('\u{feff}') { 3 } else { 0 },
            anchors: Vec::new(),
            cursor: Cursor::new(text),
            without_surrogates: false,
        }
    }

    pub(super) fn build(mut self) -> Result<Tree<'a>, YamlError> {
        ambiguous::directives(self.text)?;
        for event in Parser::new_from_str(self.text) {
            match event {
                Ok((event, span)) => self.event(event, span)?,
                Err(error) if error.info() == outdented::MESSAGE => {
                    return Self::new(self.text).build_indented(not_yaml(&error));
                }
                Err(error) if error.info() == surrogates::MESSAGE => {
                    return Self::build_without_surrogates(self.text, not_yaml(&error));
                }
                Err(error) => return Err(not_yaml(&error)),
            }
        }
        self.finish()
    }

    /// Builds the tree of a text with closing quotes at the margin. `error` is the parser's error for
    /// the original text.
    fn build_indented(mut self, error: YamlError) -> Result<Tree<'a>, YamlError> {
        let Some(indented) = Indented::of(self.text) else {
            return Err(error);
        };
        let Indented {
            text,
            shifts,
            quotes,
        } = indented;
        self.cursor.set_shifts(shifts);
        for event in Parser::new_from_str(&text) {
            let (event, span) = event.map_err(|_| error.clone())?;
            self.event(outdented::owned(event), span)?;
        }
        let scalars = self.nodes.iter().filter(|node| {
            matches!(&node.kind, Kind::Scalar { style, .. } if *style == ScalarStyle::SingleQuoted)
        });
        let ends: BTreeSet<usize> = scalars.map(|node| node.span.end).collect();
        if !quotes.iter().all(|quote| ends.contains(&(quote + 1))) {
            return Err(error);
        }
        self.finish()
    }

    /// Builds the tree of a text with pairs of surrogates between double quotes. `error` is the parser's
    /// error for the original text.
    fn build_without_surrogates(text: &'a str, error: YamlError) -> Result<Tree<'a>, YamlError> {
        let build = |pairs: &[usize]| {
            let copy = surrogates::replaced(text, pairs).ok_or_else(|| error.clone())?;
            let mut builder = Self::new(text);
            builder.without_surrogates = true;
            for event in Parser::new_from_str(&copy) {
                let (event, span) = event.map_err(|error| not_yaml(&error))?;
                builder.event(outdented::owned(event), span)?;
            }
            builder.finish()
        };
        let pairs = surrogates::pairs(text);
        let tree = build(&pairs)?;
        // The parser tells which of them are escapes, as it reads both texts the same way.
        let escapes = surrogates::between_double_quotes(&pairs, &tree.nodes);
        if escapes == pairs {
            return Ok(tree);
        }
        build(&escapes)
    }

    fn finish(mut self) -> Result<Tree<'a>, YamlError> {
        if !self.cursor.is_ascii() {
            ambiguous::characters(self.text, &self.nodes)?;
        }
        self.nodes.shrink_to_fit();
        Ok(Tree {
            text: self.text,
            nodes: self.nodes,
            root: self.root,
            has_surrogates: self.without_surrogates,
        })
    }

    #[inline]
    fn event(&mut self, event: Event<'a>, span: Span) -> Result<(), YamlError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(explicit) => self.document(explicit, span),
            Event::Scalar(value, style, anchor, tag) => {
                self.scalar(value, style, anchor, tag, span)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::SequenceStart(anchor, tag) => self.open(anchor, tag.as_deref(), span, false),
            Event::MappingStart(anchor, tag) => self.open(anchor, tag.as_deref(), span, true),
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
        }
    }

    fn document(&mut self, explicit: bool, span: Span) -> Result<(), YamlError> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(YamlError {
                kind: YamlErrorKind::SeveralDocuments,
                ..at(span.start, "a second document starts here")
            });
        }
        if explicit {
            self.start = self.cursor.seek(span.start.index()) + "---".len();
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), YamlError> {
        let target = self.anchors.get(anchor).copied().flatten();
        let target =
            target.ok_or_else(|| at(span.start, "an alias whose anchor is not in this item"))?;
        let begin = self.node_start(0, false);
        let end = self.cursor.seek(span.end.index());
        let name = self.text.get(begin.start + 1..end).unwrap_or_default();
        ambiguous::anchor_name(self.text, begin.start, name)?;
        self.push(begin, end, 0, Kind::Alias { anchor, target }, span)?;
        Ok(())
    }

    /// The start of the next node. The parser's own markers are not sufficient: depending on the
    /// kind of node, they include different blanks, comments and dashes.
    fn node_start(&self, properties: usize, empty: bool) -> NodeStart {
        let (mut slot, mut indicator) = (self.start, None);
        if let Some(open) = self.stack.last() {
            slot = open.end;
            let mut next = skip_gap(self.text, slot);
            if open.flow && open.key.is_none() && self.byte(next) == Some(b',') {
                slot = next + 1;
                next = skip_gap(self.text, slot);
            }
            let expected = match (open.is_mapping, open.key) {
                (true, Some(_)) => Some(b':'),
                (true, None) if self.is_separator(next + 1) => Some(b'?'),
                (false, _) if !open.flow => Some(b'-'),
                _ => None,
            };
            if expected.is_some() && self.byte(next) == expected {
                indicator = Some(next);
                slot = next + 1;
            }
        }
        let start = if empty {
            slot
        } else {
            skip_gap(self.text, slot)
        };
        let mut content = start;
        for _ in 0..properties {
            content = skip_gap(self.text, word_end(self.text, content));
        }
        NodeStart {
            indicator,
            start,
            content,
        }
    }

    /// Whether the next node is in a flow collection, as a member or in a pair without braces.
    fn is_in_flow(&self) -> bool {
        self.stack.iter().rev().take(2).any(|open| open.flow)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn is_separator(&self, at: usize) -> bool {
        self.byte(at).is_none_or(|byte| byte.is_ascii_whitespace())
    }

    fn scalar(
        &mut self,
        value: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<Cow<'a, Tag>>,
        span: Span,
    ) -> Result<(), YamlError> {
        let nothing = value.is_empty() && style == ScalarStyle::Plain;
        if let Some(tag) = tag.as_deref() {
            // In flow collections, go-yaml treats the comma after it as part of the tag.
            let is_cut_off = nothing && self.is_in_flow();
            if is_cut_off || !value::is_tag_portable(&value, tag) {
                return Err(ambiguous::tag(span.start));
            }
        }
        let properties = usize::from(anchor > 0) + usize::from(tag.is_some());
        let mut begin = self.node_start(properties, nothing && properties == 0);
        let mut value = value;
        let end = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let block = Block::read(self.text, begin.content, &value);
                ambiguous::block_header(self.text, begin.content, block.header_end)?;
                if self.stack.is_empty() {
                    ambiguous::root_block_scalar(self.text, begin.content, block.indent)?;
                }
                self.end_last_line(&mut value, &block, begin.content);
                block.end
            }
            ScalarStyle::SingleQuoted => quoted_end(self.text, begin.content),
            ScalarStyle::DoubleQuoted => {
                let end = quoted_end(self.text, begin.content);
                if self.without_surrogates {
                    let source = self.text.get(begin.content..end).unwrap_or_default();
                    let restored = surrogates::restored(&value, source);
                    value = restored
                        .ok_or_else(|| at(span.start, surrogates::MESSAGE))?
                        .into();
                }
                end
            }
            ScalarStyle::Plain if nothing => {
                let mut end = begin.start;
                for index in 0..properties {
                    let next = if index > 0 {
                        skip_gap(self.text, end)
                    } else {
                        end
                    };
                    end = word_end(self.text, next);
                }
                begin.content = end;
                end
            }
            ScalarStyle::Plain => {
                if self.is_in_flow() {
                    ambiguous::flow_scalar(self.text, begin.content, &value)?;
                }
                self.cursor.seek(span.end.index())
            }
        };
        let written = match style {
            ScalarStyle::Plain => self.text.get(begin.content..end),
            _ => None,
        };
        let kind = Kind::Scalar {
            // Trees are kept in memory, so this borrows the text if possible.
            value: match written.filter(|written| *written == value) {
                Some(written) => Cow::Borrowed(written),
                None => value,
            },
            style,
            tag: tag.map(|tag| Box::new(tag.into_owned())),
        };
        self.push(begin, end, anchor, kind, span)?;
        Ok(())
    }

    /// Corrects the line breaks at the end of a block scalar if the text ends in blanks without a
    /// line break. Those count as a blank line, as if the line break existed, and only a header
    /// with `+` keeps it; the parser decides by the number of blanks.
    fn end_last_line(&self, value: &mut Cow<'a, str>, block: &Block, indicator: usize) {
        let rest = self.text.get(block.end..).unwrap_or_default();
        let header = self
            .text
            .get(indicator..block.header_end)
            .unwrap_or_default();
        if !self.text.ends_with(' ') || !rest.trim_ascii().is_empty() || value.is_empty() {
            return;
        }
        let is_blank = |line: &&Range<usize>| {
            let spaces = line.len() <= block.indent.unwrap_or(line.len());
            spaces
                && self
                    .text
                    .get((*line).clone())
                    .is_some_and(|line| line.trim_ascii().is_empty())
        };
        let content = value.trim_end_matches('\n').len();
        let own = usize::from(content > 0);
        let breaks = match header.split([' ', '\t', '#']).next() {
            Some(indicators) if indicators.contains('-') => return,
            _ if block_scalar::keeps(header) => {
                own + block.lines.iter().rev().take_while(is_blank).count()
            }
            _ => own,
        };
        if value.len() - content != breaks {
            let value = value.to_mut();
            value.truncate(content);
            value.extend(std::iter::repeat_n('\n', breaks));
        }
    }

    fn open(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
        is_mapping: bool,
    ) -> Result<(), YamlError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(at(
                span.start,
                &format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        if let Some(tag) = tag
            && !value::is_collection_tag_portable(tag, is_mapping)
        {
            return Err(ambiguous::tag(span.start));
        }
        let begin = self.node_start(usize::from(anchor > 0) + usize::from(tag.is_some()), false);
        let content = begin.content;
        let flow = matches!(self.byte(content), Some(b'{' | b'['));
        let kind = if is_mapping {
            Kind::Mapping {
                flow,
                entries: Vec::new(),
            }
        } else {
            Kind::Sequence {
                flow,
                items: Vec::new(),
            }
        };
        let id = self.push(begin, content, anchor, kind, span)?;
        self.stack.push(Open {
            id,
            keys: BTreeSet::new(),
            key: None,
            is_mapping,
            flow,
            merges: false,
            items: Vec::new(),
            entries: Vec::new(),
            end: if flow { content + 1 } else { content },
        });
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), YamlError> {
        let Some(open) = self.stack.pop() else {
            return Err(at(span.start, "a collection ends that never began"));
        };
        let mut end = open.end;
        if open.flow {
            end = skip_gap(self.text, end);
            if self.byte(end) == Some(b',') {
                end = skip_gap(self.text, end + 1);
            }
            // The bracket.
            end = (end + 1).min(self.text.len());
        }
        if open.merges {
            merge::check(self.text, &self.nodes, &open.entries)?;
        }
        if let Some(node) = self.nodes.get_mut(open.id.0) {
            node.span.end = end;
            match &mut node.kind {
                Kind::Mapping { entries, .. } => *entries = open.entries,
                Kind::Sequence { items, .. } => *items = open.items,
                Kind::Scalar { .. } | Kind::Alias { .. } => {}
            }
        }
        if let Some(around) = self.stack.last_mut() {
            around.end = end;
        }
        Ok(())
    }

    /// Adds a node to the open collection.
    fn push(
        &mut self,
        begin: NodeStart,
        end: usize,
        anchor: usize,
        kind: Kind<'a>,
        marks: Span,
    ) -> Result<NodeId, YamlError> {
        let id = NodeId(self.nodes.len());
        if anchor > 0 {
            ambiguous::anchor(self.text, begin.start, begin.content)?;
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            if let Some(place) = self.anchors.get_mut(anchor) {
                *place = Some(id);
            }
        }
        let key = match &kind {
            Kind::Scalar { value, .. } => Some(value.as_ref()),
            Kind::Alias { target, .. } => match self.nodes.get(target.0).map(|node| &node.kind) {
                Some(Kind::Scalar { value, .. }) => Some(value.as_ref()),
                _ => None,
            },
            Kind::Sequence { .. } | Kind::Mapping { .. } => None,
        };
        let in_flow = self.is_in_flow();
        match self.stack.last_mut() {
            None => self.root = Some(id),
            Some(open) => {
                open.end = end;
                if !open.is_mapping {
                    open.items.push(id);
                } else if let Some(name) = open.key.take() {
                    if let Some(colon) = begin.indicator
                        && let Some(key) = self.nodes.get(name.0)
                    {
                        ambiguous::implicit_key(self.text, key, colon, in_flow)?;
                    }
                    open.entries.push((name, id));
                } else {
                    let key = key.ok_or_else(|| at(marks.start, "a key must be a scalar"))?;
                    if is_double(open, key, &self.nodes) {
                        return Err(at(
                            marks.start,
                            &format!("the key {key:?} is in this mapping twice"),
                        ));
                    }
                    open.merges |= key == "<<";
                    open.key = Some(id);
                }
            }
        }
        self.nodes.push(Node {
            indicator: begin.indicator,
            span: begin.start..end.max(begin.start),
            content: begin.content,
            anchor,
            kind,
        });
        Ok(id)
    }
}

/// Whether a mapping already has a key. Also records the key.
fn is_double(open: &mut Open, key: &str, nodes: &[Node<'_>]) -> bool {
    let text = |(name, _): &(NodeId, NodeId)| scalar(nodes, *name);
    if open.entries.len() < FEW_KEYS {
        return open.entries.iter().any(|entry| text(entry) == Some(key));
    }
    if open.keys.is_empty() {
        let names = open.entries.iter().filter_map(text);
        open.keys.extend(names.map(str::to_owned));
    }
    !open.keys.insert(key.to_owned())
}

fn not_yaml(error: &ScanError) -> YamlError {
    at(*error.marker(), error.info())
}

fn at(mark: Marker, message: &str) -> YamlError {
    YamlError {
        kind: YamlErrorKind::Invalid,
        message: message.to_owned(),
        line: mark.line(),
        column: mark.col() + 1,
    }
}
