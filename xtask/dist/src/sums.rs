//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::path::Path;

use anyhow::Result;

use crate::digest::Digest;
use crate::file;

/// The name of the list.
pub(crate) const NAME: &str = "SHA256SUMS";

/// The list of these files of a folder.
pub(crate) fn of<'a>(folder: &Path, names: impl Iterator<Item = &'a str>) -> Result<String> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    let mut sums = String::new();
    for name in names {
        let digest = Digest::of(&file::read(&folder.join(name))?);
        sums.push_str(&format!("{digest}  {name}\n"));
    }
    Ok(sums)
}
