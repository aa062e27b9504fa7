//! `runner-terminal resolve`.

use std::fs;

use serde_json::{Value, json};

use super::api_server::{always, in_order, plain};
use super::kubernetes::{always_forbidden, assert_asked, event, found, not_found, service, watch};
use super::place::{Place, kubeconfig, manifests, with_token};
use crate::program::Ended;

/// The text without the API server, which it names once.
fn without_server(text: &str) -> String {
    let (before, rest) = text
        .split_once(" (read from the API server 127.0.0.1:")
        .unwrap();
    let (origin, after) = rest.split_once("))").unwrap();
    assert!(origin.contains(" (context test of KUBECONFIG="), "{origin}");
    format!("{before}{after}")
}

/// The first runner in the JSON output.
fn first_row(ended: &Ended) -> Value {
    let mut value: Value = serde_json::from_str(ended.text()).unwrap();
    value["runners"][0].take()
}

#[test]
fn an_address_is_printed_in_each_format() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let place = Place::of(&server);
    place.write("m.yaml", &manifests());

    let table = place.run(&["resolve", "-f", "m.yaml"], "");
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    assert_eq!(
        without_server(table.text()),
        "RUNNER                SERVICE                ADDRESS         STATE\n\
         Deployment ci/runner  runner-session-server  192.0.2.7:9000  new: not in config.toml yet: \
         build and apply again\n"
    );

    let expected = json!({"runners": [{
        "runner": {"kind": "Deployment", "namespace": "ci", "name": "runner"},
        "service": {"namespace": "ci", "name": "runner-session-server"},
        "address": "192.0.2.7:9000",
        "configured": null,
        "state": "new",
        "message": "not in config.toml yet: build and apply again",
    }]});
    let printed = place.run(&["resolve", "-f", "m.yaml", "-o", "json"], "");
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    let value: Value = serde_json::from_str(&without_server(printed.text())).unwrap();
    assert_eq!(value, expected);

    let printed = place.run(&["resolve", "-f", "-", "-o", "yaml"], &manifests());
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    assert_eq!(
        without_server(printed.text()),
        "runners:\n- runner:\n    kind: Deployment\n    namespace: ci\n    name: runner\n  service:\n    \
         namespace: ci\n    name: runner-session-server\n  address: \"192.0.2.7:9000\"\n  \
         configured: null\n  state: new\n  message: \"not in config.toml yet: build and apply again\"\n"
    );
    assert_asked(&server.requests(), "RRR");
}

#[test]
fn a_configured_address_is_current_or_not() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let place = Place::of(&server);
    for (address, state) in [
        ("192.0.2.7:9000", "current: config.toml has it"),
        ("192.0.2.9:9000", "new: config.toml has 192.0.2.9:9000"),
    ] {
        let table =
            format!("      [session_server]\n        advertise_address = \"{address}\"\n\n");
        let manifests = manifests().replace(
            "    [[runners]]\n",
            &format!("{}    [[runners]]\n", table.replace("      ", "    ")),
        );
        let ended = place.run(&["resolve"], &manifests);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert!(ended.text().contains(state), "{}", ended.text());
    }
}

#[test]
fn a_runner_without_an_address_is_a_failure() {
    for (reply, state) in [
        (not_found(), "pending: is not in the cluster yet"),
        (
            found(&service(7, &[])),
            "pending: its load balancer has no address yet",
        ),
    ] {
        let server = plain(in_order([reply]));
        let ended = Place::of(&server).run(&["resolve"], &manifests());
        assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
        assert!(
            ended.text().contains(&format!("  -        {state}")),
            "{}",
            ended.text()
        );
        assert_asked(&server.requests(), "R");
    }
    let ended = Place::new().run(&["resolve", "-o", "json"], &manifests());
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    let row = first_row(&ended);
    assert_eq!(
        (&row["state"], &row["address"]),
        (&json!("failed"), &Value::Null)
    );
    let message = row["message"].as_str().unwrap();
    assert!(message.contains("there is no cluster to ask"), "{message}");
}

#[test]
fn a_missing_rule_stands_below_the_table() {
    let server = plain(in_order(always_forbidden("jane@example.com", "get")));
    let ended = Place::of(&server).run(&["resolve"], &manifests());
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    let (table, below) = ended.text().split_once("\n\n").unwrap();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(
        table.contains("may not be read by jane@example.com"),
        "{table}"
    );
    assert!(below.starts_with("apiVersion: rbac"), "{below}");
    assert!(below.contains("  name: \"jane@example.com\"\n"), "{below}");
}

