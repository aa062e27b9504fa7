//! `configure`: on folders as a pod has them, and against API servers that follow a test's script.
//!
//! | module | what it has |
//! |---|---|
//! | `pod` | a folder with a `config.toml`, and the command on it |
//! | `register` | a stand-in for `gitlab-runner register` |
//! | the others | the tests |

#![cfg(all(target_os = "linux", feature = "cluster"))]
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
#[allow(dead_code, reason = "another test file uses the rest")]
#[path = "cluster/place.rs"]
mod place;

mod configure {
    mod pod;
    mod register;

    mod copies;
    mod files;
    mod in_place;
    mod memory;
    mod waiting;
}
