//! The engine's settings, which must be the same in the launcher and in the compiler of `build.rs`:
//! both include this file.

use wasmtime::Config;

/// The settings of the engine that compiles and runs the module.
///
/// The code has no checks for a limit of time: [`super::clock`] ends the process instead. With epochs,
/// where each loop compares a counter, the whole process executes 280 million instructions for a list
/// of 12 MB (one runner, and other resources), and 207 million without. Fuel, where the code counts its
/// own instructions, costs a little more than epochs.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        // The module needs none of these: the limit is for one memory, and relaxed SIMD may give
        // another result on another processor.
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        // The module is started once per process, so copying its data is cheaper.
        .memory_init_cow(false)
        // The module has no names, so a backtrace would be useless, and the map that it needs is a
        // tenth of the code's size.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        // The same for the names in its machine code.
        .debug_symbols(false);
    config
}
