//! Reads YAML line by line, just far enough to know what each line begins.
//!
//! To find the items of a list, it is enough to know of each line whether it begins a node or lies
//! inside one (a block scalar, a quoted string over several lines, a flow collection, a folded plain
//! scalar). Where this reader cannot tell, it returns [`Unsure`], and the caller parses the text.

use std::ops::Range;

use memchr::{memchr, memchr2};

use super::line_head::{self, LineHead};
use super::swar;

/// Something this reader leaves to the full parser.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsure;

/// One line that begins a node: `key: value`, `- key: value`, `- value`, `value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeLine {
    /// Where the line starts.
    pub(super) start: usize,
    /// Spaces before its first character.
    pub(super) indent: usize,
    /// The number of sequence dashes at the start of the line.
    pub(super) dashes: usize,
    /// The key on this line and its column, when there is one.
    pub(super) key: Option<(Range<usize>, usize)>,
    /// The value's text on this line, trailing blanks and comments included; empty when the value
    /// begins on a later line.
    pub(super) value: Range<usize>,
}

/// The lines of a text that begin a node, in order.
pub(super) struct LineReader<'a> {
    text: &'a [u8],
    position: usize,
    /// Column of the node that a plain scalar belongs to: lines with a deeper indentation continue
    /// that scalar.
    plain_parent: Option<usize>,
    /// Column of a key or dash whose value begins on a later line.
    waiting: Option<usize>,
}

impl<'a> LineReader<'a> {
    pub(super) fn new(text: &'a [u8], position: usize) -> Self {
        Self {
            text,
            position,
            plain_parent: None,
            waiting: None,
        }
    }

    /// The next line that begins a node and is indented by at most `depth`; `None` at the end of the
    /// text.
    pub(super) fn next(&mut self, depth: usize) -> Result<Option<NodeLine>, Unsure> {
        loop {
            if let Some(line) = self.next_common(depth)? {
                return Ok(Some(line));
            }
            if self.position >= self.text.len() {
                return Ok(None);
            }
            if let Some(line) = self.any_line()?
                && line.indent <= depth
            {
                return Ok(Some(line));
            }
        }
    }

    /// Reads a line of any form; `None` when it begins no node.
    fn any_line(&mut self) -> Result<Option<NodeLine>, Unsure> {
        let start = self.position;
        let indent = self.spaces(start);
        let first = start + indent;
        let end = self.line_end(first);
        match self.at(first) {
            b'\n' | b'#' => {}
            b'\r' if self.at(first + 1) == b'\n' => {}
            _ if self.plain_parent.is_some_and(|parent| indent > parent) => {}
            // A tab cannot indent anything, and a byte order mark may precede a document.
            b'\t' => return Err(Unsure),
            0xef if self.is_byte_order_mark(first) => return Err(Unsure),
            b'-' | b'.' if indent == 0 && self.is_marker(start) => return Err(Unsure),
            _ => return self.line(start, indent, end).map(Some),
        }
        self.position = end + 1;
        Ok(None)
    }

    /// The fast path. Steps over lines of the common forms: blank lines, comments, lines that go on with
    /// a plain scalar, and `key: …` and `- key: …` where the key begins with a letter or digit.
    ///
    /// Gives the first of them that begins a node and is indented by at most `depth`; `None` in front
    /// of any other line. It reads them as [`Self::line`] does.
    #[inline]
    fn next_common(&mut self, depth: usize) -> Result<Option<NodeLine>, Unsure> {
        while let Some(line) = LineHead::at(self.text, self.position) {
            let start = self.position;
            let end = start + line.length;
            let first = line.byte(line.indent);
            let goes_on = self.plain_parent.is_some_and(|parent| line.indent > parent);
            if goes_on || matches!(first, b'\n' | b'#') {
                self.position = end + 1;
                continue;
            }
            let is_member = first == b'-' && line.byte(line.indent + 1) == b' ';
            let column = line.indent + if is_member { 2 } else { 0 };
            let Some(colon) = colon_of_common_key(&line, column) else {
                return Ok(None);
            };
            let value = self.skip_common_value(&line, start, colon, column)?;
            if line.indent <= depth {
                return Ok(Some(NodeLine {
                    start,
                    indent: line.indent,
                    dashes: usize::from(is_member),
                    key: Some((start + column..start + colon, column)),
                    value: value..end,
                }));
            }
        }
        Ok(None)
    }

