//! Readers of YAML agree on what we read: libyaml, Go's readers, which Kubernetes' tools are built on, and
//! the npm package `yaml`, which shares no code with them and knows YAML 1.2.
//!
//! The texts are those of the fixtures, of the YAML test suite and of the fuzzers, and random changes of
//! them: the same each time if `PROPTEST_RNG_SEED` is set, as for the other random tests.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use conformance::lines::{Random, change};
use conformance::{
    Reading, go_yaml, has_breaks_of_1_1, libyaml_agrees, nodes, suites, yaml_package,
};
use json_patch::PatchOperation;
use serde_json::Value;
use yaml_splice::Tree;

/// How many texts are made by changing others.
const CHANGED: u32 = 12_000;

/// One in this many texts is also edited.
const EDITED: usize = 3;

/// How many differences are shown, the shortest first.
const MOST_SHOWN: usize = 60;

/// Texts from files that hold YAML, or an input of a fuzzer: a text, a zero byte, and more.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts: Vec<String> = suites().yaml.into_iter().map(|case| case.yaml).collect();
    let folders = [
        "tests/fixtures/yaml",
        "tests/fixtures/chart",
        "fuzz/corpus/splice",
        "fuzz/corpus/documents",
    ];
    for folder in folders {
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

/// The seed of the random changes.
fn seed() -> u32 {
    match std::env::var("PROPTEST_RNG_SEED") {
        Ok(seed) => seed.parse().expect("a seed is a number"),
        Err(_) => RandomState::new().build_hasher().finish() as u32,
    }
}

/// A new text, made by changing one of these.
fn changed(texts: &[String], seed: u32) -> String {
    let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9));
    // Seeds that are close to each other give similar first numbers.
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

/// Ends the last line with a line break. Without one, go-yaml reads a literal there without it, too
/// (docs/yaml.md).
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

/// The readers' judgement of a text.
struct Judgement {
    /// Which of them accept it, in the order of [`READERS`].
    take: [bool; 4],
    /// Those that read it differently from us.
    differ: Vec<&'static str>,
}

/// Reads the texts with all readers except ours.
fn judge(cases: &[Case]) -> Vec<Judgement> {
    let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();
    let (go, package) = std::thread::scope(|scope| {
        let go = scope.spawn(|| go_yaml(&texts));
        let package = yaml_package(&texts);
        (go.join().unwrap(), package)
    });
    let readings = go.iter().zip(&package);
    let judged = cases.iter().zip(readings);
    judged
        .map(|(case, (go, package))| judgement(case, go, package))
        .collect()
}

fn judgement(case: &Case, go: &Reading, package: &Reading) -> Judgement {
    let by_nodes = |nodes: &Option<Value>| nodes.as_ref().map(|nodes| *nodes == case.nodes);
    let is_misled = misleads_the_package(&case.text);
    let answers = [
        libyaml_agrees(&case.text, &case.nodes),
        by_nodes(&go.nodes),
        go.value.as_ref().map(|value| is_same(&case.value, value)),
        by_nodes(&package.nodes).map(|answer| answer || is_misled),
    ];
    let differ = answers.iter().zip(READERS);
    let differ = differ.filter(|(answer, _)| **answer == Some(false));
    Judgement {
        take: answers.map(|answer| answer.is_some()),
        differ: differ.map(|(_, name)| name).collect(),
    }
}

const READERS: [&str; 4] = [
    "libyaml",
    "go.yaml.in/yaml/v3",
    "sigs.k8s.io/yaml",
    "the package yaml",
];

