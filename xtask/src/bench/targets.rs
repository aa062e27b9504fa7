//! The targets, and whether they are met.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::figures::figure;

/// The measured figures, by their names in `targets.yaml`.
pub(crate) type Figures = BTreeMap<String, f64>;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Target {
    what: String,
    at_most: Option<f64>,
    at_least: Option<f64>,
    /// The unit after both numbers; empty for ratios.
    #[serde(default)]
    unit: String,
    of: String,
    over: Option<String>,
    minus: Option<String>,
}

impl Target {
    /// The measured value, if there is one.
    fn measured(&self, figures: &Figures) -> Option<f64> {
        let of = figures.get(&self.of)?;
        Some(match (&self.over, &self.minus) {
            (Some(over), _) => of / figures.get(over)?,
            (_, Some(minus)) => (of - figures.get(minus)?) * 1e3,
            _ => *of,
        })
    }

    fn row(&self, measured: f64) -> String {
        let Self { what, unit, .. } = self;
        let (sign, limit, is_met) = match (self.at_most, self.at_least) {
            (Some(limit), _) => ('≤', limit, measured <= limit),
            (_, limit) => ('≥', limit.unwrap_or_default(), Some(measured) >= limit),
        };
        let met = if is_met { "yes" } else { "**no**" };
        let measured = figure(measured);
        format!("| {what} | {sign} {limit}{unit} | {measured}{unit} | {met} |\n")
    }
}

/// The targets for which there are figures, as a table in Markdown; empty if there are none.
pub(crate) fn table(figures: &Figures) -> Result<String> {
    let targets = include_str!("targets.yaml");
    let targets: Vec<Target> = yaml_serde::from_str(targets).context("in targets.yaml")?;
    let row = |target: &Target| Some(target.row(target.measured(figures)?));
    let rows: String = targets.iter().filter_map(row).collect();
    if rows.is_empty() {
        return Ok(rows);
    }
    let head = "| what | target | measured | met |\n|---|--:|--:|---|\n";
    Ok(format!("{head}{rows}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_up_to_its_limit_and_missed_beyond() {
        let met = |limit: &str, measured| {
            let target = format!("{{what: it, {limit}, of: a}}");
            let target: Target = yaml_serde::from_str(&target).unwrap();
            target.row(measured).ends_with("| yes |\n")
        };
        assert!(met("at-most: 1.1", 1.1) && !met("at-most: 1.1", 1.11));
        assert!(met("at-least: 20", 20.0) && !met("at-least: 20", 19.9));
        assert!(!met("at-most: 1.1", f64::NAN) && !met("at-least: 20", f64::NAN));
    }

    #[test]
    fn what_was_not_measured_is_no_target() {
        assert_eq!(table(&Figures::new()).unwrap(), "");
        let figures = ["launcher", "true"].map(|key| (format!("start {key}"), 0.1));
        assert_eq!(table(&figures.into()).unwrap().lines().count(), 3);
    }
}