    /// Skips the value of a key in that column, and returns where it begins.
    #[inline]
    fn skip_common_value(
        &mut self,
        line: &LineHead<'_>,
        start: usize,
        colon: usize,
        column: usize,
    ) -> Result<usize, Unsure> {
        (self.plain_parent, self.waiting) = (None, None);
        let end = start + line.length;
        self.position = end + 1;
        if colon + 2 > line.length {
            self.waiting = Some(column);
            return Ok(end);
        }
        let place = colon + 2;
        match line.byte(place) {
            byte if begins_plain(byte) => self.plain_parent = Some(column),
            b'"' if line.is_quoted_from(place) => {}
            _ => {
                let value = self.skip_spaces(start + place);
                self.value(value, end, column)?;
                return Ok(value);
            }
        }
        Ok(start + place)
    }

    /// Whether the plain scalar on the line just read goes on below.
    pub(super) fn goes_on(&self) -> bool {
        let Some(parent) = self.plain_parent else {
            return false;
        };
        let mut at = self.position;
        while at < self.text.len() {
            let indent = self.spaces(at);
            let end = self.line_end(at);
            if !self.is_blank_rest(at + indent, end) {
                return indent > parent;
            }
            if self.at(at + indent) == b'#' {
                return false;
            }
            at = end + 1;
        }
        false
    }

    fn line(&mut self, start: usize, indent: usize, end: usize) -> Result<NodeLine, Unsure> {
        let mut at = start + indent;
        let mut parent = indent;
        let mut dashes = 0;
        while self.is_dash(at) {
            dashes += 1;
            parent = at - start;
            at = self.skip_spaces(at + 1);
        }
        let waiting = self.waiting.take();
        self.plain_parent = None;
        let mut line = NodeLine {
            start,
            indent,
            dashes,
            key: None,
            value: at..at,
        };
        if self.is_blank_rest(at, end) {
            // A single `-`.
            self.waiting = Some(parent);
            self.position = end + 1;
            return Ok(line);
        }
        let node = self.properties(at);
        let column = at - start;
        if self.is_blank_rest(node, end) {
            self.waiting = Some(if dashes > 0 {
                parent
            } else {
                waiting.unwrap_or(0)
            });
            self.position = end + 1;
            return Ok(line);
        }
        if let Some((key, colon)) = self.key(node, end)? {
            let key_start = if node == at { key.start } else { at };
            line.key = Some((key, key_start - start));
            let value = self.skip_spaces(colon + 1);
            line.value = value..end;
            self.value(value, end, column)?;
            return Ok(line);
        }
        line.value = at..end;
        // Not a key: a member of a sequence, or a value below its key.
        let owner = if dashes > 0 {
            parent
        } else {
            waiting.ok_or(Unsure)?
        };
        self.value(at, end, owner)?;
        Ok(line)
    }

    /// Steps over a value that begins at `at` and belongs to the key or dash in column `owner`.
    fn value(&mut self, at: usize, end: usize, owner: usize) -> Result<(), Unsure> {
        let at = self.properties(at);
        if self.is_blank_rest(at, end) {
            self.waiting = Some(owner);
            self.position = end + 1;
            return Ok(());
        }
        match self.at(at) {
            b'|' | b'>' => self.block_scalar(at, end, owner),
            b'"' | b'\'' => {
                let after = self.quoted(at)?;
                self.finish(after)
            }
            b'[' | b'{' => {
                let after = self.flow(at)?;
                self.finish(after)
            }
            b'*' => self.finish(self.word_end(at)),
            b'%' | b'@' | b'`' | b']' | b'}' | b',' => Err(Unsure),
            b'?' | b'-' | b':' if self.is_separator(at + 1) => Err(Unsure),
            _ => {
                self.plain_parent = Some(owner);
                self.position = end + 1;
                Ok(())
            }
        }
    }

    /// After a self-delimiting value, only blanks and a comment may follow.
    fn finish(&mut self, at: usize) -> Result<(), Unsure> {
        let end = self.line_end(at);
        if self.is_blank_rest(at, end) {
            self.position = end + 1;
            Ok(())
        } else {
            Err(Unsure)
        }
    }

    /// Skips a block scalar: every line that is blank or indented deeper than its owner.
    fn block_scalar(&mut self, at: usize, end: usize, owner: usize) -> Result<(), Unsure> {
        let header = self.text.get(at + 1..end).ok_or(Unsure)?;
        let indicators = header
            .iter()
            .position(|b| !b.is_ascii_digit() && !matches!(b, b'+' | b'-'))
            .map_or(end, |length| at + 1 + length);
        if !self.is_blank_rest(indicators, end) {
            return Err(Unsure);
        }
        self.position = end + 1;
        while self.position < self.text.len() {
            let indent = self.spaces(self.position);
            let first = self.position + indent;
            if indent <= owner {
                match self.at(first) {
                    b'\n' => {}
                    b'\r' if self.at(first + 1) == b'\n' => {}
                    b'\t' => return Err(Unsure),
                    _ if first >= self.text.len() => {}
                    _ => break,
                }
            }
            self.position = self.line_end(first) + 1;
        }
        Ok(())
    }

