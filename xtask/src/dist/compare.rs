//! Two builds of the same, file by file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// What was compared, and what of it differs.
#[derive(Default)]
pub(super) struct Comparison {
    same: usize,
    differing: Vec<String>,
}

impl Comparison {
    /// Compares a file of the one build with its twin, and prints what is found.
    pub(super) fn file(&mut self, name: &str, ours: &Path, theirs: &Path) -> Result<()> {
        let read =
            |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let (ours, theirs) = (read(ours)?, read(theirs)?);
        match difference(&ours, &theirs) {
            None => self.same(name, ours.len()),
            Some(difference) => self.differs(name, &difference),
        }
        Ok(())
    }

    /// Compares two folders of a release by their lists of checksums.
    pub(super) fn sums(&mut self, ours: &Path, theirs: &Path) -> Result<()> {
        const LIST: &str = "SHA256SUMS";
        let list = |folder: &Path| {
            let path = folder.join(LIST);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let (here, there) = (list(ours)?, list(theirs)?);
        let (here, there) = (lines(&here), lines(&there));
        for (name, sum) in &here {
            match there.get(name) {
                Some(other) if other == sum => {
                    println!("same     {name}: {sum}");
                    self.same += 1;
                }
                Some(_) => self.file(name, &ours.join(name), &theirs.join(name))?,
                None => self.differs(name, "only the first build has it"),
            }
        }
        for name in there.keys().filter(|name| !here.contains_key(*name)) {
            self.differs(name, "only the second build has it");
        }
        Ok(())
    }

    /// Fails if anything differs, and says all that does.
    pub(super) fn finish(self) -> Result<()> {
        let all = self.same + self.differing.len();
        if self.differing.is_empty() {
            println!("all {all} files are the same in both builds");
            return Ok(());
        }
        bail!(
            "{} of {all} files differ between two builds:\n{}",
            self.differing.len(),
            self.differing.join("\n")
        )
    }

    fn same(&mut self, name: &str, length: usize) {
        println!("same     {name}: {length} bytes");
        self.same += 1;
    }

    fn differs(&mut self, name: &str, difference: &str) {
        println!("DIFFERS  {name}: {difference}");
        self.differing.push(format!("{name}: {difference}"));
    }
}

/// What differs, for somebody who will look there.
fn difference(ours: &[u8], theirs: &[u8]) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let (here, there) = (ours.len(), theirs.len());
    let at = ours.iter().zip(theirs).position(|(a, b)| a != b);
    let at = at.unwrap_or(here.min(there));
    let bytes = ours.iter().zip(theirs).filter(|(a, b)| a != b).count();
    Some(if here == there {
        format!("{bytes} of {here} bytes, the first at {at:#x}")
    } else {
        format!("{here} bytes and {there} bytes, from {at:#x} on")
    })
}

/// Each name of a list of checksums, with its checksum.
fn lines(list: &str) -> BTreeMap<&str, &str> {
    let fields = list.lines().filter_map(|line| line.split_once("  "));
    fields.map(|(sum, name)| (name, sum)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_where_it_is() {
        assert_eq!(difference(b"abc", b"abc"), None);
        assert_eq!(
            difference(b"abcd", b"aXcX").unwrap(),
            "2 of 4 bytes, the first at 0x1"
        );
        assert_eq!(
            difference(b"abcd", b"ab").unwrap(),
            "4 bytes and 2 bytes, from 0x2 on"
        );
    }

    #[test]
    fn every_file_that_differs_or_is_missing_is_told() {
        let folder = crate::workspace::target("tmp/compare");
        let write = |build: &str, files: &[(&str, &str)]| {
            let folder = folder.join(build);
            fs::create_dir_all(&folder).unwrap();
            let sums: String = files
                .iter()
                .map(|(name, content)| {
                    fs::write(folder.join(name), content).unwrap();
                    format!("{content}  {name}\n")
                })
                .collect();
            fs::write(folder.join("SHA256SUMS"), sums).unwrap();
            folder
        };
        let one = write("one", &[("a", "1"), ("b", "2"), ("c", "3")]);
        let other = write("other", &[("a", "1"), ("b", "4"), ("d", "3")]);

        let mut comparison = Comparison::default();
        comparison.sums(&one, &one).unwrap();
        comparison.finish().unwrap();

        let mut comparison = Comparison::default();
        comparison.sums(&one, &other).unwrap();
        let error = comparison.finish().unwrap_err().to_string();
        assert_eq!(
            error,
            "3 of 4 files differ between two builds:\n\
             b: 1 of 1 bytes, the first at 0x0\n\
             c: only the first build has it\n\
             d: only the second build has it"
        );
    }
}
