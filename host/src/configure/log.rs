//! What `configure` says on standard error: one line for each change of state, and one at the end.

use std::io::{self, Write as _};

use krm::results::Severity;
use krm::text::{lines, printable};
use serde_json::{Map, Value, json};

use crate::arguments::cluster::LogFormat;

/// The state of `configure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The folder or file of `--copy` is copied.
    Copied,
    /// An address of the user's is used.
    Own,
    /// The API server cannot be reached.
    Unreachable,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// The Service is not there.
    Absent,
    /// The Service is being deleted.
    BeingDeleted,
    /// The Service cannot have an address as it is.
    Unusable,
    /// The Service has no address yet.
    Pending,
    /// The address is known.
    Known,
    /// The end: the file has the address.
    Configured,
    /// The end: the file has no session server.
    Disabled,
    /// The end: nothing was written.
    Failed,
    /// Something about the file.
    File,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Own => "own",
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Absent => "absent",
            Self::BeingDeleted => "deleted",
            Self::Unusable => "unusable",
            Self::Pending => "pending",
            Self::Known => "known",
            Self::Configured => "configured",
            Self::Disabled => "disabled",
            Self::Failed => "failed",
            Self::File => "file",
        }
    }
}

/// The log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Log(LogFormat);

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    severity: Severity,
    state: State,
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    pub(super) fn new(severity: Severity, state: State, message: impl Into<String>) -> Self {
        Self {
            severity,
            state,
            message: message.into(),
            fields: Map::new(),
        }
    }

    pub(super) fn info(state: State, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, state, message)
    }

    /// Adds a fact, for programs.
    pub(super) fn with(mut self, field: &str, value: impl Into<String>) -> Self {
        let value: String = value.into();
        self.fields
            .insert(field.to_owned(), json!(printable(&value)));
        self
    }
}

impl Log {
    pub(super) fn new(format: LogFormat) -> Self {
        Self(format)
    }

    /// Prints a line. If standard error is closed, nobody is left to tell.
    pub(super) fn say(self, line: &Line) {
        let text = match self.0 {
            LogFormat::Text => text(line),
            LogFormat::Json => json_line(line),
        };
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn text(line: &Line) -> String {
    let severity = match line.severity {
        Severity::Info => "",
        Severity::Warning => "warning: ",
        Severity::Error => "error: ",
    };
    format!("runner-terminal: {severity}{}", lines(&line.message))
}

fn json_line(line: &Line) -> String {
    let mut object = json!({
        "level": line.severity,
        "state": line.state.name(),
        "message": printable(&line.message),
    });
    if let Some(object) = object.as_object_mut() {
        object.extend(line.fields.clone());
    }
    object.to_string()
}
