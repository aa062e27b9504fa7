//! Which file a runner reads: each case is served by an edit of that file alone, or refused by its
//! true name. The first lines of a case say what is right.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use krm::documents::{split, without_function_configs};
use runner_terminal::documents::{Run, apply, function_configs};
use serde_json::Value;
use yaml_splice::Tree;

/// What is right for a case.
enum Expected {
    /// These values change in objects that are no workloads: `ConfigMap r /data/config.toml`.
    Edits(&'static [&'static str]),
    /// Nothing changes, and the report has these words.
    Says(&'static [&'static str]),
    /// Other tests hold it.
    Elsewhere,
}
use Expected::{Edits, Elsewhere, Says};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/configuration")
}

/// What the functionConfigs of a case make of manifests: their text, and what is said.
fn applied(manifests: &str, case: &str) -> (String, String, bool) {
    let configs = function_configs(&[("case.yaml", case)], &[]).unwrap();
    let run = |list: &str| {
        let outcome = runner_terminal::run(list.as_bytes());
        Ok::<_, Infallible>(Run {
            output: outcome.text(),
            report: outcome.report(),
            failed: outcome.failed(),
        })
    };
    let mut applied = apply(&[("case.yaml", manifests)], &configs, run).unwrap();
    (applied.texts.remove(0), applied.report, applied.failed)
}

/// The values of a file's objects, by kind, name and JSON pointer.
fn values(text: &str) -> BTreeSet<(String, String)> {
    let files = [("case.yaml", text)];
    let mut found = BTreeSet::new();
    for document in split(&files).unwrap() {
        let value = Tree::parse(document.text(&files))
            .unwrap()
            .to_value()
            .unwrap();
        let kind = value["kind"].as_str().unwrap().to_owned();
        let is_workload = ["Deployment", "StatefulSet", "Pod"].contains(&kind.as_str());
        if is_workload || kind == "Service" {
            continue;
        }
        let name = format!("{kind} {} ", value["metadata"]["name"].as_str().unwrap());
        leaves(&value, &name, &mut found);
    }
    found
}

fn leaves(value: &Value, place: &str, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| *key != "annotations") {
                leaves(member, &format!("{place}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{place}/{index}"), found);
            }
        }
        other => {
            found.insert((place.to_owned(), other.to_string()));
        }
    }
}

