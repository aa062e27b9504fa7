//! The resources that deploy Helm releases, and the values in them.
//!
//! | resource | its values |
//! |---|---|
//! | Flux `HelmRelease` | `spec.values` |
//! | Argo CD `Application`, `ApplicationSet` | `spec.source(s).helm`: `values`, `valuesObject`, `parameters` |
//! | k3s and RKE2 `HelmChart`, `HelmChartConfig` | `spec.valuesContent`, `spec.values`, `spec.set` |
//! | kustomization, `HelmChartInflationGenerator` | `helmCharts[].valuesInline` |
//! | `ConfigMap`, `Secret` | a text below `data`, `stringData` |
//!
//! Source: the CRDs of Flux's helm-controller (v2beta1 to v2) and of the Helm operator before it,
//! of Argo CD 3 and of k3s' helm-controller; kustomize's `types.HelmChart`.

use serde_json::Value;

use super::document::Document;
use super::set;
use super::source::{ResourceName, Source, at, shown};

const CHART: &str = "gitlab-runner";

/// The maximum nesting of lists of resources: such lists do not contain lists themselves.
const MAX_LISTS: usize = 2;
/// The maximum depth at which texts are searched.
const MAX_DEPTH: usize = 64;

/// The values in a document; empty for a manifest of another kind.
pub(super) fn sources<'a>(document: &'a Document<'a>) -> Vec<Source<'a>> {
    let mut found = Vec::new();
    collect(document, &[], 0, &mut found);
    found
}

/// Whether a document is a manifest rather than a values file.
pub(super) fn is_manifest(value: &Value) -> bool {
    let is_text = |field: &str| value.get(field).is_some_and(Value::is_string);
    is_text("apiVersion") && is_text("kind")
}

fn collect<'a>(
    document: &'a Document<'a>,
    path: &[String],
    depth: usize,
    found: &mut Vec<Source<'a>>,
) {
    let Some(value) = at(&document.value, path) else {
        return;
    };
    if !is_manifest(value) {
        return collect_plain(document, value, path, found);
    }
    let Some(name) = ResourceName::of(value) else {
        return;
    };
    let version = value.get("apiVersion").and_then(Value::as_str);
    let group = version.and_then(|version| version.split('/').next());
    let kind = name.kind.clone();
    match (group.unwrap_or(""), kind.as_str()) {
        (_, list) if list.ends_with("List") && depth < MAX_LISTS => {
            let items = value.get("items").and_then(Value::as_array);
            for index in 0..items.map_or(0, Vec::len) {
                let path = join(path, &["items", &index.to_string()]);
                collect(document, &path, depth + 1, found);
            }
        }
        ("helm.toolkit.fluxcd.io" | "helm.fluxcd.io" | "flux.weave.works", "HelmRelease") => {
            found.push(helm_release(document, name, path));
        }
        ("argoproj.io", "Application") => {
            argo_cd(document, &name, &join(path, &["spec"]), found);
        }
        ("argoproj.io", "ApplicationSet") => {
            let path = join(path, &["spec", "template", "spec"]);
            argo_cd(document, &name, &path, found);
        }
        ("helm.cattle.io", "HelmChart" | "HelmChartConfig") => {
            found.push(helm_chart(document, name, path));
        }
        ("kustomize.config.k8s.io", "Kustomization" | "Component") => {
            helm_charts(document, &name, path, found);
        }
        ("builtin", "HelmChartInflationGenerator") => {
            found.push(inflated(document, name, path));
        }
        ("v1", "ConfigMap" | "Secret") => {
            for field in ["data", "stringData"] {
                texts(document, Some(&name), &join(path, &[field]), 0, found);
            }
        }
        // The operator's Runner has keys of the chart in its spec, but no chart renders it.
        ("apps.gitlab.com", _) => {}
        _ if path.is_empty() => {
            let mut source = Source::file(document);
            source.is_guess = true;
            found.push(source);
        }
        _ => {}
    }
}

/// Handles documents without `apiVersion` and `kind`: a kustomization that omits them, or a values
/// file.
fn collect_plain<'a>(
    document: &'a Document<'a>,
    value: &Value,
    path: &[String],
    found: &mut Vec<Source<'a>>,
) {
    if value.get("helmCharts").is_some_and(Value::is_array) {
        let name = ResourceName {
            kind: "Kustomization".to_owned(),
            namespace: None,
            name: None,
        };
        helm_charts(document, &name, path, found);
    } else if path.is_empty() {
        found.push(Source::file(document));
        texts(document, None, path, 0, found);
    }
}