#[test]
fn it_waits_when_it_is_told_to() {
    let arrives = watch(&[event("MODIFIED", &service(8, &["192.0.2.7"]))]);
    let pending = || found(&service(7, &[]));
    let server = plain(in_order([pending(), pending(), arrives]));
    let ended = Place::of(&server).run(&["resolve", "--wait=5s"], &manifests());
    let progress = "runner-terminal: waiting up to 5s for the address of \
         Service ci/runner-session-server\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (0, progress));
    assert!(ended.text().contains("192.0.2.7:9000"), "{}", ended.text());
    assert_asked(&server.requests(), "RRW");

    let server = plain(|request| {
        if request.is_watch() {
            watch(&[])
        } else {
            found(&service(7, &[]))
        }
    });
    let ended = Place::of(&server).run(&["resolve", "--wait=1s"], &manifests());
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("waiting up to 1s"),
        "{}",
        ended.stderr
    );
    assert!(ended.text().contains("pending: "), "{}", ended.text());
}

#[test]
fn flags_pick_the_cluster() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let text = kubeconfig(&json!({"server": server.url()}), &with_token());
    let place = Place::new().env("KUBECONFIG", "/no/such/kubeconfig");
    place.write("other", &text.replace("\"current-context\": \"test\",", ""));
    let flags = ["resolve", "--kubeconfig", "other", "--context", "test"];
    let ended = place.run(&flags, &manifests());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.text().contains("192.0.2.7:9000"), "{}", ended.text());

    let ended = place.run(&["resolve", "--kubeconfig", "other"], &manifests());
    assert_eq!(ended.code, 1);
    assert!(
        ended.text().contains("no current-context"),
        "{}",
        ended.text()
    );
    let ended = place.run(&["resolve"], &manifests());
    assert_eq!(ended.code, 1);
    assert!(
        ended.text().contains("/no/such/kubeconfig"),
        "{}",
        ended.text()
    );
}

#[test]
fn a_function_config_says_the_same_as_flags() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let text = kubeconfig(&json!({"server": server.url()}), &with_token());
    let place = Place::new();
    place.write("other", &text);
    place.write(
        "config.yaml",
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: AdvertiseAddress\nmetadata:\n  name: x\n\
         spec:\n  kubeconfig: other\n  context: test\n",
    );
    let ended = place.run(&["resolve", "-c", "config.yaml"], &manifests());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.text().contains("192.0.2.7:9000"), "{}", ended.text());

    let both = ["resolve", "-c", "config.yaml", "--context", "test"];
    assert_eq!(place.run(&both, &manifests()).code, 2);
}

#[test]
fn what_is_no_manifest_is_an_error() {
    let place = Place::new();
    let ended = place.run(&["resolve", "-f", "no-such-file.yaml"], "");
    assert_eq!((ended.code, ended.text()), (1, ""));
    assert!(
        ended.stderr.contains("no-such-file.yaml"),
        "{}",
        ended.stderr
    );
    let ended = place.run(&["resolve"], "kind: ConfigMap\n");
    assert_eq!((ended.code, ended.text()), (1, ""));
    assert!(
        ended.stderr.starts_with("runner-terminal: "),
        "{}",
        ended.stderr
    );
}

/// A stand-in for kustomize, which reports how it was called, and prints the manifests.
fn builder(place: &Place, name: &str) {
    place.write("m.yaml", &manifests());
    let folder = place.path().display();
    place.script(
        &format!("bin/{name}"),
        &format!(
            "echo \"$0 $*\" >> {folder}/called\necho 'a warning' >&2\n/bin/cat {folder}/m.yaml\n"
        ),
    );
}

