//! Manifests in, manifests with the session servers out.

use std::convert::Infallible;

use krm::documents::{split, unreadable};
use krm::results::{FunctionResult, Severity};
use runner_terminal::documents::{Applied, ApplyError, Config, Run, apply, function_configs};
use runner_terminal::static_cluster::StaticCluster;
use serde::Serialize;
use view::changes::{Change, Changes};
use view::{Location, locate};

use crate::fault::{Fault, Input};
use crate::last::Drawable;

/// The names of the functionConfig and the live objects, which are not in any file.
const FUNCTION_CONFIG: &str = "functionConfig";
const OBSERVED: &str = "observed";

/// The input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// (path, text)
    pub(crate) files: Vec<(String, String)>,
    /// YAML of functionConfigs.
    pub(crate) function_config: Option<String>,
    /// YAML of live objects; `None` if there is no cluster to ask.
    pub(crate) observed: Option<String>,
}

/// The output except for the manifests.
#[derive(Debug, Serialize)]
pub(crate) struct Rest<'r> {
    failed: bool,
    results: Vec<Located<'r>>,
    changes: &'r [Change],
    unchanged: usize,
}

/// A result, and the position in the given manifests that it is about.
#[derive(Debug, Serialize)]
struct Located<'r> {
    #[serde(flatten)]
    result: &'r FunctionResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

/// The outcome of a run.
pub(crate) struct Ran<'g> {
    pub(crate) applied: Applied,
    configs: Vec<Config<'g>>,
    /// Each with the index of its functionConfig.
    results: Vec<(usize, FunctionResult)>,
}

impl Ran<'_> {
    /// The texts of the manifests, and the data for a drawing.
    pub(crate) fn into_parts(self) -> (Vec<String>, Drawable) {
        let results = self.results();
        let results = results.filter_map(|result| serde_json::to_value(result).ok());
        let drawable = Drawable {
            results: results.collect(),
            list: self.applied.list,
        };
        (self.applied.texts, drawable)
    }

    /// The errors of the function that failed, one per line; `None` if none did.
    pub(crate) fn refusal(&self) -> Option<String> {
        let errors = self
            .results()
            .filter(|result| result.severity == Severity::Error);
        let lines = errors.map(|error| {
            let line = error.to_string();
            line.strip_prefix("error: ").unwrap_or(&line).to_owned()
        });
        let lines: Vec<_> = lines.collect();
        self.applied.failed.then(|| lines.join("\n"))
    }

    /// The results of all functions, in their order.
    fn results(&self) -> impl Iterator<Item = &FunctionResult> {
        self.results.iter().map(|(_, result)| result)
    }
}

impl Given {
    /// The paths and texts of the manifests, and the rest.
    pub(crate) fn new(
        paths: Vec<String>,
        texts: Vec<String>,
        function_config: Option<String>,
        observed: Option<String>,
    ) -> Self {
        Self {
            files: paths.into_iter().zip(texts).collect(),
            function_config,
            observed,
        }
    }

    /// The files as (path, text).
    pub(crate) fn texts(&self) -> Vec<(&str, &str)> {
        let files = self.files.iter();
        files
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect()
    }

    /// The same files with other texts, in their order.
    pub(crate) fn with_texts<'g>(&'g self, texts: &'g [String]) -> Vec<(&'g str, &'g str)> {
        let files = self.files.iter().zip(texts);
        files
            .map(|((path, _), text)| (path.as_str(), text.as_str()))
            .collect()
    }

    /// Reads the functionConfigs, and runs the function for each.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where one of the inputs cannot be read.
    pub(crate) fn run(&self) -> Result<Ran<'_>, Fault> {
        let files = self.texts();
        let in_manifests = |error| Fault::of_document(Input::Manifests, error);
        let given = [(
            FUNCTION_CONFIG,
            self.function_config.as_deref().unwrap_or_default(),
        )];
        let own =
            split(&given).map_err(|error| Fault::of_document(Input::FunctionConfig, error))?;
        let source = match own.is_empty() {
            true => Input::Manifests,
            false => Input::FunctionConfig,
        };
        let configs = function_configs(&files, &given).map_err(in_manifests)?;
        for config in &configs {
            let parsed = config.parse();
            parsed.map_err(|fault| Fault::of_config(source, fault))?;
        }
        let observed = self.observed.as_deref();
        let observed = observed.map(|text| StaticCluster::read(&[(OBSERVED, text)]));
        let observed = observed
            .transpose()
            .map_err(|error| Fault::of_document(Input::Observed, error))?;

        let mut results = Vec::new();
        let mut number = 0;
        let applied = apply(&files, &configs, |list| {
            let outcome = match &observed {
                Some(observed) => observed.run(list),
                None => runner_terminal::run(list.as_bytes()),
            };
            results.extend(outcome.results().iter().cloned().map(|one| (number, one)));
            number += 1;
            Ok::<_, Infallible>(Run::from(&outcome))
        });
        let applied = applied.map_err(|error| match error {
            ApplyError::Document(error) => in_manifests(error),
            ApplyError::Run(never) => match never {},
        })?;
        // If the text is not YAML, an error without a resource is about the text.
        let about_nothing = |(_, one): &(usize, FunctionResult)| {
            one.severity == Severity::Error && one.resource_ref.is_none()
        };
        if applied.failed
            && results.iter().any(about_nothing)
            && let Some(error) = unreadable(&files)
        {
            return Err(in_manifests(error));
        }
        Ok(Ran {
            applied,
            configs,
            results,
        })
    }
}

/// Returns the texts of the transformed manifests, the rest as JSON, and the data for a drawing of
/// them.
///
/// # Errors
///
/// A [`Fault`] where one of the inputs cannot be read.
pub(crate) fn transform(given: &Given) -> Result<(Vec<String>, String, Drawable), Fault> {
    let ran = given.run()?;
    let files = given.texts();
    let after = given.with_texts(&ran.applied.texts);
    let changes = Changes::of_files(&files, &after, &ran.applied.alignment.resources)
        .map_err(|error| Fault::of_document(Input::Manifests, error))?;
    let of_config = ran.results.iter();
    let of_config =
        of_config.filter_map(|(config, result)| Some((ran.configs.get(*config)?, result)));
    let places = locate(&files, of_config);
    let results = ran.results().zip(places);
    let rest = Rest {
        failed: ran.applied.failed,
        results: results
            .map(|(result, location)| Located { result, location })
            .collect(),
        changes: &changes.resources,
        unchanged: changes.unchanged,
    };
    let json = crate::json(&rest);
    let (texts, drawable) = ran.into_parts();
    Ok((texts, json, drawable))
}
