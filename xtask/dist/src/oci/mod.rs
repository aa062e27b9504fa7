//! An OCI image layout, made without a daemon.
//!
//! One name for everything: the index has the launcher for each Linux CPU and the modules under the
//! platforms that WebAssembly has. A host takes what it can run, and the digest of the index stands for
//! all of it.

mod blob;
mod image;
mod layout;
mod platform;

use anyhow::Result;
use serde_json::json;

use crate::file;
use crate::release::Release;
use crate::tarball::Tarball;
use blob::INDEX;
use image::Image;
pub(crate) use layout::Layout;
use platform::Platform;

/// Where the launcher is in the image.
const PROGRAM: &str = "usr/local/bin/runner-terminal";

/// The layout of a release.
pub(crate) fn layout(release: &Release) -> Result<Layout> {
    let mut layout = Layout::default();
    let mut manifests = Vec::new();
    for launcher in release.launchers.iter().filter(|l| l.target.is_linux()) {
        let mut files = Tarball::new(release.time);
        for folder in ["usr/", "usr/local/", "usr/local/bin/"] {
            files.folder(folder)?;
        }
        files.file(PROGRAM, 0o755, &file::read(&launcher.path)?)?;
        let image = Image {
            platform: Platform::of_program(launcher.target),
            files: files.finish()?,
            entrypoint: format!("/{PROGRAM}"),
        };
        manifests.push(image.add_to(&mut layout, release)?);
    }
    for module in &release.modules {
        let Some(platform) = Platform::of_module(&module.name) else {
            continue;
        };
        // Nothing but the one file: kpt takes the first that it finds.
        let mut files = Tarball::new(release.time);
        files.file(&module.name, 0o644, &file::read(&module.path)?)?;
        let image = Image {
            platform,
            files: files.finish()?,
            entrypoint: format!("/{}", module.name),
        };
        manifests.push(image.add_to(&mut layout, release)?);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": manifests,
        "annotations": image::annotations(release),
    });
    layout.set_index(&index, &release.version)?;
    Ok(layout)
}
