//! Each case of the JSON Patch test suite, on the document as JSON and as YAML of each style.

use std::collections::BTreeMap;

use conformance::{libyaml, same, suites};
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation};
use serde_json::{Value, json};

/// A document in each style, and whether it is the only member of a list.
fn styles(document: &Value) -> [(&'static str, String, bool); 4] {
    let block = yaml_splice::document(&json!([document]));
    let pretty = serde_json::to_string_pretty(document).unwrap() + "\n";
    [
        ("block", block, true),
        ("flow", yaml_splice::flow(document, true) + "\n", false),
        ("JSON", document.to_string(), false),
        ("JSON on many lines", pretty, false),
    ]
}

/// The same patch without the operations that the function never writes: `test` is made here, `copy`
/// is an add, and `move` is a remove and an add, as RFC 6902 says. `None` if it cannot be applied.
fn lowered(document: &Value, patch: &[PatchOperation]) -> Option<Vec<PatchOperation>> {
    let mut value = document.clone();
    let mut all = Vec::new();
    for operation in patch {
        let taken = |from: &json_patch::jsonptr::PointerBuf| from.resolve(&value).ok().cloned();
        let lower = match operation {
            PatchOperation::Test(_) => vec![],
            PatchOperation::Copy(copy) => vec![PatchOperation::Add(AddOperation {
                path: copy.path.clone(),
                value: taken(&copy.from)?,
            })],
            PatchOperation::Move(moved) => vec![
                PatchOperation::Remove(RemoveOperation {
                    path: moved.from.clone(),
                }),
                PatchOperation::Add(AddOperation {
                    path: moved.path.clone(),
                    value: taken(&moved.from)?,
                }),
            ],
            other => vec![other.clone()],
        };
        json_patch::patch(&mut value, std::slice::from_ref(operation)).ok()?;
        all.extend(lower);
    }
    Some(all)
}

/// The document with the patch applied to its text, or why it cannot be.
fn edited(
    document: &Value,
    patch: &[PatchOperation],
) -> BTreeMap<&'static str, Result<Value, String>> {
    let styles = styles(document).into_iter();
    let results = styles.map(|(style, text, is_list)| {
        let result = match yaml_splice::apply(&text, patch) {
            Ok(output) => {
                let mut read =
                    libyaml(&output).unwrap_or_else(|| panic!("libyaml refuses {output}"));
                Ok(if is_list { read[0].take() } else { read })
            }
            Err(error) => {
                let text = error.to_string();
                Err(text
                    .rsplit_once(": ")
                    .map_or(text.clone(), |(_, why)| why.to_owned()))
            }
        };
        (style, result)
    });
    results.collect()
}

#[test]
fn each_case_gives_what_is_expected_or_is_refused() {
    let mut tally = BTreeMap::<String, Vec<String>>::new();
    for case in suites().patch {
        let mut count = |what: String| tally.entry(what).or_default().push(case.id.clone());
        if case.disabled {
            count("disabled by the suite".to_owned());
            continue;
        }
        let Ok(Patch(patch)) = serde_json::from_value::<Patch>(case.patch.clone()) else {
            assert!(case.error.is_some(), "{} {}", case.id, case.comment);
            count("no patch, as the suite says".to_owned());
            continue;
        };
        let Some(expected) = &case.expected else {
            for (style, result) in edited(&case.doc, &patch) {
                assert!(result.is_err(), "{} {} as {style}", case.id, case.comment);
            }
            let outcome = if case.error.is_some() {
                assert_eq!(lowered(&case.doc, &patch), None, "{}", case.id);
                "an error is expected, and all styles give one"
            } else {
                assert_eq!(lowered(&case.doc, &patch), Some(Vec::new()), "{}", case.id);
                "nothing but a test that holds, which is refused as it is written"
            };
            count(outcome.to_owned());
            continue;
        };
        let whole = patch.iter().any(|operation| operation.path().is_root());
        let lowered = lowered(&case.doc, &patch).unwrap_or_else(|| panic!("{}", case.id));
        for (style, result) in edited(&case.doc, &lowered) {
            match result {
                Ok(value) => {
                    assert!(same(&value, expected), "{} as {style}: {value}", case.id);
                    count(format!("{style}: as expected"));
                }
                Err(why) if whole => count(format!("{style}: the whole document: {why}")),
                Err(why) => count(format!("{style}: {why}")),
            }
        }
        // The patch as it is written: the function does not need the other operations.
        let carried = patch.iter().all(|operation| {
            matches!(
                operation,
                PatchOperation::Add(_) | PatchOperation::Remove(_) | PatchOperation::Replace(_)
            )
        });
        if !carried {
            for (style, result) in edited(&case.doc, &patch) {
                let why = result.expect_err(style);
                assert_eq!(
                    why, "only add, replace and remove can be carried out on text",
                    "{}",
                    case.id
                );
            }
            count("with move, copy or test, which are refused as they are written".to_owned());
        }
    }
    let lines: String = tally
        .iter()
        .map(|(what, cases)| {
            let names = if cases.len() > 12 {
                String::new()
            } else {
                format!(": {}", cases.join(" "))
            };
            format!("{} {what}{names}\n", cases.len())
        })
        .collect();
    assert_eq!(
        lines,
        "\
60 JSON on many lines: as expected
2 JSON on many lines: the whole document: only add, replace and remove can be carried out on text: tests.json/40 tests.json/59
60 JSON: as expected
2 JSON: the whole document: only add, replace and remove can be carried out on text: tests.json/40 tests.json/59
16 an error is expected, and all styles give one
60 block: as expected
2 block: the whole document: only add, replace and remove can be carried out on text: tests.json/40 tests.json/59
4 disabled by the suite: tests.json/10 tests.json/52 tests.json/76 spec_tests.json/13
60 flow: as expected
2 flow: the whole document: only add, replace and remove can be carried out on text: tests.json/40 tests.json/59
7 no patch, as the suite says: tests.json/70 tests.json/71 tests.json/72 tests.json/73 tests.json/74 tests.json/75 tests.json/77
6 nothing but a test that holds, which is refused as it is written: tests.json/42 tests.json/48 tests.json/49 tests.json/50 tests.json/53 tests.json/54
12 with move, copy or test, which are refused as they are written: tests.json/26 tests.json/41 tests.json/44 tests.json/45 tests.json/55 tests.json/56 tests.json/57 tests.json/58 spec_tests.json/6 spec_tests.json/7 spec_tests.json/8 spec_tests.json/14
"
    );
}
