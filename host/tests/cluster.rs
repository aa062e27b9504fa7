//! AdvertiseAddress and `resolve`, against API servers, proxies and credential plugins that follow
//! a test's script.
//!
//! | module | what it has |
//! |---|---|
//! | `api_server` | a scripted API server |
//! | `certificates` | authorities, and the certificates that they sign |
//! | `kubernetes` | the responses of an API server |
//! | `place` | a home directory with a kubeconfig, and the command run in it |
//! | the others | the tests |

#![cfg(all(unix, feature = "cluster"))]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod program;

mod cluster {
    mod api_server;
    mod certificates;
    mod kubernetes;
    mod place;

    mod answers;
    mod connections;
    mod credentials;
    mod damage;
    mod excess;
    mod kubeconfigs;
    mod many;
    mod proxies;
    mod resolve;
    mod waiting;
}
