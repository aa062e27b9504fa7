#![doc = include_str!("../README.md")]
//!
//! | module | what it shows |
//! |---|---|
//! | [`changes`] | which resources and fields changed |
//! | [`diagram`] | the path of a terminal, as a picture |
//! | [`locate`] | the file and line that a result is about |
//! | [`mask`] | texts without the values of Secrets |

#![forbid(unsafe_code)]
// The exception for tests in clippy.toml does not cover this lint.
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod changes;
pub mod diagram;
mod locate;
mod mask;

pub use locate::{Location, locate};
pub use mask::Mask;
