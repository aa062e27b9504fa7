//! A limit on the number of tables in a TOML text.

/// The maximum number of lines that start with a bracket. In toml_edit, each `[header]` of a table
/// at the root takes time proportional to all tables before it; this many take less than a second.
pub(crate) const MOST_TABLES: usize = 10_000;

/// Whether a text has more tables. Lines in strings that look like headers count too.
pub(crate) fn has_too_many_tables(text: &str) -> bool {
    let is_header = |line: &&str| line.trim_start().starts_with('[');
    text.lines().filter(is_header).count() > MOST_TABLES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_for_tables_and_not_for_keys() {
        let headers = |count| "[[runners]]\n".repeat(count);
        assert!(!has_too_many_tables(&headers(MOST_TABLES)));
        assert!(has_too_many_tables(&(headers(MOST_TABLES) + "\t[a]\n")));
        assert!(!has_too_many_tables(&"a = [1]\n".repeat(MOST_TABLES + 1)));
    }
}
