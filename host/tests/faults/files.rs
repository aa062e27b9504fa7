//! Files of every kind, in an in-place run.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::geteuid;

use super::place::{CHANGED, Place, files};
use crate::program::{self, Ended};

const WITH_CONFIG: [&str; 4] = ["apply-to", "-i", "-c", "session-server.yaml"];

fn run(place: &Place, paths: &[&str]) -> Ended {
    program::run(place.command(&WITH_CONFIG).args(paths), b"")
}

#[track_caller]
fn assert_refused(place: &Place, ended: &Ended, words: &str) {
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(files(place.path()) == *place.old(), "{}", ended.stderr);
}

/// Runs the command as a user other than root, who may not do everything.
fn as_anybody(place: &Place, command: &mut Command) -> Ended {
    if !geteuid().is_root() {
        return program::run(command, b"");
    }
    // That user may have no access to the program's folder.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("runner-terminal");
    // The copy is made by another process: if this one made it, a program that another thread
    // starts at this moment would inherit the open copy, which would then be busy and could not be
    // executed.
    let copied = Command::new("cp")
        .args([command.get_program(), program.as_os_str()])
        .status();
    assert!(copied.unwrap().success());
    let mut other = Command::new(program);
    other
        .args(command.get_args())
        .current_dir(place.path())
        .uid(65534)
        .gid(65534);
    for folder in [folder.path(), place.path()] {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    program::run(&mut other, b"")
}

#[test]
fn where_nobody_may_write_nothing_changes() {
    let place = Place::new();
    let mut command = place.command(&WITH_CONFIG);
    command.arg("apps");
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    // The files are writable, and their folder is not.
    for name in CHANGED {
        mode(&place.at(name), 0o666);
        if geteuid().is_root() {
            chown(place.at(name), Some(65534), Some(65534)).unwrap();
        }
    }
    mode(&place.at("apps"), 0o555);
    let ended = as_anybody(&place, &mut command);
    assert_refused(&place, &ended, "cannot write apps/");
    assert!(
        ended.stderr.contains("Permission denied"),
        "{}",
        ended.stderr
    );
    // The folder is writable, and one of the files is not.
    mode(&place.at("apps"), 0o777);
    mode(&place.at(CHANGED[0]), 0o444);
    let ended = as_anybody(&place, &mut command);
    assert_refused(
        &place,
        &ended,
        "cannot write apps/config.yaml: Permission denied",
    );
}

/// If a user may write a file but cannot keep its owner, it stays unchanged.
#[test]
fn nobody_loses_a_file_to_another() {
    let place = Place::new();
    if !geteuid().is_root() {
        // Only root can give a file to another user, and so try both cases.
        assert_eq!(run(&place, &["apps"]).code, 0);
        let owned = fs::metadata(place.at(CHANGED[0])).unwrap();
        assert_eq!(owned.uid(), geteuid().as_raw());
        return;
    }
    for name in CHANGED {
        fs::set_permissions(place.at(name), Permissions::from_mode(0o666)).unwrap();
    }
    fs::set_permissions(place.at("apps"), Permissions::from_mode(0o777)).unwrap();
    let ended = as_anybody(&place, place.command(&WITH_CONFIG).arg("apps"));
    assert_refused(
        &place,
        &ended,
        "it belongs to user 0 and group 0, and would not any more",
    );

    chown(place.at(CHANGED[0]), Some(1234), Some(2345)).unwrap();
    assert_eq!(run(&place, &["apps"]).code, 0);
    let owned = fs::metadata(place.at(CHANGED[0])).unwrap();
    assert_eq!((owned.uid(), owned.gid()), (1234, 2345));
}

#[test]
fn modes_and_links_stay() {
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("runner.yaml");
    let path = place.at(CHANGED[1]);
    fs::rename(&path, &target).unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o604)).unwrap();
    symlink(&target, &path).unwrap();
    // A hard link to a file is treated as a copy that somebody keeps: it stays unchanged.
    let other_name = outside.path().join("config.yaml");
    fs::hard_link(place.at(CHANGED[0]), &other_name).unwrap();
    // An editor's lock: a link that leads to no file.
    symlink("somebody@machine.1234", place.at("apps/.#runner.yaml")).unwrap();
    // Of a folder, only links that stay in it are followed; this one is named.
    let ended = run(&place, &["apps"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("leads out of the folder"),
        "{}",
        ended.stderr
    );
    assert!(!place.read(CHANGED[0]).contains("[session_server]"));
    let named = place.at(CHANGED[1]);
    let ended = run(&place, &["apps/config.yaml", named.to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o604);
    assert!(
        fs::read_to_string(&target)
            .unwrap()
            .contains("kind: Service")
    );
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
    assert!(place.read(CHANGED[0]).contains("[session_server]"));
    assert!(fs::read(&other_name).unwrap() == place.old()[Path::new(CHANGED[0])]);
}

#[test]
fn what_is_no_file_is_told() {
    let place = Place::new();
    let ended = program::run(
        &mut place.command(&["apply-to", "-i", "-c", "apps", "apps"]),
        b"",
    );
    assert_refused(&place, &ended, "cannot read apps: Is a directory");
    let ended = run(&place, &["apps", "nowhere.yaml"]);
    assert_refused(&place, &ended, "cannot read nowhere.yaml: No such file");
    let ended = run(&place, &["apps/other.yaml/x.yaml"]);
    assert_refused(
        &place,
        &ended,
        "cannot read apps/other.yaml/x.yaml: Not a directory",
    );

    symlink("loop.yaml", place.at("apps/loop.yaml")).unwrap();
    let ended = run(&place, &["apps"]);
    fs::remove_file(place.at("apps/loop.yaml")).unwrap();
    assert_refused(
        &place,
        &ended,
        "cannot read apps/loop.yaml: Too many levels of symbolic links",
    );
    symlink("gone.yaml", place.at("link.yaml")).unwrap();
    let ended = run(&place, &["link.yaml"]);
    fs::remove_file(place.at("link.yaml")).unwrap();
    assert_refused(&place, &ended, "cannot read link.yaml: No such file");

    // A pipe can be read once, and not written back.
    let pipe = place.at("pipe.yaml");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let text = format!("{}---\n{}", place.read(CHANGED[0]), place.read(CHANGED[1]));
    let (from, into) = (pipe.clone(), text.clone());
    let writer = std::thread::spawn(move || fs::write(from, into).unwrap());
    let ended = run(&place, &["pipe.yaml"]);
    writer.join().unwrap();
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, text).unwrap())
    };
    let mut to_stdout = place.command(&["apply-to", "-c", "session-server.yaml", "pipe.yaml"]);
    let printed = program::run(&mut to_stdout, b"");
    writer.join().unwrap();
    fs::remove_file(&pipe).unwrap();
    assert_refused(
        &place,
        &ended,
        "cannot write pipe.yaml: only a regular file can be replaced",
    );
    assert!(
        printed.text().contains("kind: Service"),
        "{}",
        printed.stderr
    );
}

