//! The functions on plain manifests, one after the other.

use std::path::PathBuf;

use krm::alignment::Alignment;
use krm::documents::split;
use runner_terminal::documents::{self, Config, Run, function_configs};
use serde_json::Value;
use yaml_splice::Tree;

use crate::function;
use crate::manifests::{File, read_file};
use crate::sandbox::Limits;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The files in their order: as they were, when a function failed.
    pub(crate) files: Vec<File>,
    /// The ResourceList that came out of the last function; the one that went in, when it failed.
    pub(crate) list: String,
    /// Which resources of the files are which of those before.
    pub(crate) alignment: Alignment,
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
/// A sentence that names the file; one of those among the manifests names a kubeconfig.
pub(crate) fn configs(
    manifests: &[File],
    given: &[PathBuf],
) -> Result<Vec<Config<'static>>, String> {
    let configs = found(manifests, given)?;
    if given.is_empty() {
        for config in &configs {
            let value = value_of(config)?;
            must_not_name_kubeconfig(&value, &config.place())?;
        }
    }
    Ok(configs)
}

/// Refuses a function config that came with manifests, which may be anybody's, and names a
/// kubeconfig: who writes that names a program to run, and a server to send a token to.
pub(crate) fn must_not_name_kubeconfig(config: &Value, place: &str) -> Result<(), String> {
    if names_kubeconfig(config) {
        return Err(format!(
            "{place}: spec.kubeconfig may not come with manifests, as a kubeconfig names programs to \
             run: leave it out and set KUBECONFIG, or hand the function config over by --function-config"
        ));
    }
    Ok(())
}

/// True for a function config that leads the function to a file.
pub(crate) fn names_kubeconfig(config: &Value) -> bool {
    config
        .pointer("/spec/kubeconfig")
        .is_some_and(|path| !path.is_null() && path != "")
}

/// What a function config says.
pub(crate) fn value_of(config: &Config<'_>) -> Result<Value, String> {
    Tree::parse(&config.text)
        .and_then(|tree| tree.to_value())
        .map_err(|error| format!("{}: {error}", config.place()))
}

/// The same, whatever they name.
pub(crate) fn found(manifests: &[File], given: &[PathBuf]) -> Result<Vec<Config<'static>>, String> {
    let given = given.iter().map(|path| read_file(path));
    let given: Vec<File> = given.collect::<Result<_, _>>()?;
    for file in &given {
        if is_empty(file) {
            return Err(format!(
                "{} is empty; it should hold a SessionServer, an AdvertiseAddress or a VerifyTerminals",
                file.path
            ));
        }
    }
    let found = function_configs(&texts(manifests), &texts(&given));
    let found = found.map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(Config::into_owned).collect())
}

/// Runs the functions on files. After an error no file has changed.
///
/// # Errors
///
/// A sentence: a file cannot be wrapped, or a limit was reached.
pub(crate) fn apply(
    mut files: Vec<File>,
    configs: &[Config<'_>],
    limits: Limits,
) -> Result<Applied, String> {
    let mut results = Vec::new();
    let mut code = 0;
    let run = |list: &str| {
        let ran = function::run_observing(list.as_bytes().to_vec(), limits)?;
        code = ran.code;
        results.extend(ran.sidecar.results);
        Ok::<_, String>(Run {
            output: String::from_utf8_lossy(&ran.list).into_owned(),
            alignment: ran.sidecar.alignment,
            report: String::from_utf8_lossy(&ran.report).into_owned(),
            failed: code != 0,
        })
    };
    let applied = documents::apply(&texts(&files), configs, run);
    let applied = applied.map_err(|error| error.to_string())?;
    for (file, text) in files.iter_mut().zip(applied.texts) {
        file.text = text;
    }
    Ok(Applied {
        files,
        list: applied.list,
        alignment: applied.alignment,
        report: applied.report,
        results,
        code,
    })
}

/// True for a file without a document, which may have comments.
pub(crate) fn is_empty(file: &File) -> bool {
    split(&[(&file.path, &file.text)]).is_ok_and(|found| found.is_empty())
}

/// Files as the core takes them: (path, text).
pub(crate) fn texts(files: &[File]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect()
}
