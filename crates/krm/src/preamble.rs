//! Data about a run that a host gets besides the list, so that it need not parse the list for it.
//!
//! The module writes it as one line of JSON before the list if the environment has [`VARIABLE`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alignment::Alignment;

/// The environment variable by which a host asks the module for the line.
pub const VARIABLE: &str = "RUNNER_TERMINAL_PREAMBLE";

/// The line. The module writes it from references to an [`Alignment`] and to results; a host reads it
/// into the default types.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preamble<A = Alignment, R = Vec<Value>> {
    /// How the items of the list correspond to those of the input.
    pub alignment: A,
    /// The results, which the list contains too.
    pub results: R,
}
