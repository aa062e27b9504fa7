//! The text of `config.toml`: reads and sets the keys of the root table `[session_server]`.
//!
//! Source of the keys: `SessionServer` in gitlab-runner's `common/config.go`.

use serde_json::{Map, Value};
use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike};

/// The table's name.
pub const TABLE: &str = "session_server";
/// Where the session server listens. Without it the feature is off.
pub const LISTEN_ADDRESS: &str = "listen_address";
/// What the runner tells GitLab: host:port without a scheme.
pub const ADVERTISE_ADDRESS: &str = "advertise_address";
/// Whole seconds that a terminal may go on after its job has ended.
pub const SESSION_TIMEOUT: &str = "session_timeout";

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A parsed `config.toml`.
#[derive(Debug)]
pub struct ConfigFile {
    text: String,
    document: DocumentMut,
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
    /// `session_server` is something else than a table.
    #[error("session_server is {0}, and the runner reads a table: write [session_server]")]
    NotATable(&'static str),
}

impl ConfigFile {
    /// Parses the file.
    ///
    /// # Errors
    /// See [`ConfigFileError`].
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
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
        Ok(Self {
            text: text.to_owned(),
            document,
        })
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the file has the table.
    pub fn has_table(&self) -> bool {
        self.document.contains_key(TABLE)
    }

    /// A key of the table: a string or an integer; anything else as its TOML text.
    pub fn get(&self, key: &str) -> Option<Value> {
        let value = self.table()?.get(key)?.as_value()?;
        Some(match value {
            toml_edit::Value::String(text) => Value::from(text.value().as_str()),
            toml_edit::Value::Integer(number) => Value::from(*number.value()),
            other => Value::from(other.to_string().trim()),
        })
    }

