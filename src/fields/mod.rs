//! The fields that functionConfigs are made of: how they are parsed, and the messages about
//! mistakes.

mod choices;
mod config_reference;
mod duration;
mod label_selector;
mod mapping;
pub(crate) mod metadata;
mod port;
mod resources;
mod runner_selector;
mod typed;

pub use config_reference::{ConfigReference, HolderKind};
pub use duration::Seconds;
pub use label_selector::LabelSelector;
pub use port::Port;
pub(crate) use resources::check_resources;
pub use runner_selector::RunnerSelector;
pub(crate) use typed::{did_you_mean, read, read_among, unset_when_empty};

/// A functionConfig that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The field, from the functionConfig's root: `spec.exposure.port`.
    pub path: String,
    /// What is wrong with it and what would be right.
    pub message: String,
}

impl ConfigError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }

    /// The error for a field that does not exist.
    fn unknown_field(path: String, name: &str, rest: &str) -> Self {
        Self::new(path, format!("{NO_FIELD}{name:?}{rest}"))
    }

    /// True for the error that the mapping at `path` has no field of this name.
    pub(crate) fn is_unknown_field(&self, path: &str, name: &str) -> bool {
        self.path == typed::join(path, name) && self.message.starts_with(NO_FIELD)
    }
}

/// The first words about a field that does not exist.
const NO_FIELD: &str = "there is no field ";
