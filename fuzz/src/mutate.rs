//! Changes to inputs that leave something to read.
//!
//! Single bytes that change, as libFuzzer does it, mostly make texts that nothing reads further than
//! to there.

use libfuzzer_sys::fuzzer_mutate;

use crate::lines::{Random, change};

/// A mutator for inputs of [`crate::tape`], as `fuzz_mutator!` takes it.
pub fn lines(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random::new(seed);
    if random.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let (input, _) = data.split_at(size);
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(size);
    let (text, choices) = input.split_at(end);
    let Ok(text) = std::str::from_utf8(text) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        change(&mut lines, &mut random);
    }
    let mut output = lines.concat().into_bytes();
    output.extend_from_slice(choices);
    output.truncate(max_size);
    data[..output.len()].copy_from_slice(&output);
    output.len()
}
