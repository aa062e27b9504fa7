//! Files written back where they came from: each is the old or the new one, never half of it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::NamedTempFile;

use crate::manifests::{File, progress};

/// A new file beside the old one, on the disk as a whole.
struct Prepared<'a> {
    place: PathBuf,
    before: &'a str,
    new: NamedTempFile,
}

/// Replaces the files that changed. All new files are on the disk before the first takes its place,
/// so that a full disk or a folder that cannot be written to changes nothing.
///
/// # Errors
///
/// A sentence that names the file, and how many have been replaced before it.
pub(super) fn replace(before: &[File], after: &[File]) -> Result<(), String> {
    let changed: Vec<_> = before
        .iter()
        .zip(after)
        .filter(|(before, after)| before.text != after.text)
        .collect();
    let bar = progress(changed.len(), "writing");
    let prepared: Vec<Prepared<'_>> = changed
        .par_iter()
        .map(|(before, after)| {
            let prepared = prepare(before, after)
                .map_err(|error| format!("cannot write {}: {error}", before.path))?;
            bar.inc(1);
            Ok(prepared)
        })
        .collect::<Result<_, String>>()?;
    bar.finish_and_clear();
    for (done, prepared) in prepared.into_iter().enumerate() {
        let path = prepared.place.display().to_string();
        put(prepared).map_err(|error| {
            format!(
                "cannot replace {path}: {error}; {done} of {} files have been replaced before it, \
                 and a further run goes on from there",
                changed.len()
            )
        })?;
    }
    Ok(())
}

fn prepare<'a>(before: &'a File, after: &File) -> io::Result<Prepared<'a>> {
    let documents = || runner_terminal::documents::split(&[("", &after.text)]);
    if after.holds_json() && documents().is_ok_and(|documents| documents.len() > 1) {
        return Err(io::Error::other(
            "a file of JSON holds one resource, and another one belongs beside this one: make it a \
             file of YAML",
        ));
    }
    // A link stays one: what it leads to is replaced.
    let place = fs::canonicalize(&before.path)?;
    // A file that may not be written is not replaced either, although its folder would allow it.
    let old = fs::OpenOptions::new().write(true).open(&place)?;
    let metadata = old.metadata()?;
    let folder = place.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new()
        .prefix(".runner-terminal-")
        .suffix(".tmp")
        .tempfile_in(folder)?;
    new.write_all(after.text.as_bytes())?;
    new.as_file().set_permissions(metadata.permissions())?;
    keep_owner(new.as_file(), &metadata)?;
    new.as_file().sync_all()?;
    Ok(Prepared {
        place,
        before: &before.text,
        new,
    })
}

fn put(prepared: Prepared<'_>) -> io::Result<()> {
    let Prepared { place, before, new } = prepared;
    if fs::read(&place)? != before.as_bytes() {
        return Err(io::Error::other(
            "it has been changed since it was read; run this again",
        ));
    }
    new.persist(&place).map_err(|error| error.error)?;
    // The name is on the disk when its folder is.
    #[cfg(unix)]
    if let Some(folder) = place.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Root may rewrite somebody else's file, and it stays theirs.
#[cfg(unix)]
fn keep_owner(new: &fs::File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let made = new.metadata()?;
    if (made.uid(), made.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &fs::File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
