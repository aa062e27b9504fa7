//! Refuses text that YAML readers interpret differently.
//!
//! Kubernetes' tools use go-yaml, which derives from libyaml and so implements YAML 1.1; others
//! implement YAML 1.2. Text that they interpret differently is an error here, rather than being
//! read in one of the two ways.

use saphyr_parser::Marker;

use super::positions::{self, skip_gap, word_end};
use super::{Kind, Node, ScalarStyle, surrogates};
use crate::{YamlError, YamlErrorKind};

/// A key must have fewer bytes than this to be found without a `? ` before it.
///
/// Source: "implicit keys" in YAML 1.2, 7.4.2, counts characters; some readers count bytes.
pub(crate) const LONGEST_IMPLICIT_KEY: usize = 1024;

pub(super) fn error_at(text: &str, position: usize, message: &str) -> YamlError {
    YamlError {
        kind: YamlErrorKind::Ambiguous,
        ..positions::error_at(text, position, message)
    }
}

/// The error for a tag that readers interpret differently. It does not quote the tag, which may be
/// part of a secret.
pub(super) fn tag(mark: Marker) -> YamlError {
    YamlError {
        kind: YamlErrorKind::Ambiguous,
        message:
            "not all readers understand the tag of this value in the same way; remove the tag, \
                  and quote a value that is text"
                .to_owned(),
        line: mark.line(),
        column: mark.col() + 1,
    }
}

