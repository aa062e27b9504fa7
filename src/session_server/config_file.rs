//! The text of `config.toml`: reads and sets the keys of the root table `[session_server]`.
//!
//! Source of the keys: `SessionServer` in gitlab-runner's `common/config.go`.

use crate::runner::metrics_port_of;
use crate::toml_limit::{MOST_TABLES, has_too_many_tables};
use std::ops::Range;

use serde_json::Value;
use toml_edit::{Document, Item, Key, TableLike};

/// The table's name.
pub const TABLE: &str = "session_server";
/// Where the session server listens. Without it the feature is off.
pub const LISTEN_ADDRESS: &str = "listen_address";
/// What the runner tells GitLab: host:port without a scheme.
pub const ADVERTISE_ADDRESS: &str = "advertise_address";
/// How many seconds a terminal may stay open after its job has ended.
pub const SESSION_TIMEOUT: &str = "session_timeout";

/// The keys that we know.
const KEYS: [&str; 3] = [LISTEN_ADDRESS, ADVERTISE_ADDRESS, SESSION_TIMEOUT];

/// A parsed `config.toml`. Edits splice its text: only the bytes of the keys that are set or removed
/// change.
#[derive(Debug)]
pub struct ConfigFile {
    text: String,
    document: Document<String>,
}

/// How the table is written in the file.
enum Form {
    /// `[session_server]`, with the range of the header.
    Header(Range<usize>),
    /// `session_server.listen_address = "…"`
    Dotted,
    /// `session_server = { listen_address = "…" }`, with the range of the value.
    Inline(Range<usize>),
}

/// A configuration that cannot be read or edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFileError {
    /// The text is not TOML.
    #[error("is not TOML: line {line}, column {column}: {message}")]
    NotToml {
        /// Line of the file, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Parsing it would take too long.
    #[error(
        "has more than {MOST_TABLES} lines that start with `[`, which is the limit for tables: remove \
         some"
    )]
    TooManyTables,
    /// `session_server` is not a table.
    #[error("has a session_server that is {0} and has to be a table: write [session_server]")]
    NotATable(&'static str),
    /// A name differs from one of ours only in case. The runner's TOML library matches it with
    /// ours, and if both exist, it picks one of them at random.
    #[error("has the name {written}, which the runner reads as {name}: write it in lower case")]
    OtherCase {
        /// The name in the file.
        written: String,
        /// The name of the table or of the key.
        name: &'static str,
    },
}

