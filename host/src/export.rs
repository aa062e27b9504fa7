//! `runner-terminal export`: writes what the function changes as files for hosts that run no functions.

mod built;
mod folder;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use krm::documents::DocumentError;
use krm::resource::Resource;
use krm::text::lines;
use runner_terminal::export::{
    ApplicationError, Change, Export, ExportError, ExportedFile, HashedNames, HelmReleaseError,
    Secrets, add_component, changes, component, elsewhere, export, own_transformers, post_renderer,
    post_renderer_lines, release_files, set_post_renderer,
};
use serde_json::json;
use thiserror::Error;

use crate::apply::{self, ApplyError};
use crate::apply_to::in_place::{self, ReplaceError};
use crate::arguments::{self, ExportFor};
use crate::manifests::{
    File, FileError, Manifests, ManifestsError, kustomization_of, read_file, shown, texts,
};
use crate::sandbox::{Limits, LimitsError};
use crate::standard_output::{self, OutputError};
use crate::terminal;
use crate::undo;
use built::{BuiltError, relative};
use folder::{Folder, FolderError, Plan};

/// The exit code of `--check` when something is out of date.
const OUT_OF_DATE: u8 = 2;

/// Why `export` has failed. Unless the message says otherwise, nothing has been written.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ExportCommandError {
    /// A variable for a limit has an invalid value.
    Limits(#[from] LimitsError),
    /// The manifests cannot be read.
    Manifests(#[from] ManifestsError),
    /// The input is a ResourceList.
    #[error("{path} is a ResourceList, which only hosts of functions write: name manifests")]
    ResourceList {
        /// The path of the ResourceList.
        path: String,
    },
    /// A function config cannot be used, or a function reached a limit.
    Apply(#[from] ApplyError),
    /// Manifests cannot be split into documents.
    Document(#[from] DocumentError),
    /// A change cannot be expressed as a patch.
    #[error("{0}{option}", option = option_for(.0))]
    Export(#[from] ExportError),
    /// The manifests already include the export.
    #[error(
        "the manifests have {resource} already, which {folder} adds: export from manifests without \
         {folder}, such as the kustomization that it is added to"
    )]
    Exported {
        /// The resource.
        resource: String,
        /// The folder of the export.
        folder: String,
    },
    /// The kustomization has what the function adds, but not from the export.
    #[error(
        "{folder} has all that the function adds already: if it runs the function itself, remove the \
         SessionServer from its transformers, and export again"
    )]
    Built {
        /// The kustomization.
        folder: String,
    },
    /// The folder cannot be written.
    Folder(#[from] FolderError),
    /// The kustomization with the export gives a different result.
    Compared(#[from] BuiltError),
    /// The file for `--in-place` cannot be read.
    File(#[from] FileError),
    /// The HelmRelease cannot be written.
    HelmRelease(#[from] HelmReleaseError),
    /// The Application cannot be written.
    Application(#[from] ApplicationError),
    /// The arguments do not fit together.
    #[error("{0}")]
    Arguments(&'static str),
    /// A Component would see different names from those in the manifests.
    #[error(
        "{folder} has {field}, which takes effect after components: make a kustomization around it, with \
         {folder} under resources, and name that in the Application and by -k"
    )]
    Late {
        /// The kustomization.
        folder: String,
        /// The field.
        field: String,
    },
    /// The folder cannot be created.
    #[error("cannot create the folder {folder}: {error}")]
    Create {
        /// Its path.
        folder: String,
        /// The system's error.
        error: io::Error,
    },
    /// A file cannot be written.
    Replace(#[from] ReplaceError),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Runs the functions, and writes what they change; with `--check`, says what is out of date.
///
/// Returns the functions' exit code, and with `--check` 2 if something is out of date.
///
/// # Errors
///
/// Manifests cannot be read, a change cannot be expressed as a patch, or files cannot be written.
pub(crate) fn run(arguments: &arguments::Export) -> Result<ExitCode, ExportCommandError> {
    check_arguments(arguments)?;
    let Applied { changes, is_built } = match apply_functions(arguments)? {
        Ok(applied) => applied,
        Err(code) => return Ok(code),
    };
    let folder = Folder::read(&arguments.output)?;
    must_be_without(&folder, &changes, &arguments.output)?;
    if let (true, Some(base)) = (is_built, &arguments.kustomize) {
        return Err(ExportCommandError::Built {
            folder: shown(base),
        });
    }
    let secrets = match arguments.include_secrets {
        true => Secrets::Include,
        false => Secrets::Refuse,
    };
    let export = export(&changes, secrets)?;
    let is_nothing = export == Export::default();
    let had_files = folder.has_files();
    let (plan, lines) = match arguments.host {
        ExportFor::FluxHelmrelease => for_helm_release(arguments, &export, &changes, folder)?,
        ExportFor::Kustomize | ExportFor::ArgoCd => {
            for_kustomize(arguments, &export, &changes, folder)?
        }
    };
    let mut report = plan.report(arguments.check);
    if is_nothing {
        report.push_str(&nothing(arguments, had_files));
    } else if plan.is_empty() {
        report.push_str(&format!("{} is up to date\n", shown(&arguments.output)));
    }
    if arguments.check {
        standard_output::print(&report)?;
        return Ok(match plan.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(OUT_OF_DATE),
        });
    }
    if !plan.is_empty() {
        write(&plan, arguments)?;
    }
    if lines.is_empty() {
        standard_output::print(&report)?;
    } else {
        terminal::report(&report);
        standard_output::print(&lines)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The option that does what an error suggests.
fn option_for(error: &ExportError) -> &'static str {
    match error {
        ExportError::Secret { .. } => " by --include-secrets",
        _ => "",
    }
}

/// Checks that clap cannot express.
fn check_arguments(arguments: &arguments::Export) -> Result<(), ExportCommandError> {
    let fault = match arguments.host {
        ExportFor::Kustomize if arguments.in_place.is_some() => {
            "--in-place names the HelmRelease or the Application to write into: give --for as well"
        }
        ExportFor::FluxHelmrelease if arguments.kustomize.is_some() => {
            "a HelmRelease's post-renderer gets what its chart renders, and not a kustomization: name \
             the output of helm template"
        }
        ExportFor::FluxHelmrelease if arguments.check && arguments.in_place.is_none() => {
            "--check compares the patches with those of the HelmRelease: name its file by --in-place"
        }
        ExportFor::ArgoCd if arguments.kustomize.is_none() && arguments.in_place.is_none() => {
            "name the application's kustomization by -k"
        }
        _ => return Ok(()),
    };
    Err(ExportCommandError::Arguments(fault))
}

/// What the functions have changed.
struct Applied {
    changes: Vec<Change>,
    /// They change nothing, and the kustomization has what they add.
    is_built: bool,
}

/// Applies the functions; or returns the exit code of one that has failed.
fn apply_functions(
    arguments: &arguments::Export,
) -> Result<Result<Applied, ExitCode>, ExportCommandError> {
    let limits = Limits::from_environment()?;
    let files = match Manifests::read(&arguments.files, arguments.kustomize.as_deref())? {
        Manifests::Plain(files) => files,
        Manifests::List(file) => {
            return Err(ExportCommandError::ResourceList { path: file.path });
        }
    };
    let documents = apply::documents(&files)?;
    let configs = apply::configs(&files, &documents, &arguments.function_configs)?;
    let applied = apply::apply(files.clone(), documents.clone(), &configs, limits)?;
    terminal::report(&applied.report);
    if applied.code != 0 {
        let code = u8::try_from(applied.code).unwrap_or(1);
        return Ok(Err(ExitCode::from(code)));
    }
    let mut changes = changes(
        (&texts(&files), &documents),
        (&texts(&applied.files), &applied.documents),
        &applied.alignment.resources,
    );
    let is_unchanged = changes.iter().all(|one| one.before == one.after);
    let mut is_built = false;
    if arguments.kustomize.is_some() {
        let before: Vec<_> = changes
            .iter()
            .filter_map(|one| one.before.as_ref())
            .collect();
        HashedNames::of(before).remove_from_changes(&mut changes);
        is_built = is_unchanged && undo::before(&files, &documents, limits)?.is_some();
    }
    Ok(Ok(Applied { changes, is_built }))
}

/// Refuses manifests that have been built with the export: they would give an empty one.
fn must_be_without(
    folder: &Folder,
    changes: &[Change],
    path: &Path,
) -> Result<(), ExportCommandError> {
    let added = folder.added();
    let before = changes.iter().filter_map(|change| change.before.clone());
    let found = before
        .map(|value| Resource::new(0, value).identity)
        .find(|identity| added.contains(identity));
    match found {
        Some(identity) => Err(ExportCommandError::Exported {
            resource: identity.to_string(),
            folder: shown(path),
        }),
        None => Ok(()),
    }
}

/// The message if the function changes nothing.
fn nothing(arguments: &arguments::Export, had_files: bool) -> String {
    let folder = shown(&arguments.output);
    let mut text = "the function changes nothing here, so there is nothing to export\n".to_owned();
    if had_files && arguments.host == ExportFor::Kustomize {
        text.push_str(&format!(
            "remove {folder} from the components of the kustomization that has it\n"
        ));
    }
    text
}

fn write(plan: &Plan, arguments: &arguments::Export) -> Result<(), ExportCommandError> {
    let folder = &arguments.output;
    fs::create_dir_all(folder).map_err(|error| ExportCommandError::Create {
        folder: shown(folder),
        error,
    })?;
    Ok(in_place::write(&plan.changes())?)
}

/// A Component; and the lines of the kustomization or Application that adds it.
fn for_kustomize(
    arguments: &arguments::Export,
    export: &Export,
    changes: &[Change],
    folder: Folder,
) -> Result<(Plan, String), ExportCommandError> {
    let usage = match &arguments.kustomize {
        Some(base) => {
            let base = relative(&absolute(&arguments.output)?, &built::real(base)?);
            format!(
                "a Component for a kustomization with {} under resources",
                base.display()
            )
        }
        None => "a Component for the kustomization with the runner under resources".to_owned(),
    };
    let files: Vec<ExportedFile> = component(export, &usage);
    if let Some(base) = &arguments.kustomize {
        built::check(base, &files, changes)?;
    }
    let is_wanted = !files.is_empty();
    let mut plan = folder.plan(files)?;
    if arguments.host == ExportFor::Kustomize {
        if let Some(base) = &arguments.kustomize
            && is_wanted
            && let Some(field) = late_field(base)?
        {
            terminal::report(&around(&shown(base), &field, &shown(&arguments.output)));
        }
        return Ok((plan, String::new()));
    }
    let lines = for_application(arguments, is_wanted, &mut plan)?;
    Ok((plan, lines))
}

/// The message about a kustomization that cannot list the Component itself.
fn around(base: &str, field: &str, output: &str) -> String {
    format!(
        "runner-terminal: info: {base} has {field}, which takes effect after components: list \
         {output} under components of a kustomization around it, with {base} under resources\n"
    )
}

/// Writes the component into the Application; else returns the lines that add it.
fn for_application(
    arguments: &arguments::Export,
    is_wanted: bool,
    plan: &mut Plan,
) -> Result<String, ExportCommandError> {
    let application = arguments.in_place.as_deref().map(read_file).transpose()?;
    let base = arguments.kustomize.as_deref();
    let exported = base.map(built::real).transpose()?;
    let component = match &exported {
        Some(exported) => relative(exported, &absolute(&arguments.output)?),
        None => PathBuf::new(),
    };
    let component = component.to_string_lossy().replace('\\', "/");
    let edited = application.map(|file| {
        let exported = exported.as_deref().map(Path::to_string_lossy);
        let exported = exported.unwrap_or_default();
        add_component(&file.path, &file.text, &exported, &component, is_wanted)
            .map(|text| (file, text))
    });
    let edited = edited.transpose()?;
    let Some(base) = base else {
        return Err(ExportCommandError::Arguments(
            "name the application's kustomization by -k",
        ));
    };
    if is_wanted && let Some(field) = late_field(base)? {
        return Err(ExportCommandError::Late {
            folder: shown(base),
            field,
        });
    }
    match edited {
        Some((file, text)) => {
            plan.edit(file, text);
            Ok(String::new())
        }
        None if is_wanted => Ok(yaml_splice::document(&json!({
            "spec": {"source": {"kustomize": {"components": [component]}}}
        }))),
        None => Ok(String::new()),
    }
}

/// A field of a kustomization that takes effect after its components.
fn late_field(folder: &Path) -> Result<Option<String>, FileError> {
    let kustomization = kustomization_of(folder).map(|path| read_file(&path));
    let kustomization = kustomization.transpose()?;
    Ok(kustomization.and_then(|file| own_transformers(&file.text)))
}

/// The path of a folder that need not exist, from the root, with the links in the part that does.
fn absolute(folder: &Path) -> Result<PathBuf, ExportCommandError> {
    let fault = |error| ExportCommandError::Create {
        folder: shown(folder),
        error,
    };
    let whole = std::path::absolute(folder).map_err(fault)?;
    let mut there = whole.as_path();
    let mut missing = Vec::new();
    loop {
        match fs::canonicalize(there) {
            Ok(real) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(real, |path, part| path.join(part)));
            }
            Err(error) => match (there.parent(), there.file_name()) {
                (Some(parent), Some(name)) => {
                    missing.push(name.to_owned());
                    there = parent;
                }
                _ => return Err(fault(error)),
            },
        }
    }
}

/// The post-renderer's patches, in the HelmRelease or as its lines; and the files beside it.
fn for_helm_release(
    arguments: &arguments::Export,
    export: &Export,
    changes: &[Change],
    folder: Folder,
) -> Result<(Plan, String), ExportCommandError> {
    let Some(path) = &arguments.in_place else {
        let plan = folder.plan(release_files(export, None))?;
        return Ok((plan, post_renderer_lines(export)));
    };
    let release: File = read_file(path)?;
    let (text, namespace) = set_post_renderer(&release.path, &release.text, post_renderer(export))?;
    if let Some(namespace) = &namespace
        && let Some(resource) = elsewhere(changes, namespace)
    {
        terminal::report(&other_namespace(&release.path, namespace, &resource));
    }
    let mut plan = folder.plan(release_files(export, namespace.as_deref()))?;
    plan.edit(release, text);
    Ok((plan, String::new()))
}

/// The warning about manifests that were rendered for another namespace than the release's.
fn other_namespace(path: &str, namespace: &str, resource: &str) -> String {
    lines(&format!(
        "runner-terminal: warning: {path}: the HelmRelease installs into the namespace {namespace}, and \
         the manifests have {resource}: Flux finds nothing to patch if they were not rendered with \
         --namespace {namespace}\n"
    ))
    .into_owned()
}