    /// A key that begins at `at` and the position of its colon, when there is one on this line.
    fn key(&self, at: usize, end: usize) -> Result<Option<(Range<usize>, usize)>, Unsure> {
        match self.at(at) {
            b'"' | b'\'' => {
                let after = self.quoted(at)?;
                let colon = self.skip_spaces(after);
                let is_key = after <= end && self.at(colon) == b':' && self.is_separator(colon + 1);
                Ok(is_key.then_some((at..after, colon)))
            }
            b'[' | b'{' => {
                let after = self.flow(at)?;
                let colon = self.skip_spaces(after);
                if self.at(colon) == b':' {
                    Err(Unsure)
                } else {
                    Ok(None)
                }
            }
            b'?' | b':' if self.is_separator(at + 1) => Err(Unsure),
            b'*' => {
                if self.find_colon(at, end).is_some() {
                    Err(Unsure)
                } else {
                    Ok(None)
                }
            }
            b'|' | b'>' | b'#' => Ok(None),
            _ => match self.find_colon(at, end) {
                Some(colon) => {
                    let key = self.text.get(at..colon).ok_or(Unsure)?.trim_ascii_end();
                    Ok(Some((at..at + key.len(), colon)))
                }
                None => Ok(None),
            },
        }
    }

    /// The first `:` that ends a plain key; `None` when a comment begins before it.
    fn find_colon(&self, from: usize, end: usize) -> Option<usize> {
        let mut at = from;
        while let Some(sign) = self.sign(at, end) {
            if self.at(sign) == b':' && self.is_separator(sign + 1) {
                return Some(sign);
            }
            if self.at(sign) == b'#' && sign > from && self.at(sign - 1) == b' ' {
                return None;
            }
            at = sign + 1;
        }
        None
    }

    /// The first `:` or `#` of a line.
    fn sign(&self, from: usize, end: usize) -> Option<usize> {
        let sign = swar::first_of([b':', b'#'], self.text, from).or_else(|at| {
            // It may have looked beyond the line.
            let rest = self.text.get(at..end).unwrap_or_default();
            memchr2(b':', b'#', rest).map(|place| at + place).ok_or(at)
        });
        sign.ok().filter(|sign| *sign < end)
    }

    /// Skips `&anchor` and `!tag`.
    fn properties(&self, at: usize) -> usize {
        let mut at = at;
        while matches!(self.at(at), b'&' | b'!') {
            at = self.skip_spaces(self.word_end(at));
        }
        at
    }

    /// The position after a quoted scalar, which may end on a later line.
    fn quoted(&self, at: usize) -> Result<usize, Unsure> {
        let quote = self.at(at);
        let mut next = at + 1;
        loop {
            let rest = self.text.get(next..).ok_or(Unsure)?;
            let found = next + memchr2(quote, b'\\', rest).ok_or(Unsure)?;
            if self.at(found) == b'\\' {
                next = found + if quote == b'"' { 2 } else { 1 };
            } else if quote == b'\'' && self.at(found + 1) == b'\'' {
                next = found + 2;
            } else {
                let inside = self.text.get(at..found).ok_or(Unsure)?;
                let marker = |mark: &[u8]| memchr::memmem::find(inside, mark).is_some();
                let has_lines = memchr(b'\n', inside).is_some();
                if has_lines && (marker(b"\n---") || marker(b"\n...")) {
                    return Err(Unsure);
                }
                return Ok(found + 1);
            }
        }
    }

    /// The position after a flow collection, which may end on a later line.
    fn flow(&self, at: usize) -> Result<usize, Unsure> {
        let mut depth = 0_usize;
        let mut at = at;
        let mut in_plain = false;
        while let Some(&byte) = self.text.get(at) {
            match byte {
                b'[' | b'{' => {
                    depth += 1;
                    in_plain = false;
                }
                b']' | b'}' => {
                    depth -= 1;
                    in_plain = false;
                    if depth == 0 {
                        return Ok(at + 1);
                    }
                }
                b',' => in_plain = false,
                b':' if in_plain => in_plain = !self.ends_flow_key(at + 1),
                b':' if !self.ends_flow_key(at + 1) && !matches!(self.at(at + 1), b'"' | b'\'') => {
                    // `{"a":b}` is a key and a value; `[:b]` is a plain scalar.
                    in_plain = !self.follows_json_key(at);
                }
                b':' => {}
                b'"' | b'\'' if !in_plain => {
                    at = self.quoted(at)?;
                    continue;
                }
                b'#' if self.text.get(at - 1).is_some_and(u8::is_ascii_whitespace) => {
                    at = self.line_end(at);
                    in_plain = false;
                    continue;
                }
                b'\n' if self.is_marker(at + 1) => return Err(Unsure),
                b' ' | b'\n' | b'\r' | b'\t' => {}
                b'?' | b'%' | b'@' | b'`' if !in_plain => return Err(Unsure),
                b'&' | b'!' | b'*' if !in_plain => {
                    while !self.ends_flow_key(at) {
                        at += 1;
                    }
                    continue;
                }
                _ => in_plain = true,
            }
            at += 1;
        }
        Err(Unsure)
    }

