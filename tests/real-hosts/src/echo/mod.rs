//! Terminals without GitLab and runners: pods that echo, and clients that type.
//!
//! A relay cannot tell them from real ones: a connection begins with a ClientHello, and what
//! follows is opaque.

mod cluster;
mod terminal;

pub use cluster::{EchoCluster, PodChanges};
pub use terminal::EchoTerminal;
