//! The function without a sandbox: a ResourceList on standard input, a ResourceList on standard
//! output. Benchmarks and tests compare the module with it.

use std::io::{Read, Write};
use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input)?;
    let outcome = runner_terminal::run(&input);
    let mut stdout = std::io::stdout().lock();
    for piece in outcome.output() {
        stdout.write_all(piece)?;
    }
    stdout.flush()?;
    std::io::stderr().write_all(outcome.report().as_bytes())?;
    Ok(ExitCode::from(u8::from(outcome.failed())))
}
