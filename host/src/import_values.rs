//! `runner-terminal import-values`: function configs from the values of the Helm chart gitlab-runner.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::ExitCode;

use chart_values::{ChartValuesError, Found, Selection, import_selected};
use krm::text::lines;

use crate::{arguments, manifests};

/// Prints the function configs. What needs a look goes to standard error as well, where it is seen
/// when the output goes into a file.
///
/// Gives exit code 0 where the function can run with them, and 1 where a field has to be filled in
/// first. A session server that the chart has switched off is no reason for 1: whoever imports it
/// wants one.
///
/// # Errors
///
/// A sentence that names the file and, where there is one, the line: it cannot be read, or holds no
/// values of the chart, or several.
pub(crate) fn run(arguments: &arguments::ImportValues) -> Result<ExitCode, String> {
    let file = manifests::read_file(&arguments.values)?;
    let path = &file.path;
    let selection = Selection {
        resource: arguments.resource.clone(),
        at: arguments.at.clone(),
    };
    let imported = import_selected(&file.text, &selection)
        .map_err(|error| format!("{path}: {error}{}", way_on(&error, &selection)))?;
    let mut told = String::new();
    for note in &imported.notes {
        told.push_str(&format!("{path}:{}: {note}\n", note.place.line));
    }
    if !imported.is_complete {
        told.push_str(&format!(
            "{path}: a field has to be filled in first; a comment in the output says which\n"
        ));
    }
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().lock().write_all(lines(&told).as_bytes());
    crate::print(&imported.text)?;
    Ok(if imported.is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The arguments by which values are found that were not.
fn way_on(error: &ChartValuesError, selection: &Selection) -> String {
    match error {
        ChartValuesError::Several(found) => choose(found),
        ChartValuesError::NotFound { .. } if selection == &Selection::default() => {
            ". If the chart's values are in it, say where with --at (. for the top)".to_owned()
        }
        _ => String::new(),
    }
}

/// The arguments that tell places apart.
fn choose(found: &[Found]) -> String {
    let resources: Vec<Option<String>> = found.iter().map(|at| at.selector.clone()).collect();
    let paths: Vec<Option<String>> = found.iter().map(|at| Some(at.path.to_string())).collect();
    let example = |argument: &str, values: &[Option<String>]| match values {
        [Some(first), ..] if is_word(first) => format!(" {argument} {first}"),
        _ => format!(" {argument}"),
    };
    let by_resource = example("--resource", &resources);
    let by_path = example("--at", &paths);
    match (differ(&resources), differ(&paths)) {
        (Differ::All, _) => format!(". Choose one, as by{by_resource}"),
        (_, Differ::All) => format!(". Choose one, as by{by_path}"),
        (Differ::Some, Differ::Some) => format!(". Choose one, as by{by_resource}{by_path}"),
        _ => ". Import a file that has one of them".to_owned(),
    }
}

/// How far values tell places apart.
enum Differ {
    All,
    Some,
    None,
}

fn differ(values: &[Option<String>]) -> Differ {
    let different: BTreeSet<&Option<String>> = values.iter().collect();
    if values.contains(&None) || different.len() < 2 {
        Differ::None
    } else if different.len() == values.len() {
        Differ::All
    } else {
        Differ::Some
    }
}

/// Whether a text is one word to a shell, as it is.
fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    text.chars().all(is_plain)
}
