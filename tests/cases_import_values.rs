//! What becomes of values wherever they stand: in umbrella charts, HelmReleases, Applications.
//!
//! The first line of each case says what is right. All that are served hold the same values.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;

use chart_values::{ChartValuesError, Imported, Selection, import_selected};
use serde_json::{Value, json};

const CASES: &str = "tests/cases/import-values";

fn read(case: &str) -> String {
    fs::read_to_string(format!("{CASES}/{case}.yaml")).unwrap()
}

fn select(resource: Option<&str>, at: Option<&str>) -> Selection {
    Selection {
        resource: resource.map(str::to_owned),
        at: at.map(|at| at.parse().unwrap()),
    }
}

fn import(case: &str, selection: &Selection) -> Result<Imported, ChartValuesError> {
    let imported = import_selected(&read(case), selection);
    if let Ok(imported) = &imported {
        let lines = read(case).lines().count();
        for note in &imported.notes {
            assert!((1..=lines).contains(&note.place.line), "{case}: {note:?}");
        }
    }
    imported
}

/// The exposure of the SessionServer, and the notes with their lines.
fn outcome(case: &str, selection: &Selection) -> (Value, Vec<String>) {
    let imported = import(case, selection).unwrap_or_else(|error| panic!("{case}: {error}"));
    let first = imported.text.split("\n---\n").next().unwrap();
    let session_server: Value = yaml_serde::from_str(first).unwrap();
    let notes = imported
        .notes
        .iter()
        .map(|note| format!("{}: {note}", note.place.line))
        .collect();
    (session_server["spec"]["exposure"].clone(), notes)
}

fn refusal(case: &str, selection: &Selection) -> String {
    match import(case, selection) {
        Ok(imported) => panic!("{case} is taken:\n{}", imported.text),
        Err(error) => error.to_string(),
    }
}

fn node_port() -> Value {
    json!({"type": "NodePort", "nodePort": 30903, "nodeAddress": "192.0.2.10"})
}

/// Each case, and where its values are.
const SERVED: [(&str, &str); 29] = [
    ("nested", "5: platform.ci.values: these values are"),
    (
        "text-in-values",
        "4: applications.runner.values: these values are",
    ),
    (
        "nested-in-a-list",
        "10: releases.1.values.0: these values are",
    ),
    (
        "nested-under-the-charts-name",
        "4: gitlab-runner.values: these values are",
    ),
    ("alias-of-a-dependency", "5: ci-runner: these values are"),
    ("dotted-key", "3: ci.example.com.values: these values are"),
    ("aliased", "9: gitlab-runner: these values are"),
    ("aliased-whole", "8: runner: these values are"),
    (
        "helm-release-v2",
        "7: spec.values: these values of HelmRelease ci/runner are",
    ),
    (
        "helm-release-v2beta2",
        "7: spec.values: these values of HelmRelease ci/runner are",
    ),
    (
        "helm-release-v2beta1",
        "7: spec.values: these values of HelmRelease ci/runner are",
    ),
    (
        "helm-release-operator",
        "9: spec.values: these values of HelmRelease ci/runner are",
    ),
    (
        "helm-release-values-from",
        "10: spec.values: these values of HelmRelease ci/runner are",
    ),
    (
        "helm-release-umbrella",
        "9: spec.values.platform.runner: these values of HelmRelease platform are",
    ),
    (
        "several-documents",
        "24: spec.values: these values of HelmRelease ci/runner are",
    ),
    (
        "listed",
        "10: items.0.spec.values: these values of HelmRelease ci/runner are",
    ),
    (
        "application",
        "12: spec.source.helm.values: these values of Application argocd/runner are",
    ),
    (
        "application-values-object",
        "11: spec.source.helm.valuesObject: these values of Application argocd/runner are",
    ),
    (
        "application-parameters",
        "9: spec.source.helm.values: these values of Application argocd/runner are",
    ),
    (
        "application-parameters-only",
        "13: spec.source.helm.parameters: these values of Application argocd/runner are",
    ),
    (
        "application-sources",
        "12: spec.sources.1.helm.values: these values of Application argocd/runner are",
    ),
    (
        "application-set",
        "15: spec.template.spec.source.helm.values: these values of ApplicationSet argocd/runners are",
    ),
    (
        "helm-chart",
        "11: spec.valuesContent: these values of HelmChart kube-system/runner are",
    ),
    (
        "helm-chart-archive",
        "9: spec.values: these values of HelmChart kube-system/runner are",
    ),
    (
        "helm-chart-config",
        "6: spec.valuesContent: these values of HelmChartConfig kube-system/ci are",
    ),
    (
        "kustomization",
        "10: helmCharts.1.valuesInline: these values of Kustomization are",
    ),
    (
        "config-map",
        "6: data.values.yaml: these values of ConfigMap ci/runner-values are",
    ),
    (
        "secret",
        "6: stringData.values.yaml: these values of Secret ci/runner-values are",
    ),
    (
        "another-kind",
        "7: spec.forProvider.values: these values of Release runner are",
    ),
];

