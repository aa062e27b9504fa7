//! Readers of YAML agree on what we read: libyaml, Go's readers, which Kubernetes' tools are built on, and
//! the npm package `yaml`, which shares no code with them and knows YAML 1.2.
//!
//! The texts are those of the fixtures, of the YAML test suite and of the fuzzers, and random changes of
//! them, the same each time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use conformance::lines::{Random, change};
use conformance::{Reading, go_yaml, libyaml_agrees, nodes, suites, yaml_package};
use json_patch::PatchOperation;
use serde_json::Value;
use yaml_splice::Tree;

/// How many texts are made of others.
const CHANGED: usize = 12_000;

/// Texts from files that hold YAML, or an input of a fuzzer: a text, a zero byte, and more.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts: Vec<String> = suites().yaml.into_iter().map(|case| case.yaml).collect();
    for folder in ["tests/fixtures/yaml", "tests/fixtures/chart"] {
        let mut paths: Vec<_> = fs::read_dir(root.join(folder))
            .unwrap_or_else(|error| panic!("{folder}: {error}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            let bytes = fs::read(path).unwrap();
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            let text = String::from_utf8_lossy(text);
            texts.extend(text.split("---\n").map(str::to_owned));
        }
    }
    texts.retain(|text| !text.is_empty() && text.len() < 4000);
    texts.iter_mut().for_each(end_line);
    texts
}

fn changed(texts: &[String], seed: u32) -> String {
    let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9));
    // The first numbers of seeds that are near each other are, too.
    for _ in 0..8 {
        random.below(2);
    }
    let text = &texts[random.below(texts.len())];
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for _ in 0..=random.below(3) {
        change(&mut lines, &mut random);
    }
    let mut text = lines.concat();
    end_line(&mut text);
    text
}

/// Ends the last line. Without an end, a literal there has none to go-yaml (docs/yaml.md).
fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

/// A text that we read, and what we find in it.
struct Case {
    text: String,
    nodes: Value,
    value: Value,
}

impl Case {
    fn read(text: String) -> Option<Self> {
        let tree = Tree::parse(&text).ok()?;
        let (nodes, value) = (nodes(&tree)?, tree.to_value().ok()?);
        Some(Self { nodes, value, text })
    }
}

/// Which readers take a text, in the order of [`READERS`], and those that find something else in it.
fn judged(case: &Case, go: &Reading, package: &Reading) -> ([bool; 4], Vec<&'static str>) {
    let by_nodes = |nodes: &Option<Value>| nodes.as_ref().map(|nodes| *nodes == case.nodes);
    let answers = [
        libyaml_agrees(&case.text, &case.nodes),
        by_nodes(&go.nodes),
        go.value.as_ref().map(|value| is_same(&case.value, value)),
        by_nodes(&package.nodes).filter(|_| !misleads_the_package(&case.text)),
    ];
    let differs = answers.iter().zip(READERS);
    let differs = differs.filter(|(answer, _)| **answer == Some(false));
    (
        answers.map(|answer| answer.is_some()),
        differs.map(|(_, name)| name).collect(),
    )
}

const READERS: [&str; 4] = [
    "libyaml",
    "go.yaml.in/yaml/v3",
    "sigs.k8s.io/yaml",
    "the package yaml",
];

/// Whether Go's value is ours. `yes` and `on` are strings to us (docs/yaml.md), and sigs.k8s.io/yaml writes
/// keys that are numbers or booleans anew.
fn is_same(ours: &Value, go: &Value) -> bool {
    match (ours, go) {
        (Value::String(text), Value::Bool(_)) => is_word_of_1_1(text),
        (Value::Number(ours), Value::Number(go)) => ours.as_f64() == go.as_f64(),
        (Value::Array(ours), Value::Array(go)) => {
            ours.len() == go.len() && ours.iter().zip(go).all(|(ours, go)| is_same(ours, go))
        }
        (Value::Object(ours), Value::Object(go)) => {
            let is_plain = |key: &String| {
                !is_word_of_1_1(key)
                    && !key.starts_with(|c: char| c.is_ascii_digit() || "+-.tTfF".contains(c))
            };
            let has = |(key, ours)| go.get(key).map(|go| is_same(ours, go));
            ours.len() == go.len()
                && ours
                    .iter()
                    .all(|(key, ours)| has((key, ours)).unwrap_or(!is_plain(key)))
        }
        _ => ours == go,
    }
}

