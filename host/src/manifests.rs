//! The manifests that a command is given: where they come from, and the ResourceList that they
//! make.

mod kustomize;

use std::collections::HashSet;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use runner_terminal::documents::{FUNCTION_CONFIG, to_resource_list};

use crate::apply;
use crate::arguments::Source;

/// A file and its text.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// The path, as given and as it is shown; `-` is standard input.
    pub(crate) path: String,
    /// Where it was read: a name that is no text cannot be shown as it is.
    pub(crate) place: PathBuf,
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
    pub(crate) fn read(source: &Source) -> Result<Self, String> {
        match &source.kustomize {
            Some(folder) => Self::of(vec![kustomize::build(folder)?]),
            None => Self::read_files(&source.files),
        }
    }

    /// Reads files, folders, patterns, and standard input where there is none of them.
    ///
    /// # Errors
    ///
    /// A sentence that names the file.
    pub(crate) fn read_files(paths: &[PathBuf]) -> Result<Self, String> {
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
                error.path = path.display().to_string();
            }
            error.to_string()
        });
        Ok(wrapped?.text)
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
    let mut paths = Vec::new();
    for path in given {
        find(path, &mut paths)?;
    }
    let mut seen = HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    let bar = progress(paths.len(), "reading");
    let files = paths.par_iter().map(|path| {
        let file = read_file(path);
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

/// Finds the files that a path or a pattern stands for.
fn find(given: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let pattern = given.to_string_lossy();
    let is_folder = match fs::metadata(given) {
        _ if pattern == "-" => Some(false),
        Ok(found) => Some(found.is_dir()),
        Err(_) if pattern.contains(['*', '?', '[']) => None,
        Err(error) => return Err(format!("cannot read {pattern}: {error}")),
    };
    match is_folder {
        Some(true) => return find_in_folder(given, paths),
        Some(false) => {
            paths.push(given.to_owned());
            return Ok(());
        }
        None => {}
    }
    let found = glob::glob(&pattern)
        .map_err(|error| format!("{pattern} is no pattern: {error}"))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("cannot read {}: {}", error.path().display(), error.error()))?;
    if found.is_empty() {
        return Err(format!("no file is named like {pattern}"));
    }
    for path in found {
        if path.is_dir() {
            find_in_folder(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Finds the manifests in a folder and the folders in it, sorted by name.
fn find_in_folder(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |error: io::Error| format!("cannot read the folder {}: {error}", folder.display());
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(cannot)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A link to a folder is not followed: it may lead back here.
        if entry.file_type().map_err(cannot)?.is_dir() {
            if !name.starts_with('.') {
                find_in_folder(&path, paths)?;
            }
        } else if is_manifest(&path) && is_file(&path)? {
            paths.push(path);
        }
    }
    Ok(())
}

/// True for a file, and for a link to one. What a link does not lead to is none: editors mark files
/// that are open in this way.
///
/// # Errors
///
/// A sentence that names it: it is there, and cannot be looked at. To pass over it would give
/// manifests without it.
pub(crate) fn is_file(path: &Path) -> Result<bool, String> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// True for names of YAML and JSON files, except kustomizations, which are no resources.
pub(crate) fn is_manifest(path: &Path) -> bool {
    let is = |part: Option<&std::ffi::OsStr>, names: &[&str]| {
        part.is_some_and(|part| names.iter().any(|name| part.eq_ignore_ascii_case(name)))
    };
    is(path.extension(), &["yaml", "yml", "json"]) && !is(path.file_stem(), &["kustomization"])
}

/// Reads a file, or standard input where it is `-`.
///
/// # Errors
///
/// A sentence that names the file.
pub(crate) fn read_file(path: &Path) -> Result<File, String> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let read = if name == "-" {
        io::stdin().lock().read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| format!("cannot read {name}: {error}"))?;
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

    #[test]
    fn kustomizations_are_no_manifests() {
        assert!(is_manifest(Path::new("a/b.yaml")));
        assert!(is_manifest(Path::new("b.JSON")));
        assert!(!is_manifest(Path::new("kustomization.yaml")));
        assert!(!is_manifest(Path::new("values.txt")));
    }
}