/// Whether Go's value equals ours. We read `yes` and `on` as strings (docs/yaml.md), and
/// sigs.k8s.io/yaml reformats keys that are numbers or booleans.
fn is_same(ours: &Value, go: &Value) -> bool {
    match (ours, go) {
        (Value::String(text), Value::Bool(_)) => is_word_of_1_1(text),
        // serde_json may read the last digit of a number differently from Go.
        (Value::Number(ours), Value::Number(go)) => match (ours.as_f64(), go.as_f64()) {
            (Some(ours), Some(go)) => (ours - go).abs() <= ours.abs() * 1e-15,
            _ => false,
        },
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

/// Whether the package `yaml`, unlike the other readers, deviates from the specification for a
/// text: it does not treat a lone carriage return as a line break, drops blank lines at the end of
/// a folded scalar and after an escaped line break, and reads an empty key as the value of the
/// empty key above it.
fn misleads_the_package(text: &str) -> bool {
    let is_blank = |line: &str| line.starts_with(' ') && line.trim().is_empty();
    let mut lines = text.lines().zip(text.lines().skip(1));
    text.replace("\r\n", "").contains('\r')
        || text.contains('>') && text.lines().any(is_blank)
        || lines.any(|(line, next)| {
            line.trim().starts_with(':') && next.trim().starts_with(':')
                || line.ends_with('\\') && next.trim().is_empty()
        })
}

/// An edit of a text, and the text that it gives; `None` if it is refused.
fn edited(case: &Case, number: usize) -> Option<(PatchOperation, Case)> {
    let edits = conformance::edits(&case.value, &[]);
    let edit = edits.get(number.wrapping_mul(7919) % edits.len().max(1))?;
    let mut text = yaml_splice::apply(&case.text, std::slice::from_ref(&edit.operation)).ok()?;
    end_line(&mut text);
    assert!(Tree::parse(&text).is_ok(), "{text:?} of {:?}", case.text);
    Some((edit.operation.clone(), Case::read(text)?))
}

/// The problems with the texts; and the results of editing some of those without any, each with the
/// number of the text and the edit.
fn read_and_edit(
    cases: &[Case],
    judgements: &[Judgement],
    wrong: &mut Vec<String>,
) -> (Vec<(usize, PatchOperation)>, Vec<Case>) {
    let mut edits = Vec::new();
    for (number, (case, Judgement { differ, .. })) in cases.iter().zip(judgements).enumerate() {
        let Case { text, nodes, .. } = case;
        if !differ.is_empty() {
            wrong.push(format!(
                "{differ:?} find something else in {text:?} than\n{nodes}"
            ));
        } else if number % EDITED == 0 {
            edits.extend(edited(case, number).map(|(edit, output)| ((number, edit), output)));
        }
    }
    edits.into_iter().unzip()
}

#[test]
fn readers_agree_on_what_we_read_and_write() {
    let (texts, seed) = (texts(), seed());
    let changed = (0..CHANGED).map(|number| changed(&texts, seed.wrapping_add(number)));
    let all = texts.iter().cloned().chain(changed);
    let all = all.filter(|text| !has_breaks_of_1_1(text));
    let cases: Vec<Case> = all.filter_map(Case::read).collect();
    let judgements = judge(&cases);
    let mut wrong = Vec::new();
    let (edits, outputs) = read_and_edit(&cases, &judgements, &mut wrong);
    for (((number, edit), output), judged) in edits.iter().zip(&outputs).zip(judge(&outputs)) {
        let took = judgements[*number].take.iter();
        let refuse = took.zip(judged.take).zip(READERS);
        let refuse = refuse.filter(|((took, takes), _)| **took && !takes);
        let refuse: Vec<_> = refuse.map(|(_, name)| name).collect();
        if !judged.differ.is_empty() || !refuse.is_empty() {
            wrong.push(format!(
                "{edit} of {:?}: {:?} find something else in, and {refuse:?} refuse {:?}",
                cases[*number].text, judged.differ, output.text
            ));
        }
    }
    let takes = |reader: usize| {
        judgements
            .iter()
            .filter(|judged| judged.take[reader])
            .count()
    };
    let taken = [0, 1, 2, 3].map(takes);
    let (read, edited) = (cases.len(), edits.len());
    println!("{read} texts, of which {READERS:?} take {taken:?}; {edited} edits");
    wrong.sort_by_key(String::len);
    wrong.truncate(MOST_SHOWN);
    assert!(
        wrong.is_empty(),
        "with PROPTEST_RNG_SEED={seed}:\n{}",
        wrong.join("\n\n")
    );
    assert!(read > 3000 && edited > 500 && taken.iter().all(|taken| taken * 5 > read * 4));
}
