//! The engine's settings, which the compiler in `build.rs` and the launcher must agree on: both
//! include this file.

use wasmtime::Config;

/// The settings of the engine for which the module is compiled, and in which it runs.
///
/// Time is limited by epochs: the module looks at a counter that the launcher moves on. Fuel, where
/// the module counts its own instructions, costs slightly more. The whole process, on a list of 12 MB
/// (one runner, other resources besides), the least of 41 runs, three times: 52 to 53 ms with no
/// limit of time, 71 ms with epochs, 73 to 74 ms with fuel. The medians lie as far apart, and spread
/// wider. So epochs are the cheaper of the two, by little; what costs is to look at all.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // What the module does not need, it has not: one memory is what is limited, and what gives
        // another result on another processor is no way to the same output.
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        // The module is started once in a process: copying its data is cheaper than preparing for
        // starts to come.
        .memory_init_cow(false)
        // The module has no names left: a backtrace would say nothing, and the map from machine
        // code to WebAssembly that it needs is a tenth of the code's size.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false);
    config
}
