//! A YAML document as nodes that know the bytes they stand on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

pub use saphyr_parser::ScalarStyle;
use saphyr_parser::{Event, Marker, Parser, Span, Tag};

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
    /// The `:`, `-` or `?` before the node; `None` where there is none, as in `[a]`.
    pub indicator: Option<usize>,
    /// From the node's first byte (its tag or anchor included) to the end of its content, without
    /// the line break that follows. Where nothing is written, the place right behind the
    /// indicator.
    pub span: Range<usize>,
    /// Where the content begins, behind the tag and the anchor.
    pub content: usize,
    /// The parser's number for the anchor on this node; 0 when there is none.
    pub anchor: usize,
    /// The node itself.
    pub kind: Kind<'a>,
}

/// The node for a number that is none of the tree's.
static NOTHING: Node<'static> = Node {
    indicator: None,
    span: 0..0,
    content: 0,
    anchor: 0,
    kind: Kind::Scalar {
        value: Cow::Borrowed(""),
        style: ScalarStyle::Plain,
        tag: None,
    },
};

/// What a node is.
#[derive(Debug)]
pub enum Kind<'a> {
    /// `text`, `"text"`, `|`: the value after unescaping and folding.
    Scalar {
        /// The text that the scalar stands for.
        value: Cow<'a, str>,
        /// How it is written.
        style: ScalarStyle,
        /// `!!str`, `!custom`: rare, and large.
        tag: Option<Box<Tag>>,
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

    /// The node with that number. Numbers are only made by a tree's builder: one of another tree
    /// may be of no node here, and then it is an empty one.
    pub fn node(&self, id: NodeId) -> &Node<'a> {
        self.nodes.get(id.0).unwrap_or(&NOTHING)
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
        scalar(&self.nodes, id)
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
        (line_end(self.text, position) + 1).min(self.text.len())
    }

    /// The column of `position` in bytes, which is what indentation is counted in. A byte order mark
    /// has none.
    pub fn column(&self, position: usize) -> usize {
        let mark = if self.text.starts_with('\u{feff}') {
            3
        } else {
            0
        };
        let start = self.line_start(position).max(mark);
        position.saturating_sub(start)
    }
}

/// A collection whose end has not been read yet.
struct Open {
    id: NodeId,
    /// The keys of a large mapping so far, to find one that stands twice.
    keys: BTreeSet<String>,
    key: Option<NodeId>,
    is_mapping: bool,
    flow: bool,
    items: Vec<NodeId>,
    entries: Vec<(NodeId, NodeId)>,
    /// Where the last member ends; where the first one may begin.
    end: usize,
}

/// Up to this many keys are compared one by one, which needs no copies of them.
const FEW_KEYS: usize = 16;

/// Where a node stands: see [`Node`].
struct Place {
    indicator: Option<usize>,
    start: usize,
    content: usize,
}

