//! Lines of the log: JSON, one object on a line of standard error.

use std::io::{self, Write as _};
use std::time::SystemTime;

use crate::foreign::shortened;
use krm::text::printable;
use serde_json::{Map, Value};

/// How much is shown of a text that somebody else wrote.
const MOST_CHARACTERS: usize = 300;

/// A line of the log.
pub(super) struct Line(Map<String, Value>);

/// How a line is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    /// All is as it should be.
    Info,
    /// Somebody should look.
    Warning,
}

impl Line {
    /// A line about an event of now.
    pub(super) fn new(level: Level, event: &str) -> Self {
        let now = humantime::format_rfc3339_millis(SystemTime::now());
        let level = match level {
            Level::Info => "info",
            Level::Warning => "warning",
        };
        Self(Map::new())
            .with("time", now.to_string())
            .with("level", level)
            .with("event", event)
    }

    /// The line with a field more.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The line with a text that somebody else wrote, where there is one: its beginning, and
    /// nothing in it steers a terminal.
    #[must_use]
    pub(super) fn with_foreign(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.with(name, shown(text)),
            None => self,
        }
    }

    /// Writes it.
    pub(super) fn write(self) {
        let mut line = Value::Object(self.0).to_string();
        line.push('\n');
        // In one piece, or lines of two threads could mix. Nobody is left to tell when standard
        // error is closed.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    #[cfg(test)]
    pub(super) fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}

/// A text's beginning, as it can be shown.
fn shown(text: &str) -> String {
    printable(&shortened(text, MOST_CHARACTERS)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let hostile = "a\"b\n\u{1b}]0;x\u{7}\r\u{202e}\u{2028}";
        let line = Line::new(Level::Info, "connection")
            .with("bytes", 7_u64)
            .with_foreign("sni", Some(hostile))
            .with_foreign("absent", None)
            .text();
        assert!(
            line.chars().all(|c| c.is_ascii_graphic() || c == ' '),
            "{line}"
        );
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["event"], "connection");
        assert_eq!(
            parsed["sni"],
            "a\"b\\u{a}\\u{1b}]0;x\\u{7}\\u{d}\\u{202e}\\u{2028}"
        );
        assert!(parsed.get("absent").is_none());
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(shown(&"é".repeat(100_000)).chars().count(), 303);
    }
}
