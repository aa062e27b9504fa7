//! Writes XML and HTML such that user text can never be more than text.
//!
//! Names of elements and attributes belong to the program (`'static`); everything else goes through
//! one function, which escapes it. The only way around it is [`Markup::style`], which takes text of
//! the program too.

use std::fmt::{Display, Write as _};

/// A text in progress.
#[derive(Debug, Default)]
pub(super) struct Markup {
    text: String,
    open: Vec<&'static str>,
}

/// An element that is still open for attributes.
#[must_use]
#[derive(Debug)]
pub(super) struct Element<'m> {
    markup: &'m mut Markup,
    name: &'static str,
}

impl Markup {
    /// Starts a text with what precedes its first element.
    pub(super) fn after(declaration: &'static str) -> Self {
        Self {
            text: declaration.to_owned(),
            open: Vec::new(),
        }
    }

    /// Starts an element.
    pub(super) fn element(&mut self, name: &'static str) -> Element<'_> {
        self.text.push('<');
        self.text.push_str(name);
        Element { markup: self, name }
    }

    /// Ends the element that was opened last.
    pub(super) fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            self.close(name);
        }
    }

    /// A style sheet of the program's own.
    pub(super) fn style(&mut self, css: &'static str) {
        self.text.push_str("<style>");
        self.text.push_str(css);
        self.close("style");
    }

    /// The finished text.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push_str(">\n");
    }
}

impl Element<'_> {
    /// Adds an attribute.
    pub(super) fn with(self, name: &'static str, value: impl Display) -> Self {
        let text = &mut self.markup.text;
        text.push(' ');
        text.push_str(name);
        text.push_str("=\"");
        escape(&value.to_string(), text);
        text.push('"');
        self
    }

    /// Leaves the element open for other elements.
    pub(super) fn open(self) {
        self.markup.text.push_str(">\n");
        self.markup.open.push(self.name);
    }

    /// Adds text, and ends the element.
    pub(super) fn text(self, text: &str) {
        self.markup.text.push('>');
        escape(text, &mut self.markup.text);
        self.markup.close(self.name);
    }

    /// Ends the element without content.
    pub(super) fn empty(self) {
        self.markup.text.push_str("/>\n");
    }
}

/// The only place where a text becomes part of the markup.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match visible(c) {
            c @ ('&' | '<' | '>' | '"' | '\'') => {
                // Writing to a string cannot fail.
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// A character in displayable form. Those that XML forbids, and those that change the direction of
/// text around them, are replaced; line breaks become blanks.
pub(super) fn visible(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => ' ',
        '\u{2028}' | '\u{2029}' => ' ',
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        c if krm::text::steers(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_text_stays_text() {
        let mut markup = Markup::after("");
        markup.element("g").with("id", "\"><x a='").open();
        markup
            .element("title")
            .text("</title><script>&\u{0}\u{202e}]]>\n");
        assert_eq!(
            markup.finish(),
            "<g id=\"&#34;&#62;&#60;x a=&#39;\">\n<title>&#60;/title&#62;&#60;script&#62;&#38;\u{fffd}\
             \u{fffd}]]&#62; </title>\n</g>\n"
        );
    }
}
