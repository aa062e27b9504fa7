//! The function on files of manifests.
//!
//! | module | what it does |
//! |---|---|
//! | [`configs`] | says which functionConfigs are used on them |
//! | [`apply`] | runs the function for each of these |
//! | [`twins`] | finds workloads that are there twice |

mod apply;
mod configs;
mod twins;

pub use apply::{Applied, ApplyError, Run, apply, apply_to_documents};
pub use configs::{Config, ConfigFault, function_configs, function_configs_of};
