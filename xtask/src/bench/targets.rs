//! The targets, and whether they are met.

use super::figures::figure;
use super::lists::List;
use super::program::{CAT, KYAML, LAUNCHER, NATIVE};
use super::suite::Suite;

/// A target and what was measured.
pub(crate) struct Target {
    /// What is measured.
    pub(crate) what: &'static str,
    /// Where it has to be.
    pub(crate) limit: Limit,
    /// Stands behind both numbers; empty for ratios.
    pub(crate) unit: &'static str,
    /// Where it is.
    pub(crate) measured: f64,
}

/// Where a figure has to be.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// Not above.
    AtMost(f64),
    /// Not below.
    AtLeast(f64),
}

impl Target {
    fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.measured <= limit,
            Limit::AtLeast(limit) => self.measured >= limit,
        }
    }

    fn row(&self) -> String {
        let (sign, limit) = match self.limit {
            Limit::AtMost(limit) => ('≤', limit),
            Limit::AtLeast(limit) => ('≥', limit),
        };
        format!(
            "| {} | {sign} {limit}{unit} | {}{unit} | {} |\n",
            self.what,
            figure(self.measured),
            if self.is_met() { "yes" } else { "**no**" },
            unit = self.unit,
        )
    }
}

/// The table in Markdown; empty without targets.
pub(crate) fn table(targets: &[Target]) -> String {
    if targets.is_empty() {
        return String::new();
    }
    let rows: String = targets.iter().map(Target::row).collect();
    format!("| what | target | measured | met |\n|---|--:|--:|---|\n{rows}")
}

/// The targets on lists, as far as these were measured.
pub(crate) fn of_lists(suites: &[Suite]) -> Vec<Target> {
    let find = |items, runners| {
        let list = List::of(items, runners);
        suites.iter().find(|suite| suite.input.list == list)
    };
    let over = |items, runners, program, other| {
        let suite = find(items, runners)?;
        Some(suite.median(program)? / suite.median(other)?)
    };
    let per_object = |items| {
        let median = find(items, 1)?.median(LAUNCHER)?;
        Some(median / items as f64)
    };
    let memory = || {
        let suite = find(10_000, 1)?;
        Some(suite.of(LAUNCHER)?.memory as f64 / suite.input.size as f64)
    };
    let growth = || Some(per_object(100_000)? / per_object(10_000)?);
    let targets = [
        (
            "20 objects: launcher over kyaml",
            Limit::AtMost(0.4),
            over(20, 1, LAUNCHER, KYAML),
        ),
        (
            "10,000 objects: times as fast as kyaml",
            Limit::AtLeast(100.0),
            over(10_000, 1, KYAML, LAUNCHER),
        ),
        (
            "10,000 objects: launcher over `cat`",
            Limit::AtMost(4.0),
            over(10_000, 1, LAUNCHER, CAT),
        ),
        (
            "10,000 objects: launcher's peak memory over the input's size",
            Limit::AtMost(2.5),
            memory(),
        ),
        (
            "10,000 objects: launcher (sandboxed) over native core",
            Limit::AtMost(2.0),
            over(10_000, 1, LAUNCHER, NATIVE),
        ),
        (
            "100,000 objects: launcher's cost an object over that at 10,000",
            Limit::AtMost(1.5),
            growth(),
        ),
        (
            "1,000 runners among 10,000 objects: times as fast as kyaml",
            Limit::AtLeast(20.0),
            over(10_000, 1_000, KYAML, LAUNCHER),
        ),
    ];
    let measured = targets.into_iter().filter_map(|(what, limit, measured)| {
        Some(Target {
            what,
            limit,
            unit: "",
            measured: measured?,
        })
    });
    measured.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_up_to_its_limit_and_missed_beyond() {
        let met = |limit, measured| {
            let (what, unit) = ("", "");
            Target {
                what,
                limit,
                unit,
                measured,
            }
            .is_met()
        };
        assert!(met(Limit::AtMost(1.1), 1.1) && !met(Limit::AtMost(1.1), 1.11));
        assert!(met(Limit::AtLeast(20.0), 20.0) && !met(Limit::AtLeast(20.0), 19.9));
        assert!(!met(Limit::AtMost(1.1), f64::NAN) && !met(Limit::AtLeast(20.0), f64::NAN));
    }

    #[test]
    fn what_was_not_measured_is_no_target() {
        assert!(of_lists(&[]).is_empty());
        assert_eq!(table(&[]), "");
    }
}
