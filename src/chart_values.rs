//! The values of the Helm chart gitlab-runner, as the functionConfigs that do the same.
//!
//! The text of a values file goes in. A SessionServer comes out, and an AdvertiseAddress where the
//! address is found in the cluster, with a comment wherever something differs.
//!
//! ```
//! let values = "sessionServer:\n  enabled: true\n  externalPort: 443\n";
//! let imported = runner_terminal::chart_values::import(values)?;
//! assert!(imported.text.contains("  exposure:\n    type: LoadBalancer\n    port: 443\n"));
//! assert!(imported.text.contains("kind: AdvertiseAddress\n"));
//! assert!(imported.notes.is_empty());
//! # Ok::<(), runner_terminal::chart_values::ChartValuesError>(())
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | [`values`] | the values file: what a key holds, as Helm reads it, and on which line it stands |
//! | [`session_server`] | what is the same whatever the way: ports, timeout, replicas |
//! | [`exposure`] | the chart's ways to reach a session server |
//! | [`ingress`] | the chart's Ingress |
//! | [`draft`] | the documents with their comments, as text |
//!
//! `docs/from-the-chart.md` has every key of the chart and what becomes of it.
//!
//! Source: values.yaml and the templates of the chart 0.86.0; each module names the templates.

mod draft;
mod exposure;
mod ingress;
mod session_server;
mod values;

use draft::Draft;
use values::Values;

/// What has been made of a values file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The documents, as YAML with comments.
    pub text: String,
    /// What the comments say, in the order of the values that they are about.
    pub notes: Vec<Note>,
    /// False when a field has to be filled in first, for the values do not say it.
    pub is_complete: bool,
}

/// Something that could not be taken over as it is, or that needs a look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .place.path)]
pub struct Note {
    /// Which value.
    pub place: Place,
    /// What differs, and what to do.
    pub message: String,
}

/// Values that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartValuesError {
    /// Text that is not YAML, or more than one document.
    #[error(transparent)]
    Yaml(#[from] crate::yaml::YamlError),
    /// A value with which the chart itself makes nothing that works.
    #[error("line {}, column {}: {note}", .note.place.line, .note.place.column)]
    Value {
        /// Which value, and what is wrong with it.
        note: Note,
    },
}

/// A value in a values file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The keys that lead to it: `sessionServer.ingress.enabled`.
    pub path: String,
    /// The line of the last of these keys that is written, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

/// Makes functionConfigs of a values file.
///
/// Values of a chart that has the runner's as a dependency are found under `gitlab-runner`.
///
/// # Errors
/// Text that is not YAML, and values of a type or range with which the chart makes nothing that
/// works.
pub fn import(values: &str) -> Result<Imported, ChartValuesError> {
    let values = Values::parse(values)?;
    let mut draft = Draft::new(&values);
    session_server::read(&mut draft)?;
    exposure::read(&mut draft)?;
    draft.finish()
}
