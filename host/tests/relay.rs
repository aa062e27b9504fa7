//! `relay` against API servers that follow a test's script.
//!
//! | module | what it has |
//! |---|---|
//! | `api_server`, `kubernetes` | a scripted API server |
//! | `running` | a relay that runs, its log and its clients |
//! | the others | the tests |

#![cfg(all(unix, feature = "cluster"))]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and tells its figures"
)]

mod program;

#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "cluster/api_server.rs"]
mod api_server;
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "cluster/kubernetes.rs"]
mod kubernetes;

mod relay {
    mod running;

    mod folder;
    mod watch;
}
