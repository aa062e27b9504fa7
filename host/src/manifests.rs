//! The manifests of a command: reads them, and wraps them into a ResourceList.

mod file;
mod find;
mod kustomize;
pub(crate) mod read;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use krm::documents::{DocumentError, FUNCTION_CONFIG, to_resource_list, unreadable};
use krm::results::Refusal;
use rayon::prelude::*;
use thiserror::Error;

use crate::arguments::Source;
use crate::terminal;

pub(crate) use file::{File, FileError, read_file, read_file_below, shown, texts};
use find::FindError;
pub(crate) use find::{is_file, is_manifest};
use kustomize::BuildError;
pub(crate) use kustomize::kustomization_of;

/// How a command takes the output of kustomize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KustomizeInput {
    /// By `--kustomize`.
    Flag,
    /// On standard input: built manifests cannot be written back.
    Pipe,
}

/// The manifests of a command.
#[derive(Clone, Debug)]
pub(crate) enum Manifests {
    /// Plain manifests: the files, in the order given.
    Plain(Vec<File>),
    /// A ResourceList, which goes to the function unchanged.
    List(File),
}

/// Why manifests cannot be read or wrapped.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ManifestsError {
    /// No manifests are named, and standard input is a terminal.
    #[error("name the manifests: files, folders, patterns, or - for standard input")]
    NoneNamed,
    /// The same, for a command whose files have a flag.
    #[error(
        "name the manifests: -f for files, folders, patterns, or -f - for standard input; or -k for a \
             kustomization"
    )]
    NoneNamedByFlag,
    /// A ResourceList is one of several files.
    #[error("{path} is a ResourceList; give it alone")]
    ListAmongOthers {
        /// The path of the ResourceList.
        path: String,
    },
    /// `--function-config` is set, and the input is a ResourceList.
    #[error("{path} is a ResourceList and has its own functionConfig; leave out --function-config")]
    HasFunctionConfig {
        /// The path of the ResourceList.
        path: String,
    },
    /// A file cannot be read.
    File(#[from] FileError),
    /// A folder or a pattern cannot be read.
    Find(#[from] FindError),
    /// kustomize is missing, or has failed.
    Build(#[from] BuildError),
    /// A document cannot be an item of a ResourceList.
    Document(#[from] DocumentError),
}

impl Manifests {
    /// Reads files, or the kustomization if there is one.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or kustomize has failed.
    pub(crate) fn read(
        files: &[PathBuf],
        kustomize: Option<&Path>,
    ) -> Result<Self, ManifestsError> {
        match kustomize {
            Some(folder) => Self::of(vec![kustomize::build(folder)?]),
            None => Self::read_files(files, KustomizeInput::Flag),
        }
    }

    /// Reads files, folders and patterns; without any of them, standard input.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub(crate) fn read_files(
        paths: &[PathBuf],
        kustomize: KustomizeInput,
    ) -> Result<Self, ManifestsError> {
        for path in paths.iter().filter(|path| kustomization_of(path).is_some()) {
            let folder = shown(path);
            let instead = match kustomize {
                KustomizeInput::Flag => format!("build it with -k {folder}"),
                KustomizeInput::Pipe => {
                    format!(
                        "build it (kustomize build --enable-alpha-plugins --enable-exec {folder}), and \
                         pipe the output to apply-to unless it runs the function itself"
                    )
                }
            };
            terminal::report(&format!(
                "runner-terminal: {folder} is a kustomization, and its files are read as they are: to \
                 see what kustomize makes of them, {instead}\n"
            ));
        }
        Self::of(read_files(paths)?)
    }

    fn of(mut files: Vec<File>) -> Result<Self, ManifestsError> {
        let Some(list) = files.iter().position(|file| is_resource_list(&file.text)) else {
            return Ok(Self::Plain(files));
        };
        let list = files.swap_remove(list);
        if files.is_empty() {
            Ok(Self::List(list))
        } else {
            Err(ManifestsError::ListAmongOthers { path: list.path })
        }
    }

    /// The first document that is not YAML, with its line in its file. A refusal of the list that is
    /// [made](Self::to_list) of it has the line in the list.
    pub(crate) fn not_yaml(&self) -> Option<ManifestsError> {
        match self {
            Self::Plain(files) => unreadable(&texts(files)).map(ManifestsError::from),
            Self::List(_) => None,
        }
    }

    /// The error for a refusal of the list: the text that is not YAML, if there is one.
    pub(crate) fn refused<E: From<ManifestsError>>(
        &self,
        refusal: Refusal,
        other: impl FnOnce(Refusal) -> E,
    ) -> E {
        match self.not_yaml() {
            Some(error) => error.into(),
            None => other(refusal),
        }
    }

    /// The ResourceList for one function, with the config of that file, or the default.
    ///
    /// # Errors
    ///
    /// The config cannot be read, or a document cannot be an item.
    pub(crate) fn to_list(
        &self,
        config: Option<&Path>,
        default: &str,
    ) -> Result<String, ManifestsError> {
        let files = match self {
            Self::Plain(files) => files,
            Self::List(file) if config.is_some() => return Err(has_function_config(file)),
            Self::List(file) => return Ok(file.text.clone()),
        };
        let text = match config {
            Some(path) => read_file(path)?.text,
            None => default.to_owned(),
        };
        let wrapped = to_resource_list(&texts(files), &text);
        let wrapped = wrapped.map_err(|mut error| {
            if let Some(path) = config
                && error.path == FUNCTION_CONFIG
            {
                error.path = shown(path);
            }
            error
        });
        Ok(wrapped?.text)
    }
}

impl Source {
    /// Reads the manifests.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or kustomize has failed.
    pub(crate) fn read(&self) -> Result<Manifests, ManifestsError> {
        let read = Manifests::read(&self.files, self.kustomize.as_deref());
        read.map_err(|error| match error {
            ManifestsError::NoneNamed => ManifestsError::NoneNamedByFlag,
            error => error,
        })
    }
}

/// The error for a ResourceList together with `--function-config`.
pub(crate) fn has_function_config(list: &File) -> ManifestsError {
    ManifestsError::HasFunctionConfig {
        path: list.path.clone(),
    }
}

/// True if the text is one ResourceList, and not a stream of manifests.
fn is_resource_list(text: &str) -> bool {
    text.lines()
        .filter_map(|line| line.strip_prefix("kind:"))
        .map(|kind| kind.split(" #").next().unwrap_or_default())
        .any(|kind| kind.trim().trim_matches(['"', '\'']) == "ResourceList")
}

/// Reads files, the files in folders, and standard input, in the order given.
///
/// # Errors
///
/// A file cannot be read, or none is named.
pub(crate) fn read_files(paths: &[PathBuf]) -> Result<Vec<File>, ManifestsError> {
    if paths.is_empty() {
        if io::stdin().is_terminal() {
            return Err(ManifestsError::NoneNamed);
        }
        return Ok(vec![read_file(Path::new("-"))?]);
    }
    let found = find::all(paths)?;
    let bar = progress(found.len(), "reading");
    let files = found.par_iter().map(|found| {
        let file = file::read_within(&found.path, found.root.as_deref());
        bar.inc(1);
        file
    });
    let files: Result<Vec<File>, FileError> = files.collect();
    bar.finish_and_clear();
    Ok(files?)
}

/// A progress bar for this many files, at a terminal.
pub(crate) fn progress(files: usize, what: &'static str) -> ProgressBar {
    /// Fewer are done before anybody looks.
    const FEW: usize = 100;

    if files < FEW {
        return ProgressBar::hidden();
    }
    // It draws on standard error, and only at a terminal.
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(files as u64).with_message(what);
    style
        .map(|style| bar.clone().with_style(style))
        .unwrap_or(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_list_is_told_from_manifests() {
        assert!(is_resource_list("apiVersion: x\nkind: ResourceList\n"));
        assert!(is_resource_list("kind: \"ResourceList\" # x\n"));
        assert!(!is_resource_list(
            "kind: Pod\nspec:\n  kind: ResourceList\n"
        ));
    }
}
