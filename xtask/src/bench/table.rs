//! The table of results, in Markdown.

use super::hyperfine::Times;
use super::program::{PROGRAMS, Role};

/// What the columns mean.
pub(crate) const LEGEND: &str = "\
`middle half`: the range that half of the runs fall in, from the first quarter to the third. `× kyaml`: that program's figure divided by \
kyaml's; below 1 is better than kyaml.";

/// The table of one input.
pub(crate) fn of(title: &str, times: &[Times], memory: &[u64]) -> String {
    let peer = PROGRAMS
        .iter()
        .position(|program| program.role == Role::Peer)
        .unwrap_or_default();
    let peer_time = times.get(peer).map_or(f64::NAN, Times::median);
    let peer_memory = memory.get(peer).map_or(f64::NAN, |bytes| *bytes as f64);

    let mut table = format!(
        "**{title}**\n\n\
         | program | median | middle half | × kyaml | peak memory | × kyaml |\n\
         |---|--:|--:|--:|--:|--:|\n"
    );
    for ((program, times), memory) in PROGRAMS.iter().zip(times).zip(memory) {
        let (low, high) = times.middle_half();
        table.push_str(&format!(
            "| {} | {} | {}–{} | {} | {:.1} MiB | {} |\n",
            program.name,
            milliseconds(times.median()),
            figure(low * 1e3),
            milliseconds(high),
            figure(times.median() / peer_time),
            *memory as f64 / 1024.0 / 1024.0,
            figure(*memory as f64 / peer_memory),
        ));
    }
    table
}

fn milliseconds(seconds: f64) -> String {
    format!("{} ms", figure(seconds * 1e3))
}

/// A number with about three digits that count.
fn figure(value: f64) -> String {
    match value {
        ..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_exact_as_they_are_useful() {
        let shown: Vec<_> = [0.0521, 3.2468, 42.42, 1234.5].map(figure).to_vec();
        assert_eq!(shown, ["0.052", "3.25", "42.4", "1234"]);
    }
}