#[test]
fn values_are_found_where_they_stand() {
    for (case, origin) in SERVED {
        let (exposure, notes) = outcome(case, &Selection::default());
        assert_eq!(exposure, node_port(), "{case}");
        let origin = format!("{origin} taken as those of the chart gitlab-runner");
        assert!(notes.contains(&origin), "{case}: {notes:#?}");
    }
}

/// Nothing is set, and that is what the file says. A note says so, too.
const DEFAULTS: [&str; 3] = ["null", "empty-mapping", "switched-dependency"];

#[test]
fn values_without_content_are_the_charts_defaults() {
    for case in DEFAULTS {
        let (exposure, notes) = outcome(case, &Selection::default());
        assert_eq!(exposure, json!({"type": "LoadBalancer"}), "{case}");
        let last = notes.last().unwrap();
        assert!(
            last.contains("there is none in these values"),
            "{case}: {last}"
        );
    }
}

const NOTHING: &str = "nothing here looks like values of the chart gitlab-runner, which have \
                       keys such as gitlabUrl, runners and sessionServer";

/// Each case, and what is said of it.
const REFUSED: [(&str, &str); 16] = [
    ("unknown", "line 2, column 1: values: {NOTHING}"),
    ("unknown-nested", "line 2, column 1: values: {NOTHING}"),
    ("unknown-aliased", "line 2, column 1: values: {NOTHING}"),
    ("common-keys", "line 2, column 1: values: {NOTHING}"),
    (
        "helm-release-of-another-chart",
        "line 7, column 3: spec.values: {NOTHING}",
    ),
    (
        "unknown-in-a-release",
        "line 7, column 3: spec.values: {NOTHING}",
    ),
    (
        "rendered",
        "line 3, column 1: kind: these are manifests and hold no Helm values of the chart \
         gitlab-runner; give the values file, or the resource that deploys the chart",
    ),
    (
        "operator-runner",
        "line 3, column 1: kind: this is a manifest and holds no Helm values of the chart \
         gitlab-runner; give the values file, or the resource that deploys the chart",
    ),
    (
        "two-dependencies",
        "2 places look like values of the chart gitlab-runner: runner-large (line 2), runner-small (line 5)",
    ),
    (
        "two-releases",
        "2 places look like values of the chart gitlab-runner: spec.values of HelmRelease ci/a \
         (line 5), spec.values of HelmRelease ci/b (line 13)",
    ),
    (
        "kustomization-of-two",
        "2 places look like values of the chart gitlab-runner: helmCharts.0.valuesInline of \
         Kustomization (line 5), helmCharts.1.valuesInline of Kustomization (line 8)",
    ),
    (
        "helm-release-elsewhere",
        "line 8, column 5: spec.valuesFrom.0: the values are not here; import those in \
         ConfigMap runner-values (key prod.yaml)",
    ),
    (
        "kustomization-values-file",
        "line 5, column 3: helmCharts.0.valuesFile: the values are not here; import those \
         in the file runner-values.yaml",
    ),
    (
        "application-wrong-parameter",
        "line 11, column 9: spec.source.helm.parameters.1 (sessionServer.nodePort): \"none\" is no \
         port: write a number from 1 to 65535",
    ),
    (
        "application-set-placeholder",
        "line 14, column 15: spec.template.spec.source.helm.values.sessionServer.publicIP: \
         \"{{ .metadata.annotations.address }}\" is neither a DNS name nor an IP address (IPv6 with \
         a port is written [2001:db8::7]:9000). Fill in the placeholder first",
    ),
    (
        "not-yaml-inside",
        "line 9, column 7: spec.source.helm.values: the text in it is not YAML: line 2 of it: a key \
         must be a scalar. Fill in its {{ }} placeholders first",
    ),
];

