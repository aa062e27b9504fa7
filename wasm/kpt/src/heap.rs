//! Reports that the memory is used up, which would otherwise be a bare trap.

#![expect(unsafe_code, reason = "the trait of allocators is unsafe")]

use std::alloc::{GlobalAlloc, Layout};

use crate::program;

/// An allocator that reports when another one is out of memory.
struct Heap<A>(A);

/// The memory after the module's data.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static HEAP: Heap<dlmalloc::GlobalDlmalloc> = Heap(dlmalloc::GlobalDlmalloc);

// SAFETY: each method passes its arguments to the same method of the other allocator, and returns
// its result; the report in between allocates nothing.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Heap<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the same contract with this method.
        told_of(unsafe { self.0.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the same contract with this method.
        told_of(unsafe { self.0.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the same contract with this method.
        told_of(unsafe { self.0.realloc(block, layout, size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same contract with this method.
        unsafe { self.0.dealloc(block, layout) }
    }
}

fn told_of(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        program::out_of_memory();
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::alloc::System;
    use std::ptr;

    use crate::host::{Host, with};
    use crate::value::Value;

    const BLOCK: Layout = Layout::new::<[u64; 8]>();

    /// An allocator without any memory.
    struct Empty;

    // SAFETY: an allocator may fail at any time.
    unsafe impl GlobalAlloc for Empty {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            ptr::null_mut()
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[test]
    fn blocks_are_the_other_allocator_s() {
        let (_, ended) = with(Host::node(), || {
            // SAFETY: the size is not zero.
            let block = unsafe { Heap(System).alloc_zeroed(BLOCK) };
            let last = block.wrapping_add(63);
            // SAFETY: it is the last byte of the block, which holds zeros.
            assert_eq!(unsafe { last.read() }, 0);
            // SAFETY: as above.
            unsafe { last.write(7) };
            // SAFETY: the block is of this allocator and layout, and the size is not zero.
            let block = unsafe { Heap(System).realloc(block, BLOCK, 4096) };
            // SAFETY: what was in the block before is in the larger one.
            assert_eq!(unsafe { block.wrapping_add(63).read() }, 7);
            let larger = Layout::from_size_align(4096, BLOCK.align()).unwrap();
            // SAFETY: the block is of this allocator and layout.
            unsafe { Heap(System).dealloc(block, larger) };
        });
        assert_eq!(ended.exit_code(), None);
    }

    #[test]
    fn the_end_of_the_memory_is_told() {
        let full = "the package does not fit into the memory";
        for host in [Host::node(), Host::bare()] {
            let is_node = host.is_node();
            let (answer, ended) = with(host, || {
                // SAFETY: the size is not zero.
                assert!(unsafe { Heap(Empty).alloc(BLOCK) }.is_null());
                // Static data survives the trap.
                crate::host::call(Value::number(2), b"")
            });
            assert!(answer.contains(full), "{answer}");
            let said = is_node.then_some(1);
            assert_eq!(ended.exit_code(), said);
            assert_eq!(ended.stderr().contains(full), is_node);
        }
    }
}
