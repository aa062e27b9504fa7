//! The function configs of an application: those in its files, or those made from its parameters.

use krm::documents::{DocumentError, unreadable, without_function_configs};
use runner_terminal::documents::Config;
use runner_terminal::function_config::ApiVersion;
use thiserror::Error;

use super::application::{Application, CONFIG_FILE, PathError};
use super::from_parameters::{self, FromParametersError};
use super::parameters::Parameters;
use crate::apply::{self, ApplyError};
use crate::manifests::{self, File, FileError};

/// Why there are no function configs to use.
#[derive(Debug, Error)]
#[error(transparent)]
pub(super) enum ConfigsError {
    /// The parameter `config` names a file that is not in the application's folder.
    #[error("config: {0}")]
    Path(#[from] PathError),
    /// A file cannot be read.
    File(#[from] FileError),
    /// A file cannot be split into documents.
    Document(#[from] DocumentError),
    /// A function config cannot be read.
    Config(#[from] ApplyError),
    /// A file for function configs also has manifests.
    #[error(
        "{path} has more than function configs: such a file has a SessionServer and an \
         AdvertiseAddress of {}, and nothing else",
        ApiVersion::list("or")
    )]
    HasManifests {
        /// The path of the file.
        path: String,
    },
    /// A function config names a kubeconfig.
    #[error(
        "{place}: spec.kubeconfig may only be chosen by whoever runs the plugin: leave it out, and \
         name a context of the sidecar's KUBECONFIG by spec.context"
    )]
    Kubeconfig {
        /// Where it is.
        place: String,
    },
    /// There are function configs, and a parameter that would make one.
    #[error(
        "the parameter {name} is set, and there are function configs at {place}: write it there, and \
         leave the parameter out"
    )]
    ParameterIsSet {
        /// The parameter.
        name: &'static str,
        /// Where the first function config is.
        place: String,
    },
    /// No function configs can be made from the parameters.
    FromParameters(#[from] FromParametersError),
}

/// Refuses a function config that names a kubeconfig, which names a program to run and a server to
/// send a token to.
fn must_not_name_kubeconfig(config: &Config<'_>) -> Result<(), ConfigsError> {
    if apply::names_kubeconfig(&apply::value_of(config)?) {
        return Err(ConfigsError::Kubeconfig {
            place: config.place(),
        });
    }
    Ok(())
}

/// The files with function configs: those of the parameter `config`, or `runner-terminal.yaml`.
///
/// # Errors
///
/// A file cannot be read, or is not in the application's folder.
pub(super) fn files(
    application: &Application,
    parameters: &Parameters,
) -> Result<Vec<File>, ConfigsError> {
    let default = [CONFIG_FILE.to_owned()];
    let names = match parameters.list("config") {
        [] if application.folder.path().join(CONFIG_FILE).exists() => &default,
        names => names,
    };
    let read = |name: &String| {
        let mut file = manifests::read_file(&application.folder.file(name)?)?;
        file.path.clone_from(name);
        Ok(file)
    };
    names.iter().map(read).collect()
}

/// The function configs in the files and among the manifests, or else those made from the
/// parameters.
///
/// # Errors
///
/// A function config is not allowed, or there are parameters as well.
pub(super) fn choose(
    files: &[File],
    manifests: &[File],
    parameters: &Parameters,
) -> Result<Vec<Config<'static>>, ConfigsError> {
    if let Some(error) = unreadable(&manifests::texts(files)) {
        return Err(error.into());
    }
    for file in files {
        let others = File {
            text: without_function_configs(&file.path, &file.text)?,
            ..file.clone()
        };
        if !others.is_empty() {
            return Err(ConfigsError::HasManifests { path: others.path });
        }
    }
    let all: Vec<File> = files.iter().chain(manifests).cloned().collect();
    let mut configs = apply::find_configs(&all, &apply::documents(&all)?, &[])?;
    // The default config has no file.
    configs.retain(|config| !config.file.is_empty());
    let Some(first) = configs.first() else {
        return Ok(from_parameters::configs(parameters)?);
    };
    if let [name, ..] = parameters.for_functions().as_slice() {
        return Err(ConfigsError::ParameterIsSet {
            name,
            place: first.place(),
        });
    }
    configs.iter().try_for_each(must_not_name_kubeconfig)?;
    Ok(configs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_config_names_a_kubeconfig() {
        let check = |text: &str| {
            must_not_name_kubeconfig(&Config {
                file: "a.yaml".to_owned(),
                line: 1,
                text: text.into(),
            })
        };
        for text in [
            "kind: AdvertiseAddress\nspec: {kubeconfig: a}\n",
            "kind: AdvertiseAddress\nspec:\n  \"kubeconfi\\x67\": a\n",
            "x: &a {kubeconfig: a}\nkind: AdvertiseAddress\nspec: {<<: *a}\n",
        ] {
            assert!(
                matches!(check(text), Err(ConfigsError::Kubeconfig { .. })),
                "{text}"
            );
        }
        let relay = "kind: SessionServer\nspec: {exposure: {relay: {kubeconfigSecret: a}}}\n";
        assert!(check(relay).is_ok());
    }
}
