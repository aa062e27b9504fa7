//! Files written back where they came from: each is the old or the new one, never half of it.
//!
//! That holds when the program is killed, and when the machine is: a new file is on the disk as a
//! whole before it takes the old one's place, and the folder with its name afterwards.

mod exchange;
mod interrupt;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::NamedTempFile;

use crate::manifests::{File, progress, read};
use interrupt::Interrupt;

/// A new file beside the old one, on the disk as a whole.
struct Prepared<'a> {
    /// The path, as given.
    path: &'a str,
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
pub(crate) fn replace(before: &[File], after: &[File]) -> Result<(), String> {
    let changed: Vec<_> = before
        .iter()
        .zip(after)
        .filter(|(before, after)| before.text != after.text)
        .collect();
    let interrupt = Interrupt::listen()
        .map_err(|error| format!("cannot listen for signals: {error}; no file has changed"))?;
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
    let done = |count| {
        format!(
            "{count} of {} files have been replaced, and a further run goes on from there",
            changed.len()
        )
    };
    for (count, prepared) in prepared.into_iter().enumerate() {
        let path = prepared.path;
        if interrupt.has_come() {
            return Err(format!(
                "stopped by a signal before {path}: {}",
                done(count)
            ));
        }
        let place = prepared.place.clone();
        let old = put(prepared)
            .map_err(|error| format!("cannot replace {path}: {error}; {}", done(count)))?;
        settle(old, &place)
            .map_err(|error| format!("{path} has been replaced, {error}; {}", done(count + 1)))?;
    }
    Ok(())
}

fn prepare<'a>(before: &'a File, after: &File) -> io::Result<Prepared<'a>> {
    let documents = || krm::documents::split(&[("", &after.text)]);
    if after.holds_json() && documents().is_ok_and(|documents| documents.len() > 1) {
        return Err(io::Error::other(
            "a file of JSON holds one document, and a new resource belongs beside it: put its \
             resource into a List, or make it a file of YAML",
        ));
    }
    // A link stays one: what it leads to is replaced, where it leads nowhere out of a folder.
    let place = match &before.root {
        Some(root) => read::inside(&before.place, root)?,
        None => fs::canonicalize(&before.place)?,
    };
    // To open a pipe would wait for its other end.
    if !fs::metadata(&place)?.is_file() {
        return Err(io::Error::other(
            "only a regular file can be replaced: leave out --in-place",
        ));
    }
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
        path: &before.path,
        place,
        before: &before.text,
        new,
    })
}

/// Puts a new file in its place, unless the old one is not the one that was read. Gives the old one,
/// where it has to be removed.
fn put(prepared: Prepared<'_>) -> io::Result<Option<NamedTempFile>> {
    let Prepared {
        place, before, new, ..
    } = prepared;
    let is_before = |path: &Path| -> io::Result<bool> { Ok(fs::read(path)? == before.as_bytes()) };
    let changed = || io::Error::other("it has been changed since it was read; run this again");
    if !is_before(&place)? {
        return Err(changed());
    }
    if !exchange::exchange(new.path(), &place)? {
        new.persist(&place).map_err(|error| error.error)?;
        return Ok(None);
    }
    // Now nobody changes it unseen: what stood there is under the other name.
    match is_before(new.path()) {
        Ok(true) => Ok(Some(new)),
        otherwise => {
            exchange::exchange(new.path(), &place)?;
            otherwise.and(Err(changed()))
        }
    }
}

/// What is left to do for a file that has been replaced.
///
/// # Errors
///
/// The end of a sentence.
fn settle(old: Option<NamedTempFile>, place: &Path) -> Result<(), String> {
    old.map_or(Ok(()), NamedTempFile::close)
        .map_err(|error| format!("and the old one cannot be removed: {error}"))?;
    keep_name(place).map_err(|error| {
        format!(
            "and may be the old one again after the machine fails, as its folder cannot be written \
             to the disk: {error}"
        )
    })
}

/// A name is on the disk when its folder is.
#[cfg(unix)]
fn keep_name(place: &Path) -> io::Result<()> {
    let Some(folder) = place.parent() else {
        return Ok(());
    };
    match fs::File::open(folder)?.sync_all() {
        // A file system that writes no folders, such as one of another machine.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
fn keep_name(_: &Path) -> io::Result<()> {
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
    fchown(new, Some(old.uid()), Some(old.gid())).map_err(|error| {
        io::Error::other(format!(
            "it belongs to user {} and group {}, and would not any more ({error}): let its owner run \
             this",
            old.uid(),
            old.gid()
        ))
    })
}

#[cfg(not(unix))]
fn keep_owner(_: &fs::File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