    /// A blank or a flow indicator, either of which ends a key, an anchor or a tag.
    fn ends_flow_key(&self, at: usize) -> bool {
        self.is_separator(at) || matches!(self.at(at), b',' | b'[' | b']' | b'{' | b'}')
    }

    fn follows_json_key(&self, colon: usize) -> bool {
        colon > 0 && matches!(self.at(colon - 1), b'"' | b'\'' | b']' | b'}')
    }

    fn word_end(&self, from: usize) -> usize {
        let rest = self.rest(from);
        from + rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(rest.len())
    }

    /// The text from `from` on: nothing past the end, where a look-ahead may be.
    fn rest(&self, from: usize) -> &'a [u8] {
        self.text.get(from..).unwrap_or_default()
    }

    /// The byte at `position`; a line break past the end, so that every look-ahead ends.
    fn at(&self, position: usize) -> u8 {
        self.text.get(position).copied().unwrap_or(b'\n')
    }

    fn line_end(&self, from: usize) -> usize {
        line_head::line_end(self.text, from)
    }

    fn spaces(&self, from: usize) -> usize {
        swar::spaces(self.text, from)
    }

    fn skip_spaces(&self, from: usize) -> usize {
        let rest = self.rest(from);
        from + rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
    }

    fn is_separator(&self, at: usize) -> bool {
        matches!(self.at(at), b' ' | b'\t' | b'\n' | b'\r')
    }

    fn is_dash(&self, at: usize) -> bool {
        self.at(at) == b'-' && self.is_separator(at + 1)
    }

    fn is_marker(&self, at: usize) -> bool {
        matches!(self.text.get(at..at + 3), Some(b"---" | b"...")) && self.is_separator(at + 3)
    }

    fn is_byte_order_mark(&self, at: usize) -> bool {
        self.text.get(at..at + 3) == Some("\u{feff}".as_bytes())
    }

    /// Only blanks or a comment from `at` to the end of the line.
    fn is_blank_rest(&self, at: usize, end: usize) -> bool {
        if at < end && self.at(at) > b'#' {
            return false;
        }
        let Some(rest) = self.text.get(at..end) else {
            // The line has already ended.
            return true;
        };
        match rest.trim_ascii_start() {
            [] => true,
            // A `#` that no blank precedes is part of the text.
            [b'#', ..] => at == 0 || self.is_separator(at) || self.is_separator(at - 1),
            _ => false,
        }
    }
}

/// The place of the colon of a key that begins with a letter or digit in that column.
#[inline]
fn colon_of_common_key(line: &LineHead<'_>, column: usize) -> Option<usize> {
    let sign = line.sign();
    let is_key = sign < line.length
        && line.byte(column).is_ascii_alphanumeric()
        && line.byte(sign) == b':'
        && matches!(line.byte(sign + 1), b' ' | b'\n')
        // A key does not end with a blank before the colon.
        && line.byte(sign - 1) > b' ';
    is_key.then_some(sign)
}

/// Whether a plain scalar begins with this byte, whatever follows.
#[inline]
fn begins_plain(byte: u8) -> bool {
    matches!(
        byte,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'$' | b'(' | b'+' | b'.' | b'/' | b'_' | b'~' | 0x80..
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines down to a depth, with or without the fast path.
    fn lines(text: &str, depth: usize, is_fast: bool) -> Result<Vec<NodeLine>, Unsure> {
        let mut reader = LineReader::new(text.as_bytes(), 0);
        let mut lines = Vec::new();
        while reader.position < text.len() {
            let line = if is_fast {
                reader.next(depth)?
            } else {
                reader.any_line()?.filter(|line| line.indent <= depth)
            };
            lines.extend(line);
        }
        Ok(lines)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(5000)
        })]

        #[test]
        fn the_fast_path_reads_what_the_full_reader_reads(
            parts in prop::collection::vec(
                "( {0,3}|- )(a|b#c|\"d\"|- |1|é|-|#| {60}|x{60})?(: ?)?(|e|/f|\"g\"|\"h|'i|j: k|\\||>|\\{l: m\\}|\\[n|# o|&p |\t|é|~)( |\r)?\n?",
                0..12,
            ),
            depth in 0..6_usize,
        ) {
            // The last lines of a text never take the fast path.
            let text = parts.concat() + &"\n".repeat(70);
            prop_assert_eq!(lines(&text, depth, true), lines(&text, depth, false));
        }
    }
}
