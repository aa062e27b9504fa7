//! `runner-terminal explain`: what the function would change, without changing it.

mod picture;
mod summary;

use std::io::Write as _;
use std::process::ExitCode;

use krm::alignment::Sequence;
use krm::resource_list::ResourceList;
use view::changes::Changes;

use crate::apply::{self, Applied, texts};
use crate::manifests::{self, File, Manifests};
use crate::sandbox::Limits;
use crate::{arguments, diff, function};

/// Runs the functions on the manifests and prints a diff, a table and the results; or a picture of
/// what came of it, and the results on standard error.
///
/// Gives the functions' exit code.
///
/// # Errors
///
/// A sentence for the person at the terminal: manifests cannot be read or wrapped, or the function
/// reached a limit.
pub(crate) fn run(arguments: &arguments::Explain) -> Result<ExitCode, String> {
    let limits = Limits::from_environment()?;
    let mut page = String::new();
    let given = &arguments.function_configs;
    let picture = arguments.picture();
    let (code, results) = match Manifests::read(&arguments.files, arguments.kustomize.as_deref())? {
        Manifests::Plain(files) => {
            let configs = apply::configs(&files, given)?;
            let applied = apply::apply(files.clone(), &configs, limits)?;
            match picture {
                Some(picture) => page = picture::draw(picture, &applied.list, &applied.results),
                None => compare_files(&mut page, &files, &applied)?,
            }
            (applied.code, applied.report)
        }
        Manifests::List(file) if !given.is_empty() => {
            return Err(manifests::has_its_own_config(&file));
        }
        Manifests::List(file) => {
            // What cannot be read is the function's to say.
            let list = ResourceList::read(file.text.as_bytes()).ok();
            if let Some(config) = list.as_ref().and_then(ResourceList::function_config) {
                apply::must_not_name_kubeconfig(config, &file.path)?;
            }
            let ran = function::run_observing(file.text.clone().into(), limits)?;
            let after = String::from_utf8_lossy(&ran.list);
            match picture {
                Some(picture) => {
                    let list = if after.is_empty() {
                        &*file.text
                    } else {
                        &*after
                    };
                    page = picture::draw(picture, list, &ran.sidecar.results);
                }
                None => compare_lists(&mut page, &file, &after, &ran.sidecar.alignment.resources)?,
            }
            (ran.code, String::from_utf8_lossy(&ran.report).into_owned())
        }
    };
    if picture.is_some() {
        // Nobody is left to tell when standard error is closed.
        let _ = anstream::stderr().write_all(results.as_bytes());
    } else if !results.is_empty() {
        page.push('\n');
        page.push_str(&results);
    }
    crate::print(&page)?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn compare_files(page: &mut String, files: &[File], applied: &Applied) -> Result<(), String> {
    diff::append_files(page, files, &applied.files);
    let changes = Changes::of_files(
        &texts(files),
        &texts(&applied.files),
        &applied.alignment.resources,
    );
    summary::append(page, &changes.map_err(|error| error.to_string())?);
    Ok(())
}

/// Without a list there is nothing to compare: the results tell why.
fn compare_lists(
    page: &mut String,
    before: &File,
    after: &str,
    resources_now: &Sequence,
) -> Result<(), String> {
    if after.is_empty() {
        return Ok(());
    }
    diff::append(page, &before.path, &before.text, after);
    let changes = Changes::of_lists(&before.path, &before.text, after, resources_now);
    summary::append(page, &changes.map_err(|error| error.to_string())?);
    Ok(())
}
