//! Which files are read and written: links out of a folder, devices, pipes.

#![cfg(all(unix, feature = "cluster"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use program::Ended;

const MANIFESTS: &str = "chart/chart-default.yaml";
const SECRET: &str = "kind: Namespace\nmetadata: {name: canary}\n";

/// A folder `apps` with manifests of a runner, and `outside` beside it.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for folder in ["apps/below", "outside"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
    }
    fs::write(place.path().join("apps/runner.yaml"), manifests()).unwrap();
    fs::write(place.path().join("outside/victim.yaml"), SECRET).unwrap();
    place
}

fn manifests() -> String {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures");
    fs::read_to_string(format!("{fixtures}/{MANIFESTS}")).unwrap()
}

fn run(place: &Path, arguments: &[&str]) -> Ended {
    program::run(program::command(arguments).current_dir(place), b"")
}

/// Each command that reads a folder, with the folder or a pattern last.
const READING: [&[&str]; 8] = [
    &["apply-to"],
    &["apply-to", "--diff"],
    &["apply-to", "--check"],
    &["apply-to", "--in-place"],
    &["explain"],
    &["resolve", "-f"],
    &["check", "-f"],
    &["convert"],
];

#[test]
fn a_link_out_of_a_folder_is_neither_read_nor_written() {
    for link in [
        "../outside/victim.yaml",
        "ABSOLUTE",
        "below/../../outside/victim.yaml",
        "below/second",
    ] {
        let place = place();
        let victim = place.path().join("outside/victim.yaml");
        symlink(&victim, place.path().join("apps/below/second")).unwrap();
        let target = if link == "ABSOLUTE" {
            &victim
        } else {
            Path::new(link)
        };
        symlink(target, place.path().join("apps/link.yaml")).unwrap();
        for command in READING {
            for given in ["apps", "apps/*.yaml", "./apps/", "app?"] {
                let ended = run(place.path(), &[command, &[given]].concat());
                assert_eq!(ended.code, 1, "{command:?} {given}: {}", ended.stderr);
                assert!(ended.stderr.contains("apps/link.yaml"), "{}", ended.stderr);
                assert!(
                    ended.stderr.contains("leads out of the folder"),
                    "{}",
                    ended.stderr
                );
                assert!(!ended.stderr.contains("canary") && !ended.text().contains("canary"));
            }
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), SECRET);
        let runner = fs::read_to_string(place.path().join("apps/runner.yaml")).unwrap();
        assert!(runner == manifests(), "half of a folder is worse than none");
    }
}