    /// The port of the runner's metrics server, when it has one: `listen_address` of the root.
    pub fn metrics_port(&self) -> Option<u16> {
        port_of(self.document.get("listen_address")?.as_str()?)
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

    /// True when a `session_server` stands under `[[runners]]`, where the runner ignores it.
    pub fn has_misplaced_table(&self) -> bool {
        let runners = self
            .document
            .get("runners")
            .and_then(Item::as_array_of_tables);
        runners.is_some_and(|runners| runners.iter().any(|runner| runner.contains_key(TABLE)))
    }

    /// Sets keys of the table in this order. The table is made at the end of the file when there
    /// is none, in the style of its neighbours otherwise.
    pub fn set(&mut self, settings: &[(&str, Value)]) {
        if settings.is_empty() {
            return;
        }
        if !self.has_table() {
            self.append_table(settings);
            return;
        }
        for (key, value) in settings {
            let value = toml_value(value);
            match self.document.get_mut(TABLE) {
                Some(Item::Table(table)) => set_in_table(table, key, value),
                Some(Item::Value(toml_edit::Value::InlineTable(table))) => {
                    set_in_inline(table, key, value)
                }
                _ => {}
            }
        }
        self.refresh();
    }

    /// Takes keys away; the table too when it is empty then and `with_table` says so.
    pub fn unset(&mut self, keys: &[&str], with_table: bool) {
        if with_table && let Some(text) = self.without_appended_table(keys) {
            self.replace(text);
            return;
        }
        for key in keys {
            match self.document.get_mut(TABLE) {
                Some(Item::Table(table)) => {
                    table.remove(key);
                }
                Some(Item::Value(toml_edit::Value::InlineTable(table))) => {
                    remove_from_inline(table, key);
                }
                _ => {}
            }
        }
        if with_table && self.table().is_some_and(TableLike::is_empty) {
            self.document.remove(TABLE);
        }
        self.refresh();
    }

    fn table(&self) -> Option<&dyn TableLike> {
        self.document.get(TABLE)?.as_table_like()
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// A table at the end of a file is the same wherever the other tables stand, so it is
    /// appended as text, and nothing before it is written anew.
    fn append_table(&mut self, settings: &[(&str, Value)]) {
        let newline = self.newline();
        let mut lines = vec![format!("[{TABLE}]")];
        lines.extend(
            settings
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml_value(value).to_string().trim())),
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

    /// The text without a table that [`Self::append_table`] made; `None` when it has changed
    /// since.
    fn without_appended_table(&self, keys: &[&str]) -> Option<String> {
        let newline = self.newline();
        let at = self.text.rfind(&format!("[{TABLE}]{newline}"))?;
        let (before, block) = self.text.split_at_checked(at)?;
        let only_ours = block.lines().skip(1).all(|line| {
            line.split_once(" = ")
                .is_some_and(|(key, _)| keys.contains(&key))
        });
        let gap = if self.text.ends_with('\n') {
            newline.to_owned()
        } else {
            newline.repeat(2)
        };
        let rest = if before.is_empty() {
            ""
        } else {
            before.strip_suffix(&gap)?
        };
        only_ours.then(|| rest.to_owned())
    }

    /// Takes over what the document has become. `toml_edit` writes bare line feeds, and one at the
    /// end, and no byte order mark.
    fn refresh(&mut self) {
        let mut text = self.document.to_string();
        if self.text.starts_with(BYTE_ORDER_MARK) {
            text.insert(0, BYTE_ORDER_MARK);
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        if self.newline() == "\r\n" {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        self.text = text;
    }

    fn replace(&mut self, text: String) {
        if let Ok(document) = text.parse() {
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

/// Settings by key as an annotation keeps them.
pub type Settings = Map<String, Value>;

fn toml_value(value: &Value) -> toml_edit::Value {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or_default().into(),
        Value::Bool(flag) => (*flag).into(),
        other => other.as_str().unwrap_or_default().into(),
    }
}

/// Gives an existing value another content, with its blanks and comments kept.
fn put(old: &mut toml_edit::Value, mut value: toml_edit::Value) {
    *value.decor_mut() = old.decor().clone();
    *old = value;
}

fn set_in_table(table: &mut Table, key: &str, value: toml_edit::Value) {
    if let Some(old) = table.get_mut(key).and_then(Item::as_value_mut) {
        return put(old, value);
    }
    // A chart indents its tables: the new key stands under the others.
    let indent = table.iter().last().and_then(|(last, _)| {
        let prefix = table.key(last)?.leaf_decor().prefix()?.as_str()?;
        let indent = prefix.rsplit('\n').next()?;
        indent.trim().is_empty().then(|| indent.to_owned())
    });
    table.insert(key, Item::Value(value));
    if let Some(indent) = indent.filter(|indent| !indent.is_empty())
        && let Some(mut key) = table.key_mut(key)
    {
        key.leaf_decor_mut().set_prefix(indent);
    }
}

fn set_in_inline(table: &mut InlineTable, key: &str, mut value: toml_edit::Value) {
    if let Some(old) = table.get_mut(key) {
        return put(old, value);
    }
    let last = table.iter().last().map(|(key, _)| key.to_owned());
    if let Some(last) = last.and_then(|key| table.get_mut(&key)) {
        // The blank before the closing brace goes on standing before it.
        let suffix = last.decor().suffix().cloned().unwrap_or_default();
        last.decor_mut().set_suffix("");
        *value.decor_mut() = toml_edit::Decor::new(" ", suffix);
    }
    table.insert(key, value);
}

/// The blank before the closing brace stays when the last member goes.
fn remove_from_inline(table: &mut InlineTable, key: &str) {
    let last = table.iter().last().map(|(key, _)| key.to_owned());
    let Some(removed) = table.remove(key) else {
        return;
    };
    if last.as_deref() == Some(key)
        && let Some(last) = table.iter().last().map(|(key, _)| key.to_owned())
        && let Some(last) = table.get_mut(&last)
        && let Some(suffix) = removed.decor().suffix()
    {
        last.decor_mut().set_suffix(suffix.clone());
    }
}
