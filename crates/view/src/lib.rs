#![doc = include_str!("../README.md")]
//!
//! | module | what it shows |
//! |---|---|
//! | [`changes`] | which resources and fields changed |
//! | [`diagram`] | the path that a terminal takes, as a picture |
//! | [`locate`] | the file and line that a result is about |
//! | [`mask`] | texts without the values of Secrets |

#![forbid(unsafe_code)]
// Nothing here may excuse itself from these, in whatever place: hosts end on a panic.
#![forbid(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "no input panics"
)]
// This one knows nothing of tests.
#![cfg_attr(not(test), forbid(clippy::string_slice, reason = "no input panics"))]

pub mod changes;
pub mod diagram;
mod locate;
mod mask;

pub use locate::{Location, locate};
pub use mask::Mask;
