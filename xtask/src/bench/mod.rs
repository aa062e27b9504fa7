//! Measures the function beside its peer, the same job written in Go, on inputs of
//! several sizes.

mod check;
mod gnu_time;
mod hyperfine;
mod input;
mod memory;
mod program;
mod table;

use anyhow::Result;

use crate::{artifacts, hosts};
use input::INPUTS;
use program::PROGRAMS;

/// Builds the programs, checks that each does its job, measures, and prints a table.
pub(crate) fn run() -> Result<()> {
    hosts::build(&["wazero-run", "kyaml-peer", "hyperfine", "node"].map(str::to_owned))?;
    artifacts::build()?;
    gnu_time::ensure()?;

    let mut tables = Vec::new();
    for input in INPUTS {
        let file = input.write()?;
        println!(
            "\n{}: checking what each program makes of it",
            input.title()
        );
        check::all(input, &file)?;
        let memory = PROGRAMS.iter().map(|program| memory::peak(program, &file));
        let memory = memory.collect::<Result<Vec<_>>>()?;
        let times = hyperfine::times(&file)?;
        tables.push(table::of(&input.title(), &times, &memory));
    }

    println!("\n{}", tables.join("\n"));
    println!("{}", table::LEGEND);
    Ok(())
}
