//! Runs the functions on plain manifests, one after the other.

use std::path::PathBuf;

use krm::alignment::Alignment;
use krm::documents::{Document, DocumentError, split, unreadable};
use krm::resource::Resource;
use runner_terminal::documents::{self, Config, Run, apply_to_documents, function_configs_of};
use runner_terminal::function_config::FunctionConfig;
use serde_json::Value;
use thiserror::Error;
use yaml_splice::{Tree, YamlError};

use crate::function;
use crate::manifests::{File, FileError, read_file, texts};
use crate::sandbox::{Limits, SandboxError};

/// The result of running the functions.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The files in their order; unchanged if a function failed.
    pub(crate) files: Vec<File>,
    /// The ResourceList that came out of the last function; the one that went in, when it failed.
    pub(crate) list: String,
    /// The documents that are resources, in the order of the files.
    pub(crate) documents: Vec<Document>,
    /// Maps the resources in the files to those before the run.
    pub(crate) alignment: Alignment,
    /// The functions' results, as lines for standard error.
    pub(crate) report: String,
    /// The functions' results, as those of a ResourceList.
    pub(crate) results: Vec<Value>,
    /// The exit code of the function that failed, or 0.
    pub(crate) code: i32,
}

/// Why the functions cannot be run.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ApplyError {
    /// A file for `--function-config` cannot be read.
    File(#[from] FileError),
    /// A file for `--function-config` has no document.
    #[error(
        "{path} is empty; it should hold a SessionServer, an AdvertiseAddress or a VerifyTerminals"
    )]
    EmptyConfig {
        /// The path of the file.
        path: String,
    },
    /// A function config is not YAML.
    #[error("{place}: {error}")]
    Config {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        error: YamlError,
    },
    /// A function config among the manifests names a kubeconfig.
    #[error(
        "{place}: spec.kubeconfig may not come with manifests, as a kubeconfig names programs to \
         run: leave it out and set KUBECONFIG, or hand the function config over by --function-config"
    )]
    Kubeconfig {
        /// Where it is.
        place: String,
    },
    /// A document cannot be an item of a ResourceList.
    Document(#[from] DocumentError),
    /// A function reached a limit, or broke.
    Sandbox(#[from] SandboxError),
}

impl From<documents::ApplyError<SandboxError>> for ApplyError {
    fn from(error: documents::ApplyError<SandboxError>) -> Self {
        match error {
            documents::ApplyError::Document(error) => Self::Document(error),
            documents::ApplyError::Run(error) => Self::Sandbox(error),
        }
    }
}

/// Finds the documents in files.
///
/// # Errors
///
/// A document cannot be an item of a ResourceList.
pub(crate) fn documents(files: &[File]) -> Result<Vec<Document>, ApplyError> {
    Ok(split(&texts(files))?)
}

/// The function configs to use: those of `config_files`, else those among the manifests, whose
/// documents these are, else the default.
///
/// # Errors
///
/// A config cannot be read, or one among the manifests names a kubeconfig.
pub(crate) fn configs(
    manifests: &[File],
    documents: &[Document],
    config_files: &[PathBuf],
) -> Result<Vec<Config<'static>>, ApplyError> {
    let configs = find_configs(manifests, documents, config_files)?;
    if config_files.is_empty() {
        for config in &configs {
            let value = value_of(config)?;
            must_not_name_kubeconfig(&value, &config.place())?;
        }
    }
    Ok(configs)
}

/// Refuses a function config among manifests that names a kubeconfig. Manifests may be untrusted, and
/// a kubeconfig names a program to run and a server to send a token to.
///
/// # Errors
///
/// It names one.
pub(crate) fn must_not_name_kubeconfig(config: &Value, place: &str) -> Result<(), ApplyError> {
    if names_kubeconfig(config) {
        return Err(ApplyError::Kubeconfig {
            place: place.to_owned(),
        });
    }
    Ok(())
}

/// True if a function config names a kubeconfig.
pub(crate) fn names_kubeconfig(config: &Value) -> bool {
    config
        .pointer("/spec/kubeconfig")
        .is_some_and(|path| !path.is_null() && path != "")
}

/// Parses a function config.
///
/// # Errors
///
/// It is not YAML.
pub(crate) fn value_of(config: &Config<'_>) -> Result<Value, ApplyError> {
    Tree::parse(&config.text)
        .and_then(|tree| tree.to_value())
        .map_err(|error| ApplyError::Config {
            place: config.place(),
            error,
        })
}

/// As [`configs`], without the check for a kubeconfig.
///
/// # Errors
///
/// A config cannot be read.
pub(crate) fn find_configs(
    manifests: &[File],
    documents: &[Document],
    config_files: &[PathBuf],
) -> Result<Vec<Config<'static>>, ApplyError> {
    let files = config_files.iter().map(|path| read_file(path));
    let files: Vec<File> = files.collect::<Result<_, _>>()?;
    if let Some(file) = files.iter().find(|file| file.is_empty()) {
        return Err(ApplyError::EmptyConfig {
            path: file.path.clone(),
        });
    }
    if let Some(error) = unreadable(&texts(&files)) {
        return Err(error.into());
    }
    let found = function_configs_of(&texts(manifests), documents, &texts(&files))?;
    Ok(found.into_iter().map(Config::into_owned).collect())
}

/// The message about a functionConfig in the output of a kustomization, which kustomize has not run.
///
/// # Errors
///
/// A config cannot be read.
pub(crate) fn left_by_build(configs: &[Config<'_>]) -> Result<Option<String>, ApplyError> {
    let is_left = |config: &&Config<'_>| {
        let parsed = config.parse();
        !config.is_default() && !matches!(parsed, Ok(FunctionConfig::VerifyTerminals(_)))
    };
    let Some(config) = configs.iter().find(is_left) else {
        return Ok(None);
    };
    let identity = Resource::new(0, value_of(config)?).identity;
    Ok(Some(format!(
        "kustomize has not run {identity}, which is among the manifests: list its file under \
         transformers of the kustomization, not under resources"
    )))
}

/// Runs the functions on files with these documents. If one fails, no file changes.
///
/// # Errors
///
/// A document cannot be an item, or a function reached a limit.
pub(crate) fn apply(
    mut files: Vec<File>,
    documents: Vec<Document>,
    configs: &[Config<'_>],
    limits: Limits,
) -> Result<Applied, ApplyError> {
    let mut results = Vec::new();
    let mut code = 0;
    let run = |list: &str| {
        let ran = function::run_observing(list.as_bytes().to_vec(), limits)?;
        code = ran.code;
        results.extend(ran.preamble.results);
        Ok::<_, SandboxError>(Run {
            output: String::from_utf8_lossy(&ran.list).into_owned(),
            alignment: ran.preamble.alignment,
            report: String::from_utf8_lossy(&ran.report).into_owned(),
            failed: code != 0,
        })
    };
    let applied = apply_to_documents(&texts(&files), documents, configs, run)?;
    for (file, text) in files.iter_mut().zip(applied.texts) {
        file.text = text;
    }
    Ok(Applied {
        files,
        documents: applied.documents,
        list: applied.list,
        alignment: applied.alignment,
        report: applied.report,
        results,
        code,
    })
}
