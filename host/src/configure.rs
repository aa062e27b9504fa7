//! `runner-terminal configure`: writes the session server's address into a `config.toml` when a pod
//! starts.
//!
//! | module | what it does |
//! |---|---|
//! | [`copy`] | copies a mounted ConfigMap or Secret |
//! | [`file`](mod@file) | reads and writes files |
//! | [`wait`] | waits for the address of the Service |
//! | [`log`] | says what happens |
//! | [`error`] | what can go wrong |

mod copy;
mod error;
mod file;
mod log;
mod wait;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use krm::results::{FunctionResult, Severity};
use runner_terminal::configure::file::{Edited, SessionServer, StartFile};
use runner_terminal::configure::file_record::{FileRecord, FileRecords, RECORD_FILE};
use runner_terminal::configure::service_address::{Query, of_ips};
use runner_terminal::exposure::IpFamily;
use runner_terminal::fields::Seconds;
use runner_terminal::function_config::AddressKind;

use crate::arguments::cluster::{Configure, CopyPaths, Family, Hosts, Kind, WhenPending};
use error::ConfigureError;
use file::Written;
use log::{Line, Log, State};
use wait::Waited;

/// Configures the session server. Exits with 1 when that fails.
pub(crate) fn run(arguments: &Configure) -> ExitCode {
    let log = Log::new(arguments.log_format);
    match configure(arguments, log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = Line::new(Severity::Error, State::Failed, error.to_string());
            log.say(&line.with("path", arguments.config.display().to_string()));
            ExitCode::FAILURE
        }
    }
}

/// What is known of the address.
enum Address {
    /// host:port
    Known {
        address: String,
        /// It is not the user's own, and replaces that.
        is_asked: bool,
    },
    /// There is none, and why.
    Pending(String),
}

fn configure(arguments: &Configure, log: Log) -> Result<(), ConfigureError> {
    let is_copied = match &arguments.copy {
        Some(paths) => copy(paths, &arguments.config, log)?,
        None => true,
    };
    let mut target = Target::open(arguments)?;
    target.ignores_existing = !is_copied;
    let before = target.read()?;
    let known = address(arguments, &before.open(&target.path)?, log)?;
    // Other processes may have written to the volume meanwhile; from here on, the lock keeps them
    // out.
    let _lock = file::lock(&target.path);
    let content = target.read()?;
    let file = content.open(&target.path)?;
    match known {
        Address::Known { address, is_asked } => {
            let server = SessionServer {
                address: &address,
                address_is_asked: is_asked,
                listen_port: arguments.listen_port,
                timeout: arguments.session_timeout.map(Seconds),
            };
            let edited = file
                .with(&server)
                .map_err(|refusal| ConfigureError::Refused {
                    path: target.path.clone(),
                    refusal,
                })?;
            target.write(&content, &edited, log)?;
            let message = match (&content.text, &edited.text) {
                (None, _) if arguments.copy.is_some() => format!(
                    "{} was not among the copied files, so it is created with advertise_address \
                     {address} and no [[runners]]",
                    target.path.display()
                ),
                (None, _) => format!(
                    "{} is created with advertise_address {address}; gitlab-runner register adds its \
                     [[runners]] to it",
                    target.path.display()
                ),
                (_, Some(_)) => {
                    format!("{} has advertise_address {address}", target.path.display())
                }
                (_, None) => format!(
                    "{} has advertise_address {address} already",
                    target.path.display()
                ),
            };
            let line = Line::info(State::Configured, message).with("address", address);
            log.say(&target.about(line));
        }
        Address::Pending(reason) if arguments.when_pending == WhenPending::Fail => {
            return Err(ConfigureError::Pending(reason));
        }
        Address::Pending(reason) => {
            let edited = file.without_session_server();
            target.write(&content, &edited, log)?;
            let message = format!(
                "{reason}; the runner starts without a session server: jobs run, and terminals stay \
                 off until a pod starts with an address"
            );
            let line = Line::new(Severity::Warning, State::Disabled, message);
            log.say(&target.about(line));
        }
    }
    Ok(())
}

/// Copies what `--copy` names; false if the `config.toml` is not part of it.
fn copy(paths: &CopyPaths, config: &Path, log: Log) -> Result<bool, ConfigureError> {
    if !config.starts_with(&paths.to) {
        return Err(ConfigureError::NotInCopy {
            config: config.to_owned(),
            to: paths.to.clone(),
        });
    }
    let copied = copy::copy(paths)?;
    let (from, to) = (paths.from.display(), paths.to.display());
    let files = if copied.len() == 1 { "file" } else { "files" };
    let message = format!("{} {files} copied from {from} to {to}", copied.len());
    log.say(&Line::info(State::Copied, message));
    let config = config.canonicalize().ok();
    Ok(copied
        .iter()
        .any(|path| config.is_some() && path.canonicalize().ok() == config))
}

