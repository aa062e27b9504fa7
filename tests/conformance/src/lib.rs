//! The cases of the YAML test suite and of the JSON Patch test suite, and independent readers that
//! check the results.
//!
//! Both suites come from npm packages that `package-lock.json` pins; `cargo xtask hosts conformance`
//! installs them. If something is missing, the tests fail: nothing is skipped.

// If something cannot be set up, the test fails and names it.
#![deny(clippy::unwrap_used)]

mod edits;
mod events;
#[path = "../../judge/json_places.rs"]
mod json_places;
#[path = "../../judge/libyaml.rs"]
mod libyaml;
#[path = "../../../fuzz/src/lines.rs"]
pub mod lines;
#[path = "../../judge/nodes.rs"]
mod nodes;
mod places;
mod readers;
mod runner;
mod suites;

pub use edits::{Edit, edits};
pub use events::{Meaning, meaning};
pub use nodes::{has_breaks_of_1_1, libyaml_agrees, nodes};
pub use places::{Place, indented};
pub use readers::{Reading, go_yaml, libyaml, same, yaml_package};
pub use runner::{RUNNER, list};
pub use suites::{PatchCase, Suites, YamlCase, suites};
