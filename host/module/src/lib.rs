//! The function as a WASI module, for the build script of the launcher. It is a separate crate
//! because a build script starts after its dependencies: this crate has none, so the module is
//! built in parallel with the compiler that the launcher's script needs.

/// The path of the module: the one that `RUNNER_TERMINAL_WASM` names, or the one that was built for this
/// crate.
pub const WASM: &str = env!("RUNNER_TERMINAL_MODULE");
