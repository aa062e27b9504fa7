//! `runner-terminal init`: asks how GitLab reaches the cluster, and writes the function config that fits.
//!
//! | module | what it does |
//! |---|---|
//! | [`decision`] | the answers lead to a type of exposure |
//! | [`questions`] | an answer: from a flag, or asked on the terminal |
//! | [`config`] | the function config with what the type needs |
//! | [`next`] | how each host runs the function with it |

mod config;
mod decision;
mod next;
mod questions;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use runner_terminal::export::AddEntryError;
use thiserror::Error;

use crate::apply_to::in_place::{self, Change, ReplaceError};
use crate::arguments::{self, FunctionHost};
use crate::manifests::{File, FileError, kustomization_of, read_file, shown};
use crate::standard_output::{self, OutputError};

use config::Settings;
use decision::Situation;
use questions::{AnswerError, Questions};

/// Why `init` has failed. Unless the message says otherwise, nothing has been written.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum InitError {
    /// There is no answer to a question.
    Answer(#[from] AnswerError),
    /// The relay would have no entry.
    #[error(
        "several runner processes need a relay that GitLab can reach, and the API server alone is not \
         enough. Choose by --network what leads to the relay, or let one process run (--replicas one)"
    )]
    NoEntry,
    /// A flag has no use with these answers.
    #[error("{flag} is not used with these answers, which lead to {exposure}: leave it out")]
    Unused {
        /// The flag.
        flag: &'static str,
        /// The type of exposure.
        exposure: &'static str,
    },
    /// The function refuses the config.
    #[error("the function refuses this: {0}")]
    Refused(String),
    /// The folder to write into is missing.
    #[error("{0} is not a folder: create it, or name another")]
    NoFolder(String),
    /// The file of most hosts is there, and the host is not known yet.
    #[error(
        "{path} is there already: give --force to replace it, or --for argocd, which writes {of_argocd}"
    )]
    ExistsForMost {
        /// The path of the file.
        path: String,
        /// The name of the other file.
        of_argocd: &'static str,
    },
    /// The file is there.
    #[error("{0} is there already: give --force to replace it")]
    Exists(String),
    /// `--write` without a file to edit.
    #[error("{0}")]
    NothingToEdit(String),
    /// A file cannot be read.
    File(#[from] FileError),
    /// A kustomization or a Kptfile cannot be edited.
    #[error("{path}: {error}")]
    Edit {
        /// The path of the file.
        path: String,
        /// Why.
        error: AddEntryError,
    },
    /// A file cannot be written.
    Replace(#[from] ReplaceError),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Asks what no flag answers, writes the function config, and prints what to do next.
///
/// # Errors
///
/// An answer is missing or cannot be used, the file is there already, or it cannot be written.
pub(crate) fn run(arguments: arguments::Init) -> Result<ExitCode, InitError> {
    let mut questions = match io::stdin().is_terminal() {
        true => Questions::at(io::stdin().lock(), anstream::stderr()),
        false => Questions::none(),
    };
    check_place(&arguments)?;
    let settings = ask(&mut questions, &arguments)?;
    let page = write(&settings, &arguments)?;
    standard_output::print(&page)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks before any question that the file can be written.
fn check_place(arguments: &arguments::Init) -> Result<(), InitError> {
    let folder = &arguments.folder;
    if !folder.is_dir() {
        return Err(InitError::NoFolder(shown(folder)));
    }
    let host = arguments.host_of_function;
    let name = next::file_name(host.unwrap_or(FunctionHost::None));
    let new = file(folder, name, String::new());
    if arguments.force || new.location.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(match host {
        Some(_) => InitError::Exists(new.path),
        None => InitError::ExistsForMost {
            path: new.path,
            of_argocd: next::file_name(FunctionHost::ArgoCd),
        },
    })
}

/// What the answers lead to.
///
/// # Errors
///
/// An answer is missing or cannot be used.
fn ask(questions: &mut Questions<'_>, given: &arguments::Init) -> Result<Settings, InitError> {
    let situation = Situation::ask(questions, given)?;
    let settings = Settings::ask(questions, situation, given)?;
    if let Some(flag) = questions.unused(given) {
        return Err(InitError::Unused {
            flag,
            exposure: settings.exposure.name(),
        });
    }
    Ok(settings)
}

/// Writes the files, and returns the page that says so.
fn write(settings: &Settings, arguments: &arguments::Init) -> Result<String, InitError> {
    let name = next::file_name(settings.host);
    let new = file(&arguments.folder, name, settings.text()?);
    let old = match new.location.symlink_metadata() {
        Err(_) => None,
        Ok(_) if !arguments.force => return Err(InitError::Exists(new.path)),
        Ok(_) => Some(read_file(&new.location)?),
    };
    let edited = match arguments.write {
        true => Some(edit(settings.host, &arguments.folder)?),
        false => None,
    };
    let mut changes = vec![match &old {
        Some(before) => Change::Replace {
            before,
            after: &new,
        },
        None => Change::Create(&new),
    }];
    if let Some((before, Some(after))) = &edited {
        changes.push(Change::Replace { before, after });
    }
    in_place::write(&changes)?;
    let edited = edited.map(|(before, after)| next::Edited {
        path: before.path,
        had_entry: after.is_none(),
    });
    Ok(next::page(
        settings,
        &new.path,
        &arguments.folder,
        edited.as_ref(),
    ))
}

/// A file of the folder; messages name it without a folder if that is the working directory.
fn file(folder: &Path, name: &str, text: String) -> File {
    let location = folder.join(name);
    let path = match folder == Path::new(".") {
        true => name.to_owned(),
        false => shown(&location),
    };
    File {
        path,
        location,
        root: None,
        text,
    }
}

/// The file that names what the host runs, as it is and with the function config; `None` if it
/// already has that.
fn edit(host: FunctionHost, folder: &Path) -> Result<(File, Option<File>), InitError> {
    let none = |what: &str| {
        Err(InitError::NothingToEdit(format!(
            "{} has no {what} to write into: name the folder that has it, or leave out --write",
            shown(folder)
        )))
    };
    let path = match host {
        FunctionHost::Kustomize => match kustomization_of(folder) {
            Some(path) => path,
            None => return none("kustomization.yaml"),
        },
        FunctionHost::Kpt => match folder.join("Kptfile") {
            path if path.is_file() => path,
            _ => return none("Kptfile"),
        },
        FunctionHost::ArgoCd | FunctionHost::Helm | FunctionHost::None => {
            return Err(InitError::NothingToEdit(
                "--write edits a kustomization or a Kptfile, and this host has neither: leave it out"
                    .to_owned(),
            ));
        }
    };
    let before = read_file(&path)?;
    let (fields, entry) = next::entry(host);
    let added = runner_terminal::export::add_entry(&before.text, fields, &entry);
    let after = added.map_err(|error| InitError::Edit {
        path: before.path.clone(),
        error,
    })?;
    let after = after.map(|text| File {
        text,
        ..before.clone()
    });
    Ok((before, after))
}
