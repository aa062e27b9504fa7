//! A YAML document as nodes that know the bytes they stand on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::YamlError;
use super::block_scalar;

/// Deeper documents are refused: no Kubernetes manifest comes near, and what reads them recurses.
pub const MAX_DEPTH: usize = 128;

/// A node's place in [`Tree::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(usize);

/// One parsed document.
#[derive(Debug)]
pub struct Tree<'a> {
    /// The text that every span refers to.
    pub text: &'a str,
    nodes: Vec<Node<'a>>,
    root: Option<NodeId>,
}

/// A scalar, collection or alias, and where it stands.
#[derive(Debug)]
pub struct Node<'a> {
    /// From the node's first byte (its tag or anchor included) to the end of its content, without
    /// the line break that follows.
    pub span: Range<usize>,
    /// The parser's number for the anchor on this node; 0 when there is none.
    pub anchor: usize,
    /// The node itself.
    pub kind: Kind<'a>,
}

/// What a node is.
#[derive(Debug)]
pub enum Kind<'a> {
    /// `text`, `"text"`, `|`: the value after unescaping and folding.
    Scalar {
        /// The text that the scalar stands for.
        value: Cow<'a, str>,
        /// How it is written.
        style: ScalarStyle,
        /// `!!str`, `!custom`.
        tag: Option<Cow<'a, Tag>>,
    },
    /// `*name`: the anchor's number, and the node that carries it.
    Alias {
        /// The parser's number for the anchor.
        anchor: usize,
        /// The node that the alias stands for.
        target: NodeId,
    },
    /// `- a` or `[a]`.
    Sequence {
        /// Written with brackets.
        flow: bool,
        /// The members in order.
        items: Vec<NodeId>,
    },
    /// `a: b` or `{a: b}`.
    Mapping {
        /// Written with braces.
        flow: bool,
        /// The members in order; a key is a scalar or an alias to one.
        entries: Vec<(NodeId, NodeId)>,
    },
}

impl<'a> Tree<'a> {
    /// Parses one document.
    ///
    /// # Errors
    /// Text that is not YAML, more than one document, a key twice in a mapping, a key that is not
    /// a scalar, and nesting deeper than [`MAX_DEPTH`].
    pub fn parse(text: &'a str) -> Result<Self, YamlError> {
        Builder::new(text).build()
    }

