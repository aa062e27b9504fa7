//! Packs what is already built into the files of a release. See `docs/distribution.md`.
//!
//! The same input gives the same bytes: nothing depends on the clock, the machine or the order of
//! files in a folder.

mod bill_of_materials;
mod catalog;
mod npm;
mod oci;
mod package_managers;
mod program;
mod release;
mod sha256;
mod tarball;
mod target;

pub use bill_of_materials::{Crate, Crates, linked};
pub use catalog::definitions;
pub use release::{Launcher, Module, Release};
pub use target::Target;

use serde_json::Value;

/// The project's own page, which is in `Cargo.toml`.
const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// An object with one more member at its end.
fn with(mut object: Value, name: &str, member: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member.into());
    }
    object
}
