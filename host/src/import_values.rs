//! `runner-terminal import-values`: makes function configs from the values of the Helm chart
//! gitlab-runner.

use std::collections::BTreeSet;
use std::process::ExitCode;

use chart_values::{ChartValuesError, Configure, Found, Selection, import_configured};
use krm::text::lines;
use thiserror::Error;

use crate::manifests::FileError;
use crate::standard_output::{self, OutputError};
use crate::{arguments, manifests, terminal};

/// Why `import-values` has failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ImportError {
    /// The file cannot be read.
    File(#[from] FileError),
    /// The file holds no values of the chart, or several.
    #[error("{path}: {error}{advice}")]
    Values {
        /// The path of the file.
        path: String,
        /// What is wrong with it.
        error: ChartValuesError,
        /// The arguments that would find the values. It may be empty.
        advice: String,
    },
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Prints the function configs. Notes go to standard error as well, so that they are seen if the
/// output goes into a file.
///
/// Returns exit code 0 if the function can run with them, and 1 if a field has to be filled in first.
/// A session server that the chart has switched off is not a reason for 1: the user wants one.
///
/// # Errors
///
/// The file cannot be read, or holds no values of the chart, or several.
pub(crate) fn run(arguments: &arguments::ImportValues) -> Result<ExitCode, ImportError> {
    let file = manifests::read_file(&arguments.values)?;
    let path = &file.path;
    let selection = Selection {
        resource: arguments.resource.clone(),
        at: arguments.at.clone(),
    };
    let configure = match (arguments.configure, &arguments.image) {
        (Some(arguments::ConfigureAt::PodStart), Some(image)) => Configure::PodStart {
            image: image.clone(),
        },
        _ => Configure::Build,
    };
    let imported = import_configured(&file.text, &selection, &configure).map_err(|error| {
        ImportError::Values {
            path: path.clone(),
            advice: advice(&error, &selection),
            error,
        }
    })?;
    let mut notes = String::new();
    for note in &imported.notes {
        notes.push_str(&format!("{path}:{}: {note}\n", note.place.line));
    }
    if !imported.is_complete {
        notes.push_str(&format!(
            "{path}: a field has to be filled in first; a comment in the output says which\n"
        ));
    }
    terminal::report(&lines(&notes));
    standard_output::print(&imported.text)?;
    Ok(if imported.is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The arguments that would find the values.
fn advice(error: &ChartValuesError, selection: &Selection) -> String {
    match error {
        ChartValuesError::Several(found) => choose(found),
        ChartValuesError::NotFound { .. } if selection == &Selection::default() => {
            ". If the chart's values are in it, say where with --at (. for the top)".to_owned()
        }
        _ => String::new(),
    }
}

/// The arguments that select one of several places.
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

/// Whether values identify places.
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

/// True if a shell takes the text as one word, without quotes.
fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    text.chars().all(is_plain)
}
