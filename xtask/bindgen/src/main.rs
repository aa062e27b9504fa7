//! Generates a JavaScript module for a Wasm module: `runner-terminal-bindgen MODULE FOLDER NAME`.

use std::env;

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [module, folder, name] = words.as_slice() else {
        anyhow::bail!("usage: runner-terminal-bindgen MODULE FOLDER NAME");
    };
    let mut bindgen = Bindgen::new();
    // Distinguishes a trap from an answer, and discards the state that it leaves behind.
    bindgen.web(true)?.reset_state_function(true);
    bindgen
        .input_path(module)
        .out_name(name)
        .typescript(false)
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
        .with_context(|| format!("cannot make JavaScript of {module}"))
}
