//! The core of `runner-terminal configure`, which writes the session server into a `config.toml` at
//! pod start. [`crate::session_server`] plans the init container that runs it.
//!
//! | module | what it knows |
//! |---|---|
//! | [`file`](mod@file) | the file: gets `[session_server]` with the address, or is left without one |
//! | [`file_record`] | the previous values of its keys, kept beside it |
//! | [`service_address`] | the address: of the pod's or the node's IPs, or of the live Service |

pub mod file;
pub mod file_record;
pub mod service_address;
