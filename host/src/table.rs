//! Tables: text in columns.

use anstyle::Style;
use krm::text::printable;

const HEADER: Style = Style::new().bold();

/// Appends a table to a page: a header, and rows, each column as wide as its longest cell. Control
/// characters and line ends in cells are escaped.
pub(crate) fn append<const COLUMNS: usize>(
    page: &mut String,
    header: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) {
    let header = header.map(str::to_owned);
    let shown = |row: &[String; COLUMNS]| row.each_ref().map(|cell| printable(cell).into_owned());
    let rows: Vec<[String; COLUMNS]> = rows.iter().map(shown).collect();
    let width = |column: usize| {
        let cells = rows
            .iter()
            .chain([&header])
            .filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let line = |row: &[String; COLUMNS]| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    page.push_str(&format!("{HEADER}{}{HEADER:#}\n", line(&header)));
    for row in &rows {
        page.push_str(&line(row));
        page.push('\n');
    }
}

/// The width of pages for people, in characters.
pub(crate) const WIDTH: usize = 80;

/// Breaks text into lines of at most so many characters, between words. A longer word has a line of its
/// own. A line break in the text stays.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
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

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrap("ab  cd\n\nef", 80), ["ab cd", "", "ef"]);
        assert_eq!(wrap("a abcdefgh b", 5), ["a", "abcdefgh", "b"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let mut page = String::new();
        let rows = [["a", "b c"], ["äää", ""]].map(|row| row.map(str::to_owned));
        append(&mut page, ["X", "Y"], &rows);
        let plain = anstream::adapter::strip_str(&page).to_string();
        assert_eq!(plain, "X    Y\na    b c\näää\n");
    }
}
