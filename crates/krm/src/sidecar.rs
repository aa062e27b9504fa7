//! What a host learns of a run besides the list, so that it need not read the list for it.
//!
//! The module writes it as one line of JSON before the list, where the environment has [`VARIABLE`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alignment::Alignment;
use crate::results::FunctionResult;

/// The environment variable by which a host asks the module for the line.
pub const VARIABLE: &str = "RUNNER_TERMINAL_SIDECAR";

/// The line as it is written.
#[derive(Debug, Serialize)]
pub struct Written<'r> {
    /// Which items of the list are which of the input's.
    pub alignment: &'r Alignment,
    /// The results, which the list holds too.
    pub results: &'r [FunctionResult],
}

/// The line as it is read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Read {
    /// Which items of the list are which of the input's.
    pub alignment: Alignment,
    /// The results, which the list holds too.
    pub results: Vec<Value>,
}
