//! No value of a Secret, token or kubeconfig appears in anything but the manifests themselves: each
//! place that may hold a secret holds a canary, each command is run on it as it is and damaged in
//! every way, and all output is searched.
//!
//! | module | what it has |
//! |---|---|
//! | `canaries` | the secrets, and the search for them in every form |
//! | `damage` | mistakes that people make |
//! | `place` | a folder with secrets everywhere, and the command in it |
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

mod secrets {
    mod canaries;
    mod damage;
    mod place;

    mod configurations;
    mod credentials;
    mod manifests;
    mod values;
}
