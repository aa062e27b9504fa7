//! The relay compared with HAProxy, which also passes TLS through by SNI.
//!
//! `tests/real-hosts/src/bin/relay-load` puts both under load, and reports what they used.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use super::figures::{bytes, count, figure, milliseconds};
use super::targets::Figures;
use crate::process::{self, command};

/// The name of the part.
pub(crate) const PART: &str = "relay";
/// The programs, by their names in the results.
const PROGRAMS: [&str; 2] = ["relay", "haproxy"];

/// A figure: its name in the results, its label in the table, and its format.
type Row = (&'static str, &'static str, fn(f64) -> String);

const ROWS: [Row; 8] = [
    ("echo p50", "echo of a key, median", milliseconds),
    ("echo p99", "echo of a key, 99th percentile", milliseconds),
    ("processor a key", "processor time a key", microseconds),
    ("memory a terminal", "memory a terminal", bytes),
    ("connections a second", "connections a second", figure),
    (
        "processor a connection",
        "processor time a connection",
        microseconds,
    ),
    ("gigabytes a second", "GB a second", figure),
    ("processor a gigabyte", "processor time a GB", seconds),
];

#[derive(Deserialize)]
struct Sizes {
    terminals: usize,
    connections: usize,
    bytes: f64,
}

/// Puts both under load, and returns the table in Markdown.
pub(crate) fn measure(is_quick: bool, figures: &mut Figures) -> Result<String> {
    let quick = if is_quick { " -- --quick" } else { "" };
    let load = "cargo run --release --package=real-hosts --bin=relay-load";
    let result = process::read(&mut command(&format!("{load}{quick}")))?;
    let result: Value =
        serde_json::from_str(&result).context("cannot read relay-load's results")?;
    table(&result, figures)
}

fn table(result: &Value, figures: &mut Figures) -> Result<String> {
    let part = |name: &str| {
        result
            .get(name)
            .with_context(|| format!("there is no {name}"))
    };
    let sizes = Sizes::deserialize(part("sizes")?)?;
    let mut table = format!(
        "**{} terminals at once; {} connections opened and closed; {} GB through**\n\n\
         | | relay | HAProxy | relay over HAProxy |\n|---|--:|--:|--:|\n",
        count(sizes.terminals),
        count(sizes.connections),
        figure(sizes.bytes / 1e9),
    );
    for (name, label, shown) in ROWS {
        let mut values = [f64::NAN; 2];
        for (program, value) in PROGRAMS.iter().zip(&mut values) {
            let measured = part(program)?.get(name).and_then(Value::as_f64);
            *value = measured.with_context(|| format!("there is no {name} of {program}"))?;
            figures.insert(format!("{PART} {program} {name}"), *value);
        }
        let [relay, haproxy] = values;
        let (ratio, relay, haproxy) = (figure(relay / haproxy), shown(relay), shown(haproxy));
        let _ = writeln!(table, "| {label} | {relay} | {haproxy} | {ratio} |");
    }
    let kept = |which: &str| part("kept")?.get(which).context("it kept none");
    let (of_killed, of_other) = (kept("of the killed")?, kept("of the other")?);
    let _ = writeln!(
        table,
        "\nOne relay of two was killed with {} terminals open: of its own, {of_killed} went on; of the \
         other's, {of_other}.",
        count(sizes.terminals),
    );
    Ok(table)
}

fn microseconds(seconds: f64) -> String {
    format!("{} µs", figure(seconds * 1e6))
}

fn seconds(seconds: f64) -> String {
    format!("{} s", figure(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_figure_is_a_row_with_its_ratio() {
        let of = |value: f64| ROWS.map(|(name, ..)| (name.to_owned(), json!(value)));
        let figures_of = |value| Value::Object(of(value).into_iter().collect());
        let result = json!({
            "sizes": {"terminals": 2000, "connections": 50000, "bytes": 1e10},
            "relay": figures_of(0.003),
            "haproxy": figures_of(0.002),
            "kept": {"of the killed": 0, "of the other": 1000},
        });
        let mut figures = Figures::new();
        let table = table(&result, &mut figures).unwrap();
        assert!(table.contains("| echo of a key, median | 3.00 ms | 2.00 ms | 1.50 |\n"));
        assert!(table.starts_with("**2,000 terminals at once; 50,000 connections"));
        assert_eq!(figures["relay haproxy echo p99"], 0.002);
    }
}
