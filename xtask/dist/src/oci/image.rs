//! One image of the index: a layer, its configuration, its manifest.

use anyhow::Result;
use serde_json::{Value, json};

use super::blob::{Blob, CONFIG, LAYER, MANIFEST};
use super::layout::Layout;
use super::platform::Platform;
use crate::digest::Digest;
use crate::release::Release;
use crate::tarball::gzip;
use crate::time;

/// A user that no file belongs to.
const NOBODY: &str = "65532:65532";

pub(super) struct Image {
    pub(super) platform: Platform,
    /// The layer, as a tar archive.
    pub(super) files: Vec<u8>,
    pub(super) entrypoint: String,
}

impl Image {
    /// Adds the image's blobs and gives what the index says of it.
    pub(super) fn add_to(self, layout: &mut Layout, release: &Release) -> Result<Value> {
        let uncompressed = Digest::of(&self.files);
        let layer = Blob::new(gzip(&self.files)?);
        let mut config = self.platform.to_json();
        let more = json!({
            "created": time::rfc_3339(release.time),
            "config": {
                "User": NOBODY,
                "Entrypoint": [self.entrypoint],
                "WorkingDir": "/",
                "Labels": annotations(release),
            },
            "rootfs": {"type": "layers", "diff_ids": [uncompressed.with_algorithm()]},
            "history": [{
                "created": time::rfc_3339(release.time),
                "created_by": "cargo xtask dist",
            }],
        });
        if let (Value::Object(config), Value::Object(more)) = (&mut config, more) {
            config.extend(more);
        }
        let config = Blob::new(serde_json::to_vec(&config)?);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(CONFIG),
            "layers": [layer.descriptor(LAYER)],
            "annotations": annotations(release),
        });
        let manifest = Blob::new(serde_json::to_vec(&manifest)?);
        let mut descriptor = manifest.descriptor(MANIFEST);
        if let Some(members) = descriptor.as_object_mut() {
            members.insert("platform".to_owned(), self.platform.to_json());
        }
        layout.add(layer);
        layout.add(config);
        layout.add(manifest);
        Ok(descriptor)
    }
}

/// What the image says of itself.
pub(super) fn annotations(release: &Release) -> Value {
    const SOURCE: &str = env!("CARGO_PKG_REPOSITORY");
    json!({
        "org.opencontainers.image.created": time::rfc_3339(release.time),
        "org.opencontainers.image.description":
            "Gives any GitLab Runner on Kubernetes a working interactive web terminal, as a KRM function",
        "org.opencontainers.image.documentation": format!("{SOURCE}/blob/v{}/README.md", release.version),
        "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
        "org.opencontainers.image.revision": release.commit,
        "org.opencontainers.image.source": SOURCE,
        "org.opencontainers.image.title": "runner-terminal",
        "org.opencontainers.image.url": SOURCE,
        "org.opencontainers.image.version": release.version,
    })
}
