//! Files and folders of every kind.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use super::pod::{KNOWN, OWN, Pod};
use crate::program;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_cannot_be_edited_says_why_and_stays() {
    for (text, words) in [
        (
            "a = 1\nb = = 2\n",
            "etc/config.toml is not TOML: line 2, column 5: ",
        ),
        (
            "session_server = 1\n",
            "has a session_server that is a single value",
        ),
        (
            "[[session_server]]\n",
            "a session_server that is an array of tables",
        ),
        (
            "[session_server]\nadvertise_address = \"https://h:1\"\n",
            "write host:port without \"https://\"",
        ),
    ] {
        Pod::new().config(text).fail(&KNOWN, &[words]);
    }
    let pod = Pod::new();
    fs::write(pod.path("etc/config.toml"), b"a = '\xff'").unwrap();
    pod.fail(&KNOWN, &["is not valid UTF-8 (byte 5)"]);

    let pod = Pod::new();
    fs::create_dir(pod.path("etc/config.toml")).unwrap();
    pod.fail(
        &KNOWN,
        &["etc/config.toml is a folder: --config names a file"],
    );

    let pod = Pod::new();
    let missing = ["--config", "etc/no/config.toml"];
    let ended = pod
        .0
        .run(&[&["configure"], &missing[..], &KNOWN[..]].concat(), "");
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("etc/no does not exist"),
        "{}",
        ended.stderr
    );

    let ended = pod.0.run(
        &[&["configure", "--config", "/dev/zero"], &KNOWN[..]].concat(),
        "",
    );
    assert!(
        ended.stderr.contains("is not a file but a device"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_mode_stays_and_its_owner_can_always_write() {
    for (before, after) in [
        (0o644, 0o644),
        (0o440, 0o640),
        (0o400, 0o600),
        (0o660, 0o660),
    ] {
        let pod = Pod::new().config(OWN);
        let path = pod.path("etc/config.toml");
        set_mode(&path, before);
        pod.succeed(&KNOWN);
        assert_eq!(mode(&path), after, "{before:o}");
    }
    let pod = Pod::new();
    pod.succeed(&KNOWN);
    assert_eq!(mode(&pod.path("etc/config.toml")), 0o600);
    let pod = Pod::new();
    pod.succeed(&[&KNOWN[..], &["--file-mode", "0440"]].concat());
    assert_eq!(mode(&pod.path("etc/config.toml")), 0o640);
}

#[test]
fn the_owner_stays_where_that_is_permitted() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let pod = Pod::new().config(OWN);
    let path = pod.path("etc/config.toml");
    chown(&path, Some(1234), Some(4321)).unwrap();
    pod.succeed(&KNOWN);
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (1234, 4321));
}

/// Runs the command as a user other than root.
fn as_anybody(pod: &Pod) -> program::Ended {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    let arguments = [&["configure", "--config", "etc/config.toml"], &KNOWN[..]].concat();
    let mut command = pod.0.command(&arguments);
    if !nix::unistd::geteuid().is_root() {
        return program::run(&mut command, b"");
    }
    // That user may have no access to the program's folder. The copy is made by another process: if
    // this one made it, a program that another thread starts at this moment would inherit the open
    // copy, which could then not be executed.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("runner-terminal");
    let copied = Command::new("cp")
        .args([command.get_program(), copy.as_os_str()])
        .status();
    assert!(copied.unwrap().success());
    for folder in [folder.path(), pod.0.path()] {
        set_mode(folder, 0o755);
    }
    let mut other = Command::new(copy);
    other
        .args(arguments)
        .current_dir(pod.0.path())
        .uid(65534)
        .gid(65534);
    program::run(&mut other, b"")
}

#[test]
fn a_folder_that_cannot_be_written_says_so() {
    let pod = Pod::new().config(OWN);
    set_mode(&pod.path("etc"), 0o555);
    set_mode(&pod.path("etc/config.toml"), 0o644);
    let ended = as_anybody(&pod);
    set_mode(&pod.path("etc"), 0o755);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    for words in [
        "cannot write etc/",
        "Permission denied",
        "as the user whose file it is",
    ] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert_eq!(pod.text(), OWN);
    assert_eq!(pod.files().len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let pod = Pod::new().config(OWN);
    set_mode(&pod.path("etc"), 0o777);
    set_mode(&pod.path("etc/config.toml"), 0o600);
    let ended = as_anybody(&pod);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("cannot read etc/config.toml: Permission denied")
    );
    assert_eq!(pod.text(), OWN);
}