impl ConfigFile {
    /// Parses the file.
    ///
    /// # Errors
    /// See [`ConfigFileError`].
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        if has_too_many_tables(text) {
            return Err(ConfigFileError::TooManyTables);
        }
        let document = Document::parse(text.to_owned()).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let before = text.get(..at).unwrap_or_default();
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            ConfigFileError::NotToml {
                line: before.matches('\n').count() + 1,
                column,
                message: error.message().trim().replace('\n', ", "),
            }
        })?;
        match document.get(TABLE) {
            None => {}
            Some(item) if item.is_table_like() => {}
            Some(Item::ArrayOfTables(_)) => {
                return Err(ConfigFileError::NotATable("an array of tables"));
            }
            Some(_) => return Err(ConfigFileError::NotATable("a single value")),
        }
        let file = Self {
            text: text.to_owned(),
            document,
        };
        match file.other_case() {
            Some(error) => Err(error),
            None => Ok(file),
        }
    }

    /// A name that matches that of the table or a key except for its case.
    fn other_case(&self) -> Option<ConfigFileError> {
        let in_root = self
            .document
            .as_table()
            .iter()
            .map(|(written, _)| (written, TABLE));
        let keys = self.table().into_iter().flat_map(TableLike::iter);
        let in_table = keys.flat_map(|(written, _)| KEYS.map(|name| (written, name)));
        let mut names = in_root.chain(in_table);
        let is_other =
            |(written, name): &(&str, &str)| written != name && written.eq_ignore_ascii_case(name);
        let (written, name) = names.find(is_other)?;
        Some(ConfigFileError::OtherCase {
            written: written.to_owned(),
            name,
        })
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the file has the table. `[session_server.sub]` alone does not make it.
    pub fn has_table(&self) -> bool {
        self.form().is_some()
    }

    /// A key of the table: a string or an integer; anything else as its TOML text.
    pub fn get(&self, key: &str) -> Option<Value> {
        let value = self.table()?.get(key)?.as_value()?;
        Some(match value {
            toml_edit::Value::String(text) => Value::from(text.value().as_str()),
            toml_edit::Value::Integer(number) => Value::from(*number.value()),
            _ => Value::from(self.source(key)?),
        })
    }

    /// The TOML type of a key's value: `string`, `integer`, `float`, `table`.
    pub fn type_name(&self, key: &str) -> Option<&'static str> {
        Some(self.table()?.get(key)?.type_name())
    }

    /// The value of a key as the file spells it: `0x10`, `'literal'`, `60.5`.
    pub fn source(&self, key: &str) -> Option<&str> {
        let (_, value) = self.entry(key)?;
        self.text.get(value)
    }

    /// The port of the runner's metrics server, if there is one: `listen_address` of the root.
    pub fn metrics_port(&self) -> Option<u16> {
        metrics_port_of(self.document.get("listen_address")?.as_str()?)
    }

    /// The executors of `[[runners]]`, each once.
    pub(crate) fn executors(&self) -> Vec<String> {
        let runners = self.document.get("runners");
        let runners = runners.and_then(Item::as_array_of_tables);
        let mut executors: Vec<String> = runners
            .into_iter()
            .flatten()
            .filter_map(|runner| Some(runner.get("executor")?.as_str()?.to_owned()))
            .collect();
        executors.sort();
        executors.dedup();
        executors
    }

    /// True if a `session_server` table is under `[[runners]]`, where the runner ignores it.
    pub fn has_misplaced_table(&self) -> bool {
        let runners = self
            .document
            .get("runners")
            .and_then(Item::as_array_of_tables);
        runners.is_some_and(|runners| runners.iter().any(|runner| runner.contains_key(TABLE)))
    }

    /// Sets keys of the table, in this order and in the style of their neighbours. Without a table, one
    /// is added at the end of the file.
    pub fn set(&mut self, settings: &[(&str, Value)]) {
        let sources: Vec<(&str, String)> = settings
            .iter()
            .map(|(key, value)| (*key, toml_source(value)))
            .collect();
        self.set_sources(&sources);
    }

    /// [`Self::set`] with the values' TOML text. Text that is not one TOML value changes nothing.
    pub fn set_sources(&mut self, settings: &[(&str, String)]) {
        if settings.is_empty() {
            return;
        }
        if !self.has_table() {
            self.append_table(settings);
            return;
        }
        for (key, source) in settings {
            let (range, text) = match self.entry(key) {
                Some((_, value)) => (value, source.clone()),
                None => match self.new_entry(key, source) {
                    Some((at, text)) => (at..at, text),
                    None => continue,
                },
            };
            self.splice(range, &text);
        }
    }

    /// Removes keys. With `with_table`, a table without other keys is removed too. Comments in it stay.
    pub fn unset(&mut self, keys: &[&str], with_table: bool) {
        for key in keys {
            if let Some((range, text)) = self.without_entry(key) {
                self.splice(range, &text);
            }
        }
        if with_table
            && let Some(Form::Header(header)) = self.form()
            && !self.has_entries()
        {
            let range = self.empty_table(header);
            self.splice(range, "");
        }
    }

    fn table(&self) -> Option<&dyn TableLike> {
        self.document.get(TABLE)?.as_table_like()
    }

    fn form(&self) -> Option<Form> {
        match self.document.get(TABLE)? {
            Item::Table(table) if table.is_dotted() => Some(Form::Dotted),
            Item::Table(table) => {
                let header = table.span()?;
                let is_written = self.text.get(header.clone())?.starts_with('[');
                (!table.is_implicit() && is_written).then_some(Form::Header(header))
            }
            Item::Value(value) => Some(Form::Inline(value.span()?)),
            Item::None | Item::ArrayOfTables(_) => None,
        }
    }

    /// The ranges of the table's own keys with their values, in the order of the text.
    /// `[session_server.sub]` is elsewhere.
    fn entries(&self) -> Vec<Range<usize>> {
        let Some(table) = self.table() else {
            return Vec::new();
        };
        let mut entries: Vec<Range<usize>> = table
            .iter()
            .filter_map(|(name, item)| {
                let start = table.key(name)?.span()?.start;
                Some(start..end_of(item)?)
            })
            .collect();
        entries.sort_by_key(|entry| entry.start);
        entries
    }

    fn has_entries(&self) -> bool {
        !self.entries().is_empty()
    }

    /// The ranges of a key and of its value.
    fn entry(&self, key: &str) -> Option<(Range<usize>, Range<usize>)> {
        let table = self.table()?;
        let value = table.get(key)?.as_value()?.span()?;
        Some((table.key(key).and_then(Key::span)?, value))
    }

    /// The position of a new key, and the text to insert there.
    fn new_entry(&self, key: &str, source: &str) -> Option<(usize, String)> {
        let entries = self.entries();
        let last = entries.iter().max_by_key(|entry| entry.end);
        match self.form()? {
            Form::Inline(table) => Some(match last {
                Some(last) => (last.end, format!(", {key} = {source}")),
                None => {
                    let inside = self.text.get(table.start + 1..table.end.checked_sub(1)?)?;
                    // In the middle of the blanks, so that removing the key restores them.
                    let blanks = inside.len() - inside.trim_start_matches(' ').len();
                    (table.start + 1 + blanks / 2, format!("{key} = {source}"))
                }
            }),
            Form::Header(header) => {
                let indent = last
                    .and_then(|last| self.line_before(last.start))
                    .filter(|indent| indent.trim().is_empty())
                    .unwrap_or_default();
                let above = last.map_or(header.end, |last| last.end);
                Some(self.line_below(above, &format!("{indent}{key} = {source}")))
            }
            Form::Dotted => {
                let last = last?;
                let prefix = self.line_before(last.start)?;
                Some(self.line_below(last.end, &format!("{prefix}{key} = {source}")))
            }
        }
    }

    /// The text before an offset on the same line.
    fn line_before(&self, at: usize) -> Option<&str> {
        let before = self.text.get(..at)?;
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        Some(before.get(line..)?.trim_start_matches('\u{feff}'))
    }

    /// A new line below the line of an offset.
    fn line_below(&self, at: usize, line: &str) -> (usize, String) {
        let newline = self.newline();
        match self.line_end(at) {
            Some(end) => (end, format!("{line}{newline}")),
            None => (self.text.len(), format!("{newline}{line}")),
        }
    }

    /// The end of the line of an offset, after its line break; `None` without a line break.
    fn line_end(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        rest.find('\n').map(|end| at + end + 1)
    }

    /// The range to replace to remove a key, and the text that replaces it.
    fn without_entry(&self, key: &str) -> Option<(Range<usize>, String)> {
        let (name, value) = self.entry(key)?;
        if let Form::Inline(_) = self.form()? {
            let entries = self.entries();
            let before = entries.iter().rev().find(|entry| entry.end <= name.start);
            let after = entries.iter().find(|entry| entry.start >= value.end);
            let range = match (before, after) {
                (Some(before), _) => before.end..value.end,
                (None, Some(after)) => name.start..after.start,
                (None, None) => name.start..value.end,
            };
            return Some((range, String::new()));
        }
        let start = name.start - self.line_before(name.start)?.len();
        let end = self.line_end(value.end);
        let behind = self.text.get(value.end..end.unwrap_or(self.text.len()))?;
        let comment = behind.trim_start();
        if comment.starts_with('#') {
            // A comment on the same line belongs to the user, and stays.
            return Some((start..value.end + behind.len(), comment.to_owned()));
        }
        Some((
            match end {
                Some(end) => start..end,
                None => self.without_line_break(start)..self.text.len(),
            },
            String::new(),
        ))
    }

    /// An offset at the start of a line, moved before the line break above it.
    fn without_line_break(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        let above = before.strip_suffix('\n').unwrap_or(before);
        above.strip_suffix('\r').unwrap_or(above).len()
    }

    /// The lines of a table without keys: its header and, where nothing but the next table or the
    /// end of the file follows, the blank line that [`Self::append_table`] puts above it.
    fn empty_table(&self, header: Range<usize>) -> Range<usize> {
        let start = header.start - self.line_before(header.start).map_or(0, str::len);
        let Some(end) = self.line_end(header.end) else {
            let above = self.without_line_break(start);
            return self.without_line_break(above)..self.text.len();
        };
        let rest = self.text.get(end..).unwrap_or_default();
        let next = rest.lines().find(|line| !line.trim().is_empty());
        if next.is_some_and(|line| line.trim_start().starts_with('#')) {
            return start..end;
        }
        let newline = self.newline();
        let before = self.text.get(..start).unwrap_or_default();
        let above = before.strip_suffix(newline);
        let has_gap = above.is_some_and(|above| above.ends_with('\n'));
        let gap = if has_gap { newline.len() } else { 0 };
        start - gap..end
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// Appends the table as text. At the end of the file it does not depend on other tables, and nothing
    /// before it changes.
    fn append_table(&mut self, settings: &[(&str, String)]) {
        let newline = self.newline();
        let mut lines = vec![format!("[{TABLE}]")];
        lines.extend(
            settings
                .iter()
                .map(|(key, source)| format!("{key} = {source}")),
        );
        let block = lines.join(newline);
        let text = if self.text.is_empty() {
            format!("{block}{newline}")
        } else if self.text.ends_with('\n') {
            format!("{}{newline}{block}{newline}", self.text)
        } else {
            format!("{}{newline}{newline}{block}", self.text)
        };
        self.replace(text);
    }

    fn splice(&mut self, range: Range<usize>, new: &str) {
        let mut text = self.text.clone();
        if text.get(range.clone()).is_some() {
            text.replace_range(range, new);
            self.replace(text);
        }
    }

    /// Replaces the text, if the new one is TOML.
    fn replace(&mut self, text: String) {
        if let Ok(document) = Document::parse(text.clone()) {
            self.document = document;
            self.text = text;
        }
    }
}

