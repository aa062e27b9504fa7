//! The import of each values file of the chart: the documents, and the notes about them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;

use chart_values::{Configure, Imported, Selection, import, import_configured};
use krm::documents::to_resource_list;
use proptest::prelude::*;
use runner_terminal::function_config::FunctionConfig;
use serde_json::Value;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The documents as an independent reader sees them.
fn documents(imported: &Imported) -> Vec<Value> {
    imported
        .text
        .split("\n---\n")
        .map(|document| yaml_serde::from_str(document).unwrap())
        .collect()
}

/// Checks what must be true of everything that is imported. Returns the type of the exposure.
fn check(imported: &Imported) -> String {
    let text = &imported.text;
    let documents = documents(imported);
    assert!(documents.len() <= 2, "{text}");
    for (document, kind) in documents.iter().zip(["SessionServer", "AdvertiseAddress"]) {
        assert_eq!(document["kind"], kind, "{text}");
        let parsed = FunctionConfig::parse(document);
        // A field that has to be filled in is left out, so that the config cannot be run without
        // it.
        let accepted = imported.is_complete || kind == "AdvertiseAddress";
        assert_eq!(parsed.is_ok(), accepted, "{parsed:?}\n{text}");
    }
    for note in &imported.notes {
        assert!(note.place.line > 0 && note.place.column > 0, "{note:?}");
    }
    let widest = text
        .lines()
        .filter(|line| line.contains("# "))
        .map(|line| line.chars().count());
    assert!(widest.max().unwrap_or(0) <= 200, "{text}");
    let kind = &documents[0]["spec"]["exposure"]["type"];
    kind.as_str().unwrap().to_owned()
}

fn shown(imported: &Imported) -> String {
    let mut shown = imported.text.clone();
    shown.push_str("\n=== says\n");
    for note in &imported.notes {
        let place = &note.place;
        shown.push_str(&format!("{}:{}: {note}\n", place.line, place.column));
    }
    if !imported.is_complete {
        shown.push_str("=== has to be filled in\n");
    }
    shown
}

