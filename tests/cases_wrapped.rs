//! Resources inside Lists, OpenShift Templates and arrays, in files of YAML and of JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod lists;

use std::convert::Infallible;

use krm::documents::split;
use lists::{disabled, lists as random_lists, with_config, without_config};
use proptest::prelude::*;
use runner_terminal::documents::{Applied, Run, apply, function_configs};
use runner_terminal::run;
use serde_json::{Value, json};
use view::{Mask, locate};
use yaml_splice::Tree;

const CONFIG: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata: {name: session-server}
spec: {advertiseAddress: terminal.example.com}
";

/// A case, and where the Service has to stand in it: the number of the document, and the JSON pointer
/// there.
const SERVED: [(&str, usize, &str); 20] = [
    ("list.yaml", 0, "/items/2"),
    ("list-kind-last.yaml", 1, "/items/1"),
    ("flow-list.yaml", 0, "/items/2"),
    ("crlf-list.yaml", 0, "/items/2"),
    ("list-of-lists.yaml", 0, "/items/1/items/1"),
    ("typed-list.yaml", 2, ""),
    ("yaml-array.yaml", 0, "/2"),
    ("indented-array.yaml", 0, "/2"),
    ("template.yaml", 0, "/objects/2"),
    ("old-template.yaml", 0, "/objects/2"),
    ("kubectl.json", 0, "/items/2"),
    ("compact.json", 0, "/items/2"),
    ("array.json", 0, "/2"),
    ("compact-array.json", 0, "/2"),
    ("template.json", 0, "/objects/2"),
    ("several.json", 0, "/2"),
    ("secret-array.json", 0, "/1"),
    ("tabs.json", 0, "/items/2"),
    ("shared-anchors.yaml", 0, "/items/2"),
    ("template-anchors.yaml", 0, "/objects/2"),
];

fn case(name: &str) -> String {
    std::fs::read_to_string(format!("tests/cases/wrapped/{name}")).unwrap()
}

/// Runs the functions on a file, which may hold its functionConfig.
fn applied(name: &str, text: &str, given: &str) -> Applied {
    let files = [(name, text)];
    let given = [("config.yaml", given)];
    let has_own =
        text.contains("kind: SessionServer\r\n") || text.contains("\nkind: SessionServer\n");
    let given = if has_own { &[][..] } else { &given[..] };
    let configs = function_configs(&files, given).unwrap();
    apply(&files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&run(list.as_bytes())))
    })
    .unwrap()
}

fn edited(name: &str, text: &str, given: &str) -> String {
    let applied = applied(name, text, given);
    assert!(!applied.failed, "{name}: {}", applied.report);
    applied.texts[0].clone()
}

fn values(text: &str) -> Vec<Value> {
    let files = [("", text)];
    let documents = split(&files).unwrap();
    let value = |text: &str| Tree::parse(text).unwrap().to_value().unwrap();
    documents
        .iter()
        .map(|document| value(document.text(&files)))
        .collect()
}

fn switched_off(text: &str) -> String {
    text.replace(
        "spec: {advertiseAddress: ",
        "spec: {enabled: false, advertiseAddress: ",
    )
}

#[test]
fn members_are_served_where_they_stand() {
    for (name, document, pointer) in SERVED {
        let before = case(name);
        let after = edited(name, &before, CONFIG);
        let service = &values(&after)[document];
        let service = service.pointer(pointer);
        let kind = service.and_then(|service| service["kind"].as_str());
        assert_eq!(kind, Some("Service"), "{name}:\n{after}");
        assert!(after.contains("[session_server]"), "{name}:\n{after}");
        assert!(after.contains("runner-terminal.dev/added-port"), "{name}");
    }
}

#[test]
fn json_stays_json_over_as_many_lines() {
    for (name, ..) in SERVED.iter().filter(|(name, ..)| name.ends_with(".json")) {
        let before = case(name);
        let after = edited(name, &before, CONFIG);
        let read: Value = serde_json::from_str(&after).unwrap();
        assert_eq!([read], values(&after)[..], "{name}");
        let is_compact = before.trim_end().lines().count() == 1;
        assert_eq!(after.trim_end().lines().count() == 1, is_compact, "{name}");
    }
}

#[test]
fn a_second_run_changes_nothing() {
    for (name, ..) in SERVED {
        let once = edited(name, &case(name), CONFIG);
        assert_eq!(edited(name, &once, CONFIG), once, "{name}");
    }
}

#[test]
fn disabling_gives_each_byte_back() {
    for (name, ..) in SERVED {
        let before = case(name);
        let once = switched_off(&edited(name, &before, CONFIG));
        let after = edited(name, &once, &switched_off(CONFIG));
        let before = switched_off(&before);
        if name == "shared-anchors.yaml" {
            // What has to change for one member alone is written out.
            assert_eq!(values(&after), values(&before), "{name}");
        } else {
            assert_eq!(after, before, "{name}");
        }
    }
}

