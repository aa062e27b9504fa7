//! How the cost of one object grows with the number of objects.

use super::figures::{count, figure};
use super::program::PROGRAMS;
use super::suite::Suite;

/// The table in Markdown: microseconds an object.
pub(crate) fn table(suites: &[Suite]) -> String {
    let suites: Vec<_> = suites
        .iter()
        .filter(|suite| suite.input.list.runners == 1 && suite.input.list.large == 0)
        .collect();
    if suites.len() < 2 {
        return String::new();
    }
    let heads: String = suites
        .iter()
        .map(|suite| format!(" {} objects |", count(suite.input.list.items)))
        .collect();
    let mut table = format!(
        "**Microseconds an object**, one runner among them\n\n| program |{heads}\n|---|{}\n",
        "--:|".repeat(suites.len())
    );
    for program in PROGRAMS {
        let cells: String = suites
            .iter()
            .map(|suite| {
                let cost = suite
                    .median(program.name)
                    .map(|median| figure(median * 1e6 / suite.input.list.items as f64));
                format!(" {} |", cost.unwrap_or_default())
            })
            .collect();
        table.push_str(&format!("| {} |{cells}\n", program.name));
    }
    table
}