    /// The document's node; `None` when the text holds nothing but comments.
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// The node with that number.
    pub fn node(&self, id: NodeId) -> &Node<'a> {
        // Numbers are only made by this tree's builder.
        #[allow(clippy::indexing_slicing)]
        &self.nodes[id.0]
    }

    /// Every node, in the order of the text.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node<'a>)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (NodeId(index), node))
    }

    /// The text of a scalar; `None` for a collection. Aliases are followed.
    pub fn scalar(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar { value, .. } => Some(value),
            Kind::Alias { target, .. } => match &self.node(*target).kind {
                Kind::Scalar { value, .. } => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// The members of a mapping; empty for anything else. Aliases are not followed.
    pub fn entries(&self, id: NodeId) -> &[(NodeId, NodeId)] {
        match &self.node(id).kind {
            Kind::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The members of a sequence; empty for anything else. Aliases are not followed.
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match &self.node(id).kind {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    /// The member of a mapping that is written under `key` (not one that `<<` brings in).
    pub fn entry(&self, id: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        self.entries(id)
            .iter()
            .copied()
            .find(|(name, _)| self.scalar(*name) == Some(key))
    }

    /// Where the line that holds `position` starts.
    pub fn line_start(&self, position: usize) -> usize {
        let before = self.text.as_bytes().get(..position).unwrap_or_default();
        memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)
    }

    /// Where the line after `position` starts; the end of the text when there is none.
    pub fn next_line(&self, position: usize) -> usize {
        let after = self.text.as_bytes().get(position..).unwrap_or_default();
        memchr::memchr(b'\n', after).map_or(self.text.len(), |at| position + at + 1)
    }

    /// The column of `position` in bytes, which is what indentation is counted in.
    pub fn column(&self, position: usize) -> usize {
        position - self.line_start(position)
    }
}

/// A collection whose end has not been read yet.
struct Open {
    id: NodeId,
    /// The keys of a mapping so far, to find one that stands twice.
    keys: BTreeSet<String>,
    key: Option<NodeId>,
    is_mapping: bool,
    flow: bool,
    items: Vec<NodeId>,
    entries: Vec<(NodeId, NodeId)>,
}

struct Builder<'a> {
    text: &'a str,
    nodes: Vec<Node<'a>>,
    stack: Vec<Open>,
    root: Option<NodeId>,
    anchors: Vec<Option<NodeId>>,
    cursor: Cursor<'a>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            nodes: Vec::new(),
            stack: Vec::new(),
            root: None,
            anchors: Vec::new(),
            cursor: Cursor::new(text),
        }
    }

    fn build(mut self) -> Result<Tree<'a>, YamlError> {
        let mut documents = 0;
        for event in Parser::new_from_str(self.text) {
            let (event, span) = event.map_err(|error| YamlError {
                message: error.info().to_owned(),
                line: error.marker().line(),
                column: error.marker().col() + 1,
            })?;
            match event {
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(at(span.start, "a second document starts here"));
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let bytes = self.scalar_span(&value, style, span);
                    let kind = Kind::Scalar { value, style, tag };
                    self.push(bytes, anchor, kind, span)?;
                }
                Event::Alias(anchor) => {
                    let target = self.anchors.get(anchor).copied().flatten().ok_or_else(|| {
                        at(span.start, "an alias whose anchor is not in this item")
                    })?;
                    let bytes = self.bytes(span);
                    self.push(bytes, 0, Kind::Alias { anchor, target }, span)?;
                }
                Event::SequenceStart(anchor, _) => self.open(anchor, span, false)?,
                Event::MappingStart(anchor, _) => self.open(anchor, span, true)?,
                Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            }
        }
        Ok(Tree {
            text: self.text,
            nodes: self.nodes,
            root: self.root,
        })
    }

    fn bytes(&mut self, span: Span) -> Range<usize> {
        self.cursor.seek(span.start.index())..self.cursor.seek(span.end.index())
    }

    /// The parser's span of a block scalar is its content alone, trailing blanks included; ours
    /// is from the `|` (or what is before it) to the last line that belongs to the value.
    fn scalar_span(&mut self, value: &str, style: ScalarStyle, span: Span) -> Range<usize> {
        let bytes = self.bytes(span);
        let under_key = self.stack.last().is_some_and(|open| open.key.is_some());
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                block_scalar::span(self.text, self.gap_start(), value).unwrap_or(bytes)
            }
            // The parser puts the null of `key:   # comment` behind the comment.
            ScalarStyle::Plain if bytes.is_empty() && under_key => {
                let colon = self.gap_start();
                colon..colon
            }
            _ => bytes,
        }
    }

    /// The end of what was read last: between it and the next value stand only blanks, comments
    /// and indicators.
    fn gap_start(&self) -> usize {
        let Some(open) = self.stack.last() else {
            return 0;
        };
        let last = open.key.or(open.items.last().copied()).unwrap_or(open.id);
        let end = self.nodes.get(last.0).map_or(0, |node| node.span.end);
        if open.key.is_some() {
            after_colon(self.text, end)
        } else {
            end
        }
    }

    fn open(&mut self, anchor: usize, span: Span, is_mapping: bool) -> Result<(), YamlError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(at(
                span.start,
                &format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let bytes = self.bytes(span);
        let flow = self
            .text
            .get(bytes.clone())
            .is_some_and(|text| text.ends_with(['{', '[']));
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
        let id = self.push(bytes, anchor, kind, span)?;
        self.stack.push(Open {
            id,
            keys: BTreeSet::new(),
            key: None,
            is_mapping,
            flow,
            items: Vec::new(),
            entries: Vec::new(),
        });
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), YamlError> {
        let Some(open) = self.stack.pop() else {
            return Err(at(span.start, "a collection ends that never began"));
        };
        let bytes = self.bytes(span);
        let last = open
            .entries
            .last()
            .map(|(_, value)| *value)
            .or(open.items.last().copied())
            .and_then(|id| self.nodes.get(id.0))
            .map(|node| node.span.end);
        if let Some(node) = self.nodes.get_mut(open.id.0) {
            node.span.end = if open.flow {
                bytes.start + 1
            } else {
                last.unwrap_or(node.span.end)
            };
            match &mut node.kind {
                Kind::Mapping { entries, .. } => *entries = open.entries,
                Kind::Sequence { items, .. } => *items = open.items,
                Kind::Scalar { .. } | Kind::Alias { .. } => {}
            }
        }
        Ok(())
    }

    /// Adds a node and hands it to the collection that is open.
    fn push(
        &mut self,
        span: Range<usize>,
        anchor: usize,
        kind: Kind<'a>,
        marks: Span,
    ) -> Result<NodeId, YamlError> {
        let id = NodeId(self.nodes.len());
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            if let Some(place) = self.anchors.get_mut(anchor) {
                *place = Some(id);
            }
        }
        let key = match (&kind, self.stack.last()) {
            (_, Some(open)) if !open.is_mapping || open.key.is_some() => None,
            (_, None) => None,
            (Kind::Scalar { value, .. }, Some(_)) => Some(value.clone().into_owned()),
            (Kind::Alias { target, .. }, Some(_)) => match self.nodes.get(target.0) {
                Some(Node {
                    kind: Kind::Scalar { value, .. },
                    ..
                }) => Some(value.clone().into_owned()),
                _ => return Err(at(marks.start, "a key must be a scalar")),
            },
            _ => return Err(at(marks.start, "a key must be a scalar")),
        };
        self.nodes.push(Node { span, anchor, kind });
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(id);
            return Ok(id);
        };
        if !open.is_mapping {
            open.items.push(id);
        } else if let Some(name) = open.key.take() {
            open.entries.push((name, id));
        } else {
            if let Some(key) = key
                && !open.keys.insert(key.clone())
            {
                return Err(at(
                    marks.start,
                    &format!("the key {key:?} stands twice in this mapping"),
                ));
            }
            open.key = Some(id);
        }
        Ok(id)
    }
}

