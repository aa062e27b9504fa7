//! Packs a release: the last step of `cargo xtask dist`, which builds what goes in.

use std::{env, path::Path};

use anyhow::{Result, bail};
use dist::Release;
use fs_err as fs;

fn main() -> Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [release, out] = words.as_slice() else {
        bail!("usage: dist RELEASE.json FOLDER");
    };
    let release: Release = serde_json::from_slice(&fs::read(release)?)?;
    release.pack(Path::new(out))
}
