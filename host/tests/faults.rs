//! Faults of files and streams: the command is killed, or gets an error, at each system call that
//! has to do with its files; its streams are closed or full; its files are of every kind.
//!
//! | module | what it has |
//! |---|---|
//! | `tracer` | the command, stopped at its system calls |
//! | `place` | a folder of manifests, and what must hold after a run in it |
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

mod faults {
    mod place;
    mod tracer;

    mod calls;
    mod files;
    mod signals;
    mod streams;
}
