//! Every served version of the API means the same, and converting one to the other and back gives
//! the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use runner_terminal::documents::function_configs;
use runner_terminal::function_config::{API_VERSION, ApiVersion, convert};

const FOLDERS: [&str; 5] = [
    "session-server",
    "advertise-address",
    "refused",
    "refused-address",
    "not-a-list",
];

/// Each fixture: its path and its text.
fn fixtures() -> Vec<(String, String)> {
    let mut fixtures = Vec::new();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(format!("tests/fixtures/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            fixtures.push((path.display().to_string(), text));
        }
    }
    assert!(fixtures.len() > 180, "only {} fixtures", fixtures.len());
    fixtures
}

fn written_as(text: &str, version: ApiVersion) -> String {
    text.replace(API_VERSION, version.as_str())
}

/// The text with everything removed that differs between versions.
fn unversioned(text: &str) -> String {
    ApiVersion::SERVED
        .iter()
        .fold(text.to_owned(), |text, version| {
            text.replace(version.as_str(), "VERSION")
        })
}

/// The function's whole outcome: output, messages, success.
#[test]
fn every_fixture_gives_the_same_bytes_in_every_version() {
    let mut compared = 0;
    for (path, text) in fixtures() {
        let answer = |version: ApiVersion| {
            let input = written_as(&text, version);
            let outcome = runner_terminal::run(input.as_bytes());
            (
                unversioned(&outcome.text()),
                outcome.report(),
                outcome.failed(),
            )
        };
        let expected = answer(ApiVersion::WRITTEN);
        for version in ApiVersion::SERVED {
            assert_eq!(answer(version), expected, "{path} as {version}");
            compared += usize::from(version != ApiVersion::WRITTEN);
        }
    }
    println!("{compared} fixtures compared");
}

/// The same for the functions that the launcher wraps around plain manifests.
#[test]
fn every_version_is_found_among_manifests() {
    for version in ApiVersion::SERVED {
        let text = format!("kind: Pod\n---\napiVersion: {version}\nkind: AdvertiseAddress\n");
        let configs = function_configs(&[("a.yaml", &text)], &[]).unwrap();
        assert_eq!(configs[0].place(), "a.yaml:3");
        assert!(configs[0].parse().is_ok(), "{version}");
    }
}

/// The functionConfigs that this project writes, and those that its pages and examples show.
#[test]
fn what_is_written_has_the_version_that_is_written() {
    let configs = function_configs(&[], &[]).unwrap();
    let line = format!("apiVersion: {API_VERSION}\n");
    assert!(configs[0].text.starts_with(&line), "{}", configs[0].text);
    for path in [
        "README.md",
        "kustomization/example/session-server.yaml",
        "kustomization/two-step/advertise-address.yaml",
        "kustomization/component/session-server.yaml",
        "kustomization/pod-start/session-server.yaml",
        "kustomization/relay/session-server.yaml",
        "kustomization/replicas/session-server.yaml",
        "kustomization/kpt/session-server.yaml",
        "host/src/main.rs",
        "host/src/check/manifests.rs",
        "wasm/playground/src/state.ts",
        "wasm/web/npm/README.md",
    ] {
        let text = std::fs::read_to_string(path).unwrap();
        let count = text.matches(&line).count();
        assert!(count > 0, "{path} has no {line}");
        for other in ApiVersion::SERVED {
            let line = format!("apiVersion: {other}\n");
            assert_eq!(
                text.matches(&line).count() > 0,
                other == ApiVersion::WRITTEN,
                "{path}"
            );
        }
    }
}

/// Function catalogs list every version, and the one that is written comes first.
#[test]
fn the_catalog_has_every_version() {
    for function in ["session-server", "advertise-address"] {
        let text = std::fs::read_to_string(format!("kustomization/catalog/{function}.yaml"));
        let text = text.unwrap();
        let names = text
            .lines()
            .filter_map(|line| line.strip_prefix("  - name: "));
        let names: Vec<_> = names.collect();
        assert_eq!(
            names,
            ApiVersion::SERVED.map(ApiVersion::name),
            "{function}"
        );
        assert_eq!(names[0], ApiVersion::WRITTEN.name(), "{function}");
    }
}

fn converted(text: &str, to: ApiVersion) -> String {
    convert("a.yaml", text, to).unwrap().text
}

/// Converting there and back gives the same text, and the converted text differs only in the
/// version.
fn comes_back(name: &str, text: &str, configs: usize) {
    let there = convert(name, text, ApiVersion::V1Beta1).unwrap();
    assert_eq!(there.configs, configs, "{name}");
    assert_eq!(there.text, written_as(text, ApiVersion::V1Beta1), "{name}");
    assert_eq!(converted(&there.text, ApiVersion::V1Alpha1), text, "{name}");
    // What already has that version does not change.
    assert_eq!(
        converted(&there.text, ApiVersion::V1Beta1),
        there.text,
        "{name}"
    );
    assert_eq!(converted(text, ApiVersion::V1Alpha1), text, "{name}");
}

#[test]
fn the_function_config_of_every_fixture_comes_back() {
    let mut count = 0;
    for (path, text) in fixtures() {
        // What the function refuses is refused here too, in the same words.
        let outcome = runner_terminal::run(text.as_bytes());
        match convert(&path, &text, ApiVersion::V1Beta1) {
            Ok(converted) if converted.configs > 0 => {
                comes_back(&path, &text, 1);
                count += 1;
            }
            Ok(converted) => assert_eq!(converted.text, text, "{path}"),
            Err(error) => {
                assert!(outcome.failed(), "{error}");
                assert!(
                    error.to_string().starts_with(&format!("{path}:")),
                    "{error}"
                );
            }
        }
    }
    assert!(count > 140, "only {count} functionConfigs were converted");
    println!("{count} functionConfigs converted there and back");
}

