//! An OCI image layout, made without a daemon.
//!
//! There is one name for everything: the index has the launcher for each Linux CPU, and the modules
//! under WebAssembly's platforms. A host takes what it can run, and the digest of the index
//! identifies all of it. Tools such as crane can assemble an index only in a registry, and put the
//! current time into it, so this code does it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use serde_json::{Value, json};

use crate::release::Release;
use crate::tarball::{Tarball, gzip};
use crate::{sha256, with};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Where the launcher is in the image.
const PROGRAM: &str = "usr/local/bin/runner-terminal";
/// A user that no file belongs to.
const NOBODY: &str = "65532:65532";

/// The files of an OCI image layout.
#[derive(Default)]
pub(crate) struct Layout {
    /// By their names in it; the entry file and the format's version come after the blobs.
    files: BTreeMap<String, Vec<u8>>,
    /// The digest of the index, which identifies the whole image in a registry.
    pub(crate) index: String,
}

impl Layout {
    /// The layout of a release.
    pub(crate) fn of(release: &Release) -> Result<Self> {
        let mut layout = Self::default();
        let mut manifests = Vec::new();
        for launcher in release.launchers.iter().filter(|it| it.target.is_linux()) {
            let (cpu, system) = (launcher.target.cpu, launcher.target.system);
            let mut platform = json!({"architecture": cpu, "os": system});
            if cpu == "arm64" {
                platform = with(platform, "variant", "v8");
            }
            let file = (PROGRAM, 0o755, launcher.path.as_path());
            manifests.push(layout.add_image(release, &platform, file)?);
        }
        for module in &release.modules {
            let system = match module.name.as_str() {
                // What containerd's Wasm shims accept.
                "runner-terminal.wasm" => "wasip1",
                // What kpt requests, although it contains no JavaScript.
                "runner-terminal-kpt.wasm" => "js",
                // Hosts do not look for it in registries.
                _ => continue,
            };
            let platform = json!({"architecture": "wasm", "os": system});
            // Only this file: kpt takes the first one that it finds.
            let file = (module.name.as_str(), 0o644, module.path.as_path());
            manifests.push(layout.add_image(release, &platform, file)?);
        }
        let index = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": manifests,
            "annotations": annotations(release),
        }))?;
        layout.index = sha256::hex(&index);
        let name = json!({"org.opencontainers.image.ref.name": release.version});
        let index = with(layout.add(INDEX, index), "annotations", name);
        let entry = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [index]});
        let version = json!({"imageLayoutVersion": "1.0.0"});
        for (name, content) in [("index.json", entry), ("oci-layout", version)] {
            layout
                .files
                .insert(name.to_owned(), serde_json::to_vec(&content)?);
        }
        Ok(layout)
    }

    /// Adds an image of one file, and returns its entry for the index.
    fn add_image(
        &mut self,
        release: &Release,
        platform: &Value,
        (path, mode, file): (&str, u32, &Path),
    ) -> Result<Value> {
        let mut files = Tarball::new(release.time);
        files.add(path, mode, &fs::read(file)?)?;
        let files = files.finish()?;
        let layer = self.add(LAYER, gzip(&files)?);
        let own = json!({
            "User": NOBODY,
            "Entrypoint": [format!("/{path}")],
            "WorkingDir": "/",
            "Labels": annotations(release),
        });
        let created = release.rfc_3339();
        let uncompressed = format!("sha256:{}", sha256::hex(&files));
        let rootfs = json!({"type": "layers", "diff_ids": [uncompressed]});
        let history = json!([{"created": created, "created_by": "cargo xtask dist"}]);
        let config = with(with(platform.clone(), "created", created), "config", own);
        let config = with(with(config, "rootfs", rootfs), "history", history);
        let config = self.add(CONFIG, serde_json::to_vec(&config)?);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
            "annotations": annotations(release),
        });
        let manifest = self.add(MANIFEST, serde_json::to_vec(&manifest)?);
        Ok(with(manifest, "platform", platform.clone()))
    }

    /// Adds a blob, and returns its descriptor, by which other blobs refer to it.
    fn add(&mut self, media_type: &str, content: Vec<u8>) -> Value {
        let (digest, size) = (sha256::hex(&content), content.len());
        self.files.insert(format!("blobs/sha256/{digest}"), content);
        json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size})
    }

    /// Writes it as a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder.join("blobs/sha256"))?;
        for (name, content) in &self.files {
            fs::write(folder.join(name), content)?;
        }
        Ok(())
    }

    /// The same as an archive.
    pub(crate) fn tar(&self, time: u64) -> Result<Vec<u8>> {
        let mut tarball = Tarball::new(time);
        for (name, content) in &self.files {
            tarball.add(name, 0o644, content)?;
        }
        tarball.finish()
    }
}

/// The image's annotations about itself.
fn annotations(release: &Release) -> Value {
    const SOURCE: &str = env!("CARGO_PKG_REPOSITORY");
    json!({
        "org.opencontainers.image.created": release.rfc_3339(),
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
