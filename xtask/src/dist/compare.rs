//! Two builds of the same, file by file.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};
use fs_err as fs;

use crate::workspace;

/// What was compared, and what of it differs.
#[derive(Default)]
pub(super) struct Comparison {
    same: usize,
    differing: Vec<String>,
}

impl Comparison {
    /// Compares a file of the one build with its twin, and prints what is found.
    pub(super) fn file(&mut self, name: &str, ours: &Path, theirs: &Path) -> Result<()> {
        let difference = match (ours.exists(), theirs.exists()) {
            (_, false) => Some("only the first build has it".to_owned()),
            (false, _) => Some("only the second build has it".to_owned()),
            _ => difference(&fs::read(ours)?, &fs::read(theirs)?),
        };
        match difference {
            None => {
                println!("same     {name}");
                self.same += 1;
            }
            Some(difference) => {
                println!("DIFFERS  {name}: {difference}");
                self.differing.push(format!("{name}: {difference}"));
            }
        }
        Ok(())
    }

    /// Compares the files of two folders.
    pub(super) fn folders(&mut self, ours: &Path, theirs: &Path) -> Result<()> {
        let paths = [workspace::entries(ours)?, workspace::entries(theirs)?].concat();
        let files = paths.iter().filter(|path| path.is_file());
        let names: BTreeSet<_> = files.filter_map(|path| path.file_name()).collect();
        for name in names {
            self.file(
                &name.to_string_lossy(),
                &ours.join(name),
                &theirs.join(name),
            )?;
        }
        Ok(())
    }

    /// Fails if anything differs, and says all that does.
    pub(super) fn finish(self) -> Result<()> {
        let (differing, all) = (self.differing.len(), self.same + self.differing.len());
        if differing > 0 {
            let lines = self.differing.join("\n");
            bail!("{differing} of {all} files differ between two builds:\n{lines}");
        }
        println!("all {all} files are the same in both builds");
        Ok(())
    }
}

/// What differs, for somebody who will look there.
fn difference(ours: &[u8], theirs: &[u8]) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let (here, there) = (ours.len(), theirs.len());
    let mut differing = ours
        .iter()
        .zip(theirs)
        .enumerate()
        .filter(|(_, (a, b))| a != b);
    let at = differing.next().map_or(here.min(there), |(at, _)| at);
    Some(if here == there {
        format!(
            "{} of {here} bytes, the first at {at:#x}",
            differing.count() + 1
        )
    } else {
        format!("{here} bytes and {there} bytes, from {at:#x} on")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_where_it_is() {
        let difference = |ours: &str, theirs: &str| difference(ours.as_bytes(), theirs.as_bytes());
        assert_eq!(difference("abc", "abc"), None);
        assert_eq!(
            difference("abcd", "aXcX").unwrap(),
            "2 of 4 bytes, the first at 0x1"
        );
        assert_eq!(
            difference("abcd", "ab").unwrap(),
            "4 bytes and 2 bytes, from 0x2 on"
        );
    }

    #[test]
    fn every_file_that_differs_or_is_missing_is_told() {
        let write = |build: &str, files: &[(&str, &str)]| {
            let folder = workspace::empty(workspace::target("tmp/compare").join(build)).unwrap();
            for (name, content) in files {
                fs::write(folder.join(name), content).unwrap();
            }
            folder
        };
        let one = write("one", &[("a", "1"), ("b", "2"), ("c", "3")]);
        let other = write("other", &[("a", "1"), ("b", "4"), ("d", "3")]);

        let mut comparison = Comparison::default();
        comparison.folders(&one, &one).unwrap();
        comparison.finish().unwrap();

        let mut comparison = Comparison::default();
        comparison.folders(&one, &other).unwrap();
        assert_eq!(
            comparison.finish().unwrap_err().to_string(),
            "3 of 4 files differ between two builds:\n\
             b: 1 of 1 bytes, the first at 0x0\n\
             c: only the first build has it\n\
             d: only the second build has it"
        );
    }
}