fn at(mark: Marker, message: &str) -> YamlError {
    YamlError {
        message: message.to_owned(),
        line: mark.line(),
        column: mark.col() + 1,
    }
}

/// The position behind the `:` that follows a key which ends at `key_end`.
pub(super) fn after_colon(text: &str, key_end: usize) -> usize {
    let rest = text.get(key_end..).unwrap_or_default();
    rest.find(':').map_or(key_end, |at| key_end + at + 1)
}

/// The first position from `from` on that holds no space or tab.
pub(super) fn skip_blanks(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_start_matches([' ', '\t']).len()
}

/// Turns the parser's character counts into byte positions. Events come nearly in order, so it
/// walks from the last answer instead of keeping a table of the whole text.
struct Cursor<'a> {
    text: &'a str,
    ascii: bool,
    characters: usize,
    bytes: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            ascii: text.is_ascii(),
            characters: 0,
            bytes: 0,
        }
    }

    fn seek(&mut self, characters: usize) -> usize {
        if self.ascii {
            return characters.min(self.text.len());
        }
        let here = self.bytes;
        if characters >= self.characters {
            let rest = self.text.get(here..).unwrap_or_default();
            let ahead = rest
                .char_indices()
                .nth(characters - self.characters)
                .map_or(rest.len(), |(at, _)| at);
            self.bytes = here + ahead;
        } else {
            let before = self.text.get(..here).unwrap_or_default();
            self.bytes = before
                .char_indices()
                .nth_back(self.characters - characters - 1)
                .map_or(0, |(at, _)| at);
        }
        self.characters = characters;
        self.bytes
    }
}