#[test]
fn a_kustomization_is_built_by_what_is_there() {
    for (programs, called) in [
        (
            &["kustomize", "kubectl"] as &[_],
            "bin/kustomize build --enable-alpha-plugins --enable-exec overlay\n",
        ),
        (&["kubectl"], "bin/kubectl kustomize overlay\n"),
    ] {
        let server = plain(in_order([found(&service(7, &["192.0.2.7"]))]));
        let place = Place::of(&server);
        let path = place.path().join("bin");
        let place = place.env("PATH", path.to_str().unwrap());
        for program in programs {
            builder(&place, program);
        }
        let ended = place.run(&["resolve", "-k", "overlay"], "");
        assert_eq!((ended.code, ended.stderr.as_str()), (0, "a warning\n"));
        assert!(ended.text().contains("192.0.2.7:9000"), "{}", ended.text());
        let line = fs::read_to_string(place.path().join("called")).unwrap();
        assert!(line.ends_with(called), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn a_kustomization_that_cannot_be_built_is_an_error() {
    let place = Place::new();
    let path = place.path().join("bin");
    let place = place.env("PATH", path.to_str().unwrap());
    let ended = place.run(&["resolve", "-k", "overlay"], "");
    assert_eq!((ended.code, ended.text()), (1, ""));
    let words = "neither kustomize nor kubectl is on PATH";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);

    // kubectl is used only if there is no kustomize.
    builder(&place, "kubectl");
    place.script("bin/kustomize", "echo 'Error: no such field' >&2\nexit 5\n");
    let ended = place.run(&["resolve", "-k", "overlay"], "");
    assert_eq!((ended.code, ended.text()), (1, ""));
    assert_eq!(
        ended.stderr,
        "runner-terminal: kustomize build overlay has failed (exit status: 5):\n\
         Error: no such field\n"
    );

    let ended = place.run(&["resolve", "-k", "overlay", "-f", "m.yaml"], "");
    assert_eq!(ended.code, 2);
}

/// An init container looks for the address in the same way, with or without `--prefer`.
#[test]
fn the_address_of_a_start_is_the_one_that_the_init_container_takes() {
    let of_start = |place: &Place, more: Value| {
        let mut configure = json!({
            "at": "PodStart", "image": "registry.example.com/runner-terminal:0.2.0",
        });
        configure
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let config = json!({
            "apiVersion": "runner-terminal.dev/v1alpha1",
            "kind": "SessionServer",
            "metadata": {"name": "session-server"},
            "spec": {"configure": configure},
        });
        place.write("c.yaml", &config.to_string());
        place.write("m.yaml", &manifests());
        let applied = place.run(&["apply-to", "--function-config", "c.yaml", "m.yaml"], "");
        assert_eq!(applied.code, 0, "{}", applied.stderr);
        let ended = place.run(&["resolve", "-o", "json"], applied.text());
        (ended.code, first_row(&ended))
    };
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let place = Place::of(&server);
    for more in [
        json!({}),
        json!({"prefer": ["IP"]}),
        json!({"ipFamily": "IPv4"}),
    ] {
        let (code, row) = of_start(&place, more.clone());
        assert_eq!(
            (code, &row["state"]),
            (0, &json!("current")),
            "{more} {row}"
        );
        assert_eq!(row["address"], "192.0.2.7:9000", "{more}");
    }
    for more in [json!({"prefer": ["Hostname"]}), json!({"ipFamily": "IPv6"})] {
        let (code, row) = of_start(&place, more.clone());
        assert_eq!(
            (code, &row["state"]),
            (1, &json!("pending")),
            "{more} {row}"
        );
        let message = row["message"].as_str().unwrap();
        let fields = "fits spec.configure.prefer and spec.configure.ipFamily";
        assert!(message.contains(fields), "{message}");
    }
}

/// Only the pods know their addresses, so no cluster is queried and nothing is missing.
#[test]
fn pods_with_addresses_of_their_own_are_no_failure() {
    let place = Place::new();
    let config = json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": "SessionServer",
        "metadata": {"name": "session-server"},
        "spec": {
            "configure": {"at": "PodStart", "image": "registry.example.com/runner-terminal:0.2.0"},
            "exposure": {"type": "PodIP"},
        },
    });
    place.write("c.yaml", &config.to_string());
    place.write("m.yaml", &manifests());
    let applied = place.run(&["apply-to", "--function-config", "c.yaml", "m.yaml"], "");
    assert_eq!(applied.code, 0, "{}", applied.stderr);

    let ended = place.run(&["resolve", "-o", "json"], applied.text());
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.text()
    );
    let row = first_row(&ended);
    assert_eq!(
        (&row["state"], &row["address"]),
        (&json!("of-pods"), &Value::Null)
    );
    let message = row["message"].as_str().unwrap();
    assert!(
        message.contains("the log of their init container session-server"),
        "{message}"
    );

    // `check` has no address to connect to, and says so.
    let ended = place.run(&["check", "-f", "-"], applied.text());
    assert_ne!(ended.code, 0);
    assert!(
        ended
            .stderr
            .contains("gets its address when its pods start"),
        "{}",
        ended.stderr
    );
}
