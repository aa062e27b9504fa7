//! The `config.toml` at pod start: it gets `[session_server]` with the address, or ends up without
//! one.

use serde_json::{Value, json};

use super::file_record::FileRecord;
use crate::fields::Seconds;
use crate::session_server::config_file::{
    ADVERTISE_ADDRESS, ConfigFile, ConfigFileError, LISTEN_ADDRESS, SESSION_TIMEOUT,
};
use crate::session_server::settings::{self, DEFAULT_TIMEOUT, Wanted};
use crate::session_server::{ConfigDraft, ConfigLocation, Record, RecordPlan, limits, listening};
use krm::results::{FunctionResult, Refusal};

/// The values that `[session_server]` is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionServer<'a> {
    /// host:port
    pub address: &'a str,
    /// The address replaces one that the user has set.
    pub address_is_asked: bool,
    /// The port that the Service leads to.
    pub listen_port: u16,
    /// `session_timeout`, if requested.
    pub timeout: Option<Seconds>,
}

/// A `config.toml` that is edited at pod start.
#[derive(Debug)]
pub struct StartFile<'t> {
    draft: ConfigDraft<'t>,
    record: Option<&'t FileRecord>,
}

/// An edited `config.toml`.
#[derive(Debug)]
pub struct Edited {
    /// The new text; `None` if the file does not change.
    pub text: Option<String>,
    /// The record to write before the file.
    pub record_until_written: Option<FileRecord>,
    /// The record to write after the file.
    pub record: Option<FileRecord>,
    /// What to tell the user.
    pub results: Vec<FunctionResult>,
}

impl<'t> StartFile<'t> {
    /// Opens a file. A file that does not exist counts as empty.
    ///
    /// # Errors
    /// The file is not TOML, or its `session_server` is not a table.
    pub fn open(text: &'t str, record: Option<&'t FileRecord>) -> Result<Self, ConfigFileError> {
        let mut file = ConfigFile::parse(text)?;
        let mut before = record.and_then(|record| record.still_true(&file));
        let listen = file.get(LISTEN_ADDRESS);
        if listen.is_none_or(|listen| listen == json!("")) {
            before = before.map(|before| switched_on(&mut file, &before));
        }
        let draft = ConfigDraft::new(text, ConfigLocation::FILE, file, before);
        Ok(Self { draft, record })
    }

    /// The address that the user has written into the file.
    pub fn own_address(&self) -> Option<String> {
        settings::own_address(&self.draft.file, self.draft.before.as_ref())
    }

    /// [`Self::own_address`] for messages: passwords are masked, and so is anything that is not an
    /// address.
    pub fn shown_own_address(&self) -> String {
        let own = self.own_address().unwrap_or_default();
        self.draft.location.shown_address(&own)
    }

    /// The current value of `advertise_address`, whoever wrote it.
    pub fn advertised(&self) -> Option<String> {
        match self.draft.file.get(ADVERTISE_ADDRESS) {
            Some(Value::String(address)) => Some(address),
            _ => None,
        }
    }

    /// Writes `[session_server]`.
    ///
    /// # Errors
    /// No runner can advertise the user's own address.
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

    /// Leaves the file without a session server: removes what an earlier start wrote, and switches
    /// off a table of the user's that has no address.
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
                "listen_address is set to \"\" until there is an address, because the session server \
                 would have none to advertise",
            ));
        }
        self.finish(results)
    }

    /// The default, if an earlier start wrote a timeout that is no longer requested.
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
        let record = record.and_then(|record| FileRecord::of(record, &file));
        let record_until_written = record.clone().map(|record| record.or(self.record));
        Edited {
            text,
            record_until_written,
            record,
            results,
        }
    }
}

/// Restores the user's `listen_address` that an earlier start switched off.
fn switched_on(file: &mut ConfigFile, before: &Record) -> Record {
    if let Some(source) = before.source(LISTEN_ADDRESS) {
        file.set_sources(&[(LISTEN_ADDRESS, source.to_owned())]);
    }
    without(before, LISTEN_ADDRESS)
}

/// A record without a key that belongs to the user again.
fn without(record: &Record, key: &str) -> Record {
    let others = record.keys().filter(|(name, _)| *name != key);
    Record::of_keys(others.map(|(name, source)| (name.to_owned(), source.map(str::to_owned))))
}

#[cfg(test)]
mod tests {
    use super::super::file_record::FileRecords;
    use super::*;
    use crate::session_server::settings::CHART_PLACEHOLDER;

