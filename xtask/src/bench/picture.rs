//! The times of lists by their number of objects, as a chart drawn by gnuplot.

use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use super::input::LISTS;
use super::targets::Figures;
use crate::process::{self, command};
use crate::workspace;

/// The programs, with their names in `programs.yaml` and in the chart, and their colours, which are
/// safe for colour-blind people (Okabe and Ito).
const LINES: [(&str, &str, &str); 5] = [
    ("kustomize", "kustomize's own patches", "#cc79a7"),
    ("kyaml", "kyaml", "#e69f00"),
    ("launcher", "launcher", "#0072b2"),
    ("native", "native core", "#56b4e9"),
    ("cat", "cat", "#666666"),
];

/// Draws the figures of the lists with one runner into an SVG file.
pub(crate) fn draw(figures: &Figures, file: &Path) -> Result<()> {
    let script = workspace::target("bench/picture.gnuplot");
    fs::write(&script, text(figures))?;
    let svg = process::read(command("gnuplot-nox").arg(&script))?;
    fs::write(file, svg).context("cannot write the picture")
}

/// The script for gnuplot: the times, and how they are drawn.
fn text(figures: &Figures) -> String {
    let lists = LISTS
        .iter()
        .filter(|list| list.runners == 1 && list.large == 0);
    let rows = lists.map(|list| {
        let times = LINES.map(|(key, ..)| {
            let time = figures.get(&format!("{} {key}", list.name()));
            time.map_or_else(|| "NaN".to_owned(), f64::to_string)
        });
        format!("{} {}\n", list.items, times.join(" "))
    });
    let rows: String = rows.collect();
    let names = quoted(LINES.map(|(_, name, _)| name));
    let colours = quoted(LINES.map(|(.., colour)| colour));
    let drawing = include_str!("picture.gnuplot");
    format!(
        "$times << END\n{rows}END\narray names = [{names}]\narray colours = [{colours}]\n{drawing}"
    )
}

fn quoted(texts: [&str; LINES.len()]) -> String {
    texts.map(|text| format!("\"{text}\"")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_a_time_of_each_program_or_none() {
        let figures = [
            ("20-1 launcher", 0.5),
            ("20-1 cat", 0.25),
            ("7-1 kyaml", 1.5),
        ];
        let figures = figures.map(|(name, time)| (name.to_owned(), time));
        let text = text(&figures.into());
        assert!(text.contains("\n7 NaN 1.5 NaN NaN NaN\n20 NaN NaN 0.5 NaN 0.25\n"));
    }
}
