//! Blobs, and the descriptors that lead to them.

use serde_json::{Value, json};

use crate::digest::Digest;

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A content under its digest.
#[derive(Debug)]
pub(super) struct Blob {
    pub(super) digest: Digest,
    pub(super) content: Vec<u8>,
}

impl Blob {
    pub(super) fn new(content: Vec<u8>) -> Self {
        Self {
            digest: Digest::of(&content),
            content,
        }
    }

    /// What says of another blob where this one is.
    pub(super) fn descriptor(&self, media_type: &str) -> Value {
        json!({
            "mediaType": media_type,
            "digest": self.digest.with_algorithm(),
            "size": self.content.len(),
        })
    }
}
