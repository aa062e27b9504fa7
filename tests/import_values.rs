//! Values wherever they are, in files that cannot be cases. The cases are in
//! `tests/cases/import-values`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;

use chart_values::{ChartValuesError, Selection, import_selected};

const CASES: &str = "tests/cases/import-values";

#[test]
fn a_file_without_any_text_is_refused() {
    for text in ["", "\n", "---\n", "  \n---\n...\n"] {
        let error = import_selected(text, &Selection::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1, column 1: values: the file is empty; for a release without values of its own, \
             helm get values --output yaml prints null"
        );
    }
}

/// A release is not passed over for another one that looks more like the runner's.
#[test]
fn a_release_of_the_chart_is_always_counted() {
    let text = fs::read_to_string(format!("{CASES}/two-releases.yaml")).unwrap();
    let text = text.replace("name: b, namespace: ci", "name: a, namespace: cd");
    let error = import_selected(&text, &Selection::default()).unwrap_err();
    let ChartValuesError::Several(found) = error else {
        panic!("{error}");
    };
    let selectors: Vec<_> = found
        .iter()
        .map(|found| found.selector.clone().unwrap())
        .collect();
    assert_eq!(selectors, ["HelmRelease/ci/a", "HelmRelease/cd/a"]);
}

/// However a file is cut off, its error or its notes name one of its lines.
#[test]
fn a_truncated_file_is_handled() {
    for entry in fs::read_dir(CASES).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for (end, _) in text.char_indices() {
            let text = &text[..end];
            let lines = text.lines().count().max(1);
            match import_selected(text, &Selection::default()) {
                Ok(imported) => {
                    for note in &imported.notes {
                        let is_there = (1..=lines).contains(&note.place.line);
                        assert!(is_there, "{}, {end}: {note:?}", path.display());
                    }
                }
                Err(ChartValuesError::Value { note } | ChartValuesError::NotFound { note }) => {
                    let is_there = (1..=lines).contains(&note.place.line);
                    assert!(is_there, "{}, {end}: {note:?}", path.display());
                }
                Err(ChartValuesError::Several(found)) => {
                    assert!(found.iter().all(|found| (1..=lines).contains(&found.line)));
                }
                Err(ChartValuesError::Yaml(error)) => assert!(!error.message.is_empty()),
            }
        }
    }
}
