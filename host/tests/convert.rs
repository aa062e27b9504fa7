//! `runner-terminal convert`: function configs in another version, and all else as it was.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;

use program::{Ended, command, run, run_with_closed_output};

const ALPHA: &str = "\
# ours
apiVersion: runner-terminal.dev/v1alpha1   # as ever
kind: SessionServer
metadata:
  name: session-server
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: runner-terminal
spec: {advertiseAddress: 'terminal.example.com'}
";
const POD: &str = "kind: Pod\nmetadata: {name: a}   # untouched\n";

fn beta(text: &str) -> String {
    text.replace("v1alpha1", "v1beta1")
}

fn convert(arguments: &[&str], input: &str) -> Ended {
    run(command(&["convert"]).args(arguments), input.as_bytes())
}

#[test]
fn a_stream_goes_through_and_comes_back() {
    let stream = format!("{POD}---\n{ALPHA}---\n{POD}");
    let there = convert(&[], &stream);
    assert_eq!((there.code, there.stderr.as_str()), (0, ""));
    assert_eq!(there.text(), beta(&stream));
    for version in ["v1alpha1", "runner-terminal.dev/v1alpha1"] {
        let back = convert(&["--to", version], there.text());
        assert_eq!(back.text(), stream);
    }
    let closed = run_with_closed_output(&mut command(&["convert"]), stream.as_bytes());
    assert!(closed.code == 0 || closed.stderr.contains("standard output"));
}

#[test]
fn files_are_written_back() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let kptfile = "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata: {name: p}\npipeline:\n  \
        mutators:\n  - exec: runner-terminal\n    configPath: a.yaml\n  - exec: other\n    \
        configMap: {apiVersion: runner-terminal.dev/v1alpha1}\n";
    write("a.yaml", ALPHA);
    write("b.yaml", POD);
    write("Kptfile", kptfile);
    let ended = convert(&["--in-place", &folder.path().to_string_lossy()], "");
    assert_eq!(
        (ended.code, ended.stderr.as_str(), ended.text()),
        (0, "", "")
    );
    assert_eq!(read("a.yaml"), beta(ALPHA));
    assert_eq!(read("b.yaml"), POD);

    // A Kptfile names its function configs, and contains none of ours.
    let path = folder.path().join("Kptfile");
    let ended = convert(&["-i", &path.to_string_lossy()], "");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no function config"),
        "{}",
        ended.stderr
    );
    assert_eq!(read("Kptfile"), kptfile);

    let path = folder.path().join("a.yaml");
    let ended = convert(&["-i", "--to=v1alpha1", &path.to_string_lossy()], "");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(read("a.yaml"), ALPHA);
}

/// If one of several files is bad, none changes.
#[test]
fn what_is_refused_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(path("a.yaml"), ALPHA).unwrap();
    fs::write(path("b.yaml"), format!("{POD}---\n{ALPHA}wrong: true\n")).unwrap();
    let ended = convert(&["-i", &path("a.yaml"), &path("b.yaml")], "");
    assert_eq!(ended.code, 1);
    let place = format!("{}:14: wrong: there is no field", path("b.yaml"));
    assert!(ended.stderr.contains(&place), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(path("a.yaml")).unwrap(), ALPHA);

    let ended = convert(&["-i"], ALPHA);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("no place"), "{}", ended.stderr);
    let ended = convert(&["--to", "v2"], ALPHA);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .stderr
            .contains("the versions are v1alpha1 and v1beta1"),
        "{}",
        ended.stderr
    );
    let ended = convert(&[], &ALPHA.replace("v1alpha1", "v1"));
    assert!(
        ended.stderr.contains(
            "-:2: apiVersion: is \"runner-terminal.dev/v1\"; this function reads \
             runner-terminal.dev/v1alpha1 and runner-terminal.dev/v1beta1"
        ),
        "{}",
        ended.stderr
    );
}

/// The launcher runs functions of either version, and prints the schema of each.
#[test]
fn both_versions_are_served() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig:\n  \
        apiVersion: runner-terminal.dev/v1beta1\n  kind: SessionServer\n  spec: {enabled: false}\n";
    let ended = run(&mut command(&[]), list.as_bytes());
    assert_eq!((ended.code, ended.text()), (0, list), "{}", ended.stderr);
    for kind in ["SessionServer", "AdvertiseAddress"] {
        let schema = |arguments: &[&str]| {
            let ended = run(command(&["schema", kind]).args(arguments), b"");
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            ended.text().to_owned()
        };
        let alpha = schema(&[]);
        assert!(alpha.contains("\"const\": \"runner-terminal.dev/v1alpha1\""));
        assert_eq!(schema(&["--api-version", "v1alpha1"]), alpha);
        assert_eq!(schema(&["--api-version", "v1beta1"]), beta(&alpha));
    }
}
