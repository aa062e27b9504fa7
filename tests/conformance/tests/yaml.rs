//! Each case of the YAML test suite: read, edited at every position, and read by the item scanner.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use conformance::{
    Edit, Meaning, Place, YamlCase, edits, indented, libyaml, list, meaning, same, suites,
    yaml_package,
};
use json_patch::PatchOperation;
use krm::resource_list::{Changes, ResourceList};
use serde_json::Value;
use yaml_splice::{EditError, Tree, YamlErrorKind};

/// The number of cases for each outcome, and their names.
#[derive(Default)]
struct Tally(BTreeMap<String, Vec<String>>);

impl Tally {
    fn count(&mut self, what: impl Into<String>, case: &str) {
        self.0.entry(what.into()).or_default().push(case.to_owned());
    }

    /// One line per outcome; with the names of the cases, if they are few.
    fn lines(&self) -> String {
        let mut lines = String::new();
        for (what, cases) in &self.0 {
            let count = cases.len();
            let mut names = cases.clone();
            names.dedup();
            let names = if names.len() <= 24 {
                format!(": {}", names.join(" "))
            } else {
                String::new()
            };
            writeln!(lines, "{count} {what}{names}").unwrap();
        }
        lines
    }
}

/// The meaning of a case according to the suite.
fn documents(case: &YamlCase) -> Meaning {
    let events = case.tree.as_deref();
    let meaning = meaning(events.unwrap_or_else(|| panic!("{} has no events", case.id)));
    // The suite has it in two forms, so a mistake in this test is detected.
    if let (Meaning::Documents(of_events), Some(of_json)) = (&meaning, case.json()) {
        let agree = of_events
            .iter()
            .zip(&of_json)
            .all(|(one, other)| same(one, other));
        assert!(
            agree && of_events.len() == of_json.len(),
            "{}: {of_events:?} and {of_json:?}",
            case.id
        );
    }
    meaning
}

/// The cases that consist of one document, for which there is JSON.
fn single_documents(cases: &[YamlCase]) -> Vec<(&YamlCase, Value)> {
    let sound = cases.iter().filter(|case| !case.fails);
    sound
        .filter_map(|case| match documents(case) {
            Meaning::Documents(values) => match values.as_slice() {
                [value] => Some((case, value.clone())),
                _ => None,
            },
            Meaning::Unspeakable(_) => None,
        })
        .collect()
}

#[test]
fn each_case_is_read_as_the_suite_says_or_refused() {
    let mut tally = Tally::default();
    for case in &suites().yaml {
        let read = Tree::parse(&case.yaml).and_then(|tree| tree.to_value());
        if case.fails {
            let what = match read {
                Ok(value) => format!("no YAML, taken for {value}"),
                Err(_) => "no YAML, refused".to_owned(),
            };
            tally.count(what, &case.id);
            continue;
        }
        let what = match (documents(case), read) {
            (Meaning::Documents(values), Ok(value)) => match values.as_slice() {
                [] if value.is_null() => "no document, read as null".to_owned(),
                [same_value] if same(same_value, &value) => "one document, read alike".to_owned(),
                _ => format!("WRONG: {values:?} read as {value}"),
            },
            (Meaning::Documents(values), Err(error)) if values.len() > 1 => {
                format!("several documents, refused: {}", error.message)
            }
            (Meaning::Documents(_), Err(error)) if error.kind == YamlErrorKind::Ambiguous => {
                "one document that readers take for different things, refused".to_owned()
            }
            (Meaning::Unspeakable(why), Err(error)) => format!("{why}, refused: {}", error.message),
            (meaning, read) => format!("WRONG: {meaning:?} read as {read:?}"),
        };
        tally.count(what, &case.id);
    }
    assert_eq!(
        tally.lines(),
        "\
15 a key that is a collection, refused: a key must be a scalar: 4FJ6 6BFJ 6PBE 9MMW KK5P LX3P M2N8 M2N8/1 M5DY Q9WF RZP5 SBG9 V9D5 X38W XW4D
1 a key that stands twice, refused: the key \"\" is in this mapping twice: 2JQS
94 no YAML, refused
5 no document, read as null: 8G76 98YD AVM7 HWV9 QT73
30 one document that readers take for different things, refused
238 one document, read alike
15 several documents, refused: a second document starts here: 35KP 6XDY 6ZKB 7Z25 9DXL 9KAX JHB9 KSS4 L383 M7A3 NKF9 PUW8 RZT7 U9NS UT92
3 several documents, refused: not all readers know this directive; remove the line: 5TYM 6WLZ 9WXW
1 several documents, refused: not all readers take lines that are not indented for a part of this; indent them: W4TN
"
    );
}

/// An edit that was applied, and which readers check it.
struct Done {
    case: String,
    operation: PatchOperation,
    input: String,
    output: String,
    expected: Value,
    by_libyaml: bool,
    by_package: bool,
}

