//! A terminal session as an SVG: commands are typed, their output scrolls, the end stays. It has no
//! script, so that it is animated in an `<img>` too.

use std::fmt::Write as _;

use super::session::Step;

/// The size of the terminal, in characters.
const COLUMNS: usize = 72;
const ROWS: usize = 20;
/// The size of a character's cell, in pixels.
const CELL: (f64, f64) = (8.4, 19.0);
const MARGIN: f64 = 14.0;

/// How long a command takes to type, and how long it is looked at before the next, in seconds.
const TYPING: f64 = 1.2;
const PAUSE: f64 = 1.0;
/// How long one line of output takes.
const LINE: f64 = 0.08;

/// A row of the terminal.
struct Row {
    text: String,
    class: &'static str,
    /// When it is shown, in seconds.
    at: f64,
}

/// Draws commands, each with its title and its output.
pub(super) fn of(session: &[Step]) -> String {
    let (rows, end) = rows(session);
    let (width, height) = (
        CELL.0 * COLUMNS as f64 + 2.0 * MARGIN,
        CELL.1 * ROWS as f64 + 2.0 * MARGIN,
    );
    let title =
        "kustomize runs the function, GitLab Runner's session server starts, and a terminal opens";
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>\n{}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <svg x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{:.0}\" height=\"{:.0}\"><g class=\"screen\">\n",
        style(&rows, end),
        width - 2.0 * MARGIN,
        height - 2.0 * MARGIN,
    );
    for (index, row) in rows.iter().enumerate() {
        let y = CELL.1 * (index as f64 + 0.75);
        // Writing to a String does not fail.
        let _ = writeln!(
            svg,
            "<text class=\"{}\" y=\"{y:.1}\" style=\"animation-delay:{:.2}s\">{}</text>",
            row.class,
            row.at,
            escaped(&row.text)
        );
    }
    svg.push_str("</g></svg>\n</svg>\n");
    svg
}

/// The rows with their times, and when the last one is shown.
fn rows(session: &[Step]) -> (Vec<Row>, f64) {
    let (mut rows, mut at) = (Vec::new(), 0.3);
    for step in session {
        push(&mut rows, &format!("# {}", step.title), "title", at);
        push(&mut rows, &format!("$ {}", step.command), "command", at);
        at += TYPING;
        for line in step.output.lines() {
            let class = match line.chars().next() {
                _ if step.is_proof => "added",
                Some('>') => "added",
                Some('<') => "removed",
                _ => "output",
            };
            push(&mut rows, line, class, at);
            at += LINE;
        }
        at += PAUSE;
    }
    (rows, at)
}

/// Adds a line, wrapped as a terminal does.
fn push(rows: &mut Vec<Row>, line: &str, class: &'static str, at: f64) {
    let characters: Vec<char> = line.chars().collect();
    let chunks = characters
        .chunks(COLUMNS)
        .map(|chunk| chunk.iter().collect());
    rows.extend(chunks.map(|text| Row { text, class, at }));
}

/// The animations: rows appear, and the screen scrolls so that the last one is in sight.
fn style(rows: &[Row], end: f64) -> String {
    let mut scroll = String::new();
    let mut offset = 0.0;
    for (index, row) in rows.iter().enumerate().skip(ROWS) {
        let percent = 100.0 * row.at / end;
        offset = CELL.1 * (index + 1 - ROWS) as f64;
        let _ = writeln!(
            scroll,
            "{percent:.2}% {{ transform: translateY(-{offset}px) }}"
        );
    }
    format!(
        "text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; \
         fill: #c9d1d9; opacity: 0; animation: appear 1ms forwards }}\n\
         .title {{ fill: #8b949e }}\n\
         .command {{ fill: #ffffff; font-weight: bold }}\n\
         .added {{ fill: #3fb950 }}\n\
         .removed {{ fill: #f85149 }}\n\
         .screen {{ animation: scroll {end:.2}s step-end forwards }}\n\
         @keyframes appear {{ to {{ opacity: 1 }} }}\n\
         @keyframes scroll {{\n{scroll}to {{ transform: translateY(-{offset}px) }}\n}}\n\
         @media (prefers-reduced-motion: reduce) {{ text {{ opacity: 1; animation: none }} \
         .screen {{ animation: none; transform: translateY(-{offset}px) }} }}\n"
    )
}

/// Text as XML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(command: &str, output: &str) -> Step {
        Step {
            title: "Title",
            command: command.to_owned(),
            output: output.to_owned(),
            is_proof: false,
        }
    }

    #[test]
    fn output_is_escaped_coloured_and_after_its_command() {
        let diff = step("diff a b", "> a: <b>\n< c & d\n");
        let proof = Step {
            is_proof: true,
            ..step("check", "healthy\n")
        };
        let svg = of(&[diff, proof]);
        for line in [
            "<text class=\"title\" y=\"14.2\" style=\"animation-delay:0.30s\"># Title</text>",
            "<text class=\"command\" y=\"33.2\" style=\"animation-delay:0.30s\">$ diff a b</text>",
            "<text class=\"added\" y=\"52.2\" style=\"animation-delay:1.50s\">&gt; a: &lt;b&gt;</text>",
            "<text class=\"removed\" y=\"71.2\" style=\"animation-delay:1.58s\">&lt; c &amp; d</text>",
            "<text class=\"added\" y=\"128.2\" style=\"animation-delay:3.86s\">healthy</text>",
        ] {
            assert!(svg.contains(line), "{svg}");
        }
    }

    #[test]
    fn a_long_line_is_wrapped_and_the_end_is_in_sight() {
        let (rows, end) = rows(&[step("a", &("x".repeat(250) + "\n" + &"y\n".repeat(30)))]);
        assert_eq!(rows.len(), 2 + 4 + 30);
        assert!(
            rows.iter()
                .all(|row| row.text.len() <= COLUMNS && row.at < end)
        );
        let offset = format!(
            "translateY(-{}px)",
            CELL.1 * (2.0 + 4.0 + 30.0 - ROWS as f64)
        );
        assert!(style(&rows, end).contains(&offset));
    }
}
