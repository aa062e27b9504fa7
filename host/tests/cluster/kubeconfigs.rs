//! Which kubeconfig is used, and what is wrong with it.

use std::path::Path;

use serde_json::json;

use super::api_server::{ApiServer, always, plain};
use super::kubernetes::{found, service};
use super::place::{Place, TOKEN, assert_failed, kubeconfig, list, with_token};

const ADDRESS: &str = "192.0.2.7:9000";

fn server() -> ApiServer {
    plain(always(found(&service(7, &["192.0.2.7"]))))
}

#[test]
fn without_any_there_is_no_cluster() {
    let list = list(&[]);
    Place::new().assert_fails(
        &list,
        &[
            "there is no cluster to ask",
            "KUBECONFIG",
            "spec.kubeconfig",
        ],
    );
    Place::new()
        .env("KUBECONFIG", "")
        .assert_fails(&list, &["there is no cluster to ask"]);
}

#[test]
fn a_context_needs_a_kubeconfig() {
    let list = list(&["context: production"]);
    Place::new().assert_fails(&list, &["spec.context is set", "no kubeconfig"]);
}

#[test]
fn the_home_s_is_the_default() {
    let server = server();
    let text = kubeconfig(&json!({"server": server.url()}), &with_token());
    let place = Place::new();
    place.write(".kube/config", &text);
    place.assert_builds(&list(&[]), ADDRESS);
    place.assert_builds(&list(&["kubeconfig: ~/.kube/config"]), ADDRESS);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn the_function_config_s_comes_before_the_environment_s() {
    let server = server();
    let text = kubeconfig(&json!({"server": server.url()}), &with_token());
    let place = Place::new().kubeconfig("a: [kubeconfig: nobody reads");
    let path = place.write("other", &text);
    place.assert_builds(&list(&[&format!("kubeconfig: {path}")]), ADDRESS);
    // Relative to the function's working directory.
    place.assert_builds(&list(&["kubeconfig: other"]), ADDRESS);
}

#[test]
fn what_is_no_kubeconfig_is_named() {
    let list = list(&[]);
    let cannot = "the kubeconfig cannot be used";
    let place = Place::new().env("KUBECONFIG", "/no/such/kubeconfig");
    place.assert_fails(&list, &[cannot, "/no/such/kubeconfig", "No such file"]);

    for text in [
        format!("token: [{TOKEN}"),
        format!("users: {TOKEN}\n"),
        format!("\t{TOKEN}\n"),
        format!("clusters: [{{name: {TOKEN}, cluster: 5}}]\n"),
    ] {
        let place = Place::new().kubeconfig(&text);
        place.assert_fails(
            &list,
            &[cannot, "/kubeconfig", "not the YAML of a kubeconfig"],
        );
    }
    let place = Place::new().kubeconfig("\u{0}\u{1}");
    place.assert_fails(&list, &[cannot]);

    let text = kubeconfig(&json!({}), &with_token());
    let place = Place::new().kubeconfig(&text);
    place.assert_fails(
        &list,
        &[
            cannot,
            "context test of KUBECONFIG=",
            "cluster url is missing",
        ],
    );

    let text = kubeconfig(&json!({"server": "https://api example com"}), &with_token());
    Place::new()
        .kubeconfig(&text)
        .assert_fails(&list, &[cannot, "cluster url"]);

    let cluster = json!({"server": "https://127.0.0.1:1", "certificate-authority": "no.crt"});
    let text = kubeconfig(&cluster, &with_token());
    Place::new()
        .kubeconfig(&text)
        .assert_fails(&list, &[cannot, "no.crt"]);
}

#[test]
fn a_kubeconfig_without_a_current_context_is_told() {
    let text = kubeconfig(&json!({"server": "https://127.0.0.1:1"}), &with_token());
    let current = "\"current-context\": \"test\",";
    for text in [
        text.replace(current, ""),
        text.replace(current, "\"current-context\": \"\","),
        String::new(),
    ] {
        Place::new().kubeconfig(&text).assert_fails(
            &list(&[]),
            &[
                "(KUBECONFIG=",
                "it has no current-context: set spec.context",
            ],
        );
    }
}

#[test]
fn a_context_that_is_not_there_is_told() {
    let text = kubeconfig(&json!({"server": "https://127.0.0.1:1"}), &with_token());
    let place = Place::new().kubeconfig(&text);
    place.assert_fails(
        &list(&["context: production"]),
        &[
            "it has no context \"production\"",
            "kubectl config get-contexts",
        ],
    );
    let text = text.replace("\"cluster\": \"cluster\"", "\"cluster\": \"other\"");
    let place = Place::new().kubeconfig(&text);
    place.assert_fails(&list(&[]), &["it has no cluster \"other\""]);
}

#[test]
fn the_function_config_picks_the_context() {
    let current = plain(always(Vec::new()));
    let other = server();
    let text = format!(
        "apiVersion: v1
kind: Config
current-context: one
clusters:
- name: one
  cluster:
    server: {}
- name: two
  cluster:
    server: {}
users:
- name: jane
  user:
    token: {TOKEN}
contexts:
- name: one
  context: {{cluster: one, user: jane}}
- name: two
  context: {{cluster: two, user: jane}}
",
        current.url(),
        other.url()
    );
    let place = Place::new().kubeconfig(&text);
    place.assert_builds(&list(&["context: two"]), ADDRESS);
    assert_eq!(current.connections(), 0);
    assert_eq!(other.requests().len(), 1);
}

#[test]
fn several_files_are_merged() {
    let server = server();
    let place = Place::new();
    let one = place.write(
        "one",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             contexts: [{{name: test, context: {{cluster: far, user: jane}}}}]\n\
             users: [{{name: jane, user: {{token: {TOKEN}}}}}]\n"
        ),
    );
    let two = place.write(
        "two",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: not-this\n\
             clusters: [{{name: far, cluster: {{server: '{}'}}}}]\n",
            server.url()
        ),
    );
    let place = place.env("KUBECONFIG", &format!("{one}:{two}"));
    place.assert_builds(&list(&[]), ADDRESS);
    let bearer = format!("Bearer {TOKEN}");
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), Some(bearer.as_str()));
}

#[test]
fn a_pod_without_its_token_is_told() {
    // If the tests run in a pod, it has a service account.
    if Path::new("/var/run/secrets/kubernetes.io/serviceaccount").exists() {
        return;
    }
    let pod = Place::new()
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", "1");
    let list = list(&[]);
    let ended = pod.build(&list);
    assert_failed(
        &ended,
        &list,
        &["the pod's service account cannot be used", "No such file"],
    );
    // A kubeconfig comes first.
    let server = server();
    let text = kubeconfig(&json!({"server": server.url()}), &with_token());
    pod.kubeconfig(&text).assert_builds(&list, ADDRESS);
}
