//! The manifests that a command is given: where they come from, and the ResourceList that they
//! make.

mod kustomize;

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use runner_terminal::documents::{Document, from_resource_list, to_resource_list};

use crate::arguments::Source;

/// A file and its text.
#[derive(Debug)]
pub(crate) struct File {
    /// The path, as given; `-` is standard input.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// What a command has been given.
#[derive(Debug)]
pub(crate) enum Manifests {
    /// Plain manifests, and the list that they are wrapped in.
    Plain {
        /// The files, in the order given.
        files: Vec<File>,
        /// The list.
        list: String,
        /// Where the items of the list come from, in their order.
        documents: Vec<Document>,
    },
    /// A ResourceList, which goes to the function as it is.
    List(File),
}

impl Manifests {
    /// Reads the manifests that the arguments name, with the function config in that file, or with
    /// the default.
    ///
    /// # Errors
    ///
    /// A sentence that names the file.
    pub(crate) fn read(
        source: &Source,
        function_config: Option<&Path>,
        default: &str,
    ) -> Result<Self, String> {
        let files = match &source.kustomize {
            Some(folder) => vec![kustomize::build(folder)?],
            None => read_files(&source.files)?,
        };
        if let Some(list) = files.iter().position(|file| is_resource_list(&file.text)) {
            return Self::from_list(files, list, function_config.is_some());
        }
        let config = match function_config {
            Some(path) => read_file(path)?.text,
            None => default.to_owned(),
        };
        let texts: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.text.as_str()))
            .collect();
        let wrapped = to_resource_list(&texts, &config).map_err(|mut error| {
            if let Some(path) = function_config
                && error.path == runner_terminal::documents::FUNCTION_CONFIG
            {
                error.path = path.display().to_string();
            }
            error.to_string()
        })?;
        Ok(Self::Plain {
            files,
            list: wrapped.text,
            documents: wrapped.documents,
        })
    }

    fn from_list(mut files: Vec<File>, index: usize, has_config: bool) -> Result<Self, String> {
        let file = files.swap_remove(index);
        if !files.is_empty() {
            return Err(format!("{} is a ResourceList; give it alone", file.path));
        }
        if has_config {
            return Err(format!(
                "{} is a ResourceList and has its own functionConfig; leave out --function-config",
                file.path
            ));
        }
        Ok(Self::List(file))
    }

    /// The ResourceList for the function.
    pub(crate) fn list(&self) -> &str {
        match self {
            Self::Plain { list, .. } => list,
            Self::List(file) => &file.text,
        }
    }

    /// The text of each item of the list, as the document that it is.
    ///
    /// # Errors
    ///
    /// A sentence, when a given ResourceList has no items in block style.
    pub(crate) fn items(&self) -> Result<Vec<String>, String> {
        from_resource_list(self.list()).map_err(|mut error| {
            if let Self::List(file) = self {
                error.path.clone_from(&file.path);
            }
            error.to_string()
        })
    }
}

/// True when the text is one ResourceList and not a stream of manifests.
fn is_resource_list(text: &str) -> bool {
    text.lines()
        .filter_map(|line| line.strip_prefix("kind:"))
        .map(|kind| kind.split(" #").next().unwrap_or_default())
        .any(|kind| kind.trim().trim_matches(['"', '\'']) == "ResourceList")
}

/// Reads files, the files in folders, and standard input, in the order given.
fn read_files(paths: &[PathBuf]) -> Result<Vec<File>, String> {
    if paths.is_empty() {
        if io::stdin().is_terminal() {
            return Err("name the manifests: files, folders, or - for standard input".to_owned());
        }
        return Ok(vec![read_file(Path::new("-"))?]);
    }
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            read_folder(path, &mut files)?;
        } else {
            files.push(read_file(path)?);
        }
    }
    Ok(files)
}

/// Reads the manifests in a folder and the folders in it, sorted by name.
fn read_folder(folder: &Path, files: &mut Vec<File>) -> Result<(), String> {
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
                read_folder(&path, files)?;
            }
        } else if is_manifest(&path) && path.is_file() {
            files.push(read_file(&path)?);
        }
    }
    Ok(())
}

/// True for names of YAML and JSON files, except kustomizations, which are no resources.
fn is_manifest(path: &Path) -> bool {
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
    Ok(File { path: name, text })
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
