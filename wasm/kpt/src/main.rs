//! runner-terminal for kpt's Wasm runtimes: `kpt fn eval --exec runner-terminal-kpt.wasm
//! --allow-alpha-wasm`.
//!
//! kpt runs what Go up to 1.20 made of programs for `GOOS=js`. This speaks that ABI: `docs/kpt.md`
//! describes it.

#![deny(unsafe_code)]
#![cfg_attr(target_arch = "wasm32", no_main)]

#[cfg(any(test, target_arch = "wasm32"))]
mod frame;
#[cfg(any(test, target_arch = "wasm32"))]
mod go;
#[cfg(any(test, target_arch = "wasm32"))]
mod heap;
#[cfg(test)]
mod host;
#[cfg(any(test, target_arch = "wasm32"))]
mod program;
#[cfg(any(test, target_arch = "wasm32"))]
mod value;

/// There is nothing to run outside of kpt: this keeps the package in `cargo test --workspace`.
#[cfg(not(target_arch = "wasm32"))]
fn main() {}
