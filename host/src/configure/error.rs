//! Why `configure` has failed.

use std::io;
use std::path::PathBuf;

use krm::results::Refusal;
use runner_terminal::configure::file_record::NotARecord;
use runner_terminal::session_server::config_file::ConfigFileError;
use thiserror::Error;

/// Why `configure` has failed, in a message for the user. The `config.toml` is as it was.
#[derive(Debug, Error)]
pub(super) enum ConfigureError {
    /// What is to be copied does not exist.
    #[error("--copy: {} does not exist: is its volume mounted?", .0.display())]
    NoSource(PathBuf),
    /// A folder would be copied into itself.
    #[error("--copy: {} is inside {}, so the copy would contain itself", .to.display(), .from.display())]
    IntoItself {
        /// FROM
        from: PathBuf,
        /// TO
        to: PathBuf,
    },
    /// A folder is where a file is to be copied to, or a file where a folder is.
    #[error("--copy: {} is a {is}, and {} is not", .to.display(), .from.display())]
    KindsDiffer {
        /// In FROM.
        from: PathBuf,
        /// In TO.
        to: PathBuf,
        /// What `to` is.
        is: &'static str,
    },
    /// Folders are nested endlessly: a link leads to a folder above it.
    #[error("--copy: {} is nested too deeply: does a link lead to a folder above it?", .0.display())]
    TooDeep(PathBuf),
    /// `--config` is not where `--copy` writes.
    #[error("--config {} is not in {}, which is the TO of --copy", .config.display(), .to.display())]
    NotInCopy {
        /// `--config`
        config: PathBuf,
        /// TO
        to: PathBuf,
    },
    /// A folder that should have the file does not exist.
    #[error("{} does not exist, so there is no place for {}: is its volume mounted?", .folder.display(), .path.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// The file.
        path: PathBuf,
    },
    /// `--config` is a folder.
    #[error("{} is a folder: --config names a file, such as {}", .0.display(), .0.join("config.toml").display())]
    IsFolder(PathBuf),
    /// `--config` is a device, a pipe or a socket.
    #[error("{} is not a file but a device, a pipe or a socket", .0.display())]
    NotAFile(PathBuf),
    /// `--config` is a link that leads out of its folder.
    #[error(
        "{} is a link to {}, outside its folder: name that file by --config", .link.display(),
        .target.display()
    )]
    LinkOutside {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A link leads to itself.
    #[error("{} is a link that leads to itself", .0.display())]
    LinkCircle(PathBuf),
    /// A file or folder cannot be read.
    #[error("cannot read {}: {error}{}", .path.display(), advice(.error))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {error}{}", .path.display(), advice(.error))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is not UTF-8, and so not TOML.
    #[error("{} is not valid UTF-8 (byte {at}), so it is not TOML", .path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The offset of the first wrong byte.
        at: usize,
    },
    /// The file is not TOML, or its `session_server` is not a table.
    #[error("{} {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: ConfigFileError,
    },
    /// The record beside the file is damaged, so it is unknown which values are the user's.
    #[error("{} {error}: remove it if [session_server] of the config.toml beside it is all yours", .path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        error: NotARecord,
    },
    /// The address in the file is invalid, or the file cannot be edited.
    #[error("{}: {}", .path.display(), .refusal.message)]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// There is no address, and `--when-pending` is `Fail`.
    #[error("there is no address: {0}")]
    Pending(String),
    /// SIGTERM or SIGINT was received while waiting for the address.
    #[error("interrupted by a signal while waiting for the address")]
    Stopped,
}

/// What to do about an error of the system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "; it is mounted read-only: copy it to a writable volume by --copy"
        }
        io::ErrorKind::PermissionDenied => {
            "; run the init container as the user whose file it is (runAsUser), or set fsGroup"
        }
        _ => "",
    }
}
