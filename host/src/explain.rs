//! `runner-terminal explain`: shows what the function would change.

mod picture;
mod summary;

use std::path::Path;
use std::process::ExitCode;

use krm::alignment::Sequence;
use krm::documents::{Document, DocumentError, to_resource_list};
use krm::resource_list::ResourceList;
use thiserror::Error;
use view::changes::Changes;

use crate::apply::{self, ApplyError};
use crate::arguments::Picture;
use crate::manifests::{self, File, Manifests, ManifestsError, shown, texts};
use crate::sandbox::{Limits, LimitsError, SandboxError};
use crate::standard_output::{self, OutputError};
use crate::undo;
use crate::{arguments, diff, function, terminal};

/// Why `explain` has failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ExplainError {
    /// A variable for a limit has an invalid value.
    Limits(#[from] LimitsError),
    /// The manifests cannot be read.
    Manifests(#[from] ManifestsError),
    /// A function config cannot be used, or a function reached a limit.
    Apply(#[from] ApplyError),
    /// The function reached a limit on a ResourceList, or broke.
    Sandbox(#[from] SandboxError),
    /// Documents before and after cannot be compared.
    Document(#[from] DocumentError),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Runs the functions on the manifests. Prints a diff, a table and the results; or a picture, and the
/// results on standard error.
///
/// Returns the functions' exit code.
///
/// # Errors
///
/// Manifests cannot be read or wrapped, or a function reached a limit.
pub(crate) fn run(arguments: &arguments::Explain) -> Result<ExitCode, ExplainError> {
    let limits = Limits::from_environment()?;
    let manifests = Manifests::read(&arguments.files, arguments.kustomize.as_deref())?;
    let Explained {
        mut page,
        report,
        code,
    } = match manifests {
        Manifests::Plain(files) => explain_files(&files, arguments, limits)?,
        Manifests::List(file) if !arguments.function_configs.is_empty() => {
            return Err(manifests::has_function_config(&file).into());
        }
        Manifests::List(file) => explain_list(&file, arguments.picture(), limits)?,
    };
    if arguments.picture().is_some() {
        terminal::report(&report);
    } else if !report.is_empty() {
        if !page.is_empty() {
            page.push('\n');
        }
        page.push_str(&terminal::fitted(&report));
    }
    standard_output::print(&page)?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// What `explain` prints.
struct Explained {
    /// A diff and a table, or a picture.
    page: String,
    /// The functions' results, as lines.
    report: String,
    /// The functions' exit code.
    code: i32,
}

fn explain_files(
    files: &[File],
    arguments: &arguments::Explain,
    limits: Limits,
) -> Result<Explained, ExplainError> {
    let documents = apply::documents(files)?;
    let configs = apply::configs(files, &documents, &arguments.function_configs)?;
    if let (Some(folder), [config]) = (&arguments.kustomize, configs.as_slice())
        && config.is_default()
        && let Some(before) = undo::before(files, &documents, limits)?
    {
        let page = match arguments.picture() {
            Some(picture) => {
                let list = to_resource_list(&texts(files), &config.text)?;
                picture::draw(picture, &list.text, &[])
            }
            None => compare_files(
                (&before.files, &before.documents),
                (files, &documents),
                &before.resources_now,
            ),
        };
        return Ok(explained_build(folder, page));
    }
    let applied = apply::apply(files.to_vec(), documents.clone(), &configs, limits)?;
    let page = match arguments.picture() {
        Some(picture) => picture::draw(picture, &applied.list, &applied.results),
        // A function has failed: what would change is not known.
        None if applied.code != 0 && texts(files) == texts(&applied.files) => String::new(),
        None => compare_files(
            (files, &documents),
            (&applied.files, &applied.documents),
            &applied.alignment.resources,
        ),
    };
    Ok(Explained {
        page,
        report: applied.report,
        code: applied.code,
    })
}

/// The output for a kustomization that runs the function itself.
fn explained_build(folder: &Path, page: String) -> Explained {
    let folder = shown(folder);
    let report = format!(
        "runner-terminal: info: {folder} runs the function itself: this is what the function changes \
         there. Its messages are those that kustomize printed\n"
    );
    Explained {
        page,
        report,
        code: 0,
    }
}

fn explain_list(
    file: &File,
    picture: Option<Picture>,
    limits: Limits,
) -> Result<Explained, ExplainError> {
    // If it cannot be read, the function says so.
    let list = ResourceList::read(file.text.as_bytes()).ok();
    if let Some(config) = list.as_ref().and_then(ResourceList::function_config) {
        apply::must_not_name_kubeconfig(config, &file.path)?;
    }
    let ran = function::run_observing(file.text.clone().into(), limits)?;
    let after = String::from_utf8_lossy(&ran.list);
    let page = match picture {
        Some(picture) => {
            let list = if after.is_empty() {
                file.text.as_str()
            } else {
                &after
            };
            picture::draw(picture, list, &ran.preamble.results)
        }
        None if ran.code != 0 => String::new(),
        None => compare_lists(file, &after, &ran.preamble.alignment.resources)?,
    };
    Ok(Explained {
        page,
        report: String::from_utf8_lossy(&ran.report).into_owned(),
        code: ran.code,
    })
}

fn compare_files(
    before: (&[File], &[Document]),
    after: (&[File], &[Document]),
    resources_now: &Sequence,
) -> String {
    let mut page = String::new();
    diff::append_files(&mut page, before.0, after.0);
    let changes = Changes::of_documents(
        (&texts(before.0), before.1),
        (&texts(after.0), after.1),
        resources_now,
    );
    summary::append(&mut page, &changes);
    page
}

/// Empty if the function wrote no list: the results say why.
fn compare_lists(
    before: &File,
    after: &str,
    resources_now: &Sequence,
) -> Result<String, ExplainError> {
    let mut page = String::new();
    if after.is_empty() {
        return Ok(page);
    }
    diff::append(&mut page, &before.path, &before.text, after);
    let changes = Changes::of_lists(&before.path, &before.text, after, resources_now)?;
    summary::append(&mut page, &changes);
    Ok(page)
}