const CASES: &[(&str, Expected)] = &[
    (
        "config-flag-in-a-shell",
        Edits(&["ConfigMap r /data/runner.toml"]),
    ),
    (
        "external-secret",
        Edits(&["ExternalSecret r /spec/target/template/data/config.toml"]),
    ),
    (
        "immutable",
        Says(&[
            "ConfigMap r-7bh2t4mk9c, immutable",
            "API server takes no change",
        ]),
    ),
    (
        "joined-by-an-init-container",
        Says(&[
            "init container join",
            "ConfigMap runner (config.toml) and Secret runner-secret (config.toml)",
            "spec.config of the functionConfig",
        ]),
    ),
    (
        "namespace-on-one-of-two",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "placeholder",
        Says(&[
            "${CONCURRENT}",
            "line 1",
            "placeholder that something fills in later",
        ]),
    ),
    (
        "register-template",
        Says(&[
            "/tmp/config.toml is a template of gitlab-runner register",
            "only [[runners]]",
        ]),
    ),
    ("shared-with-one-not-selected", Elsewhere),
    (
        "short-config-flag",
        Edits(&["ConfigMap runner /data/other.toml"]),
    ),
    (
        "sidecars-file-of-that-name",
        Says(&["volume claim runner, which no manifest holds"]),
    ),
    (
        "sops-encrypted",
        Says(&["Secret r", "encrypted by SOPS", "after decryption"]),
    ),
    (
        "sops-in-part",
        Says(&["Secret r, sops", "after decryption", "MAC"]),
    ),
    ("two-files-in-one-object", Elsewhere),
    // SIBLINGS
    (
        "short-flag-of-a-secret",
        Edits(&["Secret r /stringData/other.toml"]),
    ),
    ("config-file-variable", Edits(&["ConfigMap r /data/b.toml"])),
    ("single-dash-flag", Edits(&["ConfigMap r /data/b.toml"])),
    ("windows-path", Edits(&["ConfigMap r /data/config.toml"])),
    ("not-root", Edits(&["ConfigMap r /data/config.toml"])),
    (
        "root-in-the-container",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "home-of-another-user",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    ("buildkit-beside", Edits(&["ConfigMap r /data/config.toml"])),
    (
        "buildkit-alone",
        Says(&[
            "mounts nothing at /etc/gitlab-runner/config.toml",
            "in the image",
        ]),
    ),
    (
        "sidecars-secret",
        Says(&["node's path /srv/runner, which no manifest holds"]),
    ),
    (
        "longest-mount-path",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    ("sub-path-of-items", Edits(&["ConfigMap r /data/x"])),
    ("sub-path-expression", Edits(&["ConfigMap r /data/ci.toml"])),
    (
        "sub-path-expression-unknown",
        Says(&["subPathExpr", "variable WHICH", "spec.config"]),
    ),
    (
        "projected-secret-last",
        Edits(&["Secret s /stringData/config.toml"]),
    ),
    (
        "projected-in-folders",
        Edits(&["ConfigMap b /data/config.toml"]),
    ),
    (
        "items-without-the-file",
        Says(&["shows no file at /etc/gitlab-runner/config.toml"]),
    ),
    (
        "csi-volume",
        Says(&["SecretProviderClass runner, which no manifest holds"]),
    ),
    (
        "claim-template",
        Says(&["volume claim that the template c makes"]),
    ),
    (
        "copied-by-an-init-container",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "copied-by-envsubst-by-an-init-container",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "copied-by-sed-by-an-init-container",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "copied-by-cat-by-an-init-container",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "copied-without-a-shell",
        Edits(&["ConfigMap r /data/runner.toml"]),
    ),
    (
        "copied-by-a-mounted-script",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    ("copied-twice", Edits(&["ConfigMap r /data/config.toml"])),
    (
        "copied-onto-a-claim",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "copied-by-the-runners-own-container",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "joined-by-two-init-containers",
        Says(&[
            "init container more",
            "ConfigMap r (config.toml) and Secret s (config.toml)",
            "spec.config",
        ]),
    ),
    (
        "joined-and-named",
        Edits(&["Secret s /stringData/part.toml"]),
    ),
    (
        "written-by-commands",
        Says(&["commands of init container w write", "no object holds it"]),
    ),
    (
        "empty-folder",
        Says(&[
            "volume c, which is empty when the pod starts",
            "spec.config",
        ]),
    ),
    (
        "alternatives",
        Says(&[
            "ConfigMap r (a.toml) and ConfigMap r (b.toml)",
            "spec.config",
        ]),
    ),
    (
        "named-and-missing",
        Says(&["functionConfig spec.config: Secret nothing is not in the list"]),
    ),
    (
        "named-key-missing",
        Says(&["functionConfig spec.config: ConfigMap r has no key b.toml"]),
    ),
    (
        "named-for-a-claim",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "named-for-two-runners",
        Says(&[
            "functionConfig spec.config: names the configuration of one runner, and 2 are selected",
            "spec.runner",
        ]),
    ),
    (
        "external-secret-of-another-name",
        Edits(&["ExternalSecret e /spec/target/template/data/config.toml"]),
    ),
    (
        "external-secret-named",
        Edits(&["ExternalSecret e /spec/target/template/data/config.toml"]),
    ),
    (
        "external-secret-whole",
        Says(&[
            "ExternalSecret e",
            "spec.target.template.data[config.toml]",
            "secret store",
        ]),
    ),
    (
        "external-secret-template-from",
        Says(&[
            "ExternalSecret e",
            "templateFrom",
            "templates of another object",
        ]),
    ),
    (
        "external-secret-value-outside-of-a-string",
        Says(&["{{ .n }} in line 1", "Put it into a string"]),
    ),
    (
        "cluster-external-secret",
        Edits(&[
            "ClusterExternalSecret e /spec/externalSecretSpec/target/template/data/config.toml",
        ]),
    ),
    (
        "sealed-secret-in-clear",
        Edits(&["SealedSecret r /spec/template/data/config.toml"]),
    ),
    (
        "sealed-secret",
        Says(&[
            "SealedSecret r, spec.encryptedData[config.toml]",
            "is sealed",
            "kubeseal",
        ]),
    ),
    (
        "vault-static-secret",
        Says(&[
            "VaultStaticSecret x",
            "secret store, so no manifest holds it",
        ]),
    ),
    (
        "secret-provider-class",
        Says(&["SecretProviderClass x", "Secrets Store CSI driver"]),
    ),
    (
        "vault-agent",
        Says(&[
            "Vault agent",
            "agent-inject-secret-config.toml",
            "no manifest holds it",
        ]),
    ),
    (
        "sops-config-map",
        Says(&["ConfigMap r, sops", "after decryption"]),
    ),
    (
        "sops-external-secret",
        Says(&["ExternalSecret e, sops", "after decryption"]),
    ),
    (
        "sops-workload",
        Says(&["Deployment r, sops", "after decryption"]),
    ),
    ("sops-and-right", Edits(&[])),
    ("immutable-secret", Says(&["Secret r, immutable"])),
    ("immutable-and-right", Edits(&[])),
    (
        "immutable-with-a-hash",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "placeholder-in-a-string",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "placeholder-of-helm",
        Says(&["{{- range .runners }} in line 2"]),
    ),
    (
        "placeholder-of-a-whole-secret",
        Says(&[
            "Secret r, data[config.toml]",
            "placeholder",
            "run the function after that",
        ]),
    ),
    (
        "placeholder-of-argocd-vault-plugin",
        Says(&["<path:kv/data/ci#n> in line 1"]),
    ),
    (
        "binary-data",
        Edits(&["ConfigMap r /binaryData/config.toml"]),
    ),
    ("wrapped-base64", Edits(&["Secret r /data/config.toml"])),
    (
        "string-data-wins",
        Edits(&["Secret r /stringData/config.toml"]),
    ),
    ("empty-data", Says(&["ConfigMap r has no key config.toml"])),
    (
        "template-by-variable",
        Says(&[
            "/t/t.toml is a template of gitlab-runner register",
            "no manifest holds it",
        ]),
    ),
    (
        "registered-without-a-template",
        Says(&["gitlab-runner register writes its config.toml"]),
    ),
    (
        "template-beside-a-config",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "config-file-variable-of-an-object",
        Edits(&["ConfigMap r /data/b.toml"]),
    ),
    (
        "sub-path-expression-of-an-object",
        Edits(&["ConfigMap r /data/x.toml"]),
    ),
    (
        "placeholder-that-may-be-a-password",
        Says(&["what stands in line 1 looks like a placeholder"]),
    ),
    (
        "sealed-secret-under-a-prefix",
        Edits(&["SealedSecret r /spec/template/data/config.toml"]),
    ),
    (
        "external-secret-that-is-immutable",
        Says(&["ExternalSecret e, spec.target.immutable", "is immutable"]),
    ),
    (
        "external-secret-in-shards",
        Says(&[
            "Deployment r, spec.replicas",
            "does not mount ExternalSecret e by its name",
        ]),
    ),
    (
        "sed-of-a-mounted-folder-name",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    ("windows-default", Edits(&["ConfigMap r /data/config.toml"])),
    (
        "chart-entrypoint",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "chart-with-the-template-alone",
        Says(&["/configmaps/config.toml is a template of gitlab-runner register"]),
    ),
    (
        "copied-once-onto-a-claim",
        Says(&["volume claim r, which no manifest holds"]),
    ),
    (
        "copied-by-an-unknown-image",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "init-container-of-another-volume",
        Says(&["volume c, which is empty when the pod starts"]),
    ),
    (
        "sub-path-of-an-empty-folder",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "copied-from-an-external-secret",
        Edits(&["ExternalSecret e /spec/target/template/data/config.toml"]),
    ),
    (
        "envsubst-of-a-broken-template",
        Says(&["$N in line 1", "placeholder"]),
    ),
    (
        "object-not-in-the-list",
        Says(&[
            "no object of the list holds its config.toml",
            "Secret r (volume c) is not in the list",
        ]),
    ),
    (
        "external-secret-of-another",
        Says(&["Secret r (volume c) is not in the list"]),
    ),
    (
        "undeclared-volume",
        Says(&["volume c, which its pod does not have"]),
    ),
    (
        "advertise-address-names-it",
        Edits(&["ConfigMap r /data/config.toml"]),
    ),
    (
        "two-runners-two-configs",
        Edits(&[
            "ConfigMap r /data/config.toml",
            "Secret q /stringData/q.toml",
        ]),
    ),
];

#[test]
fn each_case_is_served_or_refused_by_its_true_name() {
    let mut failures = Vec::new();
    for (name, expected) in CASES {
        let text = std::fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
        assert!(
            text.starts_with("# Expected: "),
            "{name} says what is right"
        );
        let manifests = without_function_configs("case.yaml", &text).unwrap();
        let (output, report, failed) = applied(&manifests, &text);
        match expected {
            Edits(places) => {
                let changed: Vec<String> = values(&output)
                    .difference(&values(&text))
                    .map(|(place, _)| place.clone())
                    .collect();
                if failed || changed != *places {
                    failures.push(format!(
                        "{name}: edits {changed:?}, not {places:?}\n{report}"
                    ));
                }
                let (again, report, failed) = applied(&output, &text);
                if failed || again != output {
                    failures.push(format!("{name}: a second run changes something\n{report}"));
                }
            }
            Says(words) => {
                if !failed || output != manifests {
                    failures.push(format!("{name}: is not refused\n{report}{output}"));
                }
                for word in words.iter().filter(|word| !report.contains(**word)) {
                    failures.push(format!("{name}: does not say {word:?}\n{report}"));
                }
                if report.contains("in clear and") || report.contains("write it in clear") {
                    failures.push(format!(
                        "{name}: advises to write a secret in clear\n{report}"
                    ));
                }
            }
            Elsewhere => {}
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_table_has_every_case() {
    let names: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let table: BTreeSet<String> = CASES
        .iter()
        .map(|(name, _)| format!("{name}.yaml"))
        .collect();
    assert_eq!(names, table);
}

#[test]
fn off_again_gives_back_every_byte() {
    for name in [
        "external-secret",
        "external-secret-of-another-name",
        "cluster-external-secret",
        "sealed-secret-in-clear",
        "binary-data",
        "copied-by-an-init-container",
        "joined-and-named",
        "windows-path",
    ] {
        let text = std::fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
        let manifests = without_function_configs("case.yaml", &text).unwrap();
        let (on, report, failed) = applied(&manifests, &text);
        assert!(!failed && on != manifests, "{name}: {report}");
        let disabled = text.replace("spec: {advertise", "spec: {enabled: false, advertise");
        assert_ne!(disabled, text);
        let (off, report, failed) = applied(&on, &disabled);
        assert!(!failed, "{name}: {report}");
        assert_eq!(off, manifests, "{name}");
    }
}
