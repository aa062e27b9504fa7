//! Manifests in, manifests with the session servers out.

use std::convert::Infallible;
use std::fmt;

use krm::documents::without_function_configs;
use runner_terminal::documents::{Run, apply, function_configs};

/// The name of the manifests in errors, as they have no path here.
const MANIFESTS: &str = "manifests";

/// The outcome of a run.
pub(crate) struct Rendered {
    pub(crate) manifests: String,
    /// The messages of the functions, as lines.
    pub(crate) report: String,
}

/// Runs the function for each functionConfig, one after the other.
/// `given` are texts of YAML documents, each with the name for errors. If they have no
/// functionConfigs, those among the manifests are used, and are not part of the output.
///
/// # Errors
///
/// What is wrong, for the person who runs Helm.
pub(crate) fn render(manifests: &str, given: &[(&str, &str)]) -> Result<Rendered, String> {
    let configs = function_configs(&[(MANIFESTS, manifests)], given).map_err(sentence)?;
    let manifests = without_function_configs(MANIFESTS, manifests).map_err(sentence)?;
    let run = |list: &str| Ok::<_, Infallible>(Run::from(&runner_terminal::run(list.as_bytes())));
    let applied = apply(&[(MANIFESTS, &manifests)], &configs, run).map_err(sentence)?;
    if applied.failed {
        return Err(applied.report);
    }
    Ok(Rendered {
        manifests: applied.texts.concat(),
        report: applied.report,
    })
}

fn sentence(error: impl fmt::Display) -> String {
    format!("runner-terminal: {error}")
}
