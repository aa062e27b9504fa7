//! The sizes of what people get. `tests/real-hosts/tests/sizes.rs` holds them to what is recorded.

use std::collections::BTreeMap;

use anyhow::Result;
use fs_err as fs;
use serde::Deserialize;

use super::figures::{bytes, figure};
use super::targets::Figures;
use crate::workspace;

/// The recorded size of a file.
#[derive(Deserialize)]
struct Size {
    bytes: f64,
    gzip: f64,
}

/// Reads the sizes, and gives the table.
pub(crate) fn measure(figures: &mut Figures) -> Result<String> {
    let record: BTreeMap<String, Size> =
        serde_json::from_str(&workspace::text("benches/sizes.json")?)?;
    let mut table =
        "**Sizes**\n\n| file | size | × recorded | recorded with gzip |\n|---|--:|--:|--:|\n"
            .to_owned();
    let mut largest = 0.0_f64;
    for (file, recorded) in &record {
        let size = fs::metadata(workspace::target(file))?.len() as f64;
        let growth = size / recorded.bytes;
        largest = largest.max(growth);
        let (size, gzip) = (bytes(size), bytes(recorded.gzip));
        table.push_str(&format!(
            "| `{file}` | {size} | {} | {gzip} |\n",
            figure(growth)
        ));
    }
    figures.insert("sizes".to_owned(), largest);
    Ok(table)
}
