//! Tables: text in columns.

use anstyle::Style;
use krm::text::printable;

const HEADER: Style = Style::new().bold();
/// What separates two columns, in characters.
const GAP: usize = 2;
/// The narrowest last column whose text is still easy to read, in characters.
const MIN_LAST: usize = 24;

/// Appends a table to a page: a header, and rows, each column as wide as its longest cell. Control
/// characters and line ends in cells are escaped.
///
/// A table that is wider than `width`, in characters, is fitted: the text of the last column is wrapped,
/// or, if that does not leave enough room, each row becomes a block with a line for each cell. Without a
/// width, as for a pipe, a row is a line.
///
/// A row whose first cell is empty belongs to the row above.
pub(crate) fn append<const COLUMNS: usize>(
    page: &mut String,
    header: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
    width: Option<usize>,
) {
    let shown = |row: &[String; COLUMNS]| row.each_ref().map(|cell| printable(cell).into_owned());
    let table = Table {
        header: header.map(str::to_owned),
        rows: rows.iter().map(shown).collect(),
    };
    match width {
        Some(width) if table.width() > width => match table.width_left_for_last(width) {
            Some(last) => table.append_lines(page, Some(last)),
            None => table.append_blocks(page, width),
        },
        _ => table.append_lines(page, None),
    }
}

