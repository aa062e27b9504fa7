//! Tar archives whose bytes depend only on their content.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// An archive that is being written. Everything in it belongs to root and has one time.
pub(crate) struct Tarball {
    builder: Builder<Vec<u8>>,
    folders: BTreeSet<String>,
    time: u64,
}

impl Tarball {
    /// An empty archive, whose entries have this time, in seconds since 1970.
    pub(crate) fn new(time: u64) -> Self {
        let builder = Builder::new(Vec::new());
        Self {
            builder,
            folders: BTreeSet::new(),
            time,
        }
    }

    /// Adds a file, and before it the folders that it is in.
    pub(crate) fn add(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        for (end, _) in path.match_indices('/') {
            let folder = path.split_at(end + 1).0;
            if self.folders.insert(folder.to_owned()) {
                self.entry(EntryType::Directory, folder, 0o755, &[])?;
            }
        }
        self.file(path, mode, content)
    }

    /// Adds only the file.
    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.entry(EntryType::Regular, path, mode, content)
    }

    fn entry(&mut self, kind: EntryType, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header.set_size(content.len().try_into()?);
        Ok(self.builder.append_data(&mut header, path, content)?)
    }

    /// The archive.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.builder.into_inner()?)
    }
}

/// Compresses bytes. The header of the result names no file, no time and no system.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    // The number for an unknown system.
    let gzip = GzBuilder::new().mtime(0).operating_system(255);
    let mut gzip = gzip.write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_belong_to_root_and_have_the_one_time() {
        let mut tarball = Tarball::new(1_700_000_000);
        tarball.add("a/b", 0o755, b"text").unwrap();
        let bytes = tarball.finish().unwrap();

        let mut archive = tar::Archive::new(bytes.as_slice());
        let headers = archive.entries().unwrap();
        let headers: Vec<_> = headers
            .map(|entry| entry.unwrap().header().clone())
            .collect();
        assert_eq!(headers.len(), 2);
        for header in headers {
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 1_700_000_000);
            assert_eq!(header.mode().unwrap(), 0o755);
            assert_eq!(header.username().unwrap(), Some(""));
        }
    }

    #[test]
    fn a_gzip_header_tells_nothing() {
        let bytes = gzip(b"text").unwrap();
        // The magic number, deflate, no flags, no time, best compression, no system.
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
        assert_eq!(bytes.get(..10).unwrap(), header);
    }
}
