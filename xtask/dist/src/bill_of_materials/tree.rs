//! What `cargo tree` prints, read as a graph.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

/// A crate at a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
}

impl Crate {
    /// The package URL, which is its name in a bill of materials.
    pub(super) fn url(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// What the tree says of a crate.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) license: String,
    pub(super) needs: BTreeSet<Crate>,
}

/// Each crate once.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) crates: BTreeMap<Crate, Found>,
}

impl Tree {
    /// Reads lines of `DEPTH|NAME vVERSION …|LICENCE`. What was listed before comes without what it needs.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut tree = Self::default();
        // From the root to the line before.
        let mut above: Vec<Crate> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (depth, package, license) =
                fields(line).with_context(|| format!("this is no line of a tree: {line}"))?;
            above.truncate(depth);
            if let Some(found) = above.last().and_then(|parent| tree.crates.get_mut(parent)) {
                found.needs.insert(package.clone());
            }
            let found = tree.crates.entry(package.clone()).or_default();
            license.clone_into(&mut found.license);
            above.push(package);
        }
        Ok(tree)
    }
}

fn fields(line: &str) -> Option<(usize, Crate, &str)> {
    let mut fields = line.splitn(3, '|');
    let depth = fields.next()?.parse().ok()?;
    let mut package = fields.next()?.split(' ');
    let package = Crate {
        name: package.next()?.to_owned(),
        version: package.next()?.strip_prefix('v')?.to_owned(),
    };
    let license = fields.next()?.trim_end_matches(" (*)");
    Some((depth, package, license))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_is_listed_again_keeps_what_it_needs() {
        let text = "0|a v1.0.0 (/some/where)|MIT\n1|b v2.0.0|MIT OR Apache-2.0\n2|c v3.0.0|ISC\n\
                    1|d v4.0.0|MIT\n2|b v2.0.0|MIT OR Apache-2.0 (*)\n";
        let tree = Tree::read(text).unwrap();
        let lines: Vec<_> = tree
            .crates
            .iter()
            .map(|(package, found)| {
                let needs: Vec<_> = found.needs.iter().map(|need| need.name.as_str()).collect();
                format!("{} {} [{}]", package.url(), found.license, needs.join(","))
            })
            .collect();
        assert_eq!(
            lines,
            [
                "pkg:cargo/a@1.0.0 MIT [b,d]",
                "pkg:cargo/b@2.0.0 MIT OR Apache-2.0 [c]",
                "pkg:cargo/c@3.0.0 ISC []",
                "pkg:cargo/d@4.0.0 MIT [b]",
            ]
        );
    }
}
