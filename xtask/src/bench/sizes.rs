//! The sizes of what people get. `tests/real-hosts/tests/sizes.rs` holds them to what is recorded.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use super::figures::{bytes, figure};
use super::targets::{Limit, Target};
use crate::workspace;

const RECORD: &str = "benches/sizes.json";

/// Reads the sizes, and gives the table and the target.
pub(crate) fn measure() -> Result<(String, Vec<Target>)> {
    let text = fs::read_to_string(workspace::root().join(RECORD))
        .with_context(|| format!("cannot read {RECORD}"))?;
    let record: Map<String, Value> =
        serde_json::from_str(&text).with_context(|| format!("cannot read {RECORD}"))?;
    let mut table =
        "**Sizes**\n\n| file | size | × recorded | recorded with gzip |\n|---|--:|--:|--:|\n"
            .to_owned();
    let mut largest = 0.0_f64;
    for (file, sizes) in &record {
        let recorded = |key: &str| sizes.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let size = fs::metadata(workspace::target(file))
            .with_context(|| format!("cannot find target/{file}"))?
            .len() as f64;
        let growth = size / recorded("bytes");
        largest = largest.max(growth);
        table.push_str(&format!(
            "| `{file}` | {} | {} | {} |\n",
            bytes(size),
            figure(growth),
            bytes(recorded("gzip")),
        ));
    }
    let target = Target {
        what: "the file that has grown most, over its recorded size",
        limit: Limit::AtMost(1.1),
        unit: "",
        measured: largest,
    };
    Ok((table, vec![target]))
}