/// `spec.values`, merged over the sources in `spec.valuesFrom`.
fn helm_release<'a>(document: &'a Document<'a>, name: ResourceName, path: &[String]) -> Source<'a> {
    let values = join(path, &["spec", "values"]);
    let mut source = Source::new(document, Some(name), values.clone());
    let spec = Fields::new(document, join(path, &["spec"]));
    source.is_of_chart = [
        &["chart", "spec", "chart"][..],
        &["chartRef", "name"],
        &["chart", "name"],
        &["chart", "path"],
    ]
    .iter()
    .any(|field| spec.text(field).is_some_and(is_chart));
    source.add_mapping(&values);
    for (path, from) in spec.items(&["valuesFrom"]) {
        source.add_elsewhere(&path, values_from(from));
    }
    source
}

/// Describes the source of a `valuesFrom` entry, in the notation of Flux 2 or of the Helm operator.
fn values_from(from: &Value) -> String {
    let text = |value: &Value, field: &str| value.get(field)?.as_str().map(shown);
    if let (Some(kind), Some(name)) = (text(from, "kind"), text(from, "name")) {
        let key = text(from, "valuesKey").unwrap_or_else(|| "values.yaml".to_owned());
        let target = text(from, "targetPath").map(|path| format!(", for {path}"));
        return format!("{kind} {name} (key {key}{})", target.unwrap_or_default());
    }
    for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
        if let Some(reference) = from.get(field) {
            let name = text(reference, "name").unwrap_or_default();
            let key = text(reference, "key").unwrap_or_else(|| "values.yaml".to_owned());
            return format!("{kind} {name} (key {key})");
        }
    }
    "another place".to_owned()
}

/// The `helm` of each source of an application.
fn argo_cd<'a>(
    document: &'a Document<'a>,
    name: &ResourceName,
    path: &[String],
    found: &mut Vec<Source<'a>>,
) {
    let spec = Fields::new(document, path.to_vec());
    let mut applications: Vec<Vec<String>> = spec
        .items(&["sources"])
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    if spec.get(&["source"]).is_some() {
        applications.push(join(path, &["source"]));
    }
    for path in applications {
        let fields = Fields::new(document, path.clone());
        let helm = join(&path, &["helm"]);
        let mut source = Source::new(document, Some(name.clone()), helm.clone());
        source.is_of_chart = ["chart", "path"]
            .iter()
            .any(|field| fields.text(&[field]).is_some_and(is_chart));
        // A source without `helm` may belong to another tool.
        if !source.is_of_chart && fields.get(&["helm"]).is_none() {
            continue;
        }
        // Argo CD takes `values` only where there is no `valuesObject`.
        if !source.add_mapping(&join(&helm, &["valuesObject"])) {
            source.add_text(&join(&helm, &["values"]));
        }
        for (path, parameter) in fields.items(&["helm", "parameters"]) {
            let text = |field: &str| parameter.get(field).and_then(scalar_text);
            let Some(name) = text("name") else { continue };
            let is_text = parameter.get("forceString") == Some(&Value::Bool(true));
            let value = text("value").unwrap_or_default();
            match set::keys(&name) {
                Some(keys) => source.add_setting(&path, &keys, &value, is_text),
                None => source.fail(
                    &path,
                    "its name is not a path that Helm's --set takes".to_owned(),
                ),
            }
        }
        for (path, file) in fields.items(&["helm", "valueFiles"]) {
            let file = file.as_str().map(shown).unwrap_or_default();
            source.add_elsewhere(&path, format!("the file {file}"));
        }
        for (path, parameter) in fields.items(&["helm", "fileParameters"]) {
            let file = parameter.get("path").and_then(Value::as_str);
            let file = file.map(shown).unwrap_or_default();
            source.add_elsewhere(&path, format!("the file {file}"));
        }
        found.push(source);
    }
}

/// `valuesContent`, `values` over it, and `set` over both.
fn helm_chart<'a>(document: &'a Document<'a>, name: ResourceName, path: &[String]) -> Source<'a> {
    let spec_path = join(path, &["spec"]);
    let spec = Fields::new(document, spec_path.clone());
    // A HelmChartConfig adds values to the HelmChart with the same name.
    let is_of_chart = match spec.text(&["chart"]) {
        Some(chart) => is_chart(chart),
        None => name.name.as_deref().is_some_and(is_chart),
    };
    let content = join(&spec_path, &["valuesContent"]);
    let mut source = Source::new(document, Some(name), content.clone());
    source.is_of_chart = is_of_chart;
    source.add_text(&content);
    source.add_mapping(&join(&spec_path, &["values"]));
    if let Some(Value::Object(members)) = spec.get(&["set"]) {
        for (name, value) in members {
            let path = join(&spec_path, &["set", name]);
            match (set::keys(name), scalar_text(value)) {
                (Some(keys), Some(value)) => source.add_setting(&path, &keys, &value, false),
                _ => source.fail(&path, "this is not what Helm's --set takes".to_owned()),
            }
        }
    }
    for (path, secret) in spec.items(&["valuesSecrets"]) {
        let name = secret.get("name").and_then(Value::as_str);
        let name = name.map(shown).unwrap_or_default();
        source.add_elsewhere(&path, format!("Secret {name}"));
    }
    source
}