#[test]
fn defaults_are_never_written_in_silence() {
    for (case, message) in REFUSED {
        let message = message.replace("{NOTHING}", NOTHING);
        assert_eq!(refusal(case, &Selection::default()), message, "{case}");
    }
}

/// A case that no table names would go untested.
#[test]
fn every_case_is_in_a_table() {
    let served = SERVED.iter().map(|(case, _)| *case);
    let refused = REFUSED.iter().map(|(case, _)| *case);
    let tested: BTreeSet<String> = served
        .chain(refused)
        .chain(DEFAULTS)
        .map(|case| format!("{case}.yaml"))
        .collect();
    let files: BTreeSet<String> = fs::read_dir(CASES)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, tested);
}

#[test]
fn a_file_without_any_text_is_refused() {
    for text in ["", "\n", "---\n", "  \n---\n...\n"] {
        let error = import_selected(text, &Selection::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1, column 1: values: the file is empty; for a release without values of its own, \
             helm get values --output yaml prints null"
        );
    }
}

#[test]
fn values_that_are_kept_elsewhere_are_named() {
    let not_read = "are not read; if they set sessionServer, import them as well";
    for (case, note) in [
        (
            "helm-release-values-from",
            "8: spec.valuesFrom.0: values in ConfigMap runner-values (key values.yaml)",
        ),
        (
            "helm-release-values-from",
            "9: spec.valuesFrom.1: values in Secret runner-token (key token, for runnerToken)",
        ),
        (
            "helm-release-operator",
            "8: spec.valuesFrom.0: values in Secret runner-values (key values.yaml)",
        ),
        (
            "application-values-object",
            "10: spec.source.helm.valueFiles.0: values in the file values-prod.yaml",
        ),
        (
            "application-sources",
            "11: spec.sources.1.helm.valueFiles.0: values in the file $config/runner.yaml",
        ),
        (
            "helm-chart-archive",
            "7: spec.valuesSecrets.0: values in Secret runner-secret",
        ),
        (
            "kustomization",
            "9: helmCharts.1.additionalValuesFiles.0: values in the file more.yaml",
        ),
    ] {
        let (_, notes) = outcome(case, &Selection::default());
        assert!(
            notes.contains(&format!("{note} {not_read}")),
            "{case}: {notes:#?}"
        );
    }
}

/// In a text inside of a file, too.
#[test]
fn a_note_has_the_line_of_the_file() {
    let (_, notes) = outcome("application", &Selection::default());
    let unknown = "20: spec.source.helm.values.sessionServer.nodeport: the chart knows no such key";
    assert!(
        notes.iter().any(|note| note.starts_with(unknown)),
        "{notes:#?}"
    );
}

#[test]
fn a_place_can_be_named() {
    for (case, at) in [
        ("nested", "platform.ci.values"),
        ("nested", ".platform.ci.values"),
        ("nested-in-a-list", "releases.1.values.0"),
        ("nested-in-a-list", "releases[1].values[0]"),
        ("dotted-key", "\"ci.example.com\".values"),
        ("dotted-key", r"ci\.example\.com.values"),
        ("two-dependencies", "runner-small"),
        // From the top of the file, and in the release's values.
        ("helm-release-umbrella", "spec.values.platform.runner"),
        ("helm-release-umbrella", "platform.runner"),
        ("several-documents", "spec.values"),
        ("application", "spec.source.helm.values"),
        ("helm-chart-archive", "spec.values"),
        ("helm-chart-archive", "spec.valuesContent"),
        ("kustomization-of-two", "helmCharts.1.valuesInline"),
        ("config-map", r"data.values\.yaml"),
        ("another-kind", "spec.forProvider.values"),
    ] {
        // Of the documents that have no such place, nothing is said.
        let selection = match case {
            "several-documents" => select(Some("helmrelease/runner"), Some(at)),
            _ => select(None, Some(at)),
        };
        assert_eq!(outcome(case, &selection).0, node_port(), "{case}, {at}");
    }
}

