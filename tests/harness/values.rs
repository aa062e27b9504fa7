//! Helm values, wherever they are.

use chart_values::{ChartValuesError, Imported, Selection, import_selected};
use serde_json::{Value, json};

use super::{Case, expect};

/// The exposure of every imported case without `# exposure: …`.
fn exposure(case: &Case) -> Value {
    match case.one("exposure") {
        Some(exposure) => serde_json::from_str(exposure).unwrap(),
        None => json!({"type": "NodePort", "nodePort": 30903, "nodeAddress": "192.0.2.10"}),
    }
}

/// The exposure of the SessionServer, as an independent reader sees it.
fn exposed(imported: &Imported) -> Value {
    let first = imported.text.split("\n---\n").next().unwrap();
    let session_server: Value = yaml_serde::from_str(first).unwrap();
    session_server["spec"]["exposure"].clone()
}

/// `--resource KIND/NAME --at PLACE`, each of which may be missing.
fn selection(arguments: &str) -> Selection {
    let (resource, at) = match arguments.split_once("--at ") {
        Some((resource, at)) => (resource, Some(at)),
        None => (arguments, None),
    };
    let resource = resource.trim().strip_prefix("--resource ");
    assert!(
        resource.is_some() || at.is_some(),
        "{arguments} chooses nothing"
    );
    Selection {
        resource: resource.map(str::to_owned),
        at: at.map(|at| at.parse().unwrap()),
    }
}

/// Imports the case, and asserts that every note is on a line of the file.
fn import(case: &Case, selection: &Selection) -> Result<Imported, ChartValuesError> {
    let imported = import_selected(&case.text, selection);
    if let Ok(imported) = &imported {
        let lines = case.text.lines().count();
        for note in &imported.notes {
            assert!(
                (1..=lines).contains(&note.place.line),
                "{}: {note:?}",
                case.path
            );
        }
    }
    imported
}

/// Imports the case without a selection.
pub(crate) fn imported(case: &Case) -> Result<Imported, ChartValuesError> {
    import(case, &Selection::default())
}

/// A note with its line, as in `5: platform.ci.values: …`.
fn notes(imported: &Imported) -> Vec<String> {
    let notes = imported.notes.iter();
    notes
        .map(|note| format!("{}: {note}", note.place.line))
        .collect()
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let imported = imported(case);
    let right = exposure(case);
    let (outcome, notes, error) = match &imported {
        Ok(imported) => {
            let exposed = exposed(imported);
            expect(exposed == right, format!("exposes {exposed}"))?;
            ("imported", notes(imported), String::new())
        }
        Err(error) => ("not imported", Vec::new(), error.to_string()),
    };
    let says_why = case.one("error").is_some() || outcome == "imported";
    expect(says_why, format!("no line `# error: …`, which is {error}"))?;
    let said = || format!("{error}{}", notes.join("\n"));
    case.check_lines(|key, wanted| {
        Some(match key {
            "outcome" => expect(outcome == wanted, said()),
            "exposure" => Ok(()),
            "note" => expect(notes.iter().any(|note| note == wanted), said()),
            "note starts" => expect(notes.iter().any(|note| note.starts_with(wanted)), said()),
            "last note" => expect(
                notes.last().is_some_and(|note| note.contains(wanted)),
                said(),
            ),
            "error" => expect(error == wanted, &error),
            "choose" => match import(case, &selection(wanted)) {
                Ok(imported) => {
                    let exposed = exposed(&imported);
                    expect(exposed == right, exposed.to_string())
                }
                Err(error) => Err(error.to_string()),
            },
            "refuses" => {
                let (arguments, message) = wanted.split_once(": ").unwrap();
                match import(case, &selection(arguments)) {
                    Ok(imported) => Err(imported.text),
                    Err(error) => expect(error.to_string() == message, error.to_string()),
                }
            }
            _ => return None,
        })
    })
}