/// Each of a kustomization's `helmCharts`.
fn helm_charts<'a>(
    document: &'a Document<'a>,
    name: &ResourceName,
    path: &[String],
    found: &mut Vec<Source<'a>>,
) {
    let kustomization = Fields::new(document, path.to_vec());
    for (path, _) in kustomization.items(&["helmCharts"]) {
        found.push(inflated(document, name.clone(), &path));
    }
}

/// A chart that kustomize inflates.
fn inflated<'a>(document: &'a Document<'a>, name: ResourceName, path: &[String]) -> Source<'a> {
    let chart = Fields::new(document, path.to_vec());
    let values = join(path, &["valuesInline"]);
    let mut source = Source::new(document, Some(name), values.clone());
    source.is_of_chart = chart.text(&["name"]).is_some_and(is_chart);
    source.add_mapping(&values);
    if let Some(file) = chart.text(&["valuesFile"]) {
        source.add_elsewhere(
            &join(path, &["valuesFile"]),
            format!("the file {}", shown(file)),
        );
    }
    for (path, file) in chart.items(&["additionalValuesFiles"]) {
        let file = file.as_str().map(shown).unwrap_or_default();
        source.add_elsewhere(&path, format!("the file {file}"));
    }
    source
}

/// Multi-line texts that may be values of the chart.
fn texts<'a>(
    document: &'a Document<'a>,
    resource: Option<&ResourceName>,
    path: &[String],
    depth: usize,
    found: &mut Vec<Source<'a>>,
) {
    let keys: Vec<String> = match at(&document.value, path) {
        _ if depth > MAX_DEPTH => return,
        Some(Value::Object(members)) => members.keys().cloned().collect(),
        Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        Some(Value::String(text)) if is_like_values(text) => {
            let mut source = Source::new(document, resource.cloned(), path.to_vec());
            source.is_guess = true;
            // Text that is not YAML, such as a script, is not a values file.
            if source.add_text(path) {
                found.push(source);
            }
            return;
        }
        _ => return,
    };
    for key in keys {
        texts(document, resource, &join(path, &[&key]), depth + 1, found);
    }
}

/// Whether a text has a line with a key by which the chart's values are recognised.
fn is_like_values(text: &str) -> bool {
    let words = ["sessionServer", "gitlabUrl", "runnerToken", "runners"];
    let is_key = |line: &str| {
        let line = line.trim_start();
        let rest = words.iter().find_map(|word| line.strip_prefix(word));
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    text.contains('\n') && text.lines().any(is_key)
}

/// Whether the name, path or URL of a chart is that of gitlab-runner.
fn is_chart(chart: &str) -> bool {
    let chart = chart.trim_end_matches('/');
    let last = chart.rsplit_once('/').map_or(chart, |(_, last)| last);
    // `gitlab-runner-0.86.0.tgz`, and a tag or digest of an OCI artifact.
    let name = last.split_once([':', '@']).map_or(last, |(name, _)| name);
    let name = match name.strip_suffix(".tgz") {
        Some(archive) => archive.rsplit_once('-').map_or(archive, |(name, _)| name),
        None => name,
    };
    name == CHART
}

/// A scalar in the notation of Helm's `--set`.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn join(path: &[String], keys: &[&str]) -> Vec<String> {
    let keys = keys.iter().map(|key| (*key).to_owned());
    path.iter().cloned().chain(keys).collect()
}

/// The fields of a mapping in a document.
struct Fields<'a> {
    value: Option<&'a Value>,
    path: Vec<String>,
}

impl<'a> Fields<'a> {
    fn new(document: &'a Document<'a>, path: Vec<String>) -> Self {
        Self {
            value: at(&document.value, &path),
            path,
        }
    }

    fn get(&self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter()
            .try_fold(self.value?, |value, key| value.get(*key))
            .filter(|value| !value.is_null())
    }

    fn text(&self, keys: &[&str]) -> Option<&'a str> {
        self.get(keys)?.as_str()
    }

    /// The items of a list, each with its path.
    fn items(&self, keys: &[&str]) -> Vec<(Vec<String>, &'a Value)> {
        let items = self.get(keys).and_then(Value::as_array);
        let path = join(&self.path, keys);
        items
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, item)| (join(&path, &[&index.to_string()]), item))
            .collect()
    }
}
