//! How often things are run.

use std::time::Duration;

/// How often, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// All programs take turns this often, so that a machine which slows down slows down all.
    pub(crate) rounds: usize,
    /// How long one program is run in a turn, which makes the number of runs.
    pub(crate) turn: Duration,
    /// The most runs in a turn, and the least.
    most: usize,
    /// How often memory is measured. The highest peak counts.
    pub(crate) memory: usize,
    /// A program that takes longer than these seconds for one run is stopped and not measured.
    pub(crate) patience: u64,
}

impl Effort {
    /// For figures that are published.
    pub(crate) const FULL: Self = Self {
        rounds: 5,
        turn: Duration::from_secs(1),
        most: 100,
        memory: 3,
        patience: 60,
    };

    /// To see that it works.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        turn: Duration::from_millis(100),
        most: 5,
        memory: 1,
        patience: 15,
    };

    /// The runs of a turn, for a program that takes so long.
    pub(crate) fn runs(&self, one: Duration) -> usize {
        let runs = self.turn.as_secs_f64() / one.as_secs_f64().max(1e-6);
        (runs as usize).clamp(1, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_programs_run_often_and_slow_ones_once_a_turn() {
        let runs = |milliseconds| Effort::FULL.runs(Duration::from_millis(milliseconds));
        assert_eq!((runs(0), runs(1), runs(50), runs(7_000)), (100, 100, 20, 1));
    }
}
