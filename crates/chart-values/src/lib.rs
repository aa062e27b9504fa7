//! Converts the values of the Helm chart gitlab-runner to equivalent functionConfigs.
//!
//! In: the text of a values file, or of a resource that holds values, such as a HelmRelease. Out: a
//! SessionServer, and an AdvertiseAddress if the address is found in the cluster, with a comment
//! wherever something differs.
//!
//! ```
//! let values = "sessionServer:\n  enabled: true\n  externalPort: 443\n";
//! let imported = chart_values::import(values)?;
//! assert!(imported.text.contains("  exposure:\n    type: LoadBalancer\n    port: 443\n"));
//! assert!(imported.text.contains("kind: AdvertiseAddress\n"));
//! assert!(imported.notes.is_empty());
//! # Ok::<(), chart_values::ChartValuesError>(())
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | [`document`] | the documents of a file, and positions in them |
//! | [`release`] | the resources that hold the values of Helm releases |
//! | [`source`] | the values of one release, and the parts that they are made of |
//! | [`set`] | individually set values, as by `--set` |
//! | [`recognise`] | what tells the chart's values from other mappings |
//! | [`find`] | which values of a file are the chart's |
//! | [`key_path`] | a path of keys as text |
//! | [`values`] | the chart's values: what a key holds, as Helm reads it, and on which line it stands |
//! | [`session_server`] | what does not depend on the exposure: ports, timeout, replicas |
//! | [`exposure`] | the chart's exposure types for a session server |
//! | [`ingress`] | the chart's Ingress |
//! | [`draft`] | the documents with their comments, as text |
//!
//! `docs/from-the-chart.md` lists every key of the chart and how it is converted.
//!
//! Source: values.yaml and the templates of the chart 0.86.0, and the release notes up to 0.94.1; each
//! module names the templates.

#![forbid(unsafe_code)]
// The exception for tests in clippy.toml does not cover this lint.
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod document;
mod draft;
mod exposure;
mod find;
mod ingress;
mod key_path;
mod recognise;
mod release;
mod session_server;
mod set;
mod source;
mod values;

use draft::{Draft, Part};
pub use find::Found;
pub use key_path::{KeyPath, KeyPathError};

/// Selects values in a file. By default they are found automatically.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The resource that holds them, as `kind`, `kind/name` or `kind/namespace/name`.
    pub resource: Option<String>,
    /// Where they are in the document, or in the resource's Helm values.
    pub at: Option<KeyPath>,
}

/// When the session server gets its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Configure {
    /// When the manifests are built.
    #[default]
    Build,
    /// When a pod starts, by an init container.
    PodStart {
        /// The image of runner-terminal that it runs.
        image: String,
    },
}

/// The functionConfigs for a values file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The documents, as YAML with comments.
    pub text: String,
    /// The contents of the comments, in the order of the values that they are about.
    pub notes: Vec<Note>,
    /// False if a field must be filled in first, because the values do not determine it.
    pub is_complete: bool,
}

/// A value that could not be converted exactly, or that needs a look.
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
    /// Text that is not YAML.
    #[error(transparent)]
    Yaml(#[from] yaml_splice::YamlError),
    /// A value that the chart itself does not accept.
    #[error("line {}, column {}: {note}", .note.place.line, .note.place.column)]
    Value {
        /// Which value, and what is wrong with it.
        note: Note,
    },
    /// Nothing in the file is recognised as the chart's values.
    #[error("line {}, column {}: {note}", .note.place.line, .note.place.column)]
    NotFound {
        /// The position that was searched.
        note: Note,
    },
    /// Several places in the file look like the chart's values.
    #[error("{} places look like values of the chart gitlab-runner: {}", .0.len(), find::list(.0))]
    Several(Vec<Found>),
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

/// Converts the chart's values in a file to functionConfigs.
///
/// The file may be
///
/// - a values file of the chart,
/// - values that contain the chart's, such as those of an umbrella chart,
/// - manifests with a resource that holds Helm values, such as a HelmRelease or an Application.
///
/// # Errors
/// Text that is not YAML; no place, or several, that look like the chart's values; values of a type
/// or range with which the chart does not work.
pub fn import(text: &str) -> Result<Imported, ChartValuesError> {
    import_selected(text, &Selection::default())
}

/// Like [`import`], for selected values.
///
/// # Errors
/// The same as [`import`], and when there is nothing with that name or path.
pub fn import_selected(text: &str, selection: &Selection) -> Result<Imported, ChartValuesError> {
    import_configured(text, selection, &Configure::Build)
}

/// As [`import_selected`], for a session server that gets its address at a certain time.
///
/// # Errors
/// The same as [`import_selected`], and for an image name that the function does not accept.
pub fn import_configured(
    text: &str,
    selection: &Selection,
    configure: &Configure,
) -> Result<Imported, ChartValuesError> {
    let documents = document::documents(text)?;
    let values = find::find(&documents, selection)?;
    let mut draft = Draft::new(&values);
    draft.is_at_start = *configure != Configure::Build;
    origin(&mut draft);
    session_server::read(&mut draft)?;
    exposure::read(&mut draft)?;
    if let Configure::PodStart { image } = configure {
        at_pod_start(&mut draft, image)?;
    }
    draft.finish()
}

/// Lets the pods find the address themselves, like the chart's own pods.
fn at_pod_start(draft: &mut Draft<'_>, image: &str) -> Result<(), ChartValuesError> {
    draft.has_follow_up = false;
    let path = ["sessionServer", "enabled"];
    if draft.values.switch(&path)? {
        draft.note(
            Part::Spec,
            &path,
            "set it to false in the chart's values: its scripts would look for the address as well, \
             at each start",
        );
    }
    let configure = serde_json::json!({"at": "PodStart", "image": image});
    draft.set(Part::Spec, "configure", configure);
    Ok(())
}

/// Reports which values were used, and which were not.
fn origin(draft: &mut Draft<'_>) {
    if !draft.values.is_whole_file() {
        let of = match draft.values.resource() {
            Some(resource) => format!(" of {resource}"),
            None => String::new(),
        };
        let message = format!("these values{of} are taken as those of the chart gitlab-runner");
        draft.note(Part::Head, &[], message);
    }
    for note in draft.values.elsewhere() {
        draft.note_at(
            Part::Head,
            Note {
                place: note.place.clone(),
                message: format!(
                    "values in {} are not read; if they set sessionServer, import them as well",
                    note.message
                ),
            },
        );
    }
}