fn is_word_of_1_1(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether the package `yaml` reads a text otherwise than the specification says, as its other readers do:
/// it knows no line break that is a carriage return alone, drops blank lines at the end of a folded scalar
/// and behind an escaped line break, and takes an empty key for the value of the empty one above it.
fn misleads_the_package(text: &str) -> bool {
    let is_blank = |line: &str| line.starts_with(' ') && line.trim().is_empty();
    let mut lines = text.lines().zip(text.lines().skip(1));
    text.replace("\r\n", "").contains('\r')
        || text.contains('>') && text.lines().any(is_blank)
        || lines.any(|(line, next)| {
            line.trim() == ":" && next.trim().starts_with(':')
                || line.ends_with('\\') && next.trim().is_empty()
        })
}

/// What all readers but ours make of texts.
fn read_by_others(cases: &[Case]) -> (Vec<Reading>, Vec<Reading>) {
    let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();
    std::thread::scope(|scope| {
        let go = scope.spawn(|| go_yaml(&texts));
        let package = yaml_package(&texts);
        (go.join().unwrap(), package)
    })
}

/// A patch of one operation, and the text that it gives.
fn edited(case: &Case, number: usize) -> Option<(PatchOperation, Case)> {
    let edits = conformance::edits(&case.value, &[]);
    let edit = edits.get(number.wrapping_mul(7919) % edits.len().max(1))?;
    let mut text = yaml_splice::apply(&case.text, std::slice::from_ref(&edit.operation)).ok()?;
    end_line(&mut text);
    let case = Case::read(text)?;
    Some((edit.operation.clone(), case))
}

#[test]
fn readers_agree_on_what_we_read_and_write() {
    let texts = texts();
    let changed = (0..CHANGED).map(|seed| changed(&texts, seed as u32));
    let all = texts.iter().cloned().chain(changed);
    let cases: Vec<Case> = all.filter_map(Case::read).collect();
    let (go, package) = read_by_others(&cases);
    let mut taken = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut edits = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let (takes, differ) = judged(case, &go[number], &package[number]);
        for (name, _) in READERS.iter().zip(takes).filter(|(_, takes)| *takes) {
            *taken.entry(*name).or_insert(0) += 1;
        }
        if !differ.is_empty() {
            wrong.push(format!(
                "{differ:?} read something else:\n{:?}\n{}",
                case.text, case.nodes
            ));
            continue;
        }
        if number % 3 == 0
            && let Some((operation, output)) = edited(case, number)
        {
            edits.push((number, operation, output, takes));
        }
    }
    let outputs: Vec<Case>;
    let (go, package);
    let edits: Vec<_> = {
        let (rest, cases): (Vec<_>, Vec<_>) = edits
            .into_iter()
            .map(|(number, operation, output, takes)| ((number, operation, takes), output))
            .unzip();
        outputs = cases;
        (go, package) = read_by_others(&outputs);
        rest
    };
    for (at, (number, operation, took)) in edits.iter().enumerate() {
        let (takes, differ) = judged(&outputs[at], &go[at], &package[at]);
        let refuse = took.iter().zip(takes).zip(READERS);
        let refuse: Vec<_> = refuse
            .filter(|((took, takes), _)| **took && !takes)
            .map(|(_, name)| name)
            .collect();
        if !differ.is_empty() || !refuse.is_empty() {
            wrong.push(format!(
                "{operation}: {differ:?} read something else, {refuse:?} refuse:\n{:?}\n{:?}",
                cases[*number].text, outputs[at].text
            ));
        }
    }
    println!(
        "{} texts, {taken:?}, {} edits, {} wrong",
        cases.len(),
        edits.len(),
        wrong.len()
    );
    wrong.sort_by_key(String::len);
    wrong.truncate(std::env::var("SHOW").map_or(20, |n| n.parse().unwrap()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(cases.len() > 3000 && edits.len() > 500);
    assert_eq!(taken.len(), READERS.len());
}
