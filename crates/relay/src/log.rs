//! The log: one JSON object per line on standard error.

use std::io::{self, Write as _};
use std::time::SystemTime;

use serde_json::{Map, Value};

/// The maximum length of untrusted text in the log.
const MAX_CHARACTERS: usize = 300;

/// Creates log lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    printable: fn(&str) -> String,
}

/// A line of the log.
pub(crate) struct Line {
    log: Log,
    fields: Map<String, Value>,
}

/// The severity of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Everything is fine.
    Info,
    /// Somebody should look.
    Warning,
}

impl Log {
    /// A log in which untrusted text goes through `printable`.
    pub(crate) fn new(printable: fn(&str) -> String) -> Self {
        Self { printable }
    }

    /// A line about a current event.
    pub(crate) fn line(self, level: Level, event: &str) -> Line {
        let now = humantime::format_rfc3339_millis(SystemTime::now());
        let level = match level {
            Level::Info => "info",
            Level::Warning => "warning",
        };
        let line = Line {
            log: self,
            fields: Map::new(),
        };
        line.with("time", now.to_string())
            .with("level", level)
            .with("event", event)
    }

    /// The beginning of a text, made printable.
    fn shown(self, text: &str) -> String {
        match text.char_indices().nth(MAX_CHARACTERS) {
            Some((end, _)) => {
                let start = text.get(..end).unwrap_or_default();
                (self.printable)(&format!("{start}..."))
            }
            None => (self.printable)(text),
        }
    }
}

impl Line {
    /// Adds a field.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds text from a client, a node or the API server, if there is any. It is truncated and made
    /// printable.
    #[must_use]
    pub(crate) fn with_untrusted(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => {
                let shown = self.log.shown(text);
                self.with(name, shown)
            }
            None => self,
        }
    }

    pub(crate) fn write(self) {
        let mut line = Value::Object(self.fields).to_string();
        line.push('\n');
        // Written at once, as lines of two threads could mix otherwise. If standard error is
        // closed, there is nobody left to tell.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Escapes more than the launcher does, to show that the function is called.
    const LOG: Log = Log {
        printable: |text| text.escape_default().to_string(),
    };

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let hostile = "a\"b\n\u{1b}]0;x\u{7}\r\u{202e}\u{2028}";
        let line = LOG
            .line(Level::Info, "connection")
            .with("bytes", 7_u64)
            .with_untrusted("sni", Some(hostile))
            .with_untrusted("absent", None);
        let line = Value::Object(line.fields).to_string();
        assert!(
            line.chars().all(|c| c.is_ascii_graphic() || c == ' '),
            "{line}"
        );
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["event"], "connection");
        assert_eq!(parsed["sni"], hostile.escape_default().to_string());
        assert!(parsed.get("absent").is_none());
    }

    #[test]
    fn a_long_text_is_cut() {
        let log = Log::new(str::to_owned);
        assert_eq!(log.shown(&"é".repeat(100_000)).chars().count(), 303);
    }
}
