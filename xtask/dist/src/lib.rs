//! Packs what is built already into what a release holds. See `docs/distribution.md`.
//!
//! The same files in, the same bytes out: nothing is taken from the clock, from the machine or from the
//! order of a folder.

mod archive;
mod bill_of_materials;
mod catalog;
mod digest;
mod file;
mod npm;
mod oci;
mod program;
mod release;
mod sums;
mod tarball;
mod target;
mod time;

pub use bill_of_materials::crates;
pub use catalog::definitions;
pub use digest::Digest;
pub use release::{Launcher, Module, Release};
pub use target::Target;
