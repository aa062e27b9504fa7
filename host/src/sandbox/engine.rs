//! The engine's settings, which must be the same in the launcher and in the compiler of `build.rs`:
//! both include this file.

use wasmtime::Config;

/// The settings of the engine that compiles and runs the module.
///
/// Epochs limit the time: the module checks a counter that the launcher increments. With fuel, the
/// module counts its own instructions, which costs slightly more. The whole process, on a list of
/// 12 MB (one runner, and other resources), the fastest of 41 runs, three times: 52 to 53 ms without
/// a time limit, 71 ms with epochs, 73 to 74 ms with fuel.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
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
