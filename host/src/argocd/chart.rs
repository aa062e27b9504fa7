//! Renders a Helm chart.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use thiserror::Error;
use yaml_splice::{Tree, YamlError};

use super::application::{Application, PathError};
use super::parameters::Parameters;
use super::program::{ProgramError, command, home, run};

/// What helm prints if dependencies have to be fetched first.
const MISSING: &str = "missing in charts";

/// The files of a chart that list its dependencies: the current one, and that of Helm 2.
const DEPENDENCIES: [&str; 2] = ["Chart.yaml", "requirements.yaml"];

/// Why a chart cannot be rendered.
#[derive(Debug, Error)]
pub(super) enum ChartError {
    /// helm is missing, or has failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The parameter `helm-values-files` names a file that is not in the application's folder.
    #[error("helm-values-files: {0}")]
    ValuesFile(#[from] PathError),
    /// The values of `helm-values` cannot be passed to helm.
    #[error("cannot write {}: {error}", .path.display())]
    Values {
        /// The temporary file for them.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A file that lists dependencies is not YAML.
    #[error("{file}: {error}")]
    Dependencies {
        /// `Chart.yaml`, for instance.
        file: &'static str,
        /// What is wrong with it.
        error: YamlError,
    },
}

/// Renders a chart as Argo CD does, and fetches its dependencies if they are missing.
///
/// # Errors
///
/// helm has failed, or a parameter is invalid.
pub(super) fn render(
    application: &Application,
    parameters: &Parameters,
) -> Result<String, ChartError> {
    let home = home()?;
    let arguments = arguments(application, parameters, &home)?;
    let template = || run(command("helm", application, &home).args(&arguments));
    match template() {
        Err(error) if error.mentions(&[MISSING]) => {
            fetch_dependencies(application, &home)?;
            Ok(template()?)
        }
        rendered => Ok(rendered?),
    }
}

fn arguments(
    application: &Application,
    parameters: &Parameters,
    home: &TempDir,
) -> Result<Vec<String>, ChartError> {
    let mut arguments = vec!["template".to_owned(), "--include-crds".to_owned()];
    let mut flag = |name: &str, value: &str| arguments.push(format!("--{name}={value}"));
    if !application.namespace.is_empty() {
        flag("namespace", &application.namespace);
    }
    if !application.kube_version.is_empty() {
        flag("kube-version", &application.kube_version);
    }
    for version in application
        .api_versions
        .split(',')
        .filter(|one| !one.is_empty())
    {
        flag("api-versions", version);
    }
    for file in parameters.list("helm-values-files") {
        let path = application.folder.file(file)?;
        flag("values", &path.display().to_string());
    }
    if let Some(values) = parameters.text("helm-values") {
        let path = write_values(values, home.path())?;
        flag("values", &path.display().to_string());
    }
    for (key, value) in parameters.map("helm-parameters") {
        flag("set", &format!("{key}={}", escape_commas(value)));
    }
    let name = match parameters.text("helm-release-name") {
        Some(name) => name,
        None if application.name.is_empty() => "release-name",
        None => &application.name,
    };
    // After --, nothing is a flag.
    arguments.extend(["--", name, "."].map(str::to_owned));
    Ok(arguments)
}

fn write_values(values: &str, folder: &Path) -> Result<PathBuf, ChartError> {
    let path = folder.join("values.yaml");
    match fs::write(&path, values) {
        Ok(()) => Ok(path),
        Err(error) => Err(ChartError::Values { path, error }),
    }
}

/// Escapes the commas of a value for `--set`, which would end it. In braces they separate a list.
fn escape_commas(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut is_escaped = false;
    for character in value.chars() {
        if character == ',' && !is_escaped {
            escaped.push('\\');
        }
        is_escaped = character == '\\' && !is_escaped;
        escaped.push(character);
    }
    escaped
}

/// Fetches the dependencies into the chart, which is a copy for this build. Helm needs a name for each
/// repository first.
fn fetch_dependencies(application: &Application, home: &TempDir) -> Result<(), ChartError> {
    for (index, url) in repositories(application)?.iter().enumerate() {
        let name = format!("dependency-{index}");
        run(command("helm", application, home).args(["repo", "add", "--", &name, url]))?;
    }
    run(command("helm", application, home).args(["dependency", "build"]))?;
    Ok(())
}

/// The repositories of the chart's dependencies.
fn repositories(application: &Application) -> Result<BTreeSet<String>, ChartError> {
    let mut urls = BTreeSet::new();
    for file in DEPENDENCIES {
        let Ok(text) = fs::read_to_string(application.folder.path().join(file)) else {
            continue;
        };
        let chart = Tree::parse(&text)
            .and_then(|tree| tree.to_value())
            .map_err(|error| ChartError::Dependencies { file, error })?;
        let dependencies = chart.get("dependencies").and_then(Value::as_array);
        let of = |one: &Value| one.get("repository")?.as_str().map(str::to_owned);
        urls.extend(
            dependencies
                .into_iter()
                .flatten()
                .filter_map(of)
                .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        );
    }
    Ok(urls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_escaped() {
        assert_eq!(escape_commas("a,b"), "a\\,b");
        assert_eq!(escape_commas("a\\,b"), "a\\,b");
        assert_eq!(escape_commas("a\\\\,b"), "a\\\\\\,b");
        assert_eq!(escape_commas("{a,b}"), "{a,b}");
    }
}
