//! Copies of mounted ConfigMaps and Secrets.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::pod::{KNOWN, OWN, Pod};
use crate::program::Ended;

/// A volume as the kubelet makes it.
fn volume() -> Pod {
    let pod = Pod::new();
    pod.0.write("mounted/..2026_01_01/config.toml", OWN);
    pod.0
        .write("mounted/..2026_01_01/entrypoint", "#!/bin/sh\n");
    pod.0
        .write("mounted/..2026_01_01/nested/more.toml", "a = 1\n");
    let entrypoint = pod.path("mounted/..2026_01_01/entrypoint");
    fs::set_permissions(entrypoint, Permissions::from_mode(0o555)).unwrap();
    symlink("..2026_01_01", pod.path("mounted/..data")).unwrap();
    for name in ["config.toml", "entrypoint", "nested"] {
        symlink(format!("..data/{name}"), pod.path("mounted").join(name)).unwrap();
    }
    pod
}

#[track_caller]
fn copy(pod: &Pod, copy: &str, more: &[&str]) -> Ended {
    pod.configure(&[&["--copy", copy], more].concat())
}

fn names(pod: &Pod, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(pod.path(folder)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_is_copied_without_what_the_kubelet_keeps() {
    let pod = volume();
    let ended = copy(&pod, "mounted=etc", &KNOWN);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            0,
            "runner-terminal: 3 files copied from mounted to etc\nrunner-terminal: etc/config.toml \
             has advertise_address terminal.example.com:9000\n"
        )
    );
    assert_eq!(names(&pod, "etc"), ["config.toml", "entrypoint", "nested"]);
    assert_eq!(names(&pod, "etc/nested"), ["more.toml"]);
    pod.assert_advertises("terminal.example.com:9000");
    let entrypoint = fs::metadata(pod.path("etc/entrypoint")).unwrap();
    assert_eq!(entrypoint.mode() & 0o777, 0o755);
    let mounted = fs::read_to_string(pod.path("mounted/config.toml")).unwrap();
    assert_eq!(mounted, OWN);
}

#[test]
fn each_start_copies_anew_and_keeps_what_the_runner_has_written() {
    let pod = volume();
    copy(
        &pod,
        "mounted=etc",
        &["--advertise-address", "192.0.2.7:9000"],
    );
    fs::write(pod.path("etc/.runner_system_id"), "s_1").unwrap();
    copy(
        &pod,
        "mounted=etc",
        &["--advertise-address", "192.0.2.8:9000"],
    );
    pod.assert_advertises("192.0.2.8:9000");
    assert!(!pod.text().contains("192.0.2.7"));
    assert!(pod.path("etc/.runner_system_id").exists());
    let before = pod.files();
    copy(
        &pod,
        "mounted=etc",
        &["--advertise-address", "192.0.2.8:9000"],
    );
    assert_eq!(pod.files(), before);

    // A config.toml that is no longer mounted is left over from an earlier start.
    fs::remove_file(pod.path("mounted/config.toml")).unwrap();
    copy(
        &pod,
        "mounted=etc",
        &["--advertise-address", "192.0.2.9:9000"],
    );
    assert!(
        pod.text().starts_with("[session_server]\n"),
        "{}",
        pod.text()
    );
    pod.assert_advertises("192.0.2.9:9000");
    copy(&pod, "mounted=etc", &["--service", "x"]);
    assert!(!pod.path("etc/config.toml").exists());
}

#[test]
fn a_single_file_is_copied() {
    let pod = volume();
    for to in ["etc", "etc/config.toml"] {
        let ended = copy(&pod, &format!("mounted/config.toml={to}"), &KNOWN);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains("1 file copied"), "{}", ended.stderr);
        assert_eq!(names(&pod, "etc"), ["config.toml"]);
        pod.assert_advertises("terminal.example.com:9000");
    }
}

#[test]
fn without_an_address_the_copy_is_there_all_the_same() {
    for (when_pending, code) in [("Disable", 0), ("Fail", 1)] {
        let pod = volume();
        let pending = ["--service", "x", "--when-pending", when_pending];
        let ended = copy(&pod, "mounted=etc", &pending);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert_eq!(pod.text(), OWN);
        assert_eq!(names(&pod, "etc").len(), 3);
    }
}

#[test]
fn what_cannot_be_copied_says_why() {
    let pod = volume();
    fs::create_dir(pod.path("odd")).unwrap();
    symlink(".", pod.path("odd/again")).unwrap();
    pod.0.write("broken/a", "");
    symlink("nowhere", pod.path("broken/b")).unwrap();
    for (paths, words) in [
        (
            "missing=etc",
            "--copy: missing does not exist: is its volume mounted?",
        ),
        (
            ".=etc",
            "--copy: etc is inside ., so the copy would contain itself",
        ),
        ("odd=etc", "is nested too deeply"),
        ("broken=etc", "cannot read broken/b: No such file"),
        ("mounted=other", "--config etc/config.toml is not in other"),
    ] {
        let ended = copy(&pod, paths, &KNOWN);
        assert_eq!(ended.code, 1, "{paths}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{paths}: {}", ended.stderr);
    }
    fs::create_dir_all(pod.path("folder/config.toml")).unwrap();
    let ended = pod.0.run(
        &[
            &[
                "configure",
                "--copy",
                "mounted=folder",
                "--config",
                "folder/config.toml",
            ],
            &KNOWN[..],
        ]
        .concat(),
        "",
    );
    assert!(
        ended.stderr.contains("folder/config.toml is a folder, and"),
        "{}",
        ended.stderr
    );
}
