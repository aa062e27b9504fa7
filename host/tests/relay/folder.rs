//! Routes from a folder.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;

use super::running::{Relay, assert_reaches, list, pod, pods, wait_until};
use crate::api_server::{ApiServer, plain};
use crate::kubernetes::watch;
use crate::program;

/// Each namespace has a pod of its own name.
fn server() -> ApiServer {
    plain(|request| {
        if request.is_watch() {
            return watch(&[]);
        }
        let (_, rest) = request.line.split_once("/namespaces/").unwrap();
        let namespace = rest.split('/').next().unwrap();
        let number = namespace.bytes().last().unwrap() - b'a' + 11;
        list(7, &[pod(namespace, 5, number)])
    })
}

/// Puts files into a folder as a mounted ConfigMap has them: behind a link that is replaced
/// atomically.
fn mount(folder: &Path, version: &str, files: &[(&str, &str)]) {
    let inner = folder.join(format!("..{version}"));
    fs::create_dir(&inner).unwrap();
    for (name, text) in files {
        fs::write(inner.join(name), text).unwrap();
        let link = folder.join(name);
        if !link.is_symlink() {
            symlink(format!("..data/{name}"), link).unwrap();
        }
    }
    symlink(format!("..{version}"), folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

fn refused(arguments: &[&str]) -> String {
    let mut command = program::command(&["relay", "--listen=127.0.0.1:0"]);
    let ended = program::run(command.args(arguments), b"");
    assert_ne!(ended.code, 0, "{}", ended.stderr);
    ended.stderr
}

#[test]
fn a_mistake_at_the_start_is_an_error_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    fs::write(
        folder.path().join("team-a"),
        "# Team A\n\n*.example.com=ci/app=a:\n",
    )
    .unwrap();
    let said = refused(&["--routes", path]);
    assert!(
        said.contains("/team-a:3: the port is none of 1 to 65535"),
        "{said}"
    );
    assert!(said.contains("HOST=NAMESPACE/SELECTOR:PORT"), "{said}");

    fs::write(folder.path().join("team-a"), "a.example.com=ci/app=a:1\n").unwrap();
    let said = refused(&["--routes", path, "--route=A.example.com=ci/app=b:1"]);
    let expected = "/team-a:1: there is already a route for a.example.com, --route";
    assert!(said.contains(expected), "{said}");

    let said = refused(&["--routes", &format!("{path}/none")]);
    assert!(
        said.contains("cannot read ") && said.contains("/none: "),
        "{said}"
    );
}

#[test]
fn without_any_route_the_arguments_are_refused() {
    let said = refused(&[]);
    for part in [
        "--route <HOST=NAMESPACE/SELECTOR:PORT>",
        "--routes <FOLDER>",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn an_empty_folder_has_no_routes_yet() {
    let folder = tempfile::tempdir().unwrap();
    let (server, port) = (server(), pods());
    let relay = Relay::start(&server, &["--routes", folder.path().to_str().unwrap()]);
    relay.wait_until_ready();
    assert_eq!(relay.refusal("a.example.com").0, "no-route");
    assert_eq!(relay.metric("routes"), Some(0.0));

    mount(
        folder.path(),
        "1",
        &[("a", &format!("*.example.com=a/app=x:{port}\n"))],
    );
    relay.wait_for(|line| line["event"] == "routes-reloaded");
    assert_reaches(&relay.connect("a.example.com"), 11);
}

#[test]
fn a_change_drops_no_terminal_and_no_watch_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (server, port) = (server(), pods());
    let route = |namespace: &str| format!("*.example.com={namespace}/app=x:{port}\n");
    let first = [route("a"), route("b")].concat();
    mount(folder.path(), "1", &[("routes", &first)]);
    let own = format!("--route=own.example.com=c/app=x:{port}");
    let relay = Relay::start(
        &server,
        &["--routes", folder.path().to_str().unwrap(), &own],
    );
    let mut held = relay.connect("b.example.com");
    assert_reaches(&held, 12);
    assert_eq!(relay.refusal("d.example.com").0, "pod-unknown");

    // One route is removed, one stays, one is added.
    let second = [route("a"), route("d")].concat();
    mount(folder.path(), "2", &[("routes", &second)]);
    let line = relay.wait_for(|line| line["event"] == "routes-reloaded");
    assert_eq!(line["routes"], 3, "{line}");
    assert_reaches(&relay.connect("d.example.com"), 14);
    assert_reaches(&relay.connect("a.example.com"), 11);
    assert_eq!(relay.refusal("b.example.com").0, "pod-unknown");
    let watched =
        |namespace| format!(r#"watched_pods{{namespace="{namespace}",selector="app=x"}}"#);
    wait_until("the watch of b has ended", || {
        relay.metric(&watched("b")).is_none()
    });
    assert_eq!(relay.metric(&watched("a")), Some(1.0));
    let of = |namespace: &str| {
        let requests = server.requests();
        let path = format!("/namespaces/{namespace}/");
        requests
            .iter()
            .filter(|request| request.line.contains(&path))
            .count()
    };
    assert_eq!((of("a"), of("b"), of("d")), (2, 2, 2));

    held.write_all(b"still here").unwrap();
    held.shutdown(std::net::Shutdown::Write).unwrap();
    let mut echoed = Vec::new();
    held.read_to_end(&mut echoed).unwrap();
    assert!(echoed.ends_with(b"still here"));
}

#[test]
fn a_mistake_later_keeps_the_routes_from_before() {
    let folder = tempfile::tempdir().unwrap();
    let (server, port) = (server(), pods());
    let good = format!("*.example.com=a/app=x:{port}\n");
    mount(folder.path(), "1", &[("routes", &good)]);
    let relay = Relay::start(&server, &["--routes", folder.path().to_str().unwrap()]);
    assert_reaches(&relay.connect("a.example.com"), 11);
    assert_eq!(
        relay.metric(r#"reloads_total{result="refused"}"#),
        Some(0.0)
    );

    mount(
        folder.path(),
        "2",
        &[("routes", &format!("{good}nonsense\n"))],
    );
    let line = relay.wait_for(|line| line["event"] == "routes-refused");
    let detail = line["detail"].as_str().unwrap();
    assert!(
        detail.contains("/routes:2: there is no = after the host"),
        "{detail}"
    );
    assert_eq!(relay.metric("routes_outdated"), Some(1.0));
    assert_eq!(
        relay.metric(r#"reloads_total{result="refused"}"#),
        Some(1.0)
    );
    assert_reaches(&relay.connect("a.example.com"), 11);

    // The folder itself disappears, and comes back.
    let away = folder.path().with_extension("away");
    fs::rename(folder.path(), &away).unwrap();
    let line = relay.wait_for(|line| line["event"] == "routes-refused");
    let detail = line["detail"].as_str().unwrap();
    assert!(detail.starts_with("cannot read "), "{detail}");
    assert_reaches(&relay.connect("a.example.com"), 11);
    fs::rename(&away, folder.path()).unwrap();
    relay.wait_for(|line| line["event"] == "routes-refused");

    mount(
        folder.path(),
        "3",
        &[("routes", &good.replace('*', "*.ci"))],
    );
    relay.wait_for(|line| line["event"] == "routes-reloaded");
    assert_eq!(relay.metric("routes_outdated"), Some(0.0));
    assert_eq!(
        relay.metric(r#"reloads_total{result="accepted"}"#),
        Some(1.0)
    );
    assert_reaches(&relay.connect("a.ci.example.com"), 11);
    assert_eq!(relay.refusal("a.example.com").0, "no-route");
}
