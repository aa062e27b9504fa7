//! The layout, as a folder and as a tar archive.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::blob::{Blob, INDEX};
use crate::digest::Digest;
use crate::file;
use crate::tarball::Tarball;

/// The files of an OCI image layout.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    blobs: Vec<Blob>,
    /// The entry file, which leads to the index of the release.
    entry: Vec<u8>,
    /// The digest of the index, by which all of it is known in a registry.
    pub(crate) index: Option<Digest>,
}

impl Layout {
    /// Adds a blob, once.
    pub(super) fn add(&mut self, blob: Blob) {
        if !self.blobs.iter().any(|there| there.digest == blob.digest) {
            self.blobs.push(blob);
        }
    }

    /// Adds the index of the release and makes it what the layout is about.
    pub(super) fn set_index(&mut self, index: &Value, name: &str) -> Result<()> {
        let index = Blob::new(serde_json::to_vec(index)?);
        let mut descriptor = index.descriptor(INDEX);
        if let Some(members) = descriptor.as_object_mut() {
            members.insert(
                "annotations".to_owned(),
                json!({"org.opencontainers.image.ref.name": name}),
            );
        }
        self.entry = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [descriptor],
        }))?;
        self.index = Some(index.digest);
        self.add(index);
        Ok(())
    }

    /// Each file of the layout and its name, sorted.
    fn files(&self) -> Vec<(String, &[u8])> {
        let mut files: Vec<_> = self
            .blobs
            .iter()
            .map(|blob| {
                (
                    format!("blobs/sha256/{}", blob.digest),
                    blob.content.as_slice(),
                )
            })
            .collect();
        files.sort();
        files.push(("index.json".to_owned(), &self.entry));
        files.push((
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#,
        ));
        files
    }

    /// Writes it as a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        for (name, content) in self.files() {
            file::write(&folder.join(name), content)?;
        }
        Ok(())
    }

    /// The same as an archive.
    pub(crate) fn tar(&self, time: u64) -> Result<Vec<u8>> {
        let mut tarball = Tarball::new(time);
        for folder in ["blobs/", "blobs/sha256/"] {
            tarball.folder(folder)?;
        }
        for (name, content) in self.files() {
            tarball.file(&name, 0o644, content)?;
        }
        tarball.finish()
    }
}