#[test]
fn a_pattern_follows_no_folder_that_is_a_link_outside() {
    let place = place();
    symlink("../outside", place.path().join("apps/linked")).unwrap();
    for pattern in ["apps/*/victim.yaml", "apps/l*"] {
        let ended = run(place.path(), &["apply-to", pattern]);
        assert_eq!(ended.code, 1, "{pattern}");
        assert!(
            ended.stderr.contains("leads out of the folder"),
            "{}",
            ended.stderr
        );
    }
    // A link to a folder is not followed within a folder.
    let ended = run(place.path(), &["apply-to", "apps"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.text().contains("canary"));
}

#[test]
fn links_that_stay_or_are_named_are_followed() {
    let place = place();
    let at = |name: &str| place.path().join(name);
    fs::rename(at("apps/runner.yaml"), at("apps/below/data")).unwrap();
    symlink("below/data", at("apps/runner.yaml")).unwrap();
    // A link to a file that is read anyway, and an editor's lock.
    symlink("runner.yaml", at("apps/second.yaml")).unwrap();
    symlink("somebody@machine.1", at("apps/.#runner.yaml")).unwrap();
    symlink("apps", at("linked")).unwrap();
    for given in ["apps", "linked", "apps/*.yaml", "apps/runner.yaml"] {
        let ended = run(place.path(), &["apply-to", given]);
        assert_eq!(ended.code, 0, "{given}: {}", ended.stderr);
        assert_eq!(
            ended.text().matches("kind: Deployment").count(),
            1,
            "{given}"
        );
    }
    assert_eq!(run(place.path(), &["apply-to", "-i", "apps"]).code, 0);
    assert!(at("apps/runner.yaml").is_symlink());
    assert!(
        fs::read_to_string(at("apps/below/data"))
            .unwrap()
            .contains("owned-by")
    );
    symlink("../outside/victim.yaml", at("apps/named.yaml")).unwrap();
    let ended = run(
        place.path(),
        &["apply-to", "apps/runner.yaml", "apps/named.yaml"],
    );
    assert!(ended.text().contains("canary"), "{}", ended.stderr);
}

#[test]
fn a_file_without_an_end_is_an_error_at_once() {
    let place = place();
    let pipe = place.path().join("pipe.yaml");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let socket = place.path().join("socket.yaml");
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    symlink("/dev/zero", place.path().join("zero.yaml")).unwrap();
    for (given, words) in [
        ("/dev/zero", "it is a device"),
        ("/dev/random", "it is a device"),
        ("zero.yaml", "it is a device"),
        ("socket.yaml", "it is a device or a socket"),
        ("pipe.yaml", "no program writes to this pipe"),
    ] {
        for arguments in [
            ["apply-to", given].as_slice(),
            &["apply-to", "-c", given, "apps"],
            &["explain", given],
            &["explain", "-c", given, "apps"],
            &["resolve", "-c", given, "-f", "apps"],
            &["check", "-f", given],
            &["import-values", given],
            &["convert", given],
        ] {
            let start = Instant::now();
            let ended = run(place.path(), arguments);
            assert_eq!(ended.code, 1, "{arguments:?}: {}", ended.stderr);
            assert!(
                ended.stderr.contains(words),
                "{arguments:?}: {}",
                ended.stderr
            );
            assert!(start.elapsed() < Duration::from_secs(10), "{arguments:?}");
        }
    }
    let ended = run(place.path(), &["apply-to", "-c", "apps", "apps"]);
    assert!(ended.stderr.contains("Is a directory"), "{}", ended.stderr);
}

#[test]
fn standard_input_has_an_end() {
    for arguments in [
        [].as_slice(),
        &["apply-to"],
        &["explain", "-"],
        &["import-values", "-"],
    ] {
        let zero = fs::File::open("/dev/zero").unwrap();
        let ended = program::command(arguments).stdin(zero).output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        assert!(stderr.contains("it is a device"), "{arguments:?}: {stderr}");
    }
    let mut long = program::command(&["apply-to", "-"]);
    long.env("RUNNER_TERMINAL_MAX_MIB", "1");
    let ended = program::run(&mut long, &vec![b'#'; 3 << 20]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("more than 1 MiB"), "{}", ended.stderr);
}

#[test]
fn process_substitution_and_an_empty_config_are_files() {
    let script = "exec \"$0\" apply-to <(cat chart/chart-default.yaml)";
    let mut shell = Command::new("bash");
    let command = program::command(&[]);
    shell
        .args(["-c", script])
        .arg(command.get_program())
        .current_dir(command.get_current_dir().unwrap());
    let ended = program::run(&mut shell, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.text().contains("kind: Service"));
    let ended = program::run(
        &mut program::command(&["apply-to", "-c", "/dev/null", MANIFESTS]),
        b"",
    );
    assert!(
        ended.stderr.contains("/dev/null is empty"),
        "{}",
        ended.stderr
    );
}

/// A closed standard output is not the same as `/dev/null`.
#[test]
fn what_cannot_be_printed_is_an_error() {
    let values = "chart-values/on.yaml";
    let list = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/session-server/address-known.yaml"
    ))
    .unwrap();
    for arguments in [
        [].as_slice(),
        &["apply-to", MANIFESTS],
        &["apply-to", "--diff", MANIFESTS],
        &["explain", MANIFESTS],
        &["explain", "--svg", MANIFESTS],
        &["import-values", values],
        &["convert", MANIFESTS],
        &["resolve", "-f", "advertise-address/ip.yaml"],
        &["check", "--timeout", "1s", "127.0.0.1:1"],
        &["schema"],
        &["completions", "bash"],
        &["version"],
        &["--help"],
        &["apply-to", "--help"],
    ] {
        for (how, code) in [(">&-", 1), ("> /dev/full", 1), ("> /dev/null", 0)] {
            let command = program::command(&[]);
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &format!("exec \"$0\" \"$@\" {how}")])
                .arg(command.get_program())
                .args(arguments)
                .current_dir(command.get_current_dir().unwrap());
            let ended = program::run(&mut shell, list.as_bytes());
            if code == 1 {
                assert_eq!(ended.code, 1, "{arguments:?} {how}: {}", ended.stderr);
                assert!(
                    ended.stderr.contains("standard output: "),
                    "{arguments:?} {how}: {}",
                    ended.stderr
                );
            } else {
                assert!(
                    !ended.stderr.contains("standard output: "),
                    "{arguments:?}: {}",
                    ended.stderr
                );
            }
        }
    }
}

#[test]
fn a_kustomization_among_files_is_named() {
    let place = place();
    fs::write(
        place.path().join("apps/kustomization.yaml"),
        "resources: [runner.yaml]\n",
    )
    .unwrap();
    for (command, words) in [
        (["explain"].as_slice(), "build it with -k apps"),
        (&["resolve", "-f"], "build it with -k apps"),
        (&["check", "-f"], "build it with -k apps"),
        (
            &["apply-to"],
            "kustomize build --enable-alpha-plugins --enable-exec apps",
        ),
    ] {
        let ended = run(place.path(), &[command, &["apps"]].concat());
        assert!(
            ended.stderr.contains("apps is a kustomization"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let kustomize = place.path().join("kustomize");
    fs::write(&kustomize, "#!/bin/sh\ncat apps/runner.yaml\n").unwrap();
    fs::set_permissions(
        &kustomize,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let path = format!("{}:/usr/bin:/bin", place.path().display());
    let mut explain = program::command(&["explain", "-k", "apps"]);
    let ended = program::run(explain.current_dir(place.path()).env("PATH", path), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.text().contains("--- kustomize build apps"),
        "{}",
        ended.text()
    );
}
