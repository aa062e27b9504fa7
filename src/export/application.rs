//! An Argo CD Application with its built-in kustomize.
//!
//! Argo CD adds the components of `spec.source.kustomize` to the application's kustomization before it
//! builds it. It has no post-renderer for charts.
//!
//! Source: "Kustomize" in Argo CD's user guide, and `ApplicationSourceKustomize` in its API.

use serde_json::{Map, Value, json};

use super::documents::{EditedDocumentError, Wanted};

/// The options of Argo CD's built-in kustomize.
const OPTIONS: &str = "/spec/source/kustomize";
const COMPONENTS: &str = "/spec/source/kustomize/components";
/// Fields of `spec.source.kustomize` that are applied after the components.
const LATE: [&str; 7] = [
    "commonLabels",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "patches",
    "replicas",
    "labelWithoutSelector",
];

/// Why an Application cannot be written, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// Its file cannot be edited.
    #[error(transparent)]
    Document(#[from] EditedDocumentError),
    /// The source is a chart.
    #[error(
        "{path}: the Application's source is a Helm chart, and Argo CD has no post-renderer for charts: \
         point spec.source.path to a kustomization with the chart under helmCharts and the exported \
         folder under components, which needs kustomize.buildOptions: --enable-helm in argocd-cm"
    )]
    Chart {
        /// The path of the file, as given.
        path: String,
    },
    /// The source is not a single folder with a kustomization.
    #[error(
        "{path}: the Application has {field}, and only spec.source with the path of a kustomization takes \
         components: add the exported folder to the components of that kustomization yourself"
    )]
    OtherSource {
        /// The path of the file, as given.
        path: String,
        /// The field that shows this.
        field: String,
    },
    /// The Application changes names after the components are applied.
    #[error(
        "{path}: spec.source.kustomize.{field} takes effect after components, whose patches would not \
         find their resources any more or add them under other names: set it in a kustomization, and \
         export from one that includes that"
    )]
    Late {
        /// The path of the file, as given.
        path: String,
        /// The field.
        field: &'static str,
    },
    /// The source is not the folder that was exported.
    #[error(
        "{path}: spec.source.path is {found:?}, and {exported} was exported: export that folder by -k"
    )]
    OtherFolder {
        /// The path of the file, as given.
        path: String,
        /// The folder in the Application.
        found: String,
        /// The kustomization that was exported.
        exported: String,
    },
    /// `components` is not a list.
    #[error("{path}: spec.source.kustomize.components of the Application is not a list")]
    NoList {
        /// The path of the file, as given.
        path: String,
    },
}

/// The file of an Application with a component added (given relative to the source's folder), or
/// removed. `exported` is the absolute path of the exported kustomization; empty if unknown.
///
/// # Errors
/// The file does not have exactly one Application, its source is unsuitable, or it cannot be
/// edited.
pub fn add_component(
    path: &str,
    text: &str,
    exported: &str,
    component: &str,
    is_wanted: bool,
) -> Result<String, ApplicationError> {
    let application = Wanted::find(path, text, "Application", "argoproj.io")?;
    check(path, &application.value, exported)?;
    let components = match application.value.pointer(COMPONENTS) {
        None | Some(Value::Null) => None,
        Some(Value::Array(components)) => Some(components),
        Some(_) => {
            return Err(ApplicationError::NoList {
                path: path.to_owned(),
            });
        }
    };
    let options = application
        .value
        .pointer(OPTIONS)
        .and_then(Value::as_object);
    let operation = operation(options, components, component, is_wanted);
    Ok(application.edited(operation.into_iter().collect())?)
}

/// The operation that adds a component to the kustomize options, or removes it; `None` if nothing
/// needs to change.
fn operation(
    options: Option<&Map<String, Value>>,
    components: Option<&Vec<Value>>,
    component: &str,
    is_wanted: bool,
) -> Option<Value> {
    let place = components.and_then(|list| list.iter().position(|one| one == component));
    match (place, is_wanted, components) {
        (Some(_), true, _) | (None, false, _) => None,
        (Some(place), false, Some(all)) if all.len() > 1 => {
            Some(json!({"op": "remove", "path": format!("{COMPONENTS}/{place}")}))
        }
        (Some(_), false, _) => {
            let is_alone = options.is_some_and(|options| options.len() == 1);
            let path = if is_alone { OPTIONS } else { COMPONENTS };
            Some(json!({"op": "remove", "path": path}))
        }
        (None, true, Some(_)) => {
            Some(json!({"op": "add", "path": format!("{COMPONENTS}/-"), "value": component}))
        }
        (None, true, None) if options.is_some() => {
            Some(json!({"op": "add", "path": COMPONENTS, "value": [component]}))
        }
        (None, true, None) => {
            Some(json!({"op": "add", "path": OPTIONS, "value": {"components": [component]}}))
        }
    }
}

/// Refuses sources that do not support components, and sources that this component does not belong
/// to.
fn check(path: &str, application: &Value, exported: &str) -> Result<(), ApplicationError> {
    let path = path.to_owned();
    let has = |pointer: &str| {
        let value = application.pointer(pointer);
        value.is_some_and(|value| !value.is_null())
    };
    if has("/spec/source/chart") || has("/spec/source/helm") {
        return Err(ApplicationError::Chart { path });
    }
    for field in [
        "sources",
        "sourceHydrator",
        "source/plugin",
        "source/directory",
    ] {
        if has(&format!("/spec/{field}")) {
            let field = format!("spec.{}", field.replace('/', "."));
            return Err(ApplicationError::OtherSource { path, field });
        }
    }
    for field in LATE {
        if has(&format!("/spec/source/kustomize/{field}")) {
            return Err(ApplicationError::Late { path, field });
        }
    }
    let folder = application
        .pointer("/spec/source/path")
        .and_then(Value::as_str);
    let folder = folder.unwrap_or_default();
    let plain = folder.trim_start_matches("./").trim_matches('/');
    let is_it = exported.is_empty()
        || plain.is_empty()
        || plain == "."
        || exported == plain
        || exported.ends_with(&format!("/{plain}"));
    if is_it {
        return Ok(());
    }
    Err(ApplicationError::OtherFolder {
        path,
        found: folder.to_owned(),
        exported: exported.to_owned(),
    })
}