    const SERVER: SessionServer<'_> = SessionServer {
        address: "192.0.2.7:9000",
        address_is_asked: true,
        listen_port: 8093,
        timeout: None,
    };

    /// A folder with one file.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Folder {
        text: String,
        records: FileRecords,
    }

    impl Folder {
        fn of(text: &str) -> Self {
            Self {
                text: text.to_owned(),
                records: FileRecords::default(),
            }
        }

        fn edit(&mut self, edit: impl FnOnce(StartFile<'_>) -> Edited) -> Edited {
            let record = self.records.get("config.toml");
            let edited = edit(StartFile::open(&self.text, record.as_ref()).unwrap());
            if let Some(text) = &edited.text {
                self.text.clone_from(text);
            }
            self.records.set("config.toml", edited.record.clone());
            edited
        }

        fn serve(&mut self, server: &SessionServer<'_>) -> Edited {
            self.edit(|file| file.with(server).unwrap())
        }

        fn switch_off(&mut self) -> Edited {
            self.edit(|file| file.without_session_server())
        }
    }

    /// Files as users write them, in each form of the table.
    const FILES: [&str; 8] = [
        "",
        "concurrent = 4 # jobs",
        "concurrent = 4\n\n[[runners]]\n  name = \"a\"\n",
        "[session_server]\n\n[[runners]]\n",
        "[session_server]\n  session_timeout = 0x10 # hex\n[[runners]]\n",
        "session_server = { session_timeout = 60 }\n",
        "session_server.session_timeout = 60\n",
        "a = 1\r\n[session_server]\r\nsession_timeout = 60\r\n",
    ];

    #[test]
    fn a_second_start_changes_nothing_and_a_pending_one_restores_each_byte() {
        for text in FILES {
            let mut folder = Folder::of(text);
            folder.serve(&SERVER);
            let served = folder.clone();
            assert!(served.text.contains("192.0.2.7:9000"), "{text}");
            assert_eq!(folder.serve(&SERVER).text, None, "{text}");
            assert_eq!(folder, served, "{text}");
            folder.switch_off();
            assert_eq!(folder, Folder::of(text), "{text}");
            assert_eq!(folder.switch_off().text, None, "{text}");
        }
    }

    #[test]
    fn another_address_replaces_that_of_an_earlier_start() {
        let other = SessionServer {
            address: "192.0.2.8:9000",
            ..SERVER
        };
        for text in FILES {
            let mut direct = Folder::of(text);
            direct.serve(&other);
            let mut folder = Folder::of(text);
            folder.serve(&SERVER);
            let results = folder.serve(&other).results;
            assert_eq!(folder, direct, "{text}");
            let severities: Vec<_> = results.iter().map(|result| result.severity).collect();
            assert_eq!(severities, [krm::results::Severity::Info], "{text}");
        }
    }

    #[test]
    fn a_crash_before_or_after_the_file_is_written_forgets_nothing() {
        let other = SessionServer {
            address: "192.0.2.8:9000",
            ..SERVER
        };
        let mut folder = Folder::of("a = 1\n");
        folder.serve(&SERVER);
        let before = folder.clone();
        let edited = folder.serve(&other);
        for text in [&before.text, &folder.text] {
            let mut crashed = Folder::of(text);
            crashed
                .records
                .set("config.toml", edited.record_until_written.clone());
            let own = crashed.clone().edit(|file| {
                assert_eq!(file.own_address(), None);
                file.without_session_server()
            });
            assert_eq!(own.text.as_deref(), Some("a = 1\n"));
            crashed.serve(&other);
            assert_eq!(crashed, folder);
        }
    }

    #[test]
    fn a_listen_address_that_register_has_left_out_is_put_back() {
        let mut folder = Folder::of("[session_server]\nlisten_address = \"[::]:8093\"\n");
        folder.switch_off();
        assert!(
            folder.text.contains("listen_address = \"\""),
            "{}",
            folder.text
        );
        // GitLab Runner does not save empty strings.
        folder.text = "[session_server]\n".to_owned();
        folder.serve(&SERVER);
        let listen = "listen_address = \"[::]:8093\"\n";
        assert!(folder.text.contains(listen), "{}", folder.text);
    }

    #[test]
    fn own_addresses_are_known_from_ours() {
        let own = |folder: &Folder| {
            let record = folder.records.get("config.toml");
            let file = StartFile::open(&folder.text, record.as_ref()).unwrap();
            (file.own_address(), file.advertised())
        };
        let written = |text: &str| format!("[session_server]\nadvertise_address = \"{text}\"\n");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            own(&Folder::of(&written("h:1"))),
            (some("h:1"), some("h:1"))
        );
        assert_eq!(own(&Folder::of(&written(""))).0, None);
        assert_eq!(own(&Folder::of(&written(CHART_PLACEHOLDER))).0, None);
        let mut folder = Folder::of("");
        folder.serve(&SERVER);
        assert_eq!(own(&folder), (None, some("192.0.2.7:9000")));
        folder.text = folder.text.replace("192.0.2.7", "192.0.2.9");
        assert_eq!(own(&folder).0, some("192.0.2.9:9000"));
        // The other keys are still ours.
        folder.switch_off();
        assert_eq!(
            folder.text,
            "[session_server]\nadvertise_address = \"192.0.2.9:9000\"\n"
        );
        assert!(folder.records.text().is_none());
    }

    #[test]
    fn an_own_address_that_is_none_is_refused_without_its_password() {
        let text = "[session_server]\nadvertise_address = \"user:hunter2@h:1\"\n";
        let file = StartFile::open(text, None).unwrap();
        let own = file.own_address().unwrap();
        assert!(!file.shown_own_address().contains("hunter2"));
        let server = SessionServer {
            address: &own,
            address_is_asked: false,
            ..SERVER
        };
        let refusal = file.with(&server).unwrap_err();
        assert!(!refusal.message.contains("hunter2"), "{}", refusal.message);
        assert!(
            refusal.message.contains("without a user"),
            "{}",
            refusal.message
        );
    }
}