#[test]
fn imported() {
    let mut types = BTreeSet::new();
    insta::glob!("fixtures/chart-values/*.yaml", |path| {
        let text = read(path);
        assert!(text.starts_with("# "), "{}", path.display());
        let imported = import(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        types.insert(check(&imported));
        insta::assert_snapshot!(shown(&imported));
    });
    let types: Vec<String> = types.into_iter().collect();
    assert_eq!(types, ["ClusterIP", "Ingress", "LoadBalancer", "NodePort"]);
}

/// The SessionServer works on what the chart renders with its own session server disabled.
#[test]
fn runs_on_the_chart() {
    let chart = read(Path::new("tests/fixtures/chart/chart-default.yaml"));
    insta::glob!("fixtures/chart-values/*.yaml", |path| {
        let imported = import(&read(path)).unwrap();
        if imported.is_complete {
            let session_server = imported.text.split("---\n").next().unwrap();
            let list = to_resource_list(&[("chart.yaml", &chart)], session_server).unwrap();
            let outcome = runner_terminal::run(list.text.as_bytes());
            let name = path.display();
            assert!(!outcome.failed(), "{name}: {}", outcome.report());
            assert!(
                outcome
                    .text()
                    .contains("name: gr-gitlab-runner-session-server\n")
            );
        }
    });
}

#[test]
fn refused() {
    insta::glob!("fixtures/chart-values/refused/*.yaml", |path| {
        let text = read(path);
        assert!(text.starts_with("# "), "{}", path.display());
        insta::assert_snapshot!(import(&text).unwrap_err().to_string());
    });
}

/// A damaged file is an error, or its import passes the checks.
fn import_or_refuse(text: &str) {
    match import(text) {
        Ok(imported) => {
            check(&imported);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn fixtures() -> Vec<String> {
    [
        "tests/fixtures/chart-values",
        "tests/fixtures/chart-values/refused",
    ]
    .iter()
    .flat_map(|folder| std::fs::read_dir(folder).unwrap())
    .map(|entry| entry.unwrap().path())
    .filter(|path| path.is_file())
    .map(|path| read(&path))
    .collect()
}

#[test]
fn a_truncated_file_is_handled() {
    for text in fixtures() {
        for (end, _) in text.char_indices() {
            import_or_refuse(&text[..end]);
        }
    }
}

#[test]
fn a_huge_file_is_handled() {
    let many: String = (0..200_000).map(|n| format!("key-{n}: value\n")).collect();
    import_or_refuse(&format!("{many}sessionServer: {{enabled: true}}\n"));

    let long = "x".repeat(1_000_000);
    let refused = import(&format!("sessionServer: {{publicIP: [\"{long}\"]}}\n")).unwrap_err();
    assert!(refused.to_string().len() < 300);
    let unknown = import(&format!("sessionServer: {{serviceType: \"{long}\"}}\n")).unwrap_err();
    assert!(unknown.to_string().len() < 300);

    let deep = format!(
        "sessionServer: {}{}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(import(&deep).is_err());
}

/// Values of any shape under the keys that are read.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u32..70_000).prop_map(Value::from),
        ".*".prop_map(Value::from),
        prop::sample::select(vec![
            "LoadBalancer",
            "NodePort",
            "ClusterIP",
            "Headless",
            "true",
            "8443",
            "192.0.2.7",
            "2001:db8::7",
            "terminal.example.com",
            "nginx",
            "haproxy",
            "traefik",
            "192.0.2.0/24",
            "Local",
            "",
            "-",
            "---",
            "# a",
            "a: b",
            "\u{feff}",
            "\u{85}",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_values() -> impl Strategy<Value = Value> {
    let keys = vec![
        "enabled",
        "annotations",
        "labels",
        "timeout",
        "internalPort",
        "externalPort",
        "nodePort",
        "publicIP",
        "loadBalancerSourceRanges",
        "serviceType",
        "externalTrafficPolicy",
        "internalTrafficPolicy",
        "other",
    ];
    let ingress = vec!["enabled", "className", "annotations", "tls", "other"];
    let some = |keys: Vec<&'static str>| {
        prop::collection::hash_map(prop::sample::select(keys), any_value(), 0..4).prop_map(
            |members| -> serde_json::Map<String, Value> {
                members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            },
        )
    };
    (some(keys), some(ingress), any_value(), any::<bool>()).prop_map(
        |(mut server, ingress, replicas, is_subchart)| {
            server.insert("ingress".to_owned(), Value::Object(ingress));
            let values = serde_json::json!({"replicas": replicas, "sessionServer": server});
            if is_subchart {
                serde_json::json!({"gitlab-runner": values})
            } else {
                values
            }
        },
    )
}

proptest! {
    #[test]
    fn any_text_is_handled(text in ".*") {
        import_or_refuse(&text);
    }

    /// JSON is YAML, too.
    #[test]
    fn any_values_are_handled(values in any_values()) {
        import_or_refuse(&values.to_string());
    }

    #[test]
    fn a_changed_byte_is_handled(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let fixtures = fixtures();
        let text = &fixtures[which.index(fixtures.len())];
        let mut chars: Vec<char> = text.chars().collect();
        let at = at.index(chars.len());
        chars[at] = with;
        import_or_refuse(&chars.into_iter().collect::<String>());
    }
}

/// With `configure.at: PodStart`, one document is enough for each file.
#[test]
fn the_pods_find_the_address() {
    let configure = Configure::PodStart {
        image: "registry.example.com/runner-terminal:0.2.0".to_owned(),
    };
    let mut tried = 0;
    insta::glob!("fixtures/chart-values/*.yaml", |path| {
        let text = read(path);
        let imported = import_configured(&text, &Selection::default(), &configure);
        let imported = imported.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let documents = documents(&imported);
        let [session_server] = documents.as_slice() else {
            panic!("{}", imported.text);
        };
        assert_eq!(
            session_server["spec"]["configure"],
            serde_json::json!({
                "at": "PodStart",
                "image": "registry.example.com/runner-terminal:0.2.0",
            })
        );
        let parsed = FunctionConfig::parse(session_server);
        assert_eq!(parsed.is_ok(), imported.is_complete, "{parsed:?}");
        tried += 1;
    });
    assert!(tried >= 5, "only {tried}");

    let on = import_configured(
        "sessionServer: {enabled: true}\n",
        &Selection::default(),
        &configure,
    );
    let [note] = on.unwrap().notes.try_into().unwrap();
    assert!(
        note.message
            .starts_with("set it to false in the chart's values"),
        "{note}"
    );
    let image = Configure::PodStart {
        image: "a b".to_owned(),
    };
    let refused = import_configured(
        "sessionServer: {enabled: true}\n",
        &Selection::default(),
        &image,
    );
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("spec.configure.image"), "{refused}");
}

/// A type that needs no Service has none of its fields, and says what is left out.
#[test]
fn pods_without_a_service_have_none_of_its_fields() {
    let configure = Configure::PodStart {
        image: "registry.example.com/runner-terminal:0.2.0".to_owned(),
    };
    let path = "tests/fixtures/chart-values/headless-with-service-fields.yaml";
    let imported =
        import_configured(&read(Path::new(path)), &Selection::default(), &configure).unwrap();
    let [session_server] = documents(&imported).try_into().unwrap();
    assert_eq!(
        session_server["spec"]["exposure"],
        serde_json::json!({"type": "PodIP"})
    );
    let left_out: Vec<&str> = imported
        .notes
        .iter()
        .filter(|note| note.message == "left out: it is for a Service, and PodIP needs none")
        .map(|note| note.place.path.as_str())
        .collect();
    assert_eq!(
        left_out,
        [
            "sessionServer.internalTrafficPolicy",
            "sessionServer.annotations",
            "sessionServer.labels"
        ]
    );
}
