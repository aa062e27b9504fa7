//! Builds the function's module, unless `RUNNER_TERMINAL_WASM` names one that is built already.

#![allow(clippy::print_stderr, reason = "cargo shows it when the build fails")]

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Names a module that is already built, so that none is built here.
const MODULE: &str = "RUNNER_TERMINAL_WASM";

/// The target of the module.
const WASI: &str = "wasm32-wasip1";

fn main() -> ExitCode {
    match module() {
        Ok(path) => {
            println!("cargo::rustc-env=RUNNER_TERMINAL_MODULE={}", path.display());
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

/// The path of the module, which exists.
fn module() -> Result<PathBuf, Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={MODULE}");
    let Some(named) = env::var_os(MODULE) else {
        return build(&PathBuf::from(variable("OUT_DIR")?).join("module"));
    };
    let path = PathBuf::from(named);
    println!("cargo::rerun-if-changed={}", path.display());
    if !path.is_absolute() || !path.is_file() {
        let path = path.display();
        return Err(format!("{MODULE} is {path}; it must be the absolute path of a module").into());
    }
    Ok(path)
}

/// Runs cargo for the module's package, and returns the path of the module.
///
/// The target directory is its own: the outer cargo holds the lock of the usual one for as long
/// as this script runs.
fn build(target_dir: &Path) -> Result<PathBuf, Box<dyn Error>> {
    for source in [
        "src",
        "crates",
        "wasm/wasi",
        "Cargo.toml",
        "Cargo.lock",
        ".cargo",
    ] {
        println!("cargo::rerun-if-changed=../../{source}");
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
            format!(
                "cargo could not build the module runner-terminal-wasi: its messages are above, or \
                 set {MODULE} to a module that is built already"
            )
            .into()
        });
    }
    Ok(target_dir
        .join(WASI)
        .join("module/runner-terminal-wasi.wasm"))
}

/// True for the variables in which the outer cargo passes settings for the *launcher* (flags,
/// wrappers such as clippy's, coverage, profiles): they would break the module or change it.
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