/// The documents of the suite in every context where a document can be, with the cases' names.
fn places(cases: &[YamlCase], tally: &mut Tally) -> Vec<(String, Place)> {
    let mut places = Vec::new();
    for (case, value) in single_documents(cases) {
        places.push((case.id.clone(), Place::alone(&case.yaml, &value)));
        let members = ["\n", "\r\n"].map(|end| Place::member(&case.yaml, &value, end));
        if members.iter().all(Option::is_none) {
            tally.count(
                "documents that are no member: they have marks of their own",
                &case.id,
            );
        }
        let members = members.into_iter().flatten();
        places.extend(members.map(|place| (case.id.clone(), place)));
    }
    places
}

const AMBIGUOUS: &str = "edits refused: readers take the text for different things";

/// An edit gives the same result as json-patch and keeps all other bytes, or is refused.
#[test]
fn each_edit_means_what_the_patch_says_or_is_refused() {
    let mut tally = Tally::default();
    let places = places(&suites().yaml, &mut tally);
    let texts: Vec<String> = places.iter().map(|(_, place)| place.text.clone()).collect();
    let mut done = Vec::new();
    let mut wrong = Vec::new();
    for ((case, place), read) in places.iter().zip(yaml_package(&texts)) {
        let is_right = |value: Option<Value>| value.is_some_and(|value| same(&value, &place.value));
        let by_libyaml = is_right(libyaml(&place.text));
        let by_package = is_right(read.value);
        let judges = match (by_libyaml, by_package) {
            (true, true) => "libyaml and the package yaml",
            (true, false) => "libyaml alone",
            (false, true) => "the package yaml alone",
            (false, false) => "nobody but ours",
        };
        tally.count(
            format!("places that are read as the suite says by {judges}"),
            case,
        );
        // All edits with the suite's own line endings, some with CRLF.
        let every = if place.text.contains("\r\n") { 4 } else { 1 };
        let edits = edits(&place.item(), place.under);
        for Edit {
            operation,
            expected,
        } in edits.into_iter().step_by(every)
        {
            let what = match operation {
                PatchOperation::Add(_) => "add",
                PatchOperation::Remove(_) => "remove",
                PatchOperation::Replace(_) => "replace",
                _ => "test",
            };
            let root = if operation.path().is_root() {
                " at the root"
            } else {
                ""
            };
            match yaml_splice::apply(&place.text, std::slice::from_ref(&operation)) {
                Ok(output) => {
                    tally.count(format!("edits done: {what}{root}"), "all");
                    if !place.is_kept(&operation, &output) {
                        wrong.push(format!(
                            "{case}: {operation} touches more:\n{}=>\n{output}",
                            place.text
                        ));
                    }
                    done.push(Done {
                        case: case.clone(),
                        operation,
                        input: place.text.clone(),
                        output,
                        expected: place.with_item(expected),
                        by_libyaml,
                        by_package,
                    });
                }
                Err(EditError::Yaml(error)) if error.kind == YamlErrorKind::Ambiguous => {
                    tally.count(AMBIGUOUS, case);
                }
                Err(error) => {
                    let path = format!("{}: ", operation.path());
                    let why = error.to_string().replacen(&path, "", 1);
                    tally.count(format!("edits refused: {what}{root}: {why}"), case);
                }
            }
        }
    }
    let outputs: Vec<String> = done.iter().map(|done| done.output.clone()).collect();
    for (done, read) in done.iter().zip(yaml_package(&outputs)) {
        let is_right =
            |value: Option<Value>| value.is_some_and(|value| same(&value, &done.expected));
        let right = (!done.by_libyaml || is_right(libyaml(&done.output)))
            && (!done.by_package || is_right(read.value));
        if !right {
            let Done {
                case,
                operation,
                input,
                output,
                ..
            } = done;
            wrong.push(format!(
                "{case}: {operation} means something else:\n{input}=>\n{output}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} edits are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(
        tally.lines(),
        "\
39 documents that are no member: they have marks of their own
6696 edits done: add: all
1228 edits done: remove: all
8154 edits done: replace: all
6 edits refused: add: a tab indents the blank line or comment below, which some readers refuse; remove it: Y79Y/2
159 edits refused: add: this cannot be edited as it is written; write it as a plain block: 87E4 8UDB CFD4 CN3R CT4Q DFF7 L9U5 LQZ7 QF4Y
1897 edits refused: readers take the text for different things
4 edits refused: remove: a tab indents the blank line or comment below, which some readers refuse; remove it: DK95/4 DK95/5
12 edits refused: remove: this cannot be edited as it is written; write it as a plain block: 6M2F DFF7 E76Z HMQ5 S3PD
1428 edits refused: replace at the root: only add, replace and remove can be carried out on text
28 edits refused: replace: a tab indents the blank line or comment below, which some readers refuse; remove it: DK95/4 DK95/5
78 edits refused: replace: this cannot be edited as it is written; write it as a plain block: 5WE3 87E4 8UDB CFD4 CN3R CT4Q DFF7 L9U5 LQZ7 QF4Y
238 edits refused: test at the root: only add, replace and remove can be carried out on text
1642 edits refused: test: only add, replace and remove can be carried out on text
5 places that are read as the suite says by libyaml alone: 2XXW 565N J7PZ
591 places that are read as the suite says by libyaml and the package yaml
130 places that are read as the suite says by the package yaml alone
"
    );
}

/// Lists with the text of a case in an item before a runner: as the item, and as a member of it.
fn lists(case: &YamlCase) -> Vec<(String, String)> {
    let item = "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: case}\n  case:\n";
    let bodies = [
        ("-\n", indented(&case.yaml, 2)),
        (item, indented(&case.yaml, 4)),
    ];
    bodies
        .into_iter()
        .filter_map(|(before, body)| {
            let item = format!("{before}{}", body?);
            Some((list(&item), item))
        })
        .collect()
}

/// The list's items as a reader of the list sees them: the name of each, its value if it can be
/// read, and the list without it.
fn seen(list: &ResourceList<'_>) -> Vec<(Option<(String, Value)>, String)> {
    (0..list.len())
        .map(|item| {
            let resource = list.resource(item).ok();
            let value = resource.map(|one| (one.identity.to_string(), (*one.value).clone()));
            let mut changes = Changes::default();
            changes.removed.insert(item);
            let without = list.write(&changes, &[]).unwrap().pieces.concat();
            (value, without)
        })
        .collect()
}

/// The fast reader of lists and the one that parses everything find the same items around each text
/// of the suite, YAML or not; or the list is refused. A quoted key selects the other reader.
#[test]
fn both_readers_of_lists_agree_around_each_text() {
    let mut tally = Tally::default();
    for case in &suites().yaml {
        let kind = if case.fails { "no YAML" } else { "YAML" };
        for (text, _) in lists(case) {
            let parsed = format!("\"x\": 1\n{text}");
            let quick = ResourceList::read(text.as_bytes());
            let full = ResourceList::read(parsed.as_bytes());
            let what = match (quick, full) {
                (Ok(quick), Ok(full)) => {
                    let mut of_full = seen(&full);
                    for (_, without) in &mut of_full {
                        *without = without.replacen("\"x\": 1\n", "", 1);
                    }
                    assert_eq!(seen(&quick), of_full, "{}:\n{text}", case.id);
                    assert_eq!(
                        quick.function_config(),
                        full.function_config(),
                        "{}",
                        case.id
                    );
                    "both find the same items"
                }
                (Ok(_), Err(_)) => "the quick one alone steps over it",
                (Err(_), Err(_)) => "both refuse the list",
                (Err(error), Ok(_)) => panic!("{}: {error}\n{text}", case.id),
            };
            tally.count(format!("{kind}: {what}"), &case.id);
        }
    }
    assert_eq!(
        tally.lines(),
        "\
434 YAML: both find the same items
32 YAML: both refuse the list: 2JQS 2SXE 652Z 6BFJ 6PBE FRK4 HM87/1 KK5P LX3P M2N8 M2N8/1 M5DY Q9WF RZP5 V9D5 XW4D
32 YAML: the quick one alone steps over it: 4ABK 4FJ6 565N 58MP 5T43 8XYN 9MMW DBG4 HM87 S4JQ SBG9 UKK6/2 W5VH WZ62 X38W Y2GN
2 no YAML: both find the same items: Y79Y
66 no YAML: both refuse the list
82 no YAML: the quick one alone steps over it
"
    );
}

/// An item that is not ours is preserved byte for byte, YAML or not, or nothing changes at all.
#[test]
fn each_text_in_an_item_of_others_comes_out_as_it_is() {
    let mut tally = Tally::default();
    for case in &suites().yaml {
        let kind = if case.fails { "no YAML" } else { "YAML" };
        for (text, item) in lists(case) {
            let outcome = runner_terminal::run(text.as_bytes());
            let output = outcome.text();
            let what = if outcome.failed() {
                assert!(
                    output.is_empty() || output.starts_with(&text),
                    "{}:\n{output}",
                    case.id
                );
                "the list is refused"
            } else {
                let end = text.find("items:\n").unwrap() + "items:\n".len() + item.len();
                assert!(output.starts_with(&text[..end]), "{}:\n{output}", case.id);
                assert!(
                    output.contains("advertise_address = "),
                    "{}:\n{output}",
                    case.id
                );
                "passed on, and the runner edited"
            };
            tally.count(format!("{kind}: {what}"), &case.id);
        }
    }
    assert_eq!(
        tally.lines(),
        "\
466 YAML: passed on, and the runner edited
32 YAML: the list is refused: 2JQS 2SXE 652Z 6BFJ 6PBE FRK4 HM87/1 KK5P LX3P M2N8 M2N8/1 M5DY Q9WF RZP5 V9D5 XW4D
84 no YAML: passed on, and the runner edited
66 no YAML: the list is refused
"
    );
}
