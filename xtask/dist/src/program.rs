//! Facts about a program, read from its file.

use anyhow::{Context as _, Result};
use object::Endianness;
use object::elf::{DT_NEEDED, FileHeader64, PT_INTERP};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};

/// True if an ELF program needs no other file to run: no interpreter, no library.
pub(crate) fn is_static(program: &[u8]) -> Result<bool> {
    let header = FileHeader64::<Endianness>::parse(program);
    let header = header.context("the program is no 64-bit ELF file")?;
    let endian = header.endian()?;
    for segment in header.program_headers(endian, program)? {
        let entries = segment.dynamic(endian, program)?.unwrap_or_default();
        let needs_library = entries.iter().any(|entry| entry.tag(endian) == DT_NEEDED);
        if needs_library || segment.p_type(endian) == PT_INTERP {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_test_needs_an_interpreter() {
        let itself = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!is_static(&itself).unwrap());
    }

    #[test]
    fn a_text_is_no_program() {
        assert!(is_static(b"#!/bin/sh\n").is_err());
    }
}
