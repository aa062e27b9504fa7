//! Runs machine code where the kernel has mapped this program's file, instead of copying it.
//!
//! Copying three megabytes would take longer than everything else for a small list, and most of the
//! code never runs. So only the protection of its pages is changed.

use std::sync::Arc;

use rustix::mm::{MprotectFlags, mprotect};
use rustix::param::page_size;
use wasmtime::{Config, CustomCodeMemory, Result};

/// Sets up an engine for code in place.
pub(super) fn configure(config: &mut Config) {
    config.with_custom_code_memory(Some(Arc::new(Mapped)));
}

/// True if the bytes start at a page. They are aligned in the program's file, but a kernel before 5.10
/// ignores alignments above 4 KiB.
pub(super) fn is_possible(bytes: &[u8]) -> bool {
    bytes.as_ptr().addr().is_multiple_of(page_size())
}

/// Memory that is mapped already.
struct Mapped;

impl CustomCodeMemory for Mapped {
    fn required_alignment(&self) -> usize {
        page_size()
    }

    #[expect(unsafe_code, reason = "only the system can make pages executable")]
    fn publish_executable(&self, start: *const u8, length: usize) -> Result<()> {
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: wasmtime gives the pages of the code that it has loaded, a constant of this
        // program or a copy of it, which nobody writes to. The last page may hold constants that
        // follow the code; they stay readable.
        unsafe { mprotect(start.cast_mut().cast(), length, flags) }?;
        Ok(())
    }

    /// The pages stay executable: the same code may be loaded a second time.
    fn unpublish_executable(&self, _: *const u8, _: usize) -> Result<()> {
        Ok(())
    }
}
