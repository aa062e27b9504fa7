//! The function's changes, as files for hosts that run no functions.

use krm::documents::split;
use runner_terminal::export::{
    ExportedFile, Secrets, changes, component, export, post_renderer_lines, release_files,
};
use serde::Serialize;

use crate::fault::{Fault, Input};
use crate::transform::Given;

/// The comment in the Component that says where it belongs.
const USAGE: &str = "a Component for the kustomization with the runner under resources";

/// The files for each host, or why there are none.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exported {
    /// Why nothing is exported; empty if something is.
    problem: String,
    /// The files of a kustomize Component; none where nothing changes.
    component: Vec<File>,
    helm_release: HelmRelease,
}

/// The output for a Flux HelmRelease.
#[derive(Debug, Default, Serialize)]
struct HelmRelease {
    /// The lines of the HelmRelease; empty where there are no patches.
    lines: String,
    /// The files beside it; none where nothing is added.
    files: Vec<File>,
}

/// A file in the exported folder.
#[derive(Debug, Serialize)]
struct File {
    path: String,
    text: String,
}

impl Exported {
    fn refused(problem: String) -> Self {
        Self {
            problem,
            ..Self::default()
        }
    }
}

/// Runs the functions, and returns their changes as files. A refusal of a function, or a change
/// that no patch can express, is a problem.
///
/// # Errors
///
/// A [`Fault`] where one of the inputs cannot be read.
pub(crate) fn run(given: &Given, secrets: Secrets) -> Result<Exported, Fault> {
    let ran = given.run()?;
    if let Some(problem) = ran.refusal() {
        return Ok(Exported::refused(problem));
    }
    let before = given.texts();
    let documents = split(&before).map_err(|error| Fault::of_document(Input::Manifests, error))?;
    let after = given.with_texts(&ran.applied.texts);
    let changes = changes(
        (&before, &documents),
        (&after, &ran.applied.documents),
        &ran.applied.alignment.resources,
    );
    let export = match export(&changes, secrets) {
        Ok(export) => export,
        Err(error) => return Ok(Exported::refused(error.to_string())),
    };
    Ok(Exported {
        problem: String::new(),
        component: files(component(&export, USAGE)),
        helm_release: HelmRelease {
            lines: post_renderer_lines(&export),
            files: files(release_files(&export, None)),
        },
    })
}

fn files(exported: Vec<ExportedFile>) -> Vec<File> {
    let files = exported.into_iter();
    files
        .map(|file| File {
            path: file.name,
            text: file.text,
        })
        .collect()
}
