//! Which runners a functionConfig applies to.

use super::Workload;
use crate::fields::{ConfigReference, RunnerSelector};
use krm::results::{FunctionResult, Refusal};

/// How a functionConfig selects its runners.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// Which of the list.
    pub selector: &'a RunnerSelector,
    /// The container that runs gitlab-runner.
    pub container: Option<&'a str>,
    /// The object that holds `config.toml`.
    pub config: Option<&'a ConfigReference>,
}

impl Chosen<'_> {
    /// True if it selects a runner, a container or a configuration explicitly.
    pub fn is_explicit(&self) -> bool {
        *self.selector != RunnerSelector::default()
            || self.container.is_some()
            || self.config.is_some()
    }

    /// Refuses one configuration for several runners, as it would give all of them one address.
    ///
    /// # Errors
    /// Several runners, with what to do.
    pub fn check(&self, workloads: &[Workload]) -> Result<(), Refusal> {
        if workloads.len() < 2 || self.config.is_none() {
            return Ok(());
        }
        let message = format!(
            "names the configuration of one runner, and {} are selected: choose one by spec.runner, and \
             give each its own functionConfig",
            workloads.len()
        );
        Err(FunctionResult::refuse_config("spec.config", &message))
    }
}
