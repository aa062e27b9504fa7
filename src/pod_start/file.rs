//! The `config.toml` at the pod's start: gets `[session_server]` with the address, or is left without one.

use serde_json::{Value, json};

use super::start_record::StartRecord;
use crate::fields::Seconds;
use crate::session_server::config_file::{
    ADVERTISE_ADDRESS, ConfigFile, ConfigFileError, LISTEN_ADDRESS, SESSION_TIMEOUT,
};
use crate::session_server::settings::{self, DEFAULT_TIMEOUT, Wanted};
use crate::session_server::{ConfigDraft, ConfigLocation, Record, RecordPlan, limits, listening};
use krm::results::{FunctionResult, Refusal};

/// What `[session_server]` is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionServer<'a> {
    /// host:port
    pub address: &'a str,
    /// The address replaces one of the user's.
    pub address_is_asked: bool,
    /// The port that the Service leads to.
    pub listen_port: u16,
    /// `session_timeout`, where it is asked for.
    pub timeout: Option<Seconds>,
}

/// A `config.toml` that is edited at the pod's start.
#[derive(Debug)]
pub struct StartFile<'t> {
    draft: ConfigDraft<'t>,
    record: Option<&'t StartRecord>,
}

/// An edited `config.toml`.
#[derive(Debug)]
pub struct Edited {
    /// The new text; `None` where the file stays as it is.
    pub text: Option<String>,
    /// The record to write before the file.
    pub record_until_written: Option<StartRecord>,
    /// The record to write after the file.
    pub record: Option<StartRecord>,
    /// What to tell the user.
    pub results: Vec<FunctionResult>,
}

impl<'t> StartFile<'t> {
    /// Opens a file, which is empty if it does not exist.
    ///
    /// # Errors
    /// It is not TOML, or its `session_server` is no table.
    pub fn open(text: &'t str, record: Option<&'t StartRecord>) -> Result<Self, ConfigFileError> {
        let mut file = ConfigFile::parse(text)?;
        let mut before = record.and_then(|record| record.still_true(&file));
        if file.get(LISTEN_ADDRESS) == Some(json!("")) {
            before = before.map(|before| switched_on(&mut file, &before));
        }
        let draft = ConfigDraft::new(text, ConfigLocation::FILE, file, before);
        Ok(Self { draft, record })
    }

    /// The address that the user has written into the file.
    pub fn own_address(&self) -> Option<String> {
        settings::own_address(&self.draft.file, self.draft.before.as_ref())
    }

    /// [`Self::own_address`], for messages: passwords are masked, and so is what is no address.
    pub fn shown_own_address(&self) -> String {
        let own = self.own_address().unwrap_or_default();
        self.draft.location.shown_address(&own)
    }

    /// `advertise_address` as it is now, whoever has written it.
    pub fn advertised(&self) -> Option<String> {
        match self.draft.file.get(ADVERTISE_ADDRESS) {
            Some(Value::String(address)) => Some(address),
            _ => None,
        }
    }

    /// Writes `[session_server]`.
    ///
    /// # Errors
    /// The user's own address is one that no runner can advertise.
    pub fn with(mut self, server: &SessionServer<'_>) -> Result<Edited, Refusal> {
        let mut results = Vec::new();
        if !server.address_is_asked {
            let location = &self.draft.location;
            results.extend(settings::check_own_address(server.address, location, None)?);
        }
        let wanted = Wanted {
            listen_port: server.listen_port,
            listen_port_is_asked: true,
            address: server.address,
            address_is_asked: server.address_is_asked,
            timeout: server.timeout.or_else(|| self.timeout_of_earlier_start()),
        };
        settings::set(&wanted, &mut self.draft, &mut results)?;
        results.extend(limits(server.address, &self.draft.location));
        results.extend(settings::misplaced_table(&self.draft));
        if let Some(Value::String(listen)) = self.draft.file.get(LISTEN_ADDRESS) {
            results.extend(listening::loopback(&listen));
        }
        Ok(self.finish(results))
    }

    /// Leaves the file without a session server: takes out what an earlier start has written, and switches
    /// off one of the user's, which has no address.
    pub fn without_session_server(mut self) -> Edited {
        let mut results = Vec::new();
        self.draft.restore();
        let file = &mut self.draft.file;
        let listen = file.source(LISTEN_ADDRESS).map(str::to_owned);
        let is_on = |value: &Value| value.as_str().is_none_or(|text| !text.is_empty());
        if file.get(LISTEN_ADDRESS).as_ref().is_some_and(is_on) {
            file.set(&[(LISTEN_ADDRESS, json!(""))]);
            let record = Record::of_keys([(LISTEN_ADDRESS.to_owned(), listen)]);
            self.draft.record = RecordPlan::Store(record);
            results.push(FunctionResult::warning(
                "listen_address is set to \"\" until there is an address: the session server would \
                 advertise none",
            ));
        }
        self.finish(results)
    }

    /// The default, where the timeout of an earlier start is no longer asked for.
    fn timeout_of_earlier_start(&mut self) -> Option<Seconds> {
        let before = self.draft.before.as_ref()?;
        if before.has_added(SESSION_TIMEOUT) {
            return Some(Seconds(DEFAULT_TIMEOUT));
        }
        let source = before.source(SESSION_TIMEOUT)?.to_owned();
        self.draft.file.set_sources(&[(SESSION_TIMEOUT, source)]);
        self.draft.before = Some(without(before, SESSION_TIMEOUT));
        None
    }

    fn finish(self, results: Vec<FunctionResult>) -> Edited {
        let text = self.draft.changed_text();
        let ConfigDraft {
            file,
            before,
            record,
            ..
        } = self.draft;
        let record = match record {
            RecordPlan::Keep => before,
            RecordPlan::Store(record) => Some(record),
            RecordPlan::Remove => None,
        };
        let record = record.and_then(|record| StartRecord::of(record, &file));
        let record_until_written = record.clone().map(|record| record.or(self.record));
        Edited {
            text,
            record_until_written,
            record,
            results,
        }
    }
}

/// Puts back the `listen_address` of the user's that an earlier start has switched off.
fn switched_on(file: &mut ConfigFile, before: &Record) -> Record {
    if let Some(source) = before.source(LISTEN_ADDRESS) {
        file.set_sources(&[(LISTEN_ADDRESS, source.to_owned())]);
    }
    without(before, LISTEN_ADDRESS)
}

/// A record without a key that is the user's again.
fn without(record: &Record, key: &str) -> Record {
    let others = record.keys().filter(|(name, _)| *name != key);
    Record::of_keys(others.map(|(name, source)| (name.to_owned(), source.map(str::to_owned))))
}
