//! The engine's settings, which the compiler in `build.rs` and the launcher must agree on: both
//! include this file.

use wasmtime::Config;

/// The settings of the engine for which the module is compiled, and in which it runs.
///
/// Time is limited by epochs: the module looks at a counter that the launcher moves on. Fuel, where
/// the module counts its own instructions, costs more: scanning 12 MB of manifests took 45 ms with
/// neither, 49 ms with epochs and 53 ms with fuel.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // The module is started once in a process: copying its data is cheaper than preparing for
        // starts to come.
        .memory_init_cow(false)
        // Guests have no names in their machine code: a backtrace would say nothing.
        .wasm_backtrace_max_frames(None);
    config
}
