//! The npm package, packed as `npm pack` does, but without npm. So a release can be built without
//! Node.js, and its bytes do not depend on a version of npm.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::tarball::{Tarball, gzip};

/// The time that npm sets for every file: 1985-10-26 08:15 UTC.
const TIME: u64 = 499_162_500;
/// What npm always packs.
const ALWAYS: [&str; 3] = ["LICENSE", "README.md", "package.json"];

/// A built package, as its `package.json` describes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Npm {
    pub(crate) name: String,
    pub(crate) version: String,
    files: Vec<String>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

impl Npm {
    /// Reads the `package.json` of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("package.json");
        let mut npm: Self = serde_json::from_slice(&fs::read(&path)?)
            .with_context(|| format!("{} does not tell what to pack", path.display()))?;
        // Its bill of materials would have to list them.
        for field in ["dependencies", "peerDependencies", "optionalDependencies"] {
            if npm.others.contains_key(field) {
                bail!(
                    "{} has {field}; the package is to need none",
                    path.display()
                );
            }
        }
        npm.files.extend(ALWAYS.map(str::to_owned));
        npm.files.sort_unstable();
        Ok(npm)
    }

    /// The name that npm gives to its archive.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    /// Packs the files of a folder.
    pub(crate) fn pack(&self, folder: &Path) -> Result<Vec<u8>> {
        let mut tarball = Tarball::new(TIME);
        for name in &self.files {
            let content = fs::read(folder.join(name))?;
            tarball.file(&format!("package/{name}"), 0o644, &content)?;
        }
        gzip(&tarball.finish()?)
    }
}

#[cfg(test)]
mod tests {
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
        let entries = archive.entries().unwrap();
        let names = entries.map(|entry| entry.unwrap().path().unwrap().display().to_string());
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["LICENSE", "README.md", "a.js", "package.json"].map(|name| format!("package/{name}"))
        );
    }

    #[test]
    fn a_package_that_needs_others_is_refused() {
        let manifest =
            r#"{"name": "a", "version": "1.2.3", "files": [], "dependencies": {"x": "1"}}"#;
        let error = Npm::read(package(manifest).path()).unwrap_err().to_string();
        assert!(
            error.ends_with("has dependencies; the package is to need none"),
            "{error}"
        );
    }
}
