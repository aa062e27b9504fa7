//! The session server configured at the pod's start, by `runner-terminal configure`.

pub mod file;
pub mod service_address;
pub mod start_record;
