//! The function as a WASI module, for the build script of the launcher. It is a crate of its own, since
//! a build script starts after its dependencies: here there are none, so the module is built while the
//! compiler that the launcher's script needs is built too.

/// The path of the module: the one that `RUNNER_TERMINAL_WASM` names, or the one that was built for this
/// crate.
pub const WASM: &str = env!("RUNNER_TERMINAL_MODULE");
