//! The stack for arguments and results of the imports.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::value::Value;

/// The only frame. Only the current call is ever on this stack, so the stack pointer does not move.
///
/// Its words are atomic because the host writes to them without the compiler's knowledge.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Frame([AtomicU64; WORDS]);

/// Room for the return address, which only Go uses, and the longest list of arguments and results.
const WORDS: usize = 10;

/// A place in the frame. Words are numbered from the stack pointer, and the first is the return
/// address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word(pub(crate) usize);

impl Frame {
    /// A frame of zeros.
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; WORDS])
    }

    /// Clears the last call. A host that fails writes no result, which then reads as undefined.
    pub(crate) fn clear(&self) {
        for word in &self.0 {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Writes one word.
    pub(crate) fn set(&self, word: Word, bits: u64) {
        if let Some(place) = self.0.get(word.0) {
            place.store(bits, Ordering::Relaxed);
        }
    }

    /// Writes a value.
    pub(crate) fn set_value(&self, word: Word, value: Value) {
        self.set(word, value.to_bits());
    }

    /// Writes the address and the length of a slice, in two words.
    pub(crate) fn set_slice<T>(&self, word: Word, slice: &[T]) {
        self.set(word, slice.as_ptr().expose_provenance() as u64);
        self.set(Word(word.0 + 1), slice.len() as u64);
    }

    /// The same for a slice that the host fills.
    pub(crate) fn set_buffer(&self, word: Word, buffer: &mut [u8]) {
        self.set(word, buffer.as_mut_ptr().expose_provenance() as u64);
        self.set(Word(word.0 + 1), buffer.len() as u64);
    }

    /// Reads one word.
    pub(crate) fn get(&self, word: Word) -> u64 {
        self.0
            .get(word.0)
            .map_or(0, |place| place.load(Ordering::Relaxed))
    }

    /// Reads a value.
    pub(crate) fn value(&self, word: Word) -> Value {
        Value::from_bits(self.get(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_an_address_and_a_length() {
        let frame = Frame::new();
        let text = b"processResourceList";
        frame.set_slice(Word(2), text);
        assert_eq!(frame.get(Word(2)), text.as_ptr().addr() as u64);
        assert_eq!(frame.get(Word(3)), 19);
    }

    #[test]
    fn a_buffer_is_one_too() {
        let frame = Frame::new();
        let mut buffer = [0; 5];
        frame.set_buffer(Word(2), &mut buffer);
        assert_eq!(frame.get(Word(2)), buffer.as_ptr().addr() as u64);
        assert_eq!(frame.get(Word(3)), 5);
    }

    #[test]
    fn a_result_that_was_not_written_is_undefined() {
        let frame = Frame::new();
        frame.set_value(Word(4), Value::GO);
        assert_eq!(frame.value(Word(4)), Value::GO);
        frame.clear();
        assert_eq!(frame.value(Word(4)), Value::from_bits(0));
    }

    #[test]
    fn what_is_outside_of_the_frame_is_not_written() {
        let frame = Frame::new();
        frame.set(Word(WORDS), 1);
        assert_eq!(frame.get(Word(WORDS)), 0);
    }
}
