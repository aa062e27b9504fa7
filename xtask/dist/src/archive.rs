//! The archive of a launcher: the program, and what belongs beside it.

use anyhow::Result;

use crate::file;
use crate::release::{Launcher, Release};
use crate::tarball::{Tarball, gzip};

/// What comes from the root of the workspace.
const TEXTS: [&str; 2] = ["LICENSE", "README.md"];

/// The name of a launcher's archive.
pub(crate) fn name(release: &Release, launcher: &Launcher) -> String {
    format!("{}.tar.gz", folder(release, launcher))
}

/// The archive, in which all is in one folder.
pub(crate) fn pack(release: &Release, launcher: &Launcher) -> Result<Vec<u8>> {
    let folder = folder(release, launcher);
    let mut tarball = Tarball::new(release.time);
    tarball.folder(&format!("{folder}/"))?;
    tarball.file(
        &format!("{folder}/{}", launcher.target.program()),
        0o755,
        &file::read(&launcher.path)?,
    )?;
    for name in TEXTS {
        let text = file::read(&release.root.join(name))?;
        tarball.file(&format!("{folder}/{name}"), 0o644, &text)?;
    }
    if let Some(texts) = &release.texts {
        let mut made = String::new();
        for path in file::list(texts)? {
            let name = path
                .iter()
                .map(|part| part.to_string_lossy())
                .collect::<Vec<_>>()
                .join("/");
            if let Some((inner, _)) = name.rsplit_once('/')
                && inner != made
            {
                tarball.folder(&format!("{folder}/{inner}/"))?;
                inner.clone_into(&mut made);
            }
            let text = file::read(&texts.join(&path))?;
            tarball.file(&format!("{folder}/{name}"), 0o644, &text)?;
        }
    }
    gzip(&tarball.finish()?)
}

fn folder(release: &Release, launcher: &Launcher) -> String {
    format!("runner-terminal-{}-{}", release.version, launcher.target)
}
