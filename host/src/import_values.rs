//! `runner-terminal import-values`: function configs from the values of the Helm chart gitlab-runner.

use std::io::{self, Write};
use std::process::ExitCode;

use runner_terminal::chart_values::{ChartValuesError, Found, Selection, import_selected};

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
    let _ = io::stderr().lock().write_all(told.as_bytes());
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
            ". If they are there under other keys, name their place with --at".to_owned()
        }
        _ => String::new(),
    }
}

/// The arguments that tell places apart.
fn choose(found: &[Found]) -> String {
    let differ = |name: &dyn Fn(&Found) -> Option<String>| {
        let mut names = found.iter().map(name);
        let first = names.next().flatten();
        names.any(|other| other != first).then_some(first).flatten()
    };
    let resource = differ(&|found| found.selector.clone());
    let path = differ(&|found| Some(found.path.to_string()));
    let all_differ = |name: &dyn Fn(&Found) -> Option<String>| {
        let mut names: Vec<Option<String>> = found.iter().map(name).collect();
        names.sort();
        names.windows(2).all(|pair| pair.first() != pair.last())
    };
    match (resource, path) {
        (Some(resource), _) if all_differ(&|found| found.selector.clone()) => {
            format!(". Choose one with --resource, such as --resource {resource}")
        }
        (_, Some(path)) if all_differ(&|found| Some(found.path.to_string())) => {
            format!(". Choose one with --at, such as --at '{path}'")
        }
        (Some(resource), Some(path)) => {
            format!(". Choose one, such as --resource {resource} --at '{path}'")
        }
        _ => ". Import a file with one of them".to_owned(),
    }
}
