//! A folder of manifests, and what must hold after a run in it, whatever happened.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::tracer::Traced;
use crate::program;

const RUNNER: &str = include_str!("../program/runner.yaml");
const CONFIG: &str = include_str!("../program/config.yaml");
const OTHER: &str = "kind: Namespace\nmetadata: {name: ci}   # not ours\n";
const SESSION_SERVER: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
spec: {advertiseAddress: terminal.example.com}
";

/// The files of [`Place::new`].
const FILES: [(&str, &str); 4] = [
    ("apps/config.yaml", CONFIG),
    ("apps/other.yaml", OTHER),
    ("apps/runner.yaml", RUNNER),
    ("session-server.yaml", SESSION_SERVER),
];
/// Those that change.
pub(crate) const CHANGED: [&str; 2] = ["apps/config.yaml", "apps/runner.yaml"];

/// Texts by path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A folder of manifests.
pub(crate) struct Place {
    folder: TempDir,
    old: Files,
    new: OnceCell<Files>,
    /// The states of the folder from which another run has already made all files new.
    completed: RefCell<BTreeSet<Files>>,
}

impl Place {
    /// With a runner, its configuration, a file that has nothing to do with them, and a config.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let old = files(folder.path());
        Self {
            folder,
            old,
            new: OnceCell::new(),
            completed: RefCell::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command(arguments);
        command.current_dir(self.path());
        command
    }

    /// Restores the files to their original state.
    pub(crate) fn restore(&self) {
        for path in files(self.path()).keys() {
            if !self.old.contains_key(path) {
                fs::remove_file(self.path().join(path)).unwrap();
            }
        }
        for (path, text) in &self.old {
            fs::write(self.path().join(path), text).unwrap();
        }
    }

    /// The files as they were at first.
    pub(crate) fn old(&self) -> &Files {
        &self.old
    }

    /// The files as a run to its end leaves them.
    pub(crate) fn new_files(&self) -> &Files {
        self.new.get_or_init(|| {
            let now = files(self.path());
            self.restore();
            self.run_to_the_end();
            let new = files(self.path());
            for name in CHANGED {
                assert_ne!(new[Path::new(name)], self.old[Path::new(name)], "{name}");
            }
            self.restore();
            for (path, text) in now {
                fs::write(self.path().join(path), text).unwrap();
            }
            new
        })
    }

    #[track_caller]
    fn run_to_the_end(&self) {
        let ended = program::run(&mut self.command(&["apply-to", "-i", "."]), b"");
        assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    }

    /// Asserts that each file is the old or the new one, and that another run makes all of them
    /// new, whatever was left behind. Returns how many were new, and what was left behind, and
    /// restores the folder.
    #[track_caller]
    pub(crate) fn assert_whole(&self) -> (usize, Vec<PathBuf>) {
        let new = self.new_files();
        let found = files(self.path());
        let strays: Vec<PathBuf> = found
            .keys()
            .filter(|path| is_stray(path))
            .cloned()
            .collect();
        let mut done = 0;
        for (path, text) in &found {
            if is_stray(path) {
                continue;
            }
            assert!(
                new.get(path) == Some(text) || self.old.get(path) == Some(text),
                "{} is neither the old nor the new one: {}",
                path.display(),
                String::from_utf8_lossy(text)
            );
            done += usize::from(new[path] != self.old[path] && new[path] == *text);
        }
        assert_eq!(found.len() - strays.len(), new.len(), "{:?}", found.keys());
        if self.completed.borrow_mut().insert(unnamed(found)) {
            self.run_to_the_end();
            let mut after = files(self.path());
            after.retain(|path, _| !is_stray(path));
            assert!(after == *new, "{:?}", after.keys());
        }
        self.restore();
        (done, strays)
    }

    /// [`Self::assert_whole`], for a run that was not killed: it must also report what it has done.
    #[track_caller]
    pub(crate) fn assert_honest(&self, traced: &Traced) -> Vec<PathBuf> {
        let (done, strays) = self.assert_whole();
        let said = &traced.stderr;
        assert!(!said.contains("panicked"), "{said}");
        match traced.ended {
            Ok(0) => assert_eq!(done, CHANGED.len(), "it has not failed: {said}"),
            Ok(1) => {
                let last = said.lines().last().unwrap_or_default();
                assert!(last.starts_with("runner-terminal: "), "{said}");
                let names = FILES
                    .iter()
                    .filter_map(|(name, _)| name.split('/').next_back());
                let mut names = names.chain(["apps", "*", "cannot read .:", "the folder .:"]);
                assert!(
                    names.any(|name| last.contains(name)),
                    "no file is named: {said}"
                );
                if last.contains("files have been written") {
                    let count = format!(" {done} of {} files", CHANGED.len());
                    assert!(last.contains(&count), "{done} are new: {said}");
                } else {
                    assert_eq!(done, 0, "{said}");
                }
            }
            ended => panic!("{ended:?}: {said}"),
        }
        strays
    }
}

/// True for a temporary file that was to replace another one.
fn is_stray(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with(".runner-terminal-") && name.ends_with(".tmp")
}

/// Without the random parts of names.
fn unnamed(files: Files) -> Files {
    let rename = |(number, (path, text)): (usize, (PathBuf, Vec<u8>))| {
        let path = match is_stray(&path) {
            true => path.with_file_name(format!("stray-{number}")),
            false => path,
        };
        (path, text)
    };
    files.into_iter().enumerate().map(rename).collect()
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
