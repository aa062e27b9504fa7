//! The outcome of mutation testing.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

/// The head of a table of outcomes, whose first column is the part.
pub(super) const HEAD: &str = "| part | tried | caught | by a timeout | not compiled | missed | share \
                               |\n|---|--:|--:|--:|--:|--:|--:|";
/// The share of the mutants that compile which tests must catch.
const LEAST: f64 = 0.9;

/// The outcome for the mutants of a part.
#[derive(Default)]
pub(super) struct Outcome {
    caught: usize,
    timeouts: usize,
    unviable: usize,
    /// The names, as cargo-mutants gives them, of mutants that no test noticed.
    pub(super) missed: Vec<String>,
}

impl Outcome {
    /// Adds the results of a further round of tests.
    pub(super) fn add(&mut self, results: &Path) -> Result<()> {
        let list = |name| fs::read_to_string(results.join("mutants.out").join(name));
        self.caught += list("caught.txt")?.lines().count();
        self.timeouts += list("timeout.txt")?.lines().count();
        self.unviable += list("unviable.txt")?.lines().count();
        self.missed = list("missed.txt")?.lines().map(str::to_owned).collect();
        Ok(())
    }

    fn viable(&self) -> usize {
        self.caught + self.timeouts + self.missed.len()
    }

    fn share(&self) -> f64 {
        (self.caught + self.timeouts) as f64 / self.viable() as f64
    }

    /// True if enough mutants are caught, or none compiles.
    pub(super) fn is_enough(&self) -> bool {
        self.viable() == 0 || self.share() > LEAST
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (caught, missed) = (self.caught + self.timeouts, self.missed.len());
        let tried = self.viable() + self.unviable;
        let (timeouts, unviable, share) = (self.timeouts, self.unviable, self.share() * 100.0);
        write!(
            f,
            "{tried} | {caught} | {timeouts} | {unviable} | {missed} | {share:.1} %"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_nine_of_ten_have_to_be_caught() {
        let outcome = |caught, missed| Outcome {
            caught,
            missed: vec![String::new(); missed],
            ..Outcome::default()
        };
        assert!(outcome(91, 9).is_enough());
        assert!(!outcome(90, 10).is_enough());
        assert!(outcome(0, 0).is_enough());
    }
}
