//! `runner-terminal verify`, and the same findings in `resolve` and `check`.

#![cfg(feature = "cluster")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs;

use program::{Ended, command, run, verify_case};

const CONFIG: &str = "\
apiVersion: runner-terminal.dev/v1beta1
kind: VerifyTerminals
metadata: {name: verify}
";
const RIGHT: &str = "info: Deployment ci/runner: terminals are reached at \
                     runner-session-server.ci.svc.cluster.local:9000;";
const WRONG: &str = "names Service ci/runner-session-server, which is not in these manifests";

fn verify(arguments: &[&str], input: &str) -> Ended {
    run(command(&["verify"]).args(arguments), input.as_bytes())
}

#[test]
fn the_code_is_1_when_something_is_wrong() {
    let right = verify(&[], &verify_case("cluster-name"));
    assert_eq!((right.code, right.stderr.as_str()), (0, ""));
    assert!(right.text().starts_with(RIGHT), "{}", right.text());
    let wrong = verify(&["-"], &verify_case("namespace-above"));
    assert_eq!((wrong.code, wrong.stderr.as_str()), (1, ""));
    assert!(
        wrong
            .text()
            .starts_with("error: ConfigMap team-x/runner-config")
    );
    assert!(wrong.text().contains(WRONG), "{}", wrong.text());
    let pending = verify(&[], &verify_case("pending"));
    assert_eq!(pending.code, 0);
    assert!(
        pending.text().starts_with("warning: "),
        "{}",
        pending.text()
    );
    let none = verify(&[], "kind: Pod\n");
    assert_eq!((none.code, none.text()), (1, ""));
    assert!(
        none.stderr.contains("found no GitLab Runner"),
        "{}",
        none.stderr
    );
}

/// A list of our own is taken too, with the function config that it has.
#[test]
fn function_configs_are_those_of_the_file_or_of_the_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verify.yaml");
    let file = file.to_str().unwrap();
    let strict = format!("{CONFIG}spec: {{requireAddress: true}}\n");
    fs::write(file, &strict).unwrap();
    let pending = verify_case("pending");
    assert_eq!(verify(&["-c", file], &pending).code, 1);
    assert_eq!(verify(&[], &format!("{pending}---\n{strict}")).code, 1);
    assert_eq!(verify(&[], &format!("{pending}---\n{CONFIG}")).code, 0);
    let other = CONFIG.replace("VerifyTerminals", "SessionServer");
    assert_eq!(verify(&[], &format!("{pending}---\n{other}")).code, 0);
    fs::write(file, &other).unwrap();
    let refused = verify(&["-c", file], &pending);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("is not a VerifyTerminals"),
        "{}",
        refused.stderr
    );
    let list = verify(&["../cases/verify/address-required.yaml"], "");
    assert_eq!(list.code, 1);
    let list = verify(&["-c", file, "../cases/verify/address-required.yaml"], "");
    assert!(
        list.stderr.contains("has its own functionConfig"),
        "{}",
        list.stderr
    );
    fs::write(file, CONFIG.replace("metadata", "meta")).unwrap();
    let faulty = verify(&["-c", file], &pending);
    assert_eq!(faulty.code, 1);
    assert!(
        faulty.stderr.contains("verify.yaml:3: meta: "),
        "{}",
        faulty.stderr
    );
}

/// The flag is for those who have no VerifyTerminals, and sets what they have not set.
#[test]
fn a_flag_requires_addresses() {
    const FLAG: &str = "--require-address";
    let pending = verify_case("pending");
    let ended = verify(&[FLAG], &pending);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert!(ended.text().starts_with("error: "), "{}", ended.text());
    assert_eq!(verify(&[FLAG], &verify_case("cluster-name")).code, 0);
    assert_eq!(
        verify(&[FLAG], &verify_case("without-session-server")).code,
        1
    );
    for spec in ["", "spec:\n", "spec: {requireAddress: false}\n"] {
        let config = format!("{pending}---\n{CONFIG}{spec}");
        assert_eq!(verify(&[], &config).code, 0, "{spec}");
        assert_eq!(verify(&[FLAG], &config).code, 1, "{spec}");
    }
    let list = verify(&[FLAG, "../cases/verify/address-required.yaml"], "");
    assert_eq!(list.code, 1);
    assert!(
        list.stderr.contains("set requireAddress there"),
        "{}",
        list.stderr
    );
}

/// The commands read a list that they make of the files.
#[test]
fn what_is_not_yaml_is_named_by_its_line_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(file("a.yaml"), verify_case("cluster-name")).unwrap();
    for (text, line) in [
        ("a: [1, 2\nb: c\n", 2),
        (
            "kind: Pod\nmetadata: {name: gitlab-runner}\nmetadata: {name: b}\n",
            3,
        ),
    ] {
        fs::write(file("b.yaml"), text).unwrap();
        let (a, b) = (file("a.yaml"), file("b.yaml"));
        let expected = format!("b.yaml:{line}: this is not valid YAML: ");
        for arguments in [
            &["verify", &a, &b] as &[&str],
            &["resolve", "-f", &a, "-f", &b],
            &["check", "-f", &a, "-f", &b],
            &["doctor", "--offline", &a, &b],
            &["explain", &a, &b],
        ] {
            let ended = run(&mut command(arguments), b"");
            assert_eq!(ended.code, 1, "{arguments:?}");
            let said = format!("{}{}", ended.stderr, ended.text());
            assert!(said.contains(&expected), "{arguments:?}: {said}");
        }
    }
}

/// It comes last among the functions of plain manifests, and changes nothing.
#[test]
fn plain_manifests_may_have_one_among_them() {
    let session_server = CONFIG.replace("VerifyTerminals", "SessionServer").replace(
        "{name: verify}",
        "{name: a}\nspec: {exposure: {type: ClusterIP}}",
    );
    let plain = verify_case("without-session-server");
    let with = |configs: &str| {
        let input = format!("{configs}{plain}");
        run(&mut command(&["apply-to"]), input.as_bytes())
    };
    let once = with(&session_server);
    let verified = with(&format!("{CONFIG}---\n{session_server}"));
    assert_eq!((once.code, verified.code), (0, 0), "{}", verified.stderr);
    assert_eq!(once.text(), verified.text());
    assert!(
        verified.stderr.contains("terminals are reached at"),
        "{}",
        verified.stderr
    );
}

#[test]
fn resolve_and_check_say_the_same() {
    for (arguments, input) in [
        (
            &["check", "--timeout", "1ms", "-f", "-"][..],
            "namespace-above",
        ),
        (&["resolve", "-f", "-"][..], "namespace-above"),
    ] {
        let ended = run(
            command(arguments).env("KUBECONFIG", "/nonexistent"),
            verify_case(input).as_bytes(),
        );
        assert_eq!(ended.code, 1, "{arguments:?}");
        assert!(
            ended.stderr.contains(WRONG),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(!ended.text().contains(WRONG), "{arguments:?}");
    }
}