struct Builder<'a> {
    text: &'a str,
    nodes: Vec<Node<'a>>,
    stack: Vec<Open>,
    root: Option<NodeId>,
    /// Where the document begins.
    start: usize,
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
            start: if text.starts_with('\u{feff}') { 3 } else { 0 },
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
                Event::DocumentStart(explicit) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(at(span.start, "a second document starts here"));
                    }
                    if explicit {
                        self.start = self.cursor.seek(span.start.index()) + "---".len();
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    self.scalar(value, style, anchor, tag, span)?;
                }
                Event::Alias(anchor) => {
                    let target = self.anchors.get(anchor).copied().flatten().ok_or_else(|| {
                        at(span.start, "an alias whose anchor is not in this item")
                    })?;
                    let place = self.place(0, false);
                    let end = self.cursor.seek(span.end.index());
                    self.push(place, end, 0, Kind::Alias { anchor, target }, span)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.open(anchor, tag.as_deref(), span, false)?
                }
                Event::MappingStart(anchor, tag) => {
                    self.open(anchor, tag.as_deref(), span, true)?
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            }
        }
        self.nodes.shrink_to_fit();
        Ok(Tree {
            text: self.text,
            nodes: self.nodes,
            root: self.root,
        })
    }

    /// Where the next node stands. The parser's own marks do not tell: what they include of the
    /// blanks, comments and dashes around a node is another thing for each kind of node.
    fn place(&self, properties: usize, empty: bool) -> Place {
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
        Place {
            indicator,
            start,
            content,
        }
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
        let properties = usize::from(anchor > 0) + usize::from(tag.is_some());
        let nothing = value.is_empty() && style == ScalarStyle::Plain;
        let mut place = self.place(properties, nothing && properties == 0);
        let end = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                block_scalar::end(self.text, place.content, &value)
            }
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                quoted_end(self.text, place.content)
            }
            ScalarStyle::Plain if nothing => {
                let mut end = place.start;
                for index in 0..properties {
                    let next = if index > 0 {
                        skip_gap(self.text, end)
                    } else {
                        end
                    };
                    end = word_end(self.text, next);
                }
                place.content = end;
                end
            }
            ScalarStyle::Plain => self.cursor.seek(span.end.index()),
        };
        let written = match style {
            ScalarStyle::Plain => self.text.get(place.content..end),
            _ => None,
        };
        let kind = Kind::Scalar {
            // Trees are kept: most texts need no copy.
            value: match written.filter(|written| *written == value) {
                Some(written) => Cow::Borrowed(written),
                None => value,
            },
            style,
            tag: tag.map(|tag| Box::new(tag.into_owned())),
        };
        self.push(place, end, anchor, kind, span)?;
        Ok(())
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
        let place = self.place(usize::from(anchor > 0) + usize::from(tag.is_some()), false);
        let content = place.content;
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
        let id = self.push(place, content, anchor, kind, span)?;
        self.stack.push(Open {
            id,
            keys: BTreeSet::new(),
            key: None,
            is_mapping,
            flow,
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

    /// Adds a node and hands it to the collection that is open.
    fn push(
        &mut self,
        place: Place,
        end: usize,
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
        let key = match &kind {
            Kind::Scalar { value, .. } => Some(value.as_ref()),
            Kind::Alias { target, .. } => match self.nodes.get(target.0).map(|node| &node.kind) {
                Some(Kind::Scalar { value, .. }) => Some(value.as_ref()),
                _ => None,
            },
            Kind::Sequence { .. } | Kind::Mapping { .. } => None,
        };
        match self.stack.last_mut() {
            None => self.root = Some(id),
            Some(open) => {
                open.end = end;
                if !open.is_mapping {
                    open.items.push(id);
                } else if let Some(name) = open.key.take() {
                    open.entries.push((name, id));
                } else {
                    let key = key.ok_or_else(|| at(marks.start, "a key must be a scalar"))?;
                    if is_double(open, key, &self.nodes) {
                        return Err(at(
                            marks.start,
                            &format!("the key {key:?} stands twice in this mapping"),
                        ));
                    }
                    open.key = Some(id);
                }
            }
        }
        self.nodes.push(Node {
            indicator: place.indicator,
            span: place.start..end.max(place.start),
            content: place.content,
            anchor,
            kind,
        });
        Ok(id)
    }
}

/// Whether a mapping has a key already. Remembers it.
fn is_double(open: &mut Open, key: &str, nodes: &[Node<'_>]) -> bool {
    let text = |id: NodeId| scalar(nodes, id).unwrap_or_default();
    if open.entries.len() < FEW_KEYS {
        return open.entries.iter().any(|(name, _)| text(*name) == key);
    }
    if open.keys.is_empty() {
        let names = open.entries.iter().map(|(name, _)| text(*name).to_owned());
        open.keys.extend(names);
    }
    !open.keys.insert(key.to_owned())
}

/// The text of a scalar, or of the one that an alias stands for.
fn scalar<'n>(nodes: &'n [Node<'_>], id: NodeId) -> Option<&'n str> {
    match &nodes.get(id.0)?.kind {
        Kind::Scalar { value, .. } => Some(value),
        Kind::Alias { target, .. } => match &nodes.get(target.0)?.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        },
        _ => None,
    }
}

fn at(mark: Marker, message: &str) -> YamlError {
    YamlError {
        message: message.to_owned(),
        line: mark.line(),
        column: mark.col() + 1,
    }
}

/// The first position from `from` on that holds neither a blank, nor a line break, nor a comment.
// Public for the fuzzers, who take in the reader of lists as a file.
#[doc(hidden)]
pub fn skip_gap(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(b'#') => at = line_end(text, at),
            _ => return at,
        }
    }
}

/// Where the line that holds `from` ends, its line feed excluded.
pub(super) fn line_end(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |at| from + at)
}

/// The end of a tag or an anchor.
fn word_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    if rest.starts_with("!<") {
        return rest.find('>').map_or(text.len(), |at| from + at + 1);
    }
    rest.find(|c: char| c.is_ascii_whitespace() || ",[]{}".contains(c))
        .map_or(text.len(), |at| from + at)
}

/// The position behind the closing quote of a scalar whose opening one is at `from`.
fn quoted_end(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes.get(from).copied().unwrap_or(b'"');
    let mut at = from + 1;
    loop {
        match bytes.get(at) {
            None => return text.len(),
            Some(b'\\') if quote == b'"' => at += 2,
            // `''` is a quote inside; any other is the end.
            Some(byte) if *byte == quote => {
                if quote == b'"' || bytes.get(at + 1) != Some(&quote) {
                    return at + 1;
                }
                at += 2;
            }
            Some(_) => at += 1,
        }
    }
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