#[test]
fn all_around_a_function_config_stays() {
    let config = "apiVersion: runner-terminal.dev/v1alpha1  # ours\nkind: SessionServer\n";
    let annotated = "# first\nkind: SessionServer\nmetadata:\n  name: x\n  annotations:\n    \
        config.kubernetes.io/function: |\n      exec:\n        path: runner-terminal\n    note: \
        'was runner-terminal.dev/v1'\napiVersion:   'runner-terminal.dev/v1alpha1'\n# last\n";
    let others = "# Source: a\nkind: Pod\nmetadata: {annotations: {runner-terminal.dev/owned-by: \
        SessionServer}}\n";
    let cases = [
        ("alone", config.to_owned(), 1),
        ("annotated", annotated.to_owned(), 1),
        ("no line end", config.trim_end().to_owned(), 1),
        (
            "among others",
            format!("{others}---\n# how\n{config}...\n# end\n---\n{others}"),
            1,
        ),
        (
            "two",
            format!("\u{feff}---\n{config}--- # second\n{annotated}"),
            2,
        ),
        (
            "CRLF",
            format!("{others}---\n{annotated}").replace('\n', "\r\n"),
            1,
        ),
        (
            "JSON",
            r#"{"kind":"SessionServer","apiVersion" : "runner-terminal.dev/v1alpha1"}"#.to_owned(),
            1,
        ),
        (
            "flow",
            "{apiVersion: runner-terminal.dev/v1alpha1, kind: SessionServer, spec: {}}\n"
                .to_owned(),
            1,
        ),
        (
            "anchor",
            "apiVersion: &v !!str \"runner-terminal.dev/v1alpha1\"\nkind: SessionServer\n"
                .to_owned(),
            1,
        ),
        (
            "several in a list",
            "kind: ResourceList\nitems:\n- apiVersion: runner-terminal.dev/v1alpha1\n  kind: \
             SessionServer\n- {kind: Pod}\nfunctionConfig:\n    apiVersion: \
             \"runner-terminal.dev/v1alpha1\"\n    kind: AdvertiseAddress\n"
                .to_owned(),
            2,
        ),
        (
            "inline in a kustomization",
            format!(
                "resources: [a.yaml]\ntransformers:\n- other.yaml\n- |-\n  # inline\n  {}\n\
                 validators: [x.yaml]   # none of ours\n",
                config.trim_end().replace('\n', "\n  ")
            ),
            1,
        ),
        ("nothing of ours", others.to_owned(), 0),
        (
            "no YAML and nothing of ours",
            "%YAML 1.2\n--- {a: [\n".to_owned(),
            0,
        ),
    ];
    for (name, text, configs) in cases {
        comes_back(name, &text, configs);
    }
}

/// If the version is an alias, it is written out: the anchor's value may mean something else.
#[test]
fn an_alias_keeps_what_it_stands_for() {
    let text = "kind: ResourceList\nnote: &v runner-terminal.dev/v1alpha1\nfunctionConfig:\n  \
        apiVersion: *v\n  kind: SessionServer\nitems: []\n";
    let there = converted(text, ApiVersion::V1Beta1);
    assert!(
        there.contains("note: &v runner-terminal.dev/v1alpha1\n"),
        "{there}"
    );
    assert!(
        there.contains("apiVersion: \"runner-terminal.dev/v1beta1\"\n"),
        "{there}"
    );
}

#[test]
fn what_cannot_be_converted_is_refused_with_its_place() {
    let refused = |text: &str| {
        let error = convert("a.yaml", text, ApiVersion::V1Beta1).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refused("kind: Pod\n---\nkind: SessionServer\napiVersion: runner-terminal.dev/v2\n"),
        "a.yaml:4: apiVersion: is \"runner-terminal.dev/v2\"; this function reads \
         runner-terminal.dev/v1alpha1 and runner-terminal.dev/v1beta1"
    );
    let config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n";
    let error = refused(&format!(
        "# x\n{config}spec:\n  exposure:\n    typ: NodePort\n"
    ));
    assert!(
        error.starts_with("a.yaml:6: spec.exposure.typ: there is no field"),
        "{error}"
    );
    let list = "kind: ResourceList\nfunctionConfig:\n  apiVersion: runner-terminal.dev/v1beta1\n  \
        kind: Session\nitems: []\n";
    let error = refused(list);
    assert!(
        error.starts_with("a.yaml:4: functionConfig.kind: is \"Session\""),
        "{error}"
    );
    let inline = "transformers:\n- a.yaml\n- |\n  apiVersion: runner-terminal.dev/v9\n";
    let error = refused(inline);
    assert!(
        error.starts_with("a.yaml:3: transformers[1]: apiVersion: is"),
        "{error}"
    );
    let error = refused(&format!(
        "a: b\n---\n{config}spec: {{{{ .Values.spec }}}}\n---\n"
    ));
    assert!(
        error.starts_with("a.yaml:5: this mentions a functionConfig"),
        "{error}"
    );
    let error = refused(&format!("--- {{}}\n---\n{config}"));
    assert!(
        error.starts_with("a.yaml:1: there is content on the line"),
        "{error}"
    );
}
