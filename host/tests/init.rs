//! `runner-terminal init`: the function accepts what it writes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;
use std::path::Path;

use program::{Ended, command, run};

const RUNNER: &str = concat!(
    include_str!("program/config.yaml"),
    "---\n",
    include_str!("program/runner.yaml")
);

fn init(folder: &Path, arguments: &[&str]) -> Ended {
    run(command(&["init"]).args(arguments).arg(folder), b"")
}

/// The flags that a network needs, besides the image.
fn details(replicas: &str, network: &str) -> Vec<&'static str> {
    let domain = ["--host", "terminals.example.com"];
    let many = replicas == "many";
    match network {
        "ingress" => [&domain[..], &["--controller", "traefik"]].concat(),
        "gateway" => [&domain[..], &["--gateway", "edge/gateway"]].concat(),
        "api-server" => domain.to_vec(),
        "load-balancer" if many => domain.to_vec(),
        _ => Vec::new(),
    }
}

#[test]
fn the_function_accepts_every_combination() {
    let mut accepted = 0;
    for gitlab in ["same-cluster", "vpc", "outside"] {
        for replicas in ["one", "many"] {
            for network in [
                "load-balancer",
                "nodes",
                "ingress",
                "gateway",
                "api-server",
                "pods",
            ] {
                let folder = tempfile::tempdir().unwrap();
                let mut arguments = vec!["--gitlab", gitlab, "--replicas", replicas];
                arguments.extend(["--image", "registry.example.com/rt:1", "--for", "none"]);
                if gitlab != "same-cluster" {
                    arguments.extend(["--network", network]);
                    arguments.extend(details(replicas, network));
                    if (replicas, network) == ("many", "nodes") {
                        arguments.extend(["--pods-per-node", "one"]);
                    }
                }
                let ended = init(folder.path(), &arguments);
                if gitlab != "same-cluster" && (replicas, network) == ("many", "api-server") {
                    assert_eq!(ended.code, 1);
                    assert!(ended.stderr.contains("by --network"), "{}", ended.stderr);
                    continue;
                }
                assert_eq!(
                    (ended.code, ended.stderr.as_str()),
                    (0, ""),
                    "{arguments:?}"
                );
                assert!(
                    ended.text().lines().all(|line| line.chars().count() <= 80
                        || line.contains(folder.path().to_str().unwrap())),
                    "{}",
                    ended.text()
                );
                let config = folder.path().join("session-server.yaml");
                let applied = run(
                    command(&["apply-to", "-c"]).arg(&config),
                    RUNNER
                        .replace("spec:\n  selector", "spec:\n  replicas: 1\n  selector")
                        .as_bytes(),
                );
                assert_eq!(applied.code, 0, "{arguments:?}: {}", applied.stderr);
                assert!(applied.text().len() > RUNNER.len(), "{arguments:?}");
                accepted += 1;
            }
        }
    }
    assert_eq!(accepted, 34);
}

#[test]
fn a_missing_flag_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = Vec::new();
    for (flag, value) in [
        ("--gitlab", "outside"),
        ("--replicas", "one"),
        ("--network", "ingress"),
        ("--host", "a.example.com"),
        ("--controller", "traefik"),
        ("--for", "kustomize"),
    ] {
        let ended = init(folder.path(), &arguments);
        assert_eq!(ended.code, 1);
        assert!(
            ended.stderr.contains(&format!("{flag} is missing")),
            "{}",
            ended.stderr
        );
        arguments.extend([flag, value]);
    }
    assert_eq!(init(folder.path(), &arguments).code, 0);
    arguments.extend(["--node-port", "30900", "--force"]);
    let ended = init(folder.path(), &arguments);
    assert!(
        ended.stderr.contains("--node-port is not used"),
        "{}",
        ended.stderr
    );
}

/// Before any question: nobody types answers that are lost.
#[test]
fn the_place_is_checked_first() {
    let folder = tempfile::tempdir().unwrap();
    let ended = init(&folder.path().join("none"), &[]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("none is not a folder: create it"),
        "{}",
        ended.stderr
    );

    fs::write(folder.path().join("session-server.yaml"), "mine").unwrap();
    let ended = init(folder.path(), &[]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .contains("session-server.yaml is there already"),
        "{}",
        ended.stderr
    );
    let ended = init(folder.path(), &["--for", "argocd"]);
    assert!(
        ended.stderr.contains("--gitlab is missing"),
        "{}",
        ended.stderr
    );
}

#[test]
fn nothing_is_overwritten_and_the_kustomization_keeps_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let (config, kustomization) = (
        folder.path().join("session-server.yaml"),
        folder.path().join("kustomization.yaml"),
    );
    fs::write(&config, "mine").unwrap();
    fs::write(&kustomization, "resources: [a.yaml]   # ours\n").unwrap();
    let arguments = [
        "--gitlab",
        "same-cluster",
        "--replicas",
        "one",
        "--for",
        "kustomize",
        "--write",
    ];
    let ended = init(folder.path(), &arguments);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&config).unwrap(), "mine");
    let forced = [&arguments[..], &["--force"]].concat();
    for _ in 0..2 {
        assert_eq!(init(folder.path(), &forced).code, 0);
        assert!(
            fs::read_to_string(&config)
                .unwrap()
                .contains("type: ClusterIP")
        );
        assert_eq!(
            fs::read_to_string(&kustomization).unwrap(),
            "resources: [a.yaml]   # ours\ntransformers:\n- session-server.yaml\n"
        );
    }
}
