//! Undoes what the function has done to manifests, to find what it changed there: in the output of a
//! kustomization that runs it, nothing is left to change.

use std::borrow::Cow;

use krm::alignment::Sequence;
use krm::documents::Document;
use runner_terminal::documents::Config;

use crate::apply::{self, ApplyError};
use crate::manifests::{File, texts};
use crate::sandbox::Limits;

/// Undoes what the function changed.
const OFF: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
spec:
  enabled: false
";

/// Manifests as they were before the function ran on them.
pub(crate) struct Before {
    pub(crate) files: Vec<File>,
    pub(crate) documents: Vec<Document>,
    /// Maps the resources of the build to these.
    pub(crate) resources_now: Sequence,
}

/// The manifests of a build before its functions ran; `None` if ours was not among them.
///
/// # Errors
///
/// A document cannot be an item, or the function reached a limit.
pub(crate) fn before(
    files: &[File],
    documents: &[Document],
    limits: Limits,
) -> Result<Option<Before>, ApplyError> {
    let off = Config {
        text: Cow::Borrowed(OFF),
        ..Config::default()
    };
    let restored = apply::apply(files.to_vec(), documents.to_vec(), &[off], limits)?;
    let is_ours = restored.code == 0 && texts(&restored.files) != texts(files);
    Ok(is_ours.then_some(Before {
        files: restored.files,
        documents: restored.documents,
        resources_now: restored.alignment.resources.inverse(),
    }))
}