/// Finds the address: the user's own, else the one that the arguments request.
fn address(
    arguments: &Configure,
    file: &StartFile<'_>,
    log: Log,
) -> Result<Address, ConfigureError> {
    if !arguments.replace_address
        && let Some(address) = file.own_address()
    {
        let shown = file.shown_own_address();
        let message = format!(
            "advertise_address {shown} is your own and stays; --replace-address replaces it"
        );
        log.say(&Line::info(State::Own, message).with("address", shown));
        return Ok(Address::Known {
            address,
            is_asked: false,
        });
    }
    let asked = |address| Address::Known {
        address,
        is_asked: true,
    };
    let ip_family = arguments.ip_family.map(family);
    if let Some(address) = &arguments.advertise_address {
        return Ok(asked(address.with_default_port(arguments.listen_port)));
    }
    if let (Some(ips), Some(port)) = (&arguments.advertise_ip, arguments.advertise_port) {
        return Ok(of_ips(&ips.0, ip_family, port).map_or_else(Address::Pending, asked));
    }
    let hosts = arguments.node_address.as_ref();
    let query = Query {
        port: arguments.service_port,
        nodes: hosts.map(|Hosts(hosts)| hosts.clone()).unwrap_or_default(),
        prefer: arguments.prefer.iter().copied().map(kind).collect(),
        ip_family,
    };
    let service = arguments.service.as_deref().unwrap_or_default();
    let configured = file.advertised();
    let timeout = arguments.timeout;
    match wait::wait(service, &query, configured.as_deref(), timeout, log) {
        Waited::Address(address) => Ok(asked(address)),
        Waited::Pending(reason) => Ok(Address::Pending(reason)),
        Waited::Stopped => Err(ConfigureError::Stopped),
    }
}

fn family(family: Family) -> IpFamily {
    match family {
        Family::IPv4 => IpFamily::IPv4,
        Family::IPv6 => IpFamily::IPv6,
    }
}

fn kind(kind: Kind) -> AddressKind {
    match kind {
        Kind::Hostname => AddressKind::Hostname,
        Kind::Ip => AddressKind::Ip,
    }
}

/// Where the `config.toml` is, and the record beside it.
struct Target {
    /// The file, or where it will be. Links are resolved.
    path: PathBuf,
    /// The record; `None` for a copy, which each start recreates.
    record: Option<PathBuf>,
    /// The file's name in the record.
    key: String,
    /// An existing file was not copied by this start, and is ignored.
    ignores_existing: bool,
    /// The mode of a new file.
    mode: u32,
}

/// What is there.
struct Content {
    text: Option<String>,
    records: FileRecords,
    record: Option<FileRecord>,
}

impl Content {
    fn open(&self, path: &Path) -> Result<StartFile<'_>, ConfigureError> {
        let text = self.text.as_deref().unwrap_or_default();
        StartFile::open(text, self.record.as_ref()).map_err(|error| ConfigureError::File {
            path: path.to_owned(),
            error,
        })
    }
}

impl Target {
    fn open(arguments: &Configure) -> Result<Self, ConfigureError> {
        let path = file::target(&arguments.config)?;
        let name = path.file_name().unwrap_or_default();
        Ok(Self {
            key: name.to_string_lossy().into_owned(),
            record: match arguments.copy {
                Some(_) => None,
                None => Some(file::folder_of(&path).join(RECORD_FILE)),
            },
            path,
            ignores_existing: false,
            mode: arguments.file_mode,
        })
    }

    fn read(&self) -> Result<Content, ConfigureError> {
        let text = if self.ignores_existing {
            None
        } else {
            file::read(&self.path)?
        };
        let mut records = FileRecords::default();
        if let Some(path) = &self.record
            && let Some(text) = file::read(path)?
        {
            records = FileRecords::parse(&text).map_err(|error| ConfigureError::Record {
                path: path.clone(),
                error,
            })?;
        }
        Ok(Content {
            record: records.get(&self.key),
            text,
            records,
        })
    }

    /// Writes the file and its record, and says what the user should know.
    fn write(&self, content: &Content, edited: &Edited, log: Log) -> Result<(), ConfigureError> {
        for result in &edited.results {
            log.say(&self.about(of_result(result)));
        }
        let mode = match fs::metadata(&self.path) {
            Ok(metadata) => file::attributes::mode(&metadata),
            Err(_) => self.mode,
        };
        let mut records = content.records.clone();
        if edited.text.is_some() && edited.record_until_written.is_some() {
            records.set(&self.key, edited.record_until_written.clone());
            self.write_record(&content.records, &records, mode)?;
        }
        if edited.text.is_none() && self.ignores_existing {
            file::remove(&self.path)?;
        }
        if let Some(text) = &edited.text {
            let written = file::write(&self.path, text, self.mode)?;
            if written == Written::InPlace {
                let message = format!(
                    "{} is a mount of its own, so it is written in place, not atomically",
                    self.path.display()
                );
                log.say(&self.about(Line::info(State::File, message)));
            }
        }
        let before = records.clone();
        records.set(&self.key, edited.record.clone());
        let before = if edited.text.is_some() {
            &before
        } else {
            &content.records
        };
        self.write_record(before, &records, mode)
    }

    fn write_record(
        &self,
        before: &FileRecords,
        records: &FileRecords,
        mode: u32,
    ) -> Result<(), ConfigureError> {
        let Some(path) = &self.record else {
            return Ok(());
        };
        if before == records {
            return Ok(());
        }
        match records.text() {
            Some(text) => file::write(path, &text, mode).map(|_| ()),
            None => file::remove(path),
        }
    }

    fn about(&self, line: Line) -> Line {
        line.with("path", self.path.display().to_string())
    }
}

fn of_result(result: &FunctionResult) -> Line {
    Line::new(result.severity, State::File, result.message.clone())
}
