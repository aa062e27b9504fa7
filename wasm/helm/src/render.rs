//! Manifests in, manifests with the session servers out.

use runner_terminal::documents::{
    Config, DocumentError, function_configs, to_resource_list, without_function_configs,
};

/// What errors call the manifests, which have no path here.
const MANIFESTS: &str = "manifests";

/// What has become of the manifests.
pub(crate) struct Rendered {
    pub(crate) manifests: String,
    /// What the functions have to say, as lines.
    pub(crate) report: String,
}

/// Runs the function for each functionConfig, one after the other.
///
/// `given` are texts of YAML documents, each with the name that errors call it by. Where they have
/// none, the functionConfigs are those among the manifests, which are no part of what comes out.
///
/// # Errors
///
/// What is wrong, for the person who runs Helm.
pub(crate) fn render(manifests: &str, given: &[(&str, &str)]) -> Result<Rendered, String> {
    let configs = function_configs(&[(MANIFESTS, manifests)], given).map_err(sentence)?;
    let mut rendered = Rendered {
        manifests: without_function_configs(MANIFESTS, manifests).map_err(sentence)?,
        report: String::new(),
    };
    for config in configs {
        rendered.run(&config)?;
    }
    Ok(rendered)
}

impl Rendered {
    fn run(&mut self, config: &Config<'_>) -> Result<(), String> {
        let files = [(MANIFESTS, self.manifests.as_str())];
        let list = to_resource_list(&files, config.text).map_err(sentence)?;
        let outcome = runner_terminal::run(list.text.as_bytes());
        if outcome.failed() {
            let mut report = outcome.report();
            if !config.place.is_empty() {
                report.push_str(&format!(
                    "runner-terminal: the function config was {}\n",
                    config.place
                ));
            }
            return Err(report);
        }
        self.report.push_str(&outcome.report());
        let edited = list.edited(&files, &outcome.text()).map_err(sentence)?;
        self.manifests = edited.concat();
        Ok(())
    }
}

fn sentence(error: DocumentError) -> String {
    format!("runner-terminal: {error}")
}
