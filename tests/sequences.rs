//! What must be true after any sequence of runs and edits: the functionConfig changes, is switched
//! off and on again, and other tools edit the same manifests in between.
//!
//! Two texts are kept: the manifests that the function works on, and the same as they would be without
//! it, which only get the edits. A second run changes nothing, and switching the function off gives
//! the text without it.
//!
//! `PROPTEST_CASES` sets the number of sequences.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says how much it has tried"
)]

mod lists;
mod sequence;

use std::cell::Cell;

use proptest::prelude::*;

use lists::{lists, test_runner};
use sequence::{Sequence, steps};

/// How many sequences there are by default.
const SEQUENCES: u32 = 80;

#[test]
fn every_sequence_converges_and_is_taken_back() {
    let (steps_tried, effective) = (Cell::new(0), Cell::new(0));
    let mut runner = test_runner(SEQUENCES, "tests/sequences.regressions");
    let result = runner.run(
        &(lists(), any::<bool>(), steps()),
        |(list, in_files, steps)| {
            let mut sequence = Sequence::new(&list, in_files);
            for step in &steps {
                steps_tried.set(steps_tried.get() + 1);
                effective.set(effective.get() + u32::from(sequence.take(step)?));
            }
            sequence.switch_off()
        },
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    let (steps, effective) = (steps_tried.get(), effective.get());
    let cases = runner.config().cases;
    println!("{cases} sequences of {steps} steps, {effective} of which had an effect");
    assert!(
        effective * 5 > steps * 2,
        "{effective} of {steps} steps had an effect"
    );
}
