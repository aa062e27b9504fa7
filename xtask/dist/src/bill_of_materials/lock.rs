//! The checksums in `Cargo.lock`.

use std::collections::BTreeMap;

use super::tree::Crate;

/// The SHA-256 of each crate's package. Those of the workspace have none.
pub(super) fn checksums(lock: &str) -> BTreeMap<Crate, String> {
    lock.split("[[package]]")
        .filter_map(|package| {
            let field = |name: &str| {
                let value = package.lines().find_map(|line| line.strip_prefix(name))?;
                Some(value.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
            };
            let package = Crate {
                name: field("name")?,
                version: field("version")?,
            };
            Some((package, field("checksum")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_the_workspace_have_no_checksum() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"b\"\nversion = \"2.0.0\"\nchecksum = \"abc\"\n";
        let found: Vec<_> = checksums(lock)
            .into_iter()
            .map(|(package, sum)| (package.url(), sum))
            .collect();
        assert_eq!(found, [("pkg:cargo/b@2.0.0".to_owned(), "abc".to_owned())]);
    }
}
