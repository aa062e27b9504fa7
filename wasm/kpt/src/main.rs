//! runner-terminal for kpt's Wasm runtimes: `kpt fn eval --exec runner-terminal-kpt.wasm
//! --allow-alpha-wasm`.
//! kpt runs the programs that Go up to 1.20 builds for `GOOS=js`. This module implements the same
//! ABI, which `docs/kpt.md` describes.

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

/// There is nothing to run outside of kpt. This keeps the package part of `cargo test --workspace`.
#[cfg(not(target_arch = "wasm32"))]
fn main() {}
