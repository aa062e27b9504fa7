//! How many tables a TOML text may have.

/// The most lines that start with a bracket. Each `[header]` of a table at the root takes toml_edit as long
/// as all tables before it together, and this many take less than a second.
pub(crate) const MOST_TABLES: usize = 10_000;

/// Whether a text has more tables. What looks like a header in a string counts too.
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
