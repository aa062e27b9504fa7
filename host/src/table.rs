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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let mut page = String::new();
        let rows = [["a", "b c"], ["äää", ""]].map(|row| row.map(str::to_owned));
        append(&mut page, ["X", "Y"], &rows);
        let plain = anstream::adapter::strip_str(&page).to_string();
        assert_eq!(plain, "X    Y\na    b c\näää\n");
    }
}
