//! Gets the function's module and compiles it ahead of time, so that the launcher starts without
//! a compiler.

#![allow(clippy::print_stderr, reason = "cargo shows it when the build fails")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use wasmtime::Engine;

#[path = "src/sandbox/engine.rs"]
mod engine;

/// Names a module that is built already, instead of building it here.
const MODULE: &str = "RUNNER_TERMINAL_WASM";

/// The target of the module.
const WASI: &str = "wasm32-wasip1";

/// Small modules for the tests of the sandbox.
const GUESTS: &str = "src/sandbox/guests";

/// Modules that the engine's settings refuse.
const REFUSED: &str = "src/sandbox/guests/refused";

/// What a module may ask for in vain: module, name and type of a function in each line.
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
    println!("cargo::rerun-if-env-changed={MODULE}");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let module = match env::var_os(MODULE) {
        Some(path) => PathBuf::from(path),
        None => build_module(&out.join("module"))?,
    };
    println!("cargo::rerun-if-changed={}", module.display());
    let wasm = fs::read(&module).map_err(|error| {
        format!(
            "cannot read the module {}: {error}; is {MODULE} right?",
            module.display()
        )
    })?;
    let compiled = compile(&wasm)
        .map_err(|error| format!("cannot compile the module {}: {error:#}", module.display()))?;
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

/// Writes a guest for each function that is asked for in vain, and `OUT_DIR/asking.rs`, a vector of
/// their names and modules.
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

/// Compiles for the baseline of the target's CPU: naming a target, even the one at hand, keeps
/// Cranelift from using what only this machine's CPU has.
fn compile(wasm: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut config = engine::config();
    config.target(&variable("TARGET")?)?;
    // For debuggers and profilers. On Windows the ABI requires it.
    config.native_unwind_info(variable("CARGO_CFG_TARGET_OS")? == "windows");
    Ok(Engine::new(&config)?.precompile_module(wasm)?)
}

/// Runs cargo for the module's package and gives the path of the module.
///
/// The target directory is its own: the outer cargo holds the lock of the usual one for as long
/// as this script runs.
fn build_module(target_dir: &Path) -> Result<PathBuf, Box<dyn Error>> {
    for source in [
        "../src",
        "../wasm/wasi",
        "../Cargo.toml",
        "../Cargo.lock",
        "../.cargo",
    ] {
        println!("cargo::rerun-if-changed={source}");
    }
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args([
            "build",
            "--profile=module",
            "--locked",
            "--package",
            "runner-terminal-wasi",
        ])
        .args(["--target", WASI, "--target-dir"])
        .arg(target_dir);
    for (name, _) in env::vars_os().filter(|(name, _)| is_about_the_launcher(name)) {
        cargo.env_remove(name);
    }
    let output = cargo
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        let log = String::from_utf8_lossy(&output.stderr);
        eprintln!("{log}");
        return Err(if log.contains("target may not be installed") {
            format!("the Rust target {WASI} is missing: rustup target add {WASI}").into()
        } else {
            "cargo could not build the module runner-terminal-wasi: its messages are above, or \
             set RUNNER_TERMINAL_WASM to a module that is built already"
                .into()
        });
    }
    Ok(target_dir
        .join(WASI)
        .join("module/runner-terminal-wasi.wasm"))
}

/// True for the variables by which the outer cargo says how the *launcher* is built (flags,
/// wrappers like clippy's, coverage, profiles): they would break the module or change it.
fn is_about_the_launcher(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
    ]
    .contains(&name.as_ref())
        || [
            "CARGO_PROFILE_",
            "CARGO_CFG_",
            "CARGO_FEATURE_",
            "CARGO_MANIFEST_",
            "CARGO_PKG_",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    env::var(name).map_err(|error| format!("{name}: {error}; run this script by cargo").into())
}
