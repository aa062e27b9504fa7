//! Standard input in pieces, each of which is given back to the system when it has been read.
//!
//! The launcher has to look at the list before the module reads it. With this, most of the list is
//! in memory once: the module's part grows as this one shrinks.

use std::collections::VecDeque;
use std::io::{self, Read};

use memchr::memmem;

use crate::manifests::read::too_much;

/// Large enough that its memory goes back to the system by itself when it is freed.
const PIECE: usize = 1 << 20;

/// All of an input.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pieces: VecDeque<Vec<u8>>,
    /// How much of the first piece has been read.
    read: usize,
}

impl Input {
    /// Reads a stream to its end.
    ///
    /// # Errors
    ///
    /// The stream's; it has more bytes than `most`.
    pub(crate) fn read(stream: &mut impl Read, most: usize) -> io::Result<Self> {
        let mut input = Self::default();
        let mut size = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            stream.take(PIECE as u64).read_to_end(&mut piece)?;
            let is_last = piece.len() < PIECE;
            size += piece.len();
            if size > most {
                return Err(too_much());
            }
            input.pieces.push_back(piece);
            if is_last {
                return Ok(input);
            }
        }
    }

    /// True when the word is in it.
    pub(crate) fn contains(&self, word: &[u8]) -> bool {
        let finder = memmem::Finder::new(word);
        let ends = word.len().saturating_sub(1);
        let mut border = Vec::with_capacity(2 * ends);
        for piece in &self.pieces {
            let head = piece.get(..ends).unwrap_or(piece);
            border.extend_from_slice(head);
            if finder.find(&border).is_some() || finder.find(piece).is_some() {
                return true;
            }
            border.clear();
            border.extend_from_slice(piece.get(piece.len().saturating_sub(ends)..).unwrap_or(&[]));
        }
        false
    }

    /// It in one piece.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut pieces = self.pieces;
        let mut bytes = pieces.pop_front().unwrap_or_default();
        bytes.reserve(pieces.iter().map(Vec::len).sum());
        for piece in pieces {
            bytes.extend_from_slice(&piece);
        }
        bytes
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.front() {
            let mut rest = piece.get(self.read..).unwrap_or_default();
            let count = rest.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.read += count;
                return Ok(count);
            }
            self.pieces.pop_front();
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
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
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
    fn a_word_is_found_wherever_it_is() {
        let word = b"AdvertiseAddress";
        for at in [0, 5, PIECE - 20, PIECE - 16, PIECE - 7, PIECE, PIECE + 1] {
            let mut bytes = vec![b' '; PIECE + 100];
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
