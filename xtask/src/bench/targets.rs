//! The targets, and whether they are met.

use super::figures::figure;
use super::lists::List;
use super::programs::{CAT, KYAML, LAUNCHER, NATIVE};
use super::suite::Suite;
use Limit::{AtLeast, AtMost};

/// A target and what was measured.
pub(crate) struct Target {
    pub(crate) what: &'static str,
    pub(crate) limit: Limit,
    /// Stands behind both numbers; empty for ratios.
    pub(crate) unit: &'static str,
    pub(crate) measured: f64,
}

/// Where a figure has to be.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    /// A target for a ratio.
    pub(crate) fn new(what: &'static str, limit: Limit, measured: f64) -> Self {
        Self {
            what,
            limit,
            unit: "",
            measured,
        }
    }

    fn row(&self) -> String {
        let Self {
            what,
            limit,
            unit,
            measured,
        } = self;
        let (sign, limit, is_met) = match *limit {
            AtMost(limit) => ('≤', limit, *measured <= limit),
            AtLeast(limit) => ('≥', limit, *measured >= limit),
        };
        let met = if is_met { "yes" } else { "**no**" };
        let measured = figure(*measured);
        format!("| {what} | {sign} {limit}{unit} | {measured}{unit} | {met} |\n")
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
    let per_object = |items| Some(find(items, 1)?.median(LAUNCHER)? / items as f64);
    let memory = || {
        let suite = find(10_000, 1)?;
        Some(suite.of(LAUNCHER)?.memory() / suite.input.size as f64)
    };
    let growth = || Some(per_object(100_000)? / per_object(10_000)?);
    let mut targets = Vec::new();
    let mut add = |measured: Option<f64>, limit, what| {
        targets.extend(measured.map(|measured| Target::new(what, limit, measured)));
    };
    let measured = over(20, 1, LAUNCHER, KYAML);
    add(measured, AtMost(0.4), "20 objects: launcher over kyaml");
    let measured = over(10_000, 1, KYAML, LAUNCHER);
    add(
        measured,
        AtLeast(100.0),
        "10,000 objects: times as fast as kyaml",
    );
    let measured = over(10_000, 1, LAUNCHER, CAT);
    add(measured, AtMost(4.0), "10,000 objects: launcher over `cat`");
    let what = "10,000 objects: launcher's peak memory over the input's size";
    add(memory(), AtMost(2.5), what);
    let what = "10,000 objects: launcher (sandboxed) over native core";
    add(over(10_000, 1, LAUNCHER, NATIVE), AtMost(2.0), what);
    let what = "100,000 objects: launcher's cost an object over that at 10,000";
    add(growth(), AtMost(1.5), what);
    let what = "1,000 runners among 10,000 objects: times as fast as kyaml";
    add(over(10_000, 1_000, KYAML, LAUNCHER), AtLeast(20.0), what);
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_up_to_its_limit_and_missed_beyond() {
        let met = |limit, measured| {
            Target::new("", limit, measured)
                .row()
                .ends_with("| yes |\n")
        };
        assert!(met(AtMost(1.1), 1.1) && !met(AtMost(1.1), 1.11));
        assert!(met(AtLeast(20.0), 20.0) && !met(AtLeast(20.0), 19.9));
        assert!(!met(AtMost(1.1), f64::NAN) && !met(AtLeast(20.0), f64::NAN));
    }

    #[test]
    fn what_was_not_measured_is_no_target() {
        assert!(of_lists(&[]).is_empty());
        assert_eq!(table(&[]), "");
    }
}
