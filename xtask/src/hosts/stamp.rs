//! Tells whether a built host is still what its sources say.
//!
//! Beside each program lies a stamp, a hash of all that the program is built from.
//! The hash is the standard library's: it may change with the compiler, which costs
//! a rebuild and nothing else.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::catalogue::Host;
use super::recipe::Recipe;
use crate::{process, workspace};

/// The stamp that the host must have to be current.
pub(crate) fn of(host: &Host) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    // Without the workspace's own place: a checkout that was moved is still current.
    let command = process::text_of(&host.recipe.command(host.name)?);
    command
        .replace(&*workspace::root().to_string_lossy(), "")
        .hash(&mut hasher);
    if let Recipe::GoBuild { folder, .. } | Recipe::CgoBuild { folder, .. } = host.recipe {
        for path in files_in(&workspace::root().join(folder))? {
            path.file_name().hash(&mut hasher);
            read(&path)?.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// True if the program is there and was built from what is there now.
pub(crate) fn is_current(host: &Host, stamp: &str) -> bool {
    workspace::host(host.name).is_file()
        && fs::read_to_string(path(host)).is_ok_and(|written| written == stamp)
}

/// Notes what the program was built from.
pub(crate) fn write(host: &Host, stamp: &str) -> Result<()> {
    let path = path(host);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(&path, stamp).with_context(|| format!("cannot write {}", path.display()))
}

fn path(host: &Host) -> PathBuf {
    workspace::target("hosts/stamps").join(host.name)
}

/// The files of a Go module. The modules here have no folders in them.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
