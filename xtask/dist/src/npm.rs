//! The npm package, packed as `npm pack` does, without npm: so nobody needs Node.js to build a release, and
//! its bytes depend on no version of it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::file;
use crate::tarball::{Tarball, gzip};

/// The time that npm gives everything: 1985-10-26 08:15 UTC.
const TIME: u64 = 499_162_500;
/// What npm packs without being asked.
const ALWAYS: [&str; 3] = ["LICENSE", "README.md", "package.json"];

/// A built package.
#[derive(Debug)]
pub(crate) struct Npm {
    /// Its name in the registry.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The names of its files.
    files: Vec<String>,
}

impl Npm {
    /// Reads the `package.json` of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("package.json");
        let cannot = || format!("{} does not tell what to pack", path.display());
        let manifest: Value = serde_json::from_slice(&file::read(&path)?).with_context(cannot)?;
        let text = |field| manifest.get(field).and_then(Value::as_str);
        let name = text("name").with_context(cannot)?.to_owned();
        let version = text("version").with_context(cannot)?.to_owned();
        // Its bill of materials would have to list them.
        for field in ["dependencies", "peerDependencies", "optionalDependencies"] {
            if manifest.get(field).is_some() {
                bail!(
                    "{} has {field}; the package is to need none",
                    path.display()
                );
            }
        }
        let listed = manifest.get("files").and_then(Value::as_array);
        let mut files: Vec<_> = ALWAYS.map(str::to_owned).to_vec();
        for name in listed.with_context(cannot)? {
            files.push(name.as_str().with_context(cannot)?.to_owned());
        }
        files.sort_unstable();
        Ok(Self {
            name,
            version,
            files,
        })
    }

    /// The name that npm gives to its archive.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    /// Packs the files of a folder.
    pub(crate) fn pack(&self, folder: &Path) -> Result<Vec<u8>> {
        let mut tarball = Tarball::new(TIME);
        for name in &self.files {
            let content = file::read(&folder.join(name))?;
            tarball.file(&format!("package/{name}"), 0o644, &content)?;
        }
        gzip(&tarball.finish()?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;

    use super::*;

    fn package(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package.json"), manifest).unwrap();
        for name in ["LICENSE", "README.md", "a.js", "b.js"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        folder
    }

    #[test]
    fn only_what_is_listed_is_packed() {
        let folder = package(r#"{"name": "it", "version": "1.2.3", "files": ["a.js"]}"#);
        let npm = Npm::read(folder.path()).unwrap();
        assert_eq!(npm.file_name(), "it-1.2.3.tgz");

        let bytes = npm.pack(folder.path()).unwrap();

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(
            names,
            [
                "package/LICENSE",
                "package/README.md",
                "package/a.js",
                "package/package.json",
            ]
        );
    }

    #[test]
    fn a_package_that_needs_others_is_refused() {
        let folder = package(
            r#"{"name": "it", "version": "1.2.3", "files": [], "dependencies": {"x": "1"}}"#,
        );
        let error = Npm::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("has dependencies; the package is to need none"),
            "{error}"
        );
    }
}