#[test]
fn placeholders_of_a_template_stay() {
    for name in ["template.yaml", "old-template.yaml"] {
        let after = edited(name, &case(name), CONFIG);
        assert!(after.contains("minReadySeconds: ${{READY}}\n"), "{after}");
        let service = &values(&after)[0]["objects"][2];
        let name = service["metadata"]["name"].as_str().unwrap();
        assert!(name.contains("${NAME}"), "{name}");
        assert_eq!(service["spec"]["selector"], json!({"app": "${NAME}"}));
    }
}

#[test]
fn what_is_no_wrapper_stays() {
    let before = case("not-resources.yaml");
    let after = edited("not-resources.yaml", &before, CONFIG);
    let user = &before[..before.find("kind: ConfigMap").unwrap()];
    assert!(after.starts_with(user), "{after}");
    assert!(after.contains("kind: Service\n"), "{after}");
}

#[test]
fn no_runner_is_said_of_all_members() {
    let cases = [
        ("no-runner.yaml", "none of the 2 items is a workload"),
        ("json-array.json", "the one item is no workload"),
    ];
    for (name, message) in cases {
        let applied = applied(name, &case(name), CONFIG);
        assert!(applied.failed, "{name}");
        assert!(applied.report.contains(message), "{}", applied.report);
    }
}

#[test]
fn a_result_has_the_line_of_the_member() {
    let text = case("scaled.yaml");
    let files = [("scaled.yaml", text.as_str())];
    let configs = function_configs(&files, &[]).unwrap();
    let list = krm::documents::to_resource_list(&files, &configs[0].text).unwrap();
    let outcome = run(list.text.as_bytes());
    assert!(outcome.failed());
    let results = outcome.results().iter().map(|result| (&configs[0], result));
    let places: Vec<_> = locate(&files, results).into_iter().flatten().collect();
    let line = text.lines().position(|line| line.contains("replicas: 3"));
    assert_eq!(places[0].line, line.unwrap() + 1, "{}", outcome.report());
}

#[test]
fn a_function_config_in_a_list_is_named() {
    let name = "config-in-the-list.yaml";
    let text = case(name);
    let files = [(name, text.as_str())];
    let configs = function_configs(&files, &[]).unwrap();
    assert_eq!(configs[0].place(), "");
    let applied = apply(&files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&run(list.as_bytes())))
    })
    .unwrap();
    assert!(!applied.failed, "{}", applied.report);
    let said = "warning: SessionServer session-server: this functionConfig is not used";
    assert!(applied.report.contains(said), "{}", applied.report);
    assert!(applied.texts[0].contains("kind: Service\n"));
}

#[test]
fn secrets_of_members_are_masked() {
    let secret = json!({"kind": "Secret", "stringData": {"a": "canary"}, "data": {"b": "canary"}});
    let unnamed = json!({"data": {"b": "canary"}});
    for text in [
        case("secret-array.json"),
        json!([secret]).to_string(),
        json!({"kind": "List", "items": [secret]}).to_string(),
        json!({"kind": "Template", "objects": [secret]}).to_string(),
        json!([{"kind": "SecretList", "items": [unnamed]}]).to_string(),
        serde_json::to_string_pretty(&json!([[secret]])).unwrap(),
    ] {
        assert!(text.contains("canary"));
        let masked = Mask::default().text(&text).into_owned();
        assert!(!masked.contains("canary"), "{masked}");
    }
}

/// Both a Service that the API server lists without kinds and one in a List are observed.
#[test]
fn live_services_in_lists_are_observed() {
    let list = |services: Value| {
        let runner = values(&case("compact.json")).remove(0);
        let config = json!({"apiVersion": "runner-terminal.dev/v1alpha1", "kind": "AdvertiseAddress",
            "metadata": {"name": "a"}, "spec": {"source": "Items"}});
        let list = json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList",
            "items": [runner, services], "functionConfig": config});
        run(list.to_string().as_bytes()).into_owned()
    };
    let service = |kind: Value| {
        let mut service = json!({
            "metadata": {"name": "runner-session-server", "namespace": "ci",
                "annotations": {"runner-terminal.dev/owned-by": "SessionServer"}},
            "spec": {"type": "LoadBalancer", "selector": {"app": "runner"},
                "ports": [{"name": "session-server", "port": 9000, "targetPort": 8093}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}});
        service
            .as_object_mut()
            .unwrap()
            .extend(kind.as_object().unwrap().clone());
        service
    };
    let named = service(json!({"apiVersion": "v1", "kind": "Service"}));
    let unnamed = service(json!({}));
    for services in [
        json!({"apiVersion": "v1", "kind": "List", "items": [named]}),
        json!({"apiVersion": "v1", "kind": "ServiceList", "items": [named]}),
        json!({"apiVersion": "v1", "kind": "ServiceList", "items": [unnamed]}),
    ] {
        let outcome = list(services);
        assert!(
            outcome.text().contains("192.0.2.7:9000"),
            "{}",
            outcome.report()
        );
    }
}

