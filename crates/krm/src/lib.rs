#![doc = include_str!("../README.md")]
//!
//! | module | what it knows |
//! |---|---|
//! | [`documents`] | files of manifests, wrapped into a ResourceList and put back |
//! | [`resource_list`] | the parts of a ResourceList, found without parsing it |
//! | [`resource`] | one resource: its identity and its value |
//! | [`patch`] | the planned changes, as RFC 6902 operations |
//! | [`bookkeeping`] | the annotations with the data to undo an edit |
//! | [`keyed_pointer`] | pointers that find an element of a list wherever it has moved |
//! | [`alignment`] | which resources are the same before and after a run |
//! | [`results`] | the `results` of a list |
//! | [`preamble`] | what a host learns of a run besides the list |
//! | [`text`] | escapes untrusted text for display |

// The one exception on x86-64 is resource_list/line_head/masks.rs.
#![cfg_attr(not(target_arch = "x86_64"), forbid(unsafe_code))]
// The exception for tests in clippy.toml does not cover this lint.
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod alignment;
pub mod bookkeeping;
pub mod documents;
mod keyed_pointer;
pub mod patch;
pub mod preamble;
pub mod resource;
pub mod resource_list;
pub mod results;

pub mod text;

pub use yaml_splice::Internal;
