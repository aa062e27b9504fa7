//! Lets machine code run where the kernel has mapped this program's file, instead of a copy.
//!
//! Copying three megabytes takes longer than all else that the launcher does with a small list, and
//! most of the code is never run. So only its pages' protection is changed.

use std::sync::Arc;

use rustix::mm::{MprotectFlags, mprotect};
use rustix::param::page_size;
use wasmtime::{Config, CustomCodeMemory, Result};

/// Sets up an engine for code in place.
pub(super) fn configure(config: &mut Config) {
    config.with_custom_code_memory(Some(Arc::new(Mapped)));
}

/// True for bytes from the start of a page on. They are aligned in the program's file; a kernel
/// before 5.10 does not keep to that for pages larger than 4 KiB.
pub(super) fn is_possible(bytes: &[u8]) -> bool {
    bytes.as_ptr().addr().is_multiple_of(page_size())
}

/// Memory that is there already.
struct Mapped;

impl CustomCodeMemory for Mapped {
    fn required_alignment(&self) -> usize {
        page_size()
    }

    #[expect(unsafe_code, reason = "what is executable is up to the system")]
    fn publish_executable(&self, start: *const u8, length: usize) -> Result<()> {
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: wasmtime gives the pages of the code that it has loaded, a constant of this
        // program or a copy of it, which nobody writes to. The last page may hold constants that
        // follow the code; they stay readable.
        unsafe { mprotect(start.cast_mut().cast(), length, flags) }?;
        Ok(())
    }

    /// It stays as it is: the same code may be loaded a second time, and run.
    fn unpublish_executable(&self, _: *const u8, _: usize) -> Result<()> {
        Ok(())
    }
}