const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n";

/// What a list begins with whose items are all in one wrapper, their lines, and the JSON pointer of
/// the wrapper's array.
fn wrapped(items: &[String], way: usize) -> (String, String, &'static str) {
    let (wrapper, pointer) = match way {
        0 => ("- apiVersion: v1\n  kind: List\n  items:\n", "/items"),
        1 => (
            "- kind: Template\n  apiVersion: template.openshift.io/v1\n  objects:\n",
            "/objects",
        ),
        _ => ("-\n", ""),
    };
    let lines = items.iter().flat_map(|item| item.split_inclusive('\n'));
    let lines = lines.map(|line| match line {
        "\n" => line.to_owned(),
        _ => format!("  {line}"),
    });
    (format!("{HEAD}{wrapper}"), lines.collect(), pointer)
}

fn items_of(output: &str) -> Value {
    let tree = Tree::parse(output).unwrap();
    tree.to_value().unwrap()["items"].take()
}

/// The lines behind `head`, up to the functionConfig, without their indentation.
fn lines_of(output: &str, head: &str, indent: usize) -> String {
    let lines = output.strip_prefix(head).unwrap().split_inclusive('\n');
    lines
        .take_while(|line| !line.starts_with("functionConfig"))
        .map(|line| if line == "\n" { line } else { &line[indent..] })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A wrapped list comes out as it does unwrapped, to the byte, and goes back as it was.
    #[test]
    fn wrapping_makes_no_difference(list in random_lists(), config in lists::configs(), way in 0..3_usize) {
        let plain = format!("{HEAD}{}functionConfig: {config}\n", list.items.concat());
        let (head, members, pointer) = wrapped(&list.items, way);
        let wrapped = format!("{head}{members}functionConfig: {config}\n");
        let (of_plain, of_wrapped) = (run(plain.as_bytes()), run(wrapped.as_bytes()));
        prop_assert_eq!(of_plain.report(), of_wrapped.report(), "{}", wrapped);
        let (plain, once) = (of_plain.text(), of_wrapped.text());
        let expected = items_of(&plain);
        let mut found = items_of(&once)[0].take();
        let found = found.pointer_mut(pointer).unwrap().take();
        prop_assert_eq!(&expected, &found, "{}", once);
        prop_assert_eq!(lines_of(&plain, HEAD, 0), lines_of(&once, &head, 2), "{}", once);

        if !of_wrapped.failed() {
            let off = run(with_config(&once, &disabled(&config)).as_bytes()).into_owned();
            prop_assert!(!off.failed(), "{}", off.report());
            prop_assert_eq!(without_config(&off.text()), without_config(&wrapped));
        }
    }

    /// So it does as JSON, in one line and in several.
    #[test]
    fn json_makes_no_difference(list in random_lists(), config in lists::configs(), pretty: bool, array: bool) {
        let plain = format!("{HEAD}{}", list.items.concat());
        let values = items_of(&plain);
        let wrapper = if array { values.clone() } else { json!({"kind": "List", "items": values.clone()}) };
        let json = if pretty { serde_json::to_string_pretty(&wrapper) } else { serde_json::to_string(&wrapper) }.unwrap();
        let written = |config: &Value| serde_json::to_string(config).unwrap();
        let apart: Vec<String> = values.as_array().unwrap().iter().map(Value::to_string).collect();
        let given = written(&config);
        let apart = edited_or_refused(&apart.join("\n---\n"), &given)?;
        let together = edited_or_refused(&json, &given)?;
        prop_assert_eq!(apart.is_some(), together.is_some());
        if let (Some(apart), Some(together)) = (apart, together) {
            let read: Value = serde_json::from_str(&together).unwrap();
            let members = if array { &read } else { &read["items"] };
            let apart: Vec<Value> = self::values(&apart);
            prop_assert_eq!(members.as_array().unwrap(), &apart);
            let off = edited_or_refused(&together, &written(&disabled(&config)))?;
            prop_assert_eq!(off.unwrap(), json);
        }
    }
}

fn edited_or_refused(text: &str, config: &str) -> Result<Option<String>, TestCaseError> {
    let files = [("file.json", text)];
    let configs = function_configs(&files, &[("config.yaml", config)]).unwrap();
    let applied = apply(&files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&run(list.as_bytes())))
    })
    .unwrap();
    if applied.failed {
        prop_assert_eq!(&applied.texts[0], text);
        return Ok(None);
    }
    Ok(Some(applied.texts[0].clone()))
}