#[test]
fn the_members_of_a_group_that_is_lost_still_read() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let pod = Pod::new().config(OWN);
    let path = pod.path("etc/config.toml");
    set_mode(&pod.path("etc"), 0o777);
    chown(&path, Some(65534), Some(4321)).unwrap();
    set_mode(&path, 0o640);
    let ended = as_anybody(&pod);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(mode(&path), 0o644);
    pod.assert_advertises("terminal.example.com:9000");
}

#[test]
fn a_link_in_the_folder_is_followed_and_stays() {
    let pod = Pod::new();
    pod.0.write("etc/real/own.toml", OWN);
    symlink("real/own.toml", pod.path("etc/config.toml")).unwrap();
    pod.succeed(&KNOWN);
    assert!(pod.path("etc/config.toml").is_symlink());
    pod.assert_advertises("terminal.example.com:9000");
    let before = fs::read(pod.path("etc/real/own.toml")).unwrap();
    pod.succeed(&KNOWN);
    assert_eq!(fs::read(pod.path("etc/real/own.toml")).unwrap(), before);
    assert!(pod.path("etc/real/.runner-terminal.json").exists());
}

#[test]
fn a_link_out_of_the_folder_is_refused() {
    let pod = Pod::new();
    pod.0.write("elsewhere.toml", OWN);
    symlink("../elsewhere.toml", pod.path("etc/config.toml")).unwrap();
    pod.fail(
        &KNOWN,
        &["is a link to etc/../elsewhere.toml, outside its folder"],
    );
    fs::remove_file(pod.path("etc/config.toml")).unwrap();
    symlink("config.toml", pod.path("etc/config.toml")).unwrap();
    pod.fail(&KNOWN, &["is a link that leads to itself"]);
}

#[test]
fn wrong_arguments_exit_with_2() {
    let pod = Pod::new().config(OWN);
    for arguments in [
        &[][..],
        &["--advertise-address", "host"],
        &["--advertise-address", "https://host:1"],
        &["--advertise-address", "host:1", "--service", "x"],
        &["--advertise-ip", "192.0.2.7"],
        &["--advertise-ip", "", "--advertise-port", "1"],
        &["--advertise-ip", "host", "--advertise-port", "1"],
        &["--advertise-ip", "192.0.2.7:1", "--advertise-port", "1"],
        &["--service", "../x"],
        &["--service", "x", "--node-address", ""],
        &["--service", "x", "--prefer", "Name"],
        &["--service", "x", "--timeout", "soon"],
        &["--service-port", "1", "--advertise-address", "host:1"],
        &["--advertise-address", "host:1", "--file-mode", "9"],
        &["--advertise-address", "host:1", "--copy", "x"],
    ] {
        let ended = pod.configure(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(pod.text(), OWN);
}

#[test]
fn an_ip_is_the_first_of_its_family() {
    for (ips, family, address) in [
        ("192.0.2.7", None, "192.0.2.7:8093"),
        ("192.0.2.7,2001:db8::7", None, "192.0.2.7:8093"),
        ("192.0.2.7,2001:db8::7", Some("IPv6"), "[2001:db8::7]:8093"),
    ] {
        let pod = Pod::new().config(OWN);
        let mut arguments = vec!["--advertise-ip", ips, "--advertise-port", "8093"];
        arguments.extend(family.iter().flat_map(|family| ["--ip-family", *family]));
        pod.succeed(&arguments);
        pod.assert_advertises(address);
    }
    let pod = Pod::new().config(OWN);
    let none = [
        "--advertise-ip",
        "192.0.2.7",
        "--advertise-port",
        "1",
        "--ip-family",
        "IPv6",
    ];
    let said = pod.succeed(&none);
    assert!(
        said.contains("(192.0.2.7) is of the family of --ip-family"),
        "{said}"
    );
    assert_eq!(pod.text(), OWN);
    pod.fail(
        &[&none[..], &["--when-pending", "Fail"]].concat(),
        &["there is no address"],
    );
}
