//! Tells the linker what kpt expects of a module's memory.

use std::env;

/// The size of the memory. kpt reads it once, before anything runs, so the memory must never grow.
/// Untouched pages cost nothing.
const MEMORY: u64 = 1 << 30;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "wasm32") {
        for option in [
            format!("--initial-memory={MEMORY}"),
            format!("--max-memory={MEMORY}"),
            "--export-memory=mem".to_owned(),
        ] {
            println!("cargo::rustc-link-arg-bins={option}");
        }
    }
}