#[test]
fn a_resource_can_be_named() {
    for resource in ["HelmRelease/b", "helmrelease/b", "HelmRelease/ci/b"] {
        let selection = select(Some(resource), None);
        assert_eq!(
            outcome("two-releases", &selection).0,
            node_port(),
            "{resource}"
        );
    }
    let message = refusal("two-releases", &select(Some("HelmRelease/other/b"), None));
    assert!(
        message.ends_with(
            "there is no resource HelmRelease/other/b; those that hold Helm values are \
             HelmRelease/ci/a, HelmRelease/ci/b"
        ),
        "{message}"
    );
}

#[test]
fn a_place_that_is_named_is_judged() {
    for (case, at, message) in [
        (
            "nested",
            "platform.cd",
            "line 2, column 1: platform: there is no key cd in it; there are ci",
        ),
        (
            "nested",
            "values",
            "line 1, column 1: values: there is no key values at the top; there are platform",
        ),
        (
            "nested",
            "platform.ci",
            "line 3, column 3: platform.ci: this does not look like values of the chart \
             gitlab-runner; those at platform.ci.values do",
        ),
        (
            "nested",
            "platform.ci.enabled",
            "line 4, column 5: platform.ci.enabled: this is not a mapping, so these are not values",
        ),
        (
            "unknown-nested",
            "platform.ci.values",
            "line 3, column 23: platform.ci.values: no key here is one of the chart gitlab-runner",
        ),
    ] {
        assert_eq!(
            refusal(case, &select(None, Some(at))),
            message,
            "{case}, {at}"
        );
    }
    // Keys that any chart may have are the runner's where the user says so.
    let (exposure, _) = outcome("common-keys", &select(None, Some(".")));
    assert_eq!(exposure, json!({"type": "LoadBalancer"}));
}

/// A release is not passed over for another one that looks more like the runner's.
#[test]
fn a_release_of_the_chart_is_always_counted() {
    let text = read("two-releases").replace("name: b, namespace: ci", "name: a, namespace: cd");
    let error = import_selected(&text, &Selection::default()).unwrap_err();
    let ChartValuesError::Several(found) = error else {
        panic!("{error}");
    };
    let selectors: Vec<_> = found
        .iter()
        .map(|found| found.selector.clone().unwrap())
        .collect();
    assert_eq!(selectors, ["HelmRelease/ci/a", "HelmRelease/cd/a"]);
}

/// However a file is cut off, its error or its notes stand on one of its lines.
#[test]
fn a_truncated_file_is_handled() {
    for entry in fs::read_dir(CASES).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for (end, _) in text.char_indices() {
            let text = &text[..end];
            let lines = text.lines().count().max(1);
            match import_selected(text, &Selection::default()) {
                Ok(imported) => {
                    for note in &imported.notes {
                        let is_there = (1..=lines).contains(&note.place.line);
                        assert!(is_there, "{}, {end}: {note:?}", path.display());
                    }
                }
                Err(ChartValuesError::Value { note } | ChartValuesError::NotFound { note }) => {
                    let is_there = (1..=lines).contains(&note.place.line);
                    assert!(is_there, "{}, {end}: {note:?}", path.display());
                }
                Err(ChartValuesError::Several(found)) => {
                    assert!(found.iter().all(|found| (1..=lines).contains(&found.line)));
                }
                Err(ChartValuesError::Yaml(error)) => assert!(!error.message.is_empty()),
            }
        }
    }
}