#[test]
fn an_empty_file_stays_empty() {
    let place = Place::new();
    fs::write(place.at("apps/empty.yaml"), "").unwrap();
    assert_eq!(run(&place, &["apps"]).code, 0);
    assert_eq!(place.read("apps/empty.yaml"), "");
    let ended = run(&place, &["apps/empty.yaml"]);
    assert!(
        ended.stderr.contains("there are no manifests: "),
        "{}",
        ended.stderr
    );
    assert_eq!(place.read("apps/empty.yaml"), "");
}

#[test]
fn a_name_that_is_no_text_is_a_name() {
    let place = Place::new();
    let name = |bytes: &[u8]| place.at("apps").join(OsStr::from_bytes(bytes));
    fs::rename(place.at(CHANGED[1]), name(b"runner-\xff.yaml")).unwrap();
    // As it is displayed, its name is that of another file.
    let other = "kind: Namespace\nmetadata: {name: other}\n";
    fs::write(name("runner-\u{fffd}.yaml".as_bytes()), other).unwrap();
    let ended = run(&place, &["apps"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = fs::read_to_string(name(b"runner-\xff.yaml")).unwrap();
    assert!(text.contains("kind: Service"), "{text}");
    let text = fs::read_to_string(name("runner-\u{fffd}.yaml".as_bytes())).unwrap();
    assert_eq!(text, other);
}
