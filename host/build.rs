//! Compiles the function's module ahead of time, so that the launcher starts without a compiler.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use runner_terminal_module::WASM;
use wasmtime::Engine;

#[path = "src/sandbox/engine.rs"]
mod engine;

/// Small modules for the tests of the sandbox.
const GUESTS: &str = "src/sandbox/guests";

/// Modules that the engine's settings refuse.
const REFUSED: &str = "src/sandbox/guests/refused";

/// Imports that the sandbox does not provide: the module, name and type of one function per line.
const ASKED: &str = "src/sandbox/asked.txt";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `OUT_DIR/module.cwasm`, the module as machine code for the target of this build, and one
/// such file for each guest of the sandbox's tests: the launcher cannot compile them.
fn build() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed={WASM}");
    let wasm = fs::read(WASM).map_err(|error| format!("cannot read the module {WASM}: {error}"))?;
    let compiled =
        compile(&wasm).map_err(|error| format!("cannot compile the module {WASM}: {error:#}"))?;
    fs::write(out.join("module.cwasm"), compiled)?;

    println!("cargo::rerun-if-changed={GUESTS}");
    for guest in wat_files(GUESTS)? {
        let compiled = compile(&fs::read(&guest)?)
            .map_err(|error| format!("cannot compile {}: {error:#}", guest.display()))?;
        let name = guest.file_stem().ok_or("a guest needs a name")?;
        fs::write(out.join(name).with_extension("cwasm"), compiled)?;
    }
    build_asking(&out)?;
    for guest in wat_files(REFUSED)? {
        if compile(&fs::read(&guest)?).is_ok() {
            return Err(format!("the engine takes {}", guest.display()).into());
        }
    }
    Ok(())
}

fn wat_files(folder: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files = entries.collect::<Result<Vec<_>, std::io::Error>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    Ok(files)
}

/// Writes a guest that imports each of these functions, and `OUT_DIR/asking.rs`, a vector of their
/// names and modules.
fn build_asking(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ASKED}");
    let asked = fs::read_to_string(ASKED)?;
    let mut asking = "vec![\n".to_owned();
    let lines = asked.lines().filter(|line| !line.starts_with('#'));
    for (number, line) in lines.enumerate() {
        let mut words = line.splitn(3, ' ');
        let (Some(module), Some(name), Some(signature)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(format!("{ASKED} has a line that is no function: {line}").into());
        };
        let guest = format!(
            "(module (import \"{module}\" \"{name}\" (func {signature})) (memory (export \"memory\") \
             1) (func (export \"_start\")))"
        );
        fs::write(
            out.join(format!("asking-{number}.cwasm")),
            compile(guest.as_bytes())?,
        )?;
        asking.push_str(&format!(
            "(\"{module}\", \"{name}\", compiled!(\"asking-{number}\")),\n"
        ));
    }
    asking.push_str("]\n");
    fs::write(out.join("asking.rs"), asking)?;
    Ok(())
}

/// Compiles for the baseline of the target's CPU: naming a target, even this machine's own, keeps
/// Cranelift from using features that only this machine's CPU has.
fn compile(wasm: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut config = engine::config();
    config.target(&variable("TARGET")?)?;
    // For debuggers and profilers. On Windows the ABI requires it.
    config.native_unwind_info(variable("CARGO_CFG_TARGET_OS")? == "windows");
    Ok(Engine::new(&config)?.precompile_module(wasm)?)
}

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    env::var(name).map_err(|error| format!("{name}: {error}; run this script by cargo").into())
}