struct Table<const COLUMNS: usize> {
    header: [String; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// The largest value of `measure` over the cells of a column, including its header.
    fn most(&self, column: usize, measure: fn(&str) -> usize) -> usize {
        let rows = self.rows.iter().chain([&self.header]);
        let cells = rows.filter_map(|row| row.get(column));
        cells.map(|cell| measure(cell)).max().unwrap_or(0)
    }

    /// The width of all columns before this one, with the gaps after them.
    fn width_before(&self, column: usize) -> usize {
        (0..column).map(|one| self.most(one, length) + GAP).sum()
    }

    fn width(&self) -> usize {
        self.width_before(COLUMNS).saturating_sub(GAP)
    }

    /// The width of the last column in a table of this width; `None` if that is too little for its text.
    fn width_left_for_last(&self, width: usize) -> Option<usize> {
        let last = COLUMNS.saturating_sub(1);
        let left = width.checked_sub(self.width_before(last))?;
        (left >= self.most(last, longest_word).max(MIN_LAST)).then_some(left)
    }

    /// A line for each row, or several if the text of the last column does not fit its width.
    fn append_lines(&self, page: &mut String, last_width: Option<usize>) {
        let last = COLUMNS.saturating_sub(1);
        let widths: Vec<usize> = (0..last).map(|column| self.most(column, length)).collect();
        for (index, row) in [&self.header].into_iter().chain(&self.rows).enumerate() {
            let style = if index == 0 { HEADER } else { Style::new() };
            let text = row.last().map_or("", String::as_str);
            let lines = last_width.map_or_else(|| vec![text.to_owned()], |width| wrap(text, width));
            let mut lines = lines.into_iter();
            let first = widths.iter().zip(row);
            let first = first.map(|(width, cell)| format!("{cell:width$}{:GAP$}", ""));
            let first = first.collect::<String>() + &lines.next().unwrap_or_default();
            page.push_str(&format!("{style}{}{style:#}\n", first.trim_end()));
            for line in lines {
                page.push_str(&format!("{:1$}{line}\n", "", self.width_before(last)));
            }
        }
    }

    /// A block for each row: its first cell, and below it the others, each after its header.
    fn append_blocks(&self, page: &mut String, width: usize) {
        let names = self.header.iter().skip(1).map(|name| length(name));
        let indentation = GAP + names.max().unwrap_or(0) + GAP;
        for row in &self.rows {
            let is_new = row.first().is_some_and(|first| !first.is_empty());
            if let Some(first) = row.first().filter(|_| is_new) {
                page.push_str(&format!("{HEADER}{first}{HEADER:#}\n"));
            }
            for (column, cell) in row.iter().enumerate().skip(1) {
                if cell.is_empty() {
                    continue;
                }
                let name = self.header.get(column).filter(|_| is_new);
                let name = name.map_or("", String::as_str);
                // All cells of a column look the same, even those that would fit beside the name.
                let fits = indentation + self.most(column, longest_word) <= width;
                let indentation = if fits { indentation } else { 2 * GAP };
                let mut before = format!("{:GAP$}{name}", "");
                if !fits && is_new {
                    page.push_str(&format!("{before}\n"));
                    before.clear();
                }
                for line in wrap(cell, width.saturating_sub(indentation)) {
                    page.push_str(&format!("{before:indentation$}{line}\n"));
                    before.clear();
                }
            }
        }
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(length).max().unwrap_or(0)
}

/// The width of pages for people, in characters.
pub(crate) const WIDTH: usize = 80;

/// Breaks text into lines of at most this many characters, between words. A longer word gets its
/// own line. A line break in the text stays.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && length(&line) + 1 + length(word) > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table<const COLUMNS: usize>(
        header: [&str; COLUMNS],
        rows: &[[&str; COLUMNS]],
        width: Option<usize>,
    ) -> String {
        let rows: Vec<_> = rows.iter().map(|row| row.map(str::to_owned)).collect();
        let mut page = String::new();
        append(&mut page, header, &rows, width);
        anstream::adapter::strip_str(&page).to_string()
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrap("ab  cd\n\nef", 80), ["ab cd", "", "ef"]);
        assert_eq!(wrap("a abcdefgh b", 5), ["a", "abcdefgh", "b"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [["a", "b c"], ["äää", ""]];
        for width in [None, Some(80), Some(8)] {
            let page = table(["X", "Y"], &rows, width);
            assert_eq!(page, "X    Y\na    b c\näää\n");
        }
    }

    #[test]
    fn a_wide_last_column_is_wrapped_between_words() {
        let rows = [
            [
                "Deployment ci/runner",
                "current: its pods find it when they start",
            ],
            ["Deployment ci/other", "pending"],
        ];
        assert_eq!(
            table(["RUNNER", "STATE"], &rows, Some(46)),
            "RUNNER                STATE\n\
             Deployment ci/runner  current: its pods find\n\
             \x20                     it when they start\n\
             Deployment ci/other   pending\n"
        );
    }

    #[test]
    fn what_does_not_fit_in_columns_is_in_blocks() {
        let host = "a1b2c3.elb.eu-central-1.amazonaws.com:9000";
        let rows = [
            ["Deployment ci/runner", host, "new: not in config.toml yet"],
            ["Deployment ci/other", "-", "pending"],
        ];
        let header = ["RUNNER", "ADDRESS", "STATE"];
        assert_eq!(
            table(header, &rows, Some(60)),
            "Deployment ci/runner\n\
             \x20 ADDRESS  a1b2c3.elb.eu-central-1.amazonaws.com:9000\n\
             \x20 STATE    new: not in config.toml yet\n\
             Deployment ci/other\n\
             \x20 ADDRESS  -\n\
             \x20 STATE    pending\n"
        );
        // A word that does not fit beside its name begins below it.
        assert_eq!(
            table(header, &rows, Some(50)),
            "Deployment ci/runner\n\
             \x20 ADDRESS\n\
             \x20   a1b2c3.elb.eu-central-1.amazonaws.com:9000\n\
             \x20 STATE    new: not in config.toml yet\n\
             Deployment ci/other\n\
             \x20 ADDRESS\n\
             \x20   -\n\
             \x20 STATE    pending\n"
        );
        assert_eq!(table(header, &rows, None).lines().count(), 3);
    }

    #[test]
    fn rows_without_a_first_cell_continue_their_block() {
        let rows = [
            [
                "ConfigMap ci/runner",
                "runner.yaml:7",
                "+ data[config.toml]",
            ],
            ["", "", "- metadata.annotations[runner-terminal.dev/config]"],
        ];
        assert_eq!(
            table(["RESOURCE", "PLACE", "CHANGE"], &rows, Some(66)),
            "ConfigMap ci/runner\n\
             \x20 PLACE   runner.yaml:7\n\
             \x20 CHANGE  + data[config.toml]\n\
             \x20         - metadata.annotations[runner-terminal.dev/config]\n"
        );
    }

    #[test]
    fn every_width_shows_every_word_and_no_line_is_wider_without_need() {
        let rows = [
            [
                "Deployment ci/runner",
                "runner-session-server",
                "192.0.2.7:9000",
                "current: it has it",
            ],
            [
                "StatefulSet ci/b",
                "-",
                "-",
                "failed: the kubeconfig cannot be used (/x): no such file",
            ],
        ];
        for width in 1..200 {
            let page = table(
                ["RUNNER", "SERVICE", "ADDRESS", "STATE"],
                &rows,
                Some(width),
            );
            for word in rows.iter().flatten().flat_map(|cell| cell.split(' ')) {
                assert!(page.contains(word), "{width}: {word}\n{page}");
            }
            // The longest word, and the text before it.
            let needed = width.max(
                "StatefulSet ci/b"
                    .len()
                    .max("    runner-session-server".len()),
            );
            assert!(
                page.lines().all(|line| length(line) <= needed),
                "{width}:\n{page}"
            );
        }
    }
}
