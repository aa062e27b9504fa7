//! The functions on plain manifests, one after the other.

use std::path::PathBuf;

use runner_terminal::documents::{
    DocumentError, FUNCTION_CONFIG, function_configs, split, to_resource_list,
};
use runner_terminal::resource_list::ResourceList;
use runner_terminal::yaml::Tree;
use serde_json::Value;

use crate::function;
use crate::manifests::{File, read_file};
use crate::sandbox::Limits;

/// A function config.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// `file:line`; empty for the default.
    pub(crate) place: String,
    /// One document.
    pub(crate) text: String,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The files in their order: as they were, when a function failed.
    pub(crate) files: Vec<File>,
    /// What the functions have to say, in lines for standard error.
    pub(crate) report: String,
    /// The same, as results of a ResourceList.
    pub(crate) results: Vec<Value>,
    /// The exit code of the function that failed, or 0.
    pub(crate) code: i32,
}

/// The function configs to use: those of the files given for it, else those among the manifests,
/// else the default.
///
/// # Errors
///
/// A sentence that names the file.
pub(crate) fn configs(manifests: &[File], given: &[PathBuf]) -> Result<Vec<Config>, String> {
    let given = given.iter().map(|path| read_file(path));
    let given: Vec<File> = given.collect::<Result<_, _>>()?;
    for file in &given {
        if is_empty(file) {
            return Err(format!(
                "{} is empty; it should hold a SessionServer or an AdvertiseAddress",
                file.path
            ));
        }
    }
    let found = function_configs(&texts(manifests), &texts(&given));
    let found = found.map_err(|error| error.to_string())?;
    let own = found.into_iter().map(|config| Config {
        place: config.place,
        text: config.text.to_owned(),
    });
    Ok(own.collect())
}

/// Runs the functions on files. After an error no file has changed.
///
/// # Errors
///
/// A sentence: a file cannot be wrapped, or a limit was reached.
pub(crate) fn apply(
    files: Vec<File>,
    configs: &[Config],
    limits: Limits,
) -> Result<Applied, String> {
    let mut applied = Applied {
        files: files.clone(),
        report: String::new(),
        results: Vec::new(),
        code: 0,
    };
    for config in configs {
        let texts = texts(&applied.files);
        let list = to_resource_list(&texts, &config.text).map_err(|error| at(error, config))?;
        let (code, ran) = function::run_observing(list.text.clone().into(), limits)?;
        applied
            .report
            .push_str(&String::from_utf8_lossy(&ran.stderr));
        let results = ResourceList::read(&ran.stdout)
            .ok()
            .and_then(|list| list.results());
        applied.results.extend(results.unwrap_or_default());
        if code != 0 {
            if let Some(unreadable) = unreadable(&applied.files) {
                let line = format!("runner-terminal: {unreadable}\n");
                applied.report.push_str(&line);
            }
            if !config.place.is_empty() {
                let place = &config.place;
                let line = format!("runner-terminal: the function config was {place}\n");
                applied.report.push_str(&line);
            }
            return Ok(Applied {
                files,
                code,
                ..applied
            });
        }
        let output = String::from_utf8_lossy(&ran.stdout);
        let edited = list
            .edited(&texts, &output)
            .map_err(|error| error.to_string())?;
        for (file, text) in applied.files.iter_mut().zip(edited) {
            file.text = text;
        }
    }
    Ok(applied)
}

/// True for a file without a document, which may have comments.
pub(crate) fn is_empty(file: &File) -> bool {
    split(&[(&file.path, &file.text)]).is_ok_and(|found| found.is_empty())
}

/// Says where a document is no YAML: the function knows the lines of its list, and not the files.
pub(crate) fn unreadable(files: &[File]) -> Option<String> {
    let texts = texts(files);
    split(&texts).ok()?.iter().find_map(|document| {
        let error = Tree::parse(document.text(&texts)).err()?;
        let path = &files.get(document.file)?.path;
        let line = document.line + error.line.saturating_sub(1);
        Some(format!("{path}:{line}: this is no YAML: {}", error.message))
    })
}

/// Files as the core takes them: (path, text).
pub(crate) fn texts(files: &[File]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect()
}

/// An error in the function config is where the config is.
fn at(error: DocumentError, config: &Config) -> String {
    if error.path == FUNCTION_CONFIG && !config.place.is_empty() {
        return format!("{}: {}", config.place, error.problem);
    }
    error.to_string()
}
