//! Runs kustomize and helm, in the application's folder and with an environment of their own.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use thiserror::Error;

use super::application::Application;

/// The variables that kustomize and helm get from this process. They get no cluster, no token, and
/// nothing that the application's owner has set.
const ENVIRONMENT: [&str; 9] = [
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// The variables for their home, and for the folders in it that they write to.
const HOMES: [&str; 8] = [
    "HOME",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
    "HELM_DATA_HOME",
];

/// Why a program has no output.
#[derive(Debug, Error)]
pub(super) enum ProgramError {
    /// Its home cannot be made.
    #[error("cannot make a temporary folder in {folder}: {error}; TMPDIR says where it is to be")]
    Home {
        /// Where it should be.
        folder: String,
        /// The system's error.
        error: io::Error,
    },
    /// It is not installed.
    #[error("{name} is not on PATH: whoever runs the plugin has to put it into the sidecar")]
    NotInstalled {
        /// `helm` or `kustomize`.
        name: String,
    },
    /// It does not start.
    #[error("cannot run {name}: {error}")]
    NotStarted {
        /// `helm` or `kustomize`.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// It failed.
    #[error("{command} failed: {stderr}")]
    Failed {
        /// `helm template`, for instance.
        command: String,
        /// Its standard error, without the values of parameters.
        stderr: String,
    },
    /// Its output is not UTF-8.
    #[error("{command} printed what is not UTF-8")]
    NotUtf8 {
        /// `helm template`, for instance.
        command: String,
    },
}

impl ProgramError {
    /// True if the program failed with one of these texts on standard error.
    pub(super) fn mentions(&self, texts: &[&str]) -> bool {
        match self {
            Self::Failed { stderr, .. } => texts.iter().any(|text| stderr.contains(text)),
            _ => false,
        }
    }
}

/// An empty home for programs, removed when it is dropped.
///
/// # Errors
///
/// It cannot be made.
pub(super) fn home() -> Result<TempDir, ProgramError> {
    let home = tempfile::Builder::new()
        .prefix("runner-terminal-")
        .tempdir();
    home.map_err(|error| ProgramError::Home {
        folder: env::temp_dir().display().to_string(),
        error,
    })
}

/// A program from PATH, in the application's folder.
pub(super) fn command(name: &str, application: &Application, home: &TempDir) -> Command {
    let mut command = Command::new(name);
    command
        .env_clear()
        .envs(
            ENVIRONMENT
                .iter()
                .filter_map(|name| Some((name, env::var_os(name)?))),
        )
        .envs(HOMES.iter().map(|name| (name, home.path())))
        .current_dir(application.folder.path())
        .stdin(Stdio::null());
    command
}

/// Runs a program, and returns its standard output.
///
/// # Errors
///
/// It is not installed, or it failed.
pub(super) fn run(command: &mut Command) -> Result<String, ProgramError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let shown = shown(&name, command);
    let ran = match command.output() {
        Ok(ran) => ran,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ProgramError::NotInstalled { name });
        }
        Err(error) => return Err(ProgramError::NotStarted { name, error }),
    };
    if !ran.status.success() {
        let stderr = String::from_utf8_lossy(&ran.stderr);
        let stderr = stderr.trim();
        let stderr = stderr.strip_prefix("Error: ").unwrap_or(stderr);
        return Err(ProgramError::Failed {
            command: shown,
            stderr: mask_values(stderr, command),
        });
    }
    String::from_utf8(ran.stdout).map_err(|_| ProgramError::NotUtf8 { command: shown })
}

/// The program and its subcommands, as in `helm repo add`.
fn shown(name: &str, command: &Command) -> String {
    let words = command.get_args().take(2).filter_map(OsStr::to_str);
    let words: Vec<_> = words
        .take_while(|word| !word.starts_with(['-', '.']))
        .collect();
    format!("{name} {}", words.join(" ")).trim_end().to_owned()
}

/// Masks the values of `--set`, which may be secrets.
fn mask_values(stderr: &str, command: &Command) -> String {
    let values = command.get_args().filter_map(|argument| {
        let (_, value) = argument.to_str()?.strip_prefix("--set=")?.split_once('=')?;
        // A short word is not a secret, and may be part of any other word.
        (value.len() >= 8).then_some(value)
    });
    values.fold(stderr.to_owned(), |stderr, value| {
        stderr.replace(value, "<masked>")
    })
}
