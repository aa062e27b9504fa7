//! Manifests of a Helm chart.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use yaml_splice::Tree;

use super::application::Application;
use super::build::{command, home, run};
use super::parameters::Parameters;

/// What helm says of dependencies that have to be fetched first.
const MISSING: &str = "missing in charts";

/// Where a chart says which dependencies it has, in this or an older form.
const DEPENDENCIES: [&str; 2] = ["Chart.yaml", "requirements.yaml"];

/// Renders it as Argo CD does, and fetches its dependencies where they are missing.
///
/// # Errors
///
/// A sentence with what helm has said, or about a parameter.
pub(super) fn render(application: &Application, parameters: &Parameters) -> Result<String, String> {
    let home = home()?;
    let arguments = arguments(application, parameters, &home)?;
    let template = || run(command("helm", application, &home).args(&arguments));
    match template() {
        Err(error) if error.contains(MISSING) => {
            fetch_dependencies(application, &home)?;
            template()
        }
        rendered => rendered,
    }
}

fn arguments(
    application: &Application,
    parameters: &Parameters,
    home: &TempDir,
) -> Result<Vec<String>, String> {
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
        let path = application
            .folder
            .file(file)
            .map_err(|error| format!("helm-values-files: {error}"))?;
        flag("values", &path.display().to_string());
    }
    if let Some(values) = parameters.text("helm-values") {
        let path = home.path().join("values.yaml");
        fs::write(&path, values)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        flag("values", &path.display().to_string());
    }
    for (key, value) in parameters.map("helm-parameters") {
        flag("set", &format!("{key}={}", with_commas(value)));
    }
    let name = match parameters.text("helm-release-name") {
        Some(name) => name,
        None if application.name.is_empty() => "release-name",
        None => &application.name,
    };
    // After the dashes nothing is a flag, whatever it looks like.
    arguments.extend(["--", name, "."].map(str::to_owned));
    Ok(arguments)
}

/// A value for `--set`, whose commas do not end it. In braces they part a list.
fn with_commas(value: &str) -> String {
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

/// Fetches them into the chart, which is a copy for this build. Helm wants to know each repository
/// by a name first.
fn fetch_dependencies(application: &Application, home: &TempDir) -> Result<(), String> {
    for (index, url) in repositories(application)?.iter().enumerate() {
        let name = format!("dependency-{index}");
        run(command("helm", application, home).args(["repo", "add", "--", &name, url]))?;
    }
    run(command("helm", application, home).args(["dependency", "build"])).map(drop)
}

/// The repositories that the chart's dependencies come from; each once.
fn repositories(application: &Application) -> Result<BTreeSet<String>, String> {
    let mut urls = BTreeSet::new();
    for name in DEPENDENCIES {
        let Ok(text) = fs::read_to_string(application.folder.path().join(name)) else {
            continue;
        };
        let chart = Tree::parse(&text)
            .and_then(|tree| tree.to_value())
            .map_err(|error| format!("{name}: {error}"))?;
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
    fn commas_do_not_end_a_value() {
        assert_eq!(with_commas("a,b"), "a\\,b");
        assert_eq!(with_commas("a\\,b"), "a\\,b");
        assert_eq!(with_commas("a\\\\,b"), "a\\\\\\,b");
        assert_eq!(with_commas("{a,b}"), "{a,b}");
    }
}
