//! The paths as a Mermaid flowchart, for docs and merge requests.
//!
//! Labels are quoted, and every character with a special meaning in Mermaid is written as its
//! number (`#60;`): quotes, brackets, `%%{`.
//!
//! Since version 11, Mermaid parses labels as Markdown after it has replaced the numbers, and shows
//! "Unsupported markdown" for anything it does not render: code, lists, headings, quotations,
//! links. So a backtick becomes an apostrophe, the start of a block gets a no-break space or
//! another character, and a link gets an invisible blank.
//!
//! Source: Mermaid's documentation, "Entity codes to escape characters", and `encodeEntities` in its
//! `utils`; `handle-markdown-text.ts`.

use super::markup::visible;
use super::{Diagram, State, Stop, TerminalPath, width};

/// The colours of the states, readable on light and dark backgrounds.
const CLASSES: [(State, &str); 5] = [
    (State::Ready, "fill:#e6f4ea,stroke:#1a7f37,color:#1d2330"),
    (
        State::Configured,
        "fill:#e8f1fb,stroke:#0b5cad,color:#1d2330",
    ),
    (
        State::Off,
        "fill:#eceff3,stroke:#596275,color:#1d2330,stroke-dasharray:2 4",
    ),
    (
        State::Pending,
        "fill:#fff4d6,stroke:#8a5a00,color:#1d2330,stroke-dasharray:6 4",
    ),
    (
        State::Broken,
        "fill:#ffe9e9,stroke:#c0242b,color:#1d2330,stroke-width:3px",
    ),
];

/// Lines are broken here. Mermaid would break them again if they were wider than its default of
/// 200.
const HEAD: &str = "%%{init: {\"flowchart\": {\"wrappingWidth\": 420}}}%%\nflowchart LR\n";
/// The maximum width of a line in an explanation, in ems; a letter takes about 0.6.
const ROOM: f64 = 26.0;
/// An invisible blank.
const ZERO_WIDTH_SPACE: &str = "#8203;";
/// The maximum width of a name.
const NAME_ROOM: f64 = 40.0;

/// Writes the flowchart.
pub(super) fn flowchart(diagram: &Diagram) -> String {
    let mut text = String::from(HEAD);
    text.push_str("  accTitle: The path of a terminal\n");
    if !diagram.problem.is_empty() {
        let mut lines = vec!["no path".to_owned()];
        lines.extend(width::lines(&diagram.problem, 1.0, ROOM, 12));
        let label = label(&lines);
        text.push_str(&format!("  problem[\"{label}\"]:::broken\n"));
    }
    for (index, path) in diagram.paths.iter().enumerate() {
        append(&mut text, index + 1, path);
    }
    for (state, style) in CLASSES {
        text.push_str(&format!("  classDef {} {style}\n", state.word()));
    }
    text
}

fn append(text: &mut String, number: usize, path: &TerminalPath) {
    let runner = label(&[width::fitted(&path.runner, 1.0, NAME_ROOM)]);
    text.push_str(&format!("  subgraph path{number}[\"{runner}\"]\n"));
    text.push_str("    direction LR\n");
    let id = |stop: &Stop| format!("{}{number}", id(stop));
    for stop in &path.stops {
        let (id, label, state) = (id(stop), label(&lines(stop)), stop.state.word());
        text.push_str(&format!("    {id}[\"{label}\"]:::{state}\n"));
    }
    let pairs = path.stops.iter().zip(path.stops.iter().skip(1));
    for ((from, to), link) in pairs.zip(&path.links) {
        let arrow = match to.state {
            State::Ready | State::Configured => "-->",
            State::Off | State::Pending | State::Broken => "-.->",
        };
        let label = label(std::slice::from_ref(link));
        text.push_str(&format!(
            "    {} {arrow}|\"{label}\"| {}\n",
            id(from),
            id(to)
        ));
    }
    text.push_str("  end\n");
}

fn id(stop: &Stop) -> String {
    stop.kind.word().replace('-', "")
}

fn lines(stop: &Stop) -> Vec<String> {
    let fitted = |text: &String| width::fitted(text, 1.0, NAME_ROOM);
    let mut lines: Vec<String> = [&stop.title, &stop.name, &stop.detail]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(fitted)
        .collect();
    let state = stop.state.word();
    if stop.explanation.is_empty() {
        lines.push(state.to_owned());
    } else {
        let explanation = format!("{state}: {}", stop.explanation);
        lines.extend(width::lines(&explanation, 1.0, ROOM, 16));
    }
    lines
}

/// The only place where a text becomes part of the flowchart.
fn label(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    lines.join("<br/>")
}

fn escaped(line: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    // Whether all characters so far could begin a list or a heading, before a blank.
    let mut is_start = true;
    for (index, c) in line.trim().chars().map(visible).enumerate() {
        let c = match c {
            '`' => '\'',
            '>' if index == 0 => '\u{203a}',
            ' ' if is_start && !before.is_ascii_digit() => '\u{a0}',
            c => c,
        };
        let is_plain = match c {
            '-' => index > 0,
            ' ' | ',' => true,
            '.' | '/' | ':' => true,
            c => c.is_alphanumeric(),
        };
        // Breaks up whatever makes a link (`www.`, `://`, `a@b`, `](`) or a strikethrough (`~~`).
        if matches!(
            (before, c),
            ('w', '.') | (':', '/') | ('@', _) | (']', '(' | '[') | ('~', '~')
        ) {
            out.push_str(ZERO_WIDTH_SPACE);
        }
        if is_plain {
            out.push(c);
        } else {
            out.push_str(&format!("#{};", u32::from(c)));
        }
        before = c;
        is_start &= c.is_ascii_digit() || "-+*#.)".contains(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_is_written_by_its_number() {
        for (text, expected) in [
            (
                "ci/runner-1.example.com:9000",
                "ci/runner-1.example.com:9000",
            ),
            ("\"]; end", "#34;#93;#59; end"),
            ("a%%{init: x}%%", "a#37;#37;#123;init: x#125;#37;#37;"),
            ("a<b>&amp;#x`_*", "a#60;b#62;#38;amp#59;#35;x#39;#95;#42;"),
            ("- a", "#45;#160;a"),
            ("1. a", "1.#160;a"),
            ("12) a", "12#41;#160;a"),
            ("## a", "#35;#35;#160;a"),
            ("> a", "#8250; a"),
            ("a - b", "a - b"),
            ("2 runners", "2 runners"),
            ("192.0.2.7", "192.0.2.7"),
            (
                "https://www.example.com",
                "https:#8203;//www#8203;.example.com",
            ),
            (
                "a@b [c](d) ~~",
                "a#64;#8203;b #91;c#93;#8203;#40;d#41; #126;#8203;#126;",
            ),
            ("ﬂ°°34¶ß", "ﬂ#176;#176;34#182;ß"),
            ("a\nb\u{202e}", "a b#65533;"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
