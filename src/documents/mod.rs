//! The function on files of manifests.
//!
//! | module | what it does |
//! |---|---|
//! | [`configs`] | decides which functionConfigs apply to them |
//! | [`apply`] | runs the function for each functionConfig |
//! | [`overlap`] | finds runners that several functionConfigs serve |
//! | [`twins`] | finds workloads that are defined twice |

mod apply;
mod configs;
mod overlap;
mod twins;

pub use apply::{Applied, ApplyError, Run, apply, apply_to_documents};
pub use configs::{Config, ConfigFault, function_configs, function_configs_of};
