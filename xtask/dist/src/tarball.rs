//! Tar archives whose bytes depend on nothing but what is put into them.

use std::io::Write as _;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// An archive that is being written. Everything in it belongs to root and has one time.
pub(crate) struct Tarball {
    builder: Builder<Vec<u8>>,
    time: u64,
}

impl Tarball {
    /// An empty archive, whose entries are of this time, in seconds since 1970.
    pub(crate) fn new(time: u64) -> Self {
        Self {
            builder: Builder::new(Vec::new()),
            time,
        }
    }

    /// Adds a folder. Its path ends with a slash.
    pub(crate) fn folder(&mut self, path: &str) -> Result<()> {
        self.entry(EntryType::Directory, path, 0o755, &[])
    }

    /// Adds a file.
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
        self.builder.append_data(&mut header, path, content)?;
        Ok(())
    }

    /// The archive.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.builder.into_inner()?)
    }
}

/// Compresses bytes. The header of the result names no file, no time and no system.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    /// The number for a system that is not told.
    const UNKNOWN: u8 = 255;
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN)
        .write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn entries_belong_to_root_and_have_the_one_time() {
        let mut tarball = Tarball::new(1_700_000_000);
        tarball.folder("a/").unwrap();
        tarball.file("a/b", 0o755, b"text").unwrap();
        let bytes = tarball.finish().unwrap();

        let mut archive = tar::Archive::new(bytes.as_slice());
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.uid().unwrap(), 0);
            assert_eq!(header.gid().unwrap(), 0);
            assert_eq!(header.mtime().unwrap(), 1_700_000_000);
            assert_eq!(header.mode().unwrap(), 0o755);
            assert_eq!(header.username().unwrap(), Some(""));
        }
    }

    #[test]
    fn a_gzip_header_tells_nothing() {
        let bytes = gzip(b"text").unwrap();
        // The magic number, deflate, no flags, no time, best compression, no system.
        assert_eq!(
            bytes.get(..10).unwrap(),
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]
        );
    }
}
