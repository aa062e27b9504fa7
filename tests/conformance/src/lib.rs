//! The cases of the YAML test suite and of the JSON Patch test suite, and readers that judge what
//! becomes of them.
//!
//! Both suites come from npm packages that `package-lock.json` pins; `cargo xtask hosts conformance`
//! installs them. What is missing fails the tests: nothing is skipped.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this crate is test support: what cannot be set up fails the test"
)]

mod edits;
mod events;
mod places;
mod readers;
mod runner;
mod suites;

pub use edits::{Edit, edits};
pub use events::{Meaning, meaning};
pub use places::{Place, indented};
pub use readers::{libyaml, same, yaml_package};
pub use runner::{RUNNER, list};
pub use suites::{PatchCase, Suites, YamlCase, suites};
