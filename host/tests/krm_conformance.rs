//! The KRM Functions Specification, version v1, requirement by requirement, of the whole process.
//!
//! `docs/krm-conformance.md` is the table of them.
//!
//! Source: `cmd/config/docs/api-conventions/functions-spec.md` of kubernetes-sigs/kustomize.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use krm::documents::items;
use krm::resource_list::ResourceList;
use program::{Ended, command, run};
use serde_json::Value;
use yaml_splice::Tree;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The folders of `tests/fixtures` with ResourceLists, and whether the function accepts them.
const LISTS: [(&str, bool); 4] = [
    ("session-server", true),
    ("advertise-address", true),
    ("refused", false),
    ("refused-address", false),
];

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(ROOT).join("tests/fixtures").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

fn parse(text: &str) -> Value {
    Tree::parse(text).unwrap().to_value().unwrap()
}

/// The results in the list that came out.
fn results(ended: &Ended) -> Vec<Value> {
    let list = ResourceList::read(&ended.stdout).unwrap();
    list.results().unwrap_or_default()
}

/// A runner without an address: one result, a warning.
fn pending() -> String {
    let path = Path::new(ROOT).join("tests/fixtures/session-server/readers-of-the-chart.yaml");
    fs::read_to_string(path).unwrap()
}

fn replicas_3() -> Vec<u8> {
    fs::read(Path::new(ROOT).join("tests/fixtures/refused/replicas.yaml")).unwrap()
}

/// Input on standard input, and on standard output a ResourceList of the specification's schema.
#[test]
fn a_resource_list_comes_out() {
    for (folder, _) in LISTS {
        for path in files(folder) {
            let name = path.display();
            let input = fs::read(&path).unwrap();
            let ended = run(command(&[]).env("KUBECONFIG", "/nowhere"), &input);
            results(&ended).iter().for_each(is_a_result);
            // The output can be parsed wherever the input could.
            let input = Tree::parse(std::str::from_utf8(&input).unwrap());
            if let Ok(input) = input.and_then(|tree| tree.to_value()) {
                let output = parse(ended.text());
                assert_eq!(output["apiVersion"], input["apiVersion"], "{name}");
                assert!(output["items"].is_array(), "{name}");
            }
        }
    }
}

