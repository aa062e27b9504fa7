//! AdvertiseAddress and `resolve`, against API servers, proxies and credential plugins that do what
//! a test tells them to.
//!
//! | module | what it has |
//! |---|---|
//! | `api_server` | an API server by a script |
//! | `certificates` | authorities, and what they sign |
//! | `kubernetes` | what an API server says |
//! | `place` | a home with a kubeconfig, and the command in it |
//! | the others | the tests |

#![cfg(unix)]
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