/// Finds a directive other than `%YAML`.
///
/// `%TAG` changes the meaning of later tags, and parsers repeat its prefix in each of them, so a
/// short text can take gigabytes. Some readers reject unknown directives, others ignore them.
pub(super) fn directives(text: &str) -> Result<(), YamlError> {
    if !text.contains('%') {
        return Ok(());
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut at = text.len() - body.len();
    // Directives stand before a document: at the start of the text, or after `...`.
    let mut is_before_document = true;
    for line in body.split_inclusive(['\n', '\r']) {
        let content = line.trim_start();
        if is_before_document && line.starts_with('%') {
            let version = line.strip_prefix("%YAML").unwrap_or_default();
            if !version.starts_with([' ', '\t']) || !version.is_ascii() {
                let message = "not all readers know this directive; remove the line";
                return Err(error_at(text, at, message));
            }
        } else if !content.is_empty() && !content.starts_with('#') {
            is_before_document = line.starts_with("...");
        }
        at += line.len();
    }
    Ok(())
}

/// Finds an unquoted character that some readers treat as a line break or ignore, and others as
/// text.
///
/// Between quotes it counts as text: JSON allows it there, and it cannot change which keys a
/// document has.
///
/// Source: "line break characters" in YAML 1.1, 5.4, and "byte order marks" in YAML 1.2, 5.2.
pub(super) fn characters(text: &str, nodes: &[Node<'_>]) -> Result<(), YamlError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = text.len() - body.len();
    let is_ambiguous = |c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    let mut found = body
        .match_indices(is_ambiguous)
        .map(|(at, found)| (start + at, found))
        .peekable();
    if found.peek().is_none() {
        return Ok(());
    }
    let is_between_quotes = inside(nodes, is_quoted);
    let Some((at, found)) = found.find(|(at, _)| !is_between_quotes(*at)) else {
        return Ok(());
    };
    let code = found.chars().next().map_or(0, u32::from);
    let what = match found {
        "\u{feff}" => "this byte order mark is not at the start, so some readers skip it",
        _ => "this character is a line break to some readers only",
    };
    let message = format!(
        "{what}; remove it (U+{code:04X}), or write it as \\u{code:04x} between double quotes"
    );
    Err(error_at(text, at, &message))
}

/// Finds a carriage return without a line feed outside of quotes and block scalars. It ends a line, but
/// no editor shows that, and an edit there would be read in different ways.
pub(super) fn line_ends(text: &str, nodes: &[Node<'_>]) -> Result<(), YamlError> {
    let returns = memchr::memchr_iter(b'\r', text.as_bytes());
    let mut alone = returns
        .filter(|at| text.as_bytes().get(at + 1) != Some(&b'\n'))
        .peekable();
    if alone.peek().is_none() {
        return Ok(());
    }
    let is_in_scalar = inside(nodes, |node| is_quoted(node) || is_block_scalar(node));
    match alone.find(|at| !is_in_scalar(*at)) {
        None => Ok(()),
        Some(at) => {
            let message = "there is a carriage return inside the line; end lines with LF or CRLF";
            Err(error_at(text, at, message))
        }
    }
}

/// Finds a character that YAML does not allow as it is, and most readers refuse: control characters
/// and U+FFFE, U+FFFF. JSON allows those above U+001F between quotes.
///
/// Source: `c-printable` in YAML 1.2, 5.1.
pub(super) fn control_characters(text: &str, nodes: &[Node<'_>]) -> Result<(), YamlError> {
    let is_refused = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        c => c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    // Nearly all texts have none, and bytes are looked through faster.
    let may_have = |byte: &u8| *byte < b' ' && !b"\t\n\r".contains(byte) || *byte >= 0x7f;
    if !text.as_bytes().iter().any(may_have) {
        return Ok(());
    }
    let is_between_quotes = inside(nodes, is_quoted);
    let mut found = text.match_indices(is_refused);
    let refused = found.find(|(at, found)| *found < " " || !is_between_quotes(*at));
    let Some((at, found)) = refused else {
        return Ok(());
    };
    let code = found.chars().next().map_or(0, u32::from);
    let message = format!(
        "YAML does not allow the character U+{code:04X} as it is; remove it, or write it as \
         \\u{code:04x} between double quotes"
    );
    Err(error_at(text, at, &message))
}

/// Finds a surrogate pair, which belongs to JSON. go-yaml refuses it in YAML, so kubectl only reads it
/// in a file that begins with a brace.
pub(super) fn surrogates(text: &str, nodes: &[Node<'_>]) -> Result<(), YamlError> {
    let pairs = surrogates::between_double_quotes(&surrogates::pairs(text), nodes);
    let Some(at) = pairs.first() else {
        return Ok(());
    };
    let character = text.get(*at..).and_then(surrogates::pair);
    let code = character.map_or(0, u32::from);
    let message = format!(
        "not all readers of YAML join these two escapes to U+{code:04X}, as JSON does; write the \
         character itself, or \\U{code:08x}"
    );
    Err(error_at(text, *at, &message))
}

/// Tells whether a position is inside one of the nodes that are meant, of which none contains another.
pub(super) fn inside(
    nodes: &[Node<'_>],
    is_meant: fn(&Node<'_>) -> bool,
) -> impl Fn(usize) -> bool {
    let meant = nodes.iter().filter(|node| is_meant(node));
    let mut ranges: Vec<_> = meant.map(|node| (node.content, node.span.end)).collect();
    ranges.sort_unstable();
    move |at| {
        let before = ranges.partition_point(|(start, _)| *start <= at);
        let last = before.checked_sub(1).and_then(|last| ranges.get(last));
        last.is_some_and(|(_, end)| at < *end)
    }
}

fn is_block_scalar(node: &Node<'_>) -> bool {
    matches!(
        node.kind,
        Kind::Scalar {
            style: ScalarStyle::Literal | ScalarStyle::Folded,
            ..
        }
    )
}

fn is_quoted(node: &Node<'_>) -> bool {
    matches!(
        node.kind,
        Kind::Scalar {
            style: ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted,
            ..
        }
    )
}

/// Checks the name of an anchor. libyaml ends it at the first other character.
pub(super) fn anchor_name(text: &str, at: usize, name: &str) -> Result<(), YamlError> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.chars().all(is_known) {
        return Ok(());
    }
    let message = "this anchor has characters that not all readers take for a part of its name; use \
                   only letters, digits, - and _";
    Err(error_at(text, at, message))
}

/// Checks the name of the anchor among the properties of a node, which are between `start` and
/// `end`.
pub(super) fn anchor(text: &str, start: usize, end: usize) -> Result<(), YamlError> {
    let mut at = start;
    while at < end {
        let word_end = word_end(text, at);
        let word = text.get(at..word_end).unwrap_or_default();
        if let Some(name) = word.strip_prefix('&') {
            return anchor_name(text, at, name);
        }
        at = skip_gap(text, word_end.max(at + 1));
    }
    Ok(())
}

/// Checks a plain scalar in a flow collection. libyaml treats any leading `?` or `:` as an
/// indicator.
pub(super) fn flow_scalar(text: &str, at: usize, value: &str) -> Result<(), YamlError> {
    if !value.starts_with(['?', ':']) {
        return Ok(());
    }
    let message = "not all readers take a `?` or `:` at the start of a text between brackets for a part \
                   of it; quote the text";
    Err(error_at(text, at, message))
}

/// Checks the first line of a block scalar, from its `|` or `>`. YAML ends it at a carriage return alone
/// too, where editors and this crate see no end of a line.
pub(super) fn block_header(text: &str, indicator: usize, end: usize) -> Result<(), YamlError> {
    let header = text.get(indicator..end).unwrap_or_default();
    match header.find('\r') {
        None => Ok(()),
        Some(at) => {
            let message = "the line of this `|` or `>` ends in a carriage return alone; end it with a line \
                           feed";
            Err(error_at(text, indicator + at, message))
        }
    }
}

/// Checks a block scalar that is the whole document. libyaml ignores its text unless it is
/// indented.
pub(super) fn root_block_scalar(
    text: &str,
    at: usize,
    indent: Option<usize>,
) -> Result<(), YamlError> {
    if indent != Some(0) {
        return Ok(());
    }
    let message =
        "not all readers take lines that are not indented for a part of this; indent them";
    Err(error_at(text, at, message))
}

/// Checks a key and the `:` after it.
///
/// Without a `? `, it must be short enough to be found. And go-yaml treats the colon of `{a:, b}`
/// as part of the key.
pub(super) fn implicit_key(
    text: &str,
    key: &Node<'_>,
    colon: usize,
    in_flow: bool,
) -> Result<(), YamlError> {
    let is_plain = matches!(
        key.kind,
        Kind::Scalar {
            style: ScalarStyle::Plain,
            ..
        }
    );
    let next = text.as_bytes().get(colon + 1);
    let is_adjacent = next.is_some_and(|byte| matches!(byte, b',' | b'[' | b']' | b'{' | b'}'));
    if in_flow && is_plain && is_adjacent {
        let message = "not all readers end the key here; write a blank after the colon";
        return Err(error_at(text, colon, message));
    }
    if key.indicator.is_some() || key.span.len() < LONGEST_IMPLICIT_KEY {
        return Ok(());
    }
    Err(error_at(
        text,
        key.span.start,
        "a key of more than 1,024 characters is not found by all readers; write `? ` before it",
    ))
}
