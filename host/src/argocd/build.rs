//! The manifests of an application, as Argo CD itself would have them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::application::{Application, Sort};
use super::chart;
use super::parameters::Parameters;
use crate::manifests::{self, File};

/// More options of `kustomize build`, which whoever runs the plugin sets in the sidecar's
/// environment. Argo CD gives an application's own variables other names.
const KUSTOMIZE_OPTIONS: &str = "RUNNER_TERMINAL_ARGOCD_KUSTOMIZE_OPTIONS";

/// What kustomize says when a kustomization has a function, and may not run it.
const REFUSALS: [&str; 3] = [
    "external plugins disabled",
    "unable to load external plugin",
    "--enable-exec",
];

/// A file with this text in it is none of Argo CD's manifests.
const SKIPPED: &str = "+argocd:skip-file-rendering";

/// All that kustomize and helm are told of this process's environment. A cluster, a token and what
/// the application's owner has set are none of their business.
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

/// Their home and the folders below it that they may write to.
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

/// Builds the application. The files with its function configs are no manifests of a directory.
///
/// # Errors
///
/// A sentence: about a file, a parameter, or with what kustomize or helm has said.
pub(super) fn manifests(
    application: &Application,
    parameters: &Parameters,
    config_files: &[File],
) -> Result<Vec<File>, String> {
    let (path, text) = match application.sort {
        Sort::Kustomization => ("the output of kustomize", kustomization(application)?),
        Sort::Chart => (
            "the output of helm",
            chart::render(application, parameters)?,
        ),
        Sort::Directory => return directory(application, parameters, config_files),
    };
    Ok(vec![File {
        path: path.to_owned(),
        place: PathBuf::from(path),
        root: None,
        text,
    }])
}

/// Builds a kustomization. Functions and charts in it are run only with the options of whoever runs
/// the plugin.
fn kustomization(application: &Application) -> Result<String, String> {
    let options = env::var(KUSTOMIZE_OPTIONS).unwrap_or_default();
    let home = home()?;
    let mut kustomize = command("kustomize", application, &home);
    kustomize
        .arg("build")
        .args(options.split_whitespace())
        .arg(".");
    run(&mut kustomize).map_err(|error| {
        if REFUSALS.iter().any(|said| error.contains(said)) {
            format!(
                "the kustomization runs functions, which no repository may do here: list a \
                 SessionServer and an AdvertiseAddress under `resources` instead of `transformers`, \
                 or in runner-terminal.yaml, and the plugin runs them; {error}"
            )
        } else {
            error
        }
    })
}

/// Reads the manifests in the application's folder, and in the folders in it when they are wanted
/// too, sorted by name.
fn directory(
    application: &Application,
    parameters: &Parameters,
    config_files: &[File],
) -> Result<Vec<File>, String> {
    let recurse = match parameters.text("recurse") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(format!("recurse is true or false, not {other:?}")),
    };
    let mut files = Vec::new();
    add(application, Path::new(""), recurse, &mut files)?;
    let is_wanted = |file: &File| {
        !file.text.contains(SKIPPED) && config_files.iter().all(|other| other.path != file.path)
    };
    files.retain(is_wanted);
    if files.is_empty() {
        return Err(
            "the application's folder has no manifests: files that end in .yaml, .yml or .json; \
             set the parameter recurse to true if they are in folders of it"
                .to_owned(),
        );
    }
    Ok(files)
}

fn add(
    application: &Application,
    below: &Path,
    recurse: bool,
    files: &mut Vec<File>,
) -> Result<(), String> {
    let cannot = |error: io::Error| format!("cannot read the folder {}: {error}", below.display());
    let mut entries: Vec<_> = fs::read_dir(application.folder.path().join(below))
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(cannot)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        // A link to a folder is not followed: it may lead back here.
        if entry.file_type().map_err(cannot)?.is_dir() {
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if recurse && !is_hidden {
                add(application, &path, recurse, files)?;
            }
        } else if manifests::is_manifest(&path) && manifests::is_file(&entry.path())? {
            if !application.repository.has(&entry.path()) {
                return Err(format!(
                    "{} is a link that leads out of the repository",
                    path.display()
                ));
            }
            let mut file =
                manifests::read_file_below(&entry.path(), application.repository.path())?;
            file.path = manifests::shown(&path);
            files.push(file);
        }
    }
    Ok(())
}

/// A home for programs, with nothing in it, which goes when this does.
///
/// # Errors
///
/// A sentence that names the folder.
pub(super) fn home() -> Result<TempDir, String> {
    let made = tempfile::Builder::new()
        .prefix("runner-terminal-")
        .tempdir();
    made.map_err(|error| {
        format!(
            "cannot make a temporary folder in {}: {error}; TMPDIR says where it is to be",
            env::temp_dir().display()
        )
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

/// Runs it to its end, and gives what it has printed.
///
/// # Errors
///
/// A sentence: it is not there, or what it said when it failed.
pub(super) fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let words = command.get_args().take(2).filter_map(OsStr::to_str);
    let words: Vec<_> = words
        .take_while(|word| !word.starts_with(['-', '.']))
        .collect();
    let shown = format!("{name} {}", words.join(" "));
    let shown = shown.trim_end();
    let ran = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{name} is not on PATH: whoever runs the plugin has to put it into the sidecar")
        }
        _ => format!("cannot run {name}: {error}"),
    })?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let said = said.trim();
        let said = said.strip_prefix("Error: ").unwrap_or(said);
        let said = without_values(said, command);
        return Err(format!("{shown} failed: {said}"));
    }
    String::from_utf8(ran.stdout).map_err(|_| format!("{shown} printed what is not UTF-8"))
}

/// What helm said without the values that it was given by `--set`: they may be secrets.
fn without_values(said: &str, command: &Command) -> String {
    let values = command.get_args().filter_map(|argument| {
        let (_, value) = argument.to_str()?.strip_prefix("--set=")?.split_once('=')?;
        // A short word is no secret, and may be a part of any other.
        (value.len() >= 8).then_some(value)
    });
    values.fold(said.to_owned(), |said, value| {
        said.replace(value, "<masked>")
    })
}
