//! Tells the person when the memory is used up, which would be a bare trap otherwise.

#![expect(unsafe_code, reason = "the trait of allocators is unsafe")]

use std::alloc::{GlobalAlloc, Layout};

use dlmalloc::GlobalDlmalloc;

use crate::program;

/// An allocator that takes what lies behind the module's data.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: each method hands its arguments to the same method of `GlobalDlmalloc`, and gives back
// what that gives; telling the person in between allocates nothing.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the same contract with this method.
        told_of(unsafe { GlobalDlmalloc.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the same contract with this method.
        told_of(unsafe { GlobalDlmalloc.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the same contract with this method.
        told_of(unsafe { GlobalDlmalloc.realloc(block, layout, size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same contract with this method.
        unsafe { GlobalDlmalloc.dealloc(block, layout) }
    }
}

fn told_of(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        program::out_of_memory();
    }
    block
}
