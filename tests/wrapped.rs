//! Resources in Lists, Templates and arrays, in random lists: the output is the same as without the
//! wrapper. The cases are in `tests/cases/wrapped`.

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
use runner_terminal::documents::{Run, apply, function_configs};
use runner_terminal::run;
use serde_json::{Value, json};
use view::Mask;
use yaml_splice::Tree;

fn values(text: &str) -> Vec<Value> {
    let files = [("", text)];
    let documents = split(&files).unwrap();
    let value = |text: &str| Tree::parse(text).unwrap().to_value().unwrap();
    documents
        .iter()
        .map(|document| value(document.text(&files)))
        .collect()
}

#[test]
fn secrets_of_members_are_masked() {
    let secret = json!({"kind": "Secret", "stringData": {"a": "canary"}, "data": {"b": "canary"}});
    let unnamed = json!({"data": {"b": "canary"}});
    for text in [
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

const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n";

/// The beginning of a list whose items are all in one wrapper, the lines of the items, and the JSON
/// pointer of the wrapper's array.
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

/// The lines after `head`, up to the functionConfig, without their indentation.
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

    /// A wrapped list gives the same bytes as an unwrapped one, and is restored when disabled.
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

    /// The same as JSON, on one line and on several.
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
