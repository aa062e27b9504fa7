//! Input that is hostile by its shape or size. The fixtures under `refused/` and `not-a-list/`
//! hold the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use runner_terminal::fields::ConfigError;
use runner_terminal::function_config::FunctionConfig;
use serde_json::{Value, json};

const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n";
const TAIL: &str = "functionConfig: {apiVersion: runner-terminal.dev/v1alpha1, kind: SessionServer, metadata: {name: s}}\n";

fn report(input: impl AsRef<[u8]>) -> String {
    let outcome = runner_terminal::run(input.as_ref());
    assert!(outcome.failed());
    outcome.report()
}

#[test]
fn empty_input_says_what_is_wanted() {
    for input in ["", "\n", "   \n\n", "\u{feff}"] {
        assert!(
            report(input).contains("is empty: a KRM function reads a ResourceList"),
            "{input:?}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let mut input = HEAD.as_bytes().to_vec();
    input.push(0xff);
    assert!(report(&input).contains(&format!("not UTF-8 text: byte {}", HEAD.len())));
}

#[test]
fn a_byte_order_mark_is_kept() {
    let input =
        std::fs::read_to_string("tests/fixtures/session-server/address-known.yaml").unwrap();
    let plain = runner_terminal::run(input.as_bytes()).text();
    let marked = format!("\u{feff}{input}");
    let outcome = runner_terminal::run(marked.as_bytes());
    assert!(!outcome.failed(), "{}", outcome.report());
    assert_eq!(outcome.text(), format!("\u{feff}{plain}"));
}

#[test]
fn nesting_is_limited() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let flow = format!("{HEAD}- kind: Pod\n  image: gitlab-runner\n  deep: {deep}\n{TAIL}");
    let told = report(&flow);
    assert!(
        told.contains("nested deeper than") || told.contains("recursion limit"),
        "{told}"
    );
    let mut block = format!("{HEAD}- kind: Pod\n  image: gitlab-runner\n");
    for depth in 1..2_000 {
        block.push_str(&format!("{}k:\n", "  ".repeat(depth)));
    }
    block.push_str(TAIL);
    assert!(report(&block).contains("nested deeper than"));
}

/// serde would read a list into a struct by position: `spec: [false]` as `enabled: false`.
#[test]
fn a_list_is_no_mapping_of_a_function_config() {
    let mut replaced = 0;
    for file in std::fs::read_dir("tests/fixtures/session-server").unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let list = krm::resource_list::ResourceList::read(text.as_bytes()).unwrap();
        let config = list.function_config().unwrap();
        let mut pointers = Vec::new();
        mappings(config, String::new(), &mut pointers);
        for pointer in pointers
            .iter()
            .filter(|pointer| pointer.starts_with("/spec"))
        {
            let members = config.pointer(pointer).unwrap().as_object().unwrap();
            let members = members.values().cloned().collect();
            for value in [
                Value::Array(Vec::new()),
                Value::Array(members),
                json!([false]),
            ] {
                let mut config = config.clone();
                *config.pointer_mut(pointer).unwrap() = value;
                let parsed = FunctionConfig::parse(&config);
                assert!(parsed.is_err(), "{config} at {pointer}");
                replaced += 1;
            }
        }
    }
    assert!(replaced > 200, "{replaced}");

    let error = fault(json!([false]));
    assert_eq!(error.path, "spec");
    assert!(
        error.message.contains("a mapping with the fields"),
        "{}",
        error.message
    );
    let error = fault(json!({"readers": [["argocd", "repo-server"]]}));
    assert_eq!(error.path, "spec.readers[0]");
}

/// What is wrong with a SessionServer with this spec.
fn fault(spec: Value) -> ConfigError {
    let config = json!({"apiVersion": "runner-terminal.dev/v1alpha1", "kind": "SessionServer",
        "metadata": {"name": "s"}, "spec": spec});
    FunctionConfig::parse(&config).unwrap_err()
}

