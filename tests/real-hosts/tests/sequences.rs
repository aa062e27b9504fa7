//! What holds after any sequence of runs by real hosts: kustomize, kpt, `apply-to` in place, and
//! `export` with kustomize, each with any functionConfig, and with other tools' edits in between.
//!
//! `tests/sequences.rs` of the workspace tries the same sequences in process.
//!
//! `PROPTEST_CASES` sets the number of sequences.

#![allow(
    clippy::print_stdout,
    reason = "it says how much it has tried and where it was refused"
)]

mod hosted;
#[path = "../../lists/mod.rs"]
mod lists;
#[path = "../../sequence/mod.rs"]
mod sequence;

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use hosted::{Counts, Host, HostedSequence, Layout, hosted_steps, lists_for_hosts};
use lists::test_runner;

/// How many sequences there are by default.
const SEQUENCES: u32 = 12;

#[test]
fn every_sequence_through_real_hosts_converges_and_is_taken_back() {
    let counts = RefCell::new(Counts::default());
    let config = test_runner(SEQUENCES, "tests/sequences.regressions")
        .config()
        .clone();
    // Each try takes seconds.
    let mut runner = TestRunner::new(ProptestConfig {
        max_shrink_iters: 100,
        ..config
    });
    let end = (Host::any(), Layout::any());
    let result = runner.run(
        &(lists_for_hosts(), hosted_steps(), end),
        |(list, steps, (host, layout))| {
            let mut counts = counts.borrow_mut();
            let mut sequence = HostedSequence::new(&list);
            for step in &steps {
                sequence.take(step, &mut counts)?;
            }
            sequence.switch_off(host, layout, &mut counts)
        },
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    let counts = counts.into_inner();
    println!("{} sequences: {counts}", runner.config().cases);
    counts.check();
}
