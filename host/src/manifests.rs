//! The manifests that a command is given: where they come from, and the ResourceList that they
//! make.

mod find;
mod kustomize;
pub(crate) mod read;

use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use krm::documents::{FUNCTION_CONFIG, to_resource_list};
use krm::text::printable;
use rayon::prelude::*;

use crate::apply;
use crate::arguments::Source;

pub(crate) use find::{is_file, is_manifest};

/// A file and its text.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// The path as it is shown, on one line; `-` is standard input.
    pub(crate) path: String,
    /// Where it was read: a name that is no text cannot be shown as it is.
    pub(crate) place: PathBuf,
    /// The folder that it was found in, which no link may lead out of.
    pub(crate) root: Option<PathBuf>,
    /// All of it.
    pub(crate) text: String,
}

impl File {
    /// True for standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        self.path == "-"
    }

    /// True where the name says that it is JSON, which holds one document.
    pub(crate) fn holds_json(&self) -> bool {
        let extension = Path::new(&self.path).extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    }
}

/// How a command takes a kustomization that is to be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// By `--kustomize`.
    ByFlag,
    /// On standard input: what is built cannot be written back.
    ByPipe,
}

/// What a command has been given.
#[derive(Clone, Debug)]
pub(crate) enum Manifests {
    /// Plain manifests: the files, in the order given.
    Plain(Vec<File>),
    /// A ResourceList, which goes to the function as it is.
    List(File),
}

impl Manifests {
    /// Reads the manifests that the arguments name.
    ///
    /// # Errors
    ///
    /// A sentence that names the file.
    pub(crate) fn read(files: &[PathBuf], kustomize: Option<&Path>) -> Result<Self, String> {
        match kustomize {
            Some(folder) => Self::of(vec![kustomize::build(folder)?]),
            None => Self::read_files(files, Build::ByFlag),
        }
    }

    /// Reads files, folders, patterns, and standard input where there is none of them.
    ///
    /// # Errors
    ///
    /// A sentence that names the file.
    pub(crate) fn read_files(paths: &[PathBuf], build: Build) -> Result<Self, String> {
        for path in paths.iter().filter(|path| kustomize::is_one(path)) {
            let folder = shown(path);
            let instead = match build {
                Build::ByFlag => format!("build it with -k {folder}"),
                Build::ByPipe => format!("pipe the output of kustomize build {folder} to apply-to"),
            };
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(
                io::stderr(),
                "runner-terminal: {folder} is a kustomization, and its files are read as they are: to \
                 see what kustomize makes of them, {instead}"
            );
        }
        Self::of(read_files(paths)?)
    }

    fn of(mut files: Vec<File>) -> Result<Self, String> {
        let Some(list) = files.iter().position(|file| is_resource_list(&file.text)) else {
            return Ok(Self::Plain(files));
        };
        let list = files.swap_remove(list);
        if files.is_empty() {
            Ok(Self::List(list))
        } else {
            Err(format!("{} is a ResourceList; give it alone", list.path))
        }
    }

    /// The ResourceList for one function, whose config is this text.
    ///
    /// # Errors
    ///
    /// A sentence that names the file.
    pub(crate) fn into_list_of(self, config: &str) -> Result<String, String> {
        self.into_list(None, config)
    }

    /// The ResourceList for one function, whose config is in that file, or the default.
    ///
    /// # Errors
    ///
    /// A sentence that names the file.
    pub(crate) fn into_list(self, config: Option<&Path>, default: &str) -> Result<String, String> {
        let files = match self {
            Self::Plain(files) => files,
            Self::List(file) if config.is_some() => return Err(has_its_own_config(&file)),
            Self::List(file) => return Ok(file.text),
        };
        let text = match config {
            Some(path) => read_file(path)?.text,
            None => default.to_owned(),
        };
        let wrapped = to_resource_list(&apply::texts(&files), &text);
        let wrapped = wrapped.map_err(|mut error| {
            if let Some(path) = config
                && error.path == FUNCTION_CONFIG
            {
                error.path = shown(path);
            }
            error.to_string()
        });
        Ok(wrapped?.text)
    }
}

impl Source {
    /// Reads the manifests.
    ///
    /// # Errors
    ///
    /// A sentence that names the file.
    pub(crate) fn read(&self) -> Result<Manifests, String> {
        Manifests::read(&self.files, self.kustomize.as_deref())
    }
}

/// Why a ResourceList takes no other function config.
pub(crate) fn has_its_own_config(list: &File) -> String {
    format!(
        "{} is a ResourceList and has its own functionConfig; leave out --function-config",
        list.path
    )
}

/// True when the text is one ResourceList and not a stream of manifests.
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
/// A sentence that names the file.
pub(crate) fn read_files(given: &[PathBuf]) -> Result<Vec<File>, String> {
    if given.is_empty() {
        if io::stdin().is_terminal() {
            return Err("name the manifests: files, folders, or - for standard input".to_owned());
        }
        return Ok(vec![read_file(Path::new("-"))?]);
    }
    let found = find::all(given)?;
    let bar = progress(found.len(), "reading");
    let files = found.par_iter().map(|found| {
        let file = read_found(&found.path, found.root.as_deref());
        bar.inc(1);
        file
    });
    let files = files.collect();
    bar.finish_and_clear();
    files
}

/// A bar for so many files, where somebody looks at a terminal.
pub(crate) fn progress(files: usize, what: &'static str) -> ProgressBar {
    /// Fewer are done before anybody looks.
    const FEW: usize = 100;

    if files < FEW {
        return ProgressBar::hidden();
    }
    // It draws on standard error, and only where that is a terminal.
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(files as u64).with_message(what);
    style
        .map(|style| bar.clone().with_style(style))
        .unwrap_or(bar)
}

/// Reads a file, or standard input where it is `-`.
///
/// # Errors
///
/// A sentence that names the file.
pub(crate) fn read_file(path: &Path) -> Result<File, String> {
    read_found(path, None)
}

/// A path as messages name it: on one line.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// Reads a file of a folder, which no link may lead out of; the folder's own path has none.
///
/// # Errors
///
/// A sentence that names the file.
pub(crate) fn read_file_below(path: &Path, root: &Path) -> Result<File, String> {
    read_found(path, Some(root))
}

fn read_found(path: &Path, root: Option<&Path>) -> Result<File, String> {
    let name = shown(path);
    let read = match root {
        _ if name == "-" => read::stdin(),
        Some(root) => read::file_below(path, root),
        None => read::file(path),
    };
    let bytes = read.map_err(|error| match name.as_str() {
        "-" => format!("cannot read standard input: {error}"),
        name => format!("cannot read {name}: {error}"),
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        let line = before.filter(|&&byte| byte == b'\n').count() + 1;
        format!("{name}:{line}: this is not UTF-8; save the file as UTF-8")
    })?;
    Ok(File {
        path: name,
        place: path.to_owned(),
        root: root.map(Path::to_owned),
        text,
    })
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