/// The JSON pointers of the mappings in a value.
fn mappings(value: &Value, pointer: String, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            let members = members.iter();
            found.push(pointer.clone());
            members
                .map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value))
                .collect()
        }
        Value::Array(items) => (0..)
            .zip(items)
            .map(|(index, item): (usize, _)| (index.to_string(), item))
            .collect(),
        _ => Vec::new(),
    };
    for (token, value) in members {
        mappings(value, format!("{pointer}/{token}"), found);
    }
}

/// The type of a value, and how it would be right.
#[test]
fn values_of_another_type_are_explained() {
    for (spec, path, message) in [
        (
            json!({"enabled": "no"}),
            "spec.enabled",
            "is \"no\", and must be true or false, without quotes",
        ),
        (
            json!({"enabled": 1}),
            "spec.enabled",
            "is 1, and must be true or false",
        ),
        (
            json!({"enabled": []}),
            "spec.enabled",
            "is a list, and must be true or false",
        ),
        (
            json!({"listenPort": "8093"}),
            "spec.listenPort",
            "\"8093\" is not a port: a port is a number from 1 to 65535, without quotes",
        ),
        (
            json!({"listenPort": 0}),
            "spec.listenPort",
            "0 is not a port: a port is a number from 1 to 65535",
        ),
    ] {
        let error = fault(spec);
        assert_eq!(
            (error.path.as_str(), error.message.as_str()),
            (path, message)
        );
    }
}

/// People name the files that manifests are made from.
#[test]
fn what_manifests_are_made_from_is_named() {
    let message = |item: &str| {
        let list = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig: {{apiVersion: \
             runner-terminal.dev/v1alpha1, kind: SessionServer, metadata: {{name: s}}}}\nitems:\n- \
             {item}\n"
        );
        runner_terminal::run(list.as_bytes()).report()
    };
    for (item, hint) in [
        (
            "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resources: [a.yaml]}",
            Some("; a kustomization is built first: `kustomize build DIR | "),
        ),
        (
            "{gitlabUrl: https://gitlab.example.com, runners: {privileged: true}}",
            Some(
                "; an item has no kind: if these are the values of a chart, render it first: `helm ",
            ),
        ),
        (
            "{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: a}}",
            None,
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
            None,
        ),
    ] {
        let report = message(item);
        assert!(
            report.contains("the only item is not a workload"),
            "{report}"
        );
        match hint {
            Some(hint) => assert!(report.contains(hint), "{report}"),
            None => assert!(!report.contains("; a"), "{report}"),
        }
    }
}

#[test]
fn an_item_that_does_not_matter_may_be_anything() {
    let fixture =
        std::fs::read_to_string("tests/fixtures/session-server/address-known.yaml").unwrap();
    let odd = "- kind: Odd\n  &a a: &b {x: *c}\n  a: 1\n  a: 2\n";
    let input = fixture.replace("items:\n", &format!("items:\n{odd}"));
    let outcome = runner_terminal::run(input.as_bytes());
    assert!(!outcome.failed(), "{}", outcome.report());
    assert!(outcome.text().contains(odd));
}

/// Cutting a list anywhere, or changing a byte of it, never panics, and never loses the user's
/// data: the output is empty or holds every item that does not change.
#[test]
fn truncated_and_damaged_lists_do_not_panic() {
    for name in [
        "odd-style",
        "address-known",
        "json",
        "existing-table-conflict",
    ] {
        let input = std::fs::read(format!("tests/fixtures/session-server/{name}.yaml")).unwrap();
        for cut in (0..input.len()).step_by(2) {
            let _ = runner_terminal::run(&input[..cut]).report();
        }
        for at in (0..input.len()).step_by(13) {
            for byte in *b"\n\t-:'\"{[&*|#\0\xff" {
                let mut damaged = input.clone();
                damaged[at] = byte;
                let _ = runner_terminal::run(&damaged).report();
            }
        }
    }
}