/// The port of `host:port`, `:port` and `[v6]:port`.
pub fn port_of(address: &str) -> Option<u16> {
    let (_, port) = address.rsplit_once(':')?;
    port.parse().ok().filter(|port| *port > 0)
}

/// A value as TOML.
pub fn toml_source(value: &Value) -> String {
    let value: toml_edit::Value = match value {
        Value::Number(number) => number.as_i64().unwrap_or_default().into(),
        Value::Bool(flag) => (*flag).into(),
        other => other.as_str().unwrap_or_default().into(),
    };
    value.to_string().trim().to_owned()
}

/// The value of a TOML text, as [`ConfigFile::get`] gives it.
pub fn toml_value(source: &str) -> Value {
    match source.parse::<toml_edit::Value>() {
        Ok(toml_edit::Value::String(text)) => Value::from(text.value().as_str()),
        Ok(toml_edit::Value::Integer(number)) => Value::from(*number.value()),
        _ => Value::from(source),
    }
}

/// The end of a value; `None` for a table with a header of its own.
fn end_of(item: &Item) -> Option<usize> {
    match item {
        Item::Value(toml_edit::Value::InlineTable(table)) if table.is_dotted() => {
            let values = table.iter();
            let ends = values.filter_map(|(_, value)| end_of(&Item::Value(value.clone())));
            ends.max()
        }
        Item::Value(value) => Some(value.span()?.end),
        Item::Table(table) if table.is_dotted() => {
            table.iter().filter_map(|(_, item)| end_of(item)).max()
        }
        Item::None | Item::Table(_) | Item::ArrayOfTables(_) => None,
    }
}