/// `Result` of the schema.
fn is_a_result(result: &Value) {
    let known = [
        "message",
        "severity",
        "resourceRef",
        "field",
        "file",
        "tags",
    ];
    for (field, _) in result.as_object().unwrap() {
        assert!(known.contains(&field.as_str()), "{result}");
    }
    assert!(
        result["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    let severities = ["error", "warning", "info"].map(Value::from);
    assert!(severities.contains(&result["severity"]), "{result}");
    if let Some(reference) = result.get("resourceRef") {
        for field in ["apiVersion", "kind", "name"] {
            assert!(reference[field].is_string(), "{result}");
        }
    }
    if let Some(field) = result.get("field") {
        assert!(field["path"].is_string(), "{result}");
        assert!(result.get("resourceRef").is_some(), "{result}");
    }
    if let Some(file) = result.get("file") {
        let path = file["path"].as_str().unwrap();
        assert!(!path.starts_with('/') && !path.contains('\\'), "{result}");
        assert!(file.get("index").is_none_or(Value::is_u64), "{result}");
    }
    for (_, tag) in result
        .get("tags")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        assert!(tag.is_string(), "{result}");
    }
}

#[test]
fn both_versions_are_taken() {
    let list = pending();
    let old = list.replacen(
        "config.kubernetes.io/v1\n",
        "config.kubernetes.io/v1beta1\n",
        1,
    );
    assert_ne!(list, old);
    let [new, old] = [list, old].map(|list| run(&mut command(&[]), list.as_bytes()));
    assert_eq!((new.code, old.code), (0, 0));
    assert_eq!(
        old.text().replacen(
            "config.kubernetes.io/v1beta1\n",
            "config.kubernetes.io/v1\n",
            1
        ),
        new.text()
    );
}

/// YAML, and JSON as a subset of it: both give the same list, each in its own format.
#[test]
fn json_is_taken_too() {
    let list = pending();
    let yaml = run(&mut command(&[]), list.as_bytes());
    let json = run(&mut command(&[]), parse(&list).to_string().as_bytes());
    assert_eq!((yaml.code, json.code), (0, 0));
    let output: Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!(output, parse(yaml.text()));
}

#[test]
fn it_is_utf8() {
    let list = pending().replacen("name: runner", "name: runner # ünïcödé 😀", 1);
    let ended = run(&mut command(&[]), list.as_bytes());
    assert!(ended.text().contains("# ünïcödé 😀"));
    let latin1 = b"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: [] # \xfc\n";
    let ended = run(&mut command(&[]), latin1);
    assert_eq!((ended.code, ended.text()), (1, ""));
    assert!(ended.stderr.contains("not UTF-8"), "{}", ended.stderr);
}

/// A result is structured and in the list. Only a stream that is not a list is reported on standard
/// error alone, because standard output is reserved for lists.
#[test]
fn standard_output_holds_a_list_or_nothing() {
    for path in files("not-a-list") {
        let ended = run(&mut command(&[]), &fs::read(&path).unwrap());
        assert_eq!((ended.code, ended.text()), (1, ""), "{}", path.display());
        assert!(
            ended.stderr.starts_with("runner-terminal: "),
            "{}",
            ended.stderr
        );
    }
    let ended = run(&mut command(&[]), &replicas_3());
    let results = &parse(ended.text())["results"];
    let message = results[0]["message"].as_str().unwrap();
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}

#[test]
fn the_exit_code_tells_success_from_failure() {
    for (folder, is_taken) in LISTS {
        for path in files(folder) {
            let input = fs::read(&path).unwrap();
            let ended = run(command(&[]).env("KUBECONFIG", "/nowhere"), &input);
            // What has to be read from a cluster cannot be read here.
            if String::from_utf8_lossy(&input).contains("source: Cluster") {
                continue;
            }
            let results = results(&ended);
            let failed = results.iter().any(|result| result["severity"] == "error");
            assert_eq!(ended.code, i32::from(failed), "{}", path.display());
            if !is_taken {
                assert!(failed, "{}", path.display());
            }
        }
    }
}

/// A function that fails leaves no partial changes.
#[test]
fn after_an_error_the_items_are_those_of_the_input() {
    for folder in ["refused", "refused-address"] {
        for path in files(folder) {
            let input = fs::read_to_string(&path).unwrap();
            let ended = run(command(&[]).env("KUBECONFIG", "/nowhere"), input.as_bytes());
            let (Ok(mut before), Ok(after)) = (items(&input), items(ended.text())) else {
                continue;
            };
            // What a host has added for one run is removed all the same.
            before.retain(|item| !item.text().contains("runner-terminal.dev/observed: "));
            assert_eq!(before, after, "{}", path.display());
        }
    }
}

#[test]
fn comments_stay() {
    for path in files("session-server") {
        let input = fs::read_to_string(&path).unwrap();
        let output = run(command(&[]).env("KUBECONFIG", "/nowhere"), input.as_bytes());
        // If an item is removed, its comments go with it.
        let count = |list: &[u8]| ResourceList::read(list).unwrap().len();
        if count(input.as_bytes()) > count(&output.stdout) {
            continue;
        }
        for line in input
            .lines()
            .filter(|line| line.trim_start().starts_with("# "))
        {
            assert!(output.text().contains(line), "{}: {line}", path.display());
        }
    }
}

/// The annotations that an orchestrator adds to an item for itself are unchanged in the output,
/// even those with names that are not known yet.
#[test]
fn internal_annotations_stay_as_they_are() {
    let marks = [
        ("internal.config.kubernetes.io/path", "apps/file.yaml"),
        ("internal.config.kubernetes.io/index", "7"),
        ("internal.config.kubernetes.io/id", "31"),
        ("internal.config.kubernetes.io/of-tomorrow", "x"),
    ];
    for path in files("session-server") {
        let mut list = parse(&fs::read_to_string(&path).unwrap());
        // A host does not annotate what is inside an array or a List.
        let wraps = |item: &Value| item.is_array() || item["metadata"]["name"].is_null();
        if list["items"].as_array().unwrap().iter().any(wraps) {
            continue;
        }
        for item in list["items"].as_array_mut().unwrap() {
            let annotations = &mut item["metadata"]["annotations"];
            for (name, value) in marks {
                annotations[name] = value.into();
            }
        }
        let ended = run(
            command(&[]).env("KUBECONFIG", "/nowhere"),
            yaml_splice::document(&list).as_bytes(),
        );
        assert_eq!(ended.code, 0, "{}: {}", path.display(), ended.stderr);
        let names: Vec<_> = list["items"].as_array().unwrap().iter().map(name).collect();
        let output = parse(ended.text());
        for item in output["items"].as_array().unwrap() {
            let found: BTreeMap<_, _> = item["metadata"]["annotations"]
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, _)| marks.iter().any(|(mark, _)| mark == name))
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
                .collect();
            // A new item is in no file yet, and says where it should be. The first shard is the
            // workload itself, under another name.
            let is_new = !names.contains(&name(item)) && !found.contains_key(marks[2].0);
            if is_new {
                let beside = found.get("internal.config.kubernetes.io/path");
                assert!(
                    beside.is_none_or(|path| path.starts_with("apps/") && *path != marks[0].1),
                    "{}: {found:?}",
                    path.display()
                );
            } else {
                assert_eq!(found, BTreeMap::from(marks), "{}", path.display());
            }
        }
    }
}

fn name(item: &Value) -> [String; 4] {
    [
        "/apiVersion",
        "/kind",
        "/metadata/name",
        "/metadata/namespace",
    ]
    .map(|pointer| {
        let text = item.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    })
}

/// Every row of the table names tests that exist.
#[test]
fn the_table_names_its_tests() {
    let table = fs::read_to_string(format!("{ROOT}/docs/krm-conformance.md")).unwrap();
    let rows: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("| MUST") || line.starts_with("| SHOULD"))
        .collect();
    assert!(rows.len() >= 15, "{rows:?}");
    for row in rows {
        let tests = row.rsplit('|').nth(1).unwrap();
        let mut count = 0;
        for test in tests.split('`').skip(1).step_by(2) {
            let (file, function) = test.split_once("::").unwrap();
            let text = fs::read_to_string(format!("{ROOT}/{file}")).unwrap();
            assert!(text.contains(&format!("fn {function}()")), "{test}");
            count += 1;
        }
        assert!(count > 0, "{row}");
    }
}
