//! Standard input in chunks, each of which is freed as soon as it has been read.
//!
//! The launcher has to search the list before the module reads it. In chunks, most of the list is in
//! memory only once: the module's copy grows as this one shrinks.

use std::collections::VecDeque;
use std::io::{self, Read};

use memchr::memmem;

use crate::manifests::read::ReadError;

/// Large enough that the allocator returns its memory to the system when it is freed.
const CHUNK: usize = 1 << 20;

/// All of an input.
#[derive(Debug, Default)]
pub(crate) struct Input {
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first chunk has been read.
    read: usize,
}

impl Input {
    /// Reads a stream to its end.
    ///
    /// # Errors
    ///
    /// The stream's error; it has more bytes than `max`.
    pub(crate) fn read(stream: &mut impl Read, max: usize) -> Result<Self, ReadError> {
        let mut input = Self::default();
        let mut size = 0;
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            stream.take(CHUNK as u64).read_to_end(&mut chunk)?;
            let is_last = chunk.len() < CHUNK;
            size += chunk.len();
            if size > max {
                return Err(ReadError::TooLarge);
            }
            input.chunks.push_back(chunk);
            if is_last {
                return Ok(input);
            }
        }
    }

    /// True if it contains the word.
    pub(crate) fn contains(&self, word: &[u8]) -> bool {
        let finder = memmem::Finder::new(word);
        let ends = word.len().saturating_sub(1);
        let mut border = Vec::with_capacity(2 * ends);
        for chunk in &self.chunks {
            let head = chunk.get(..ends).unwrap_or(chunk);
            border.extend_from_slice(head);
            if finder.find(&border).is_some() || finder.find(chunk).is_some() {
                return true;
            }
            border.clear();
            border.extend_from_slice(chunk.get(chunk.len().saturating_sub(ends)..).unwrap_or(&[]));
        }
        false
    }

    /// All bytes in one vector.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut chunks = self.chunks;
        let mut bytes = chunks.pop_front().unwrap_or_default();
        bytes.reserve(chunks.iter().map(Vec::len).sum());
        for chunk in chunks {
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(chunk) = self.chunks.front() {
            let mut rest = chunk.get(self.read..).unwrap_or_default();
            let count = rest.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.read += count;
                return Ok(count);
            }
            self.chunks.pop_front();
            self.read = 0;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            let mut out = Vec::new();
            Input::read(&mut bytes.as_slice(), usize::MAX)
                .unwrap()
                .read_to_end(&mut out)
                .unwrap();
            assert!(out == bytes, "{size}");
            assert!(
                Input::read(&mut bytes.as_slice(), usize::MAX)
                    .unwrap()
                    .into_bytes()
                    == bytes
            );
        }
    }

    #[test]
    fn a_word_is_found_across_chunks() {
        let word = b"AdvertiseAddress";
        for at in [0, 5, CHUNK - 20, CHUNK - 16, CHUNK - 7, CHUNK, CHUNK + 1] {
            let mut bytes = vec![b' '; CHUNK + 100];
            bytes.splice(at..at + word.len(), word.iter().copied());
            assert!(
                Input::read(&mut bytes.as_slice(), usize::MAX)
                    .unwrap()
                    .contains(word)
            );
            bytes[at] = b'a';
            assert!(
                !Input::read(&mut bytes.as_slice(), usize::MAX)
                    .unwrap()
                    .contains(word)
            );
        }
    }
}
