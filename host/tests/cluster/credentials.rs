//! The credentials that the command sends, and the API server's responses to them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use yaml_splice::Tree;

use super::api_server::{always, in_order, plain, tls};
use super::certificates::{Authority, for_clients_of};
use super::kubernetes::{always_forbidden, assert_asked, failure, found, service};
use super::place::{PLUGIN_TOKEN, Place, TOKEN, data, list, with_token};

const ADDRESS: &str = "192.0.2.7:9000";

/// A user with a credential plugin.
fn plugin(command: &str) -> Value {
    json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": command,
        "args": ["get-token"],
        "interactiveMode": "IfAvailable",
    }})
}

/// What a plugin prints.
fn credential(status: &Value) -> String {
    json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": status,
    })
    .to_string()
}

fn unauthorized() -> Vec<super::api_server::Step> {
    failure("401 Unauthorized", "", "Unauthorized")
}

#[test]
fn an_opaque_token_that_is_not_valid_says_what_to_do() {
    let server = plain(in_order([unauthorized()]));
    Place::of(&server).assert_fails(
        &list(&[]),
        &["401 Unauthorized", "log in again", "kubectl auth whoami"],
    );
    assert_asked(&server.requests(), "R");
}

#[test]
fn a_token_that_has_expired_says_since_when() {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"sub": "jane", "exp": 1700000000}"#);
    let token = format!("e30.{claims}.{TOKEN}");
    let words = ["401 Unauthorized", "expired at 2023-11-14T22:13:20Z"];

    let server = plain(in_order([unauthorized()]));
    let cluster = json!({"server": server.url()});
    let place = Place::with(&cluster, &json!({ "token": token })).secret(&claims);
    place.assert_fails(&list(&[]), &words);

    let server = plain(in_order([unauthorized()]));
    let cluster = json!({"server": server.url()});
    let place = Place::with(&cluster, &json!({"tokenFile": "token"})).secret(&claims);
    place.write("token", &format!("{token}\n"));
    place.assert_fails(&list(&[]), &words);
}

/// The YAML at the end of a message.
fn yaml(message: &str) -> &str {
    &message[message.find("apiVersion: rbac").unwrap()..]
}

#[test]
fn a_missing_rule_comes_as_yaml_for_the_one_who_asks() {
    let metadata = json!({"name": "runner-session-server-reader", "namespace": "ci"});
    let group = "rbac.authorization.k8s.io";
    let api_version = format!("{group}/v1");
    let role = json!({
        "apiVersion": api_version,
        "kind": "Role",
        "metadata": metadata,
        "rules": [{
            "apiGroups": [""],
            "resources": ["services"],
            "resourceNames": ["runner-session-server"],
            "verbs": ["get", "watch"],
        }],
    });
    for (user, subject, words) in [
        (
            "system:serviceaccount:builds:deployer",
            json!({"kind": "ServiceAccount", "name": "deployer", "namespace": "builds"}),
            "spec.readers of the SessionServer",
        ),
        (
            "jane@example.com",
            json!({"apiGroup": group, "kind": "User", "name": "jane@example.com"}),
            "Let somebody who may grant it apply this:",
        ),
        (
            "oidc: a#b",
            json!({"apiGroup": group, "kind": "User", "name": "oidc: a#b"}),
            "Let somebody who may grant it apply this:",
        ),
    ] {
        let server = plain(in_order(always_forbidden(user, "get")));
        let place = Place::of(&server);
        let list = list(&[]);
        let words = [
            "Service ci/runner-session-server: may not be read by",
            user,
            "403 Forbidden",
            words,
        ];
        let ended = place.build(&list);
        super::place::assert_failed(&ended, &list, &words);
        assert_asked(&server.requests(), "RSR");
        let binding = json!({
            "apiVersion": api_version,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": metadata["name"]},
            "subjects": [subject],
        });
        let manifests = yaml(&ended.stderr).trim_end();
        let read = |text: &str| Tree::parse(text).unwrap().to_value().unwrap();
        let documents: Vec<_> = manifests.split("---\n").map(read).collect();
        assert_eq!(documents, [role.clone(), binding]);
        // In the results it is the end of a block scalar, which keeps its lines.
        let lines = manifests.lines().map(|line| format!("    {line}\n"));
        let result = format!("\n\n{}  severity: error\n", lines.collect::<String>());
        assert!(ended.text().contains(&result), "{}", ended.text());
        assert!(
            ended.text().contains("\n- message: |\n"),
            "{}",
            ended.text()
        );
    }
}

#[test]
fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let client = authority.client();
    let cluster =
        |url: &str| json!({"server": url, "certificate-authority-data": data(&authority.pem)});
    let start = || {
        let config = for_clients_of(&authority, authority.server("127.0.0.1"));
        tls(config, in_order([found(&service(7, &["192.0.2.7"]))]))
    };

    let server = start();
    let user = json!({
        "client-certificate-data": data(&client.certificate_pem),
        "client-key-data": data(&client.key_pem),
    });
    let place = Place::with(&cluster(&server.url()), &user).secret(&client.key_pem);
    place.assert_builds(&list(&[]), ADDRESS);
    assert_eq!(server.requests()[0].header("authorization"), None);

    let server = start();
    let user = json!({"client-certificate": "client.crt", "client-key": "client.key"});
    let place = Place::with(&cluster(&server.url()), &user).secret(&client.key_pem);
    place.write("client.crt", &client.certificate_pem);
    place.write("client.key", &client.key_pem);
    place.assert_builds(&list(&[]), ADDRESS);

    let server = start();
    let place = Place::with(&cluster(&server.url()), &plugin("./plugin")).secret(&client.key_pem);
    let printed = credential(&json!({
        "clientCertificateData": client.certificate_pem,
        "clientKeyData": client.key_pem,
    }));
    place.script("plugin", &format!("cat <<'END'\n{printed}\nEND\n"));
    place.assert_builds(&list(&[]), ADDRESS);

    // A client certificate is required, and there is none.
    let server = start();
    Place::with(&cluster(&server.url()), &with_token())
        .assert_fails(&list(&[]), &["the server ended the TLS handshake"]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_client_key_that_cannot_be_used_is_told() {
    let server = plain(in_order([]));
    let authority = Authority::new();
    let client = authority.client();
    for user in [
        // The key alone.
        json!({"client-key-data": data(&client.key_pem)}),
        // No base64.
        json!({
            "client-certificate-data": data(&client.certificate_pem),
            "client-key-data": client.key_pem,
        }),
        // No PEM.
        json!({
            "client-certificate-data": data(&client.certificate_pem),
            "client-key-data": data(TOKEN),
        }),
        // No such file.
        json!({"client-certificate": "client.crt", "client-key": "client.key"}),
    ] {
        let place = Place::with(&json!({"server": server.url()}), &user).secret(&client.key_pem);
        place.assert_fails(
            &list(&[]),
            &["the client certificate or key of the kubeconfig"],
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_token_is_read_from_its_file() {
    let server = plain(in_order([found(&service(7, &["192.0.2.7"]))]));
    let cluster = json!({"server": server.url()});
    let place = Place::with(&cluster, &json!({"tokenFile": "token"}));
    place.write("token", &format!("{TOKEN}\n"));
    place.assert_builds(&list(&[]), ADDRESS);
    let bearer = format!("Bearer {TOKEN}");
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), Some(bearer.as_str()));

    let place = Place::with(&cluster, &json!({"tokenFile": "no-token"}));
    place.assert_fails(
        &list(&[]),
        &["the token cannot be read", "/no-token: No such file"],
    );
}

#[test]
fn what_can_be_no_token_is_told() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let cluster = json!({"server": server.url()});
    let text = format!("{TOKEN}\n{TOKEN}\n");
    let words = ["characters that no token has"];
    Place::with(&cluster, &json!({ "token": text })).assert_fails(&list(&[]), &words);
    let place = Place::with(&cluster, &json!({"tokenFile": "token"}));
    place.write("token", &text);
    place.assert_fails(&list(&[]), &words);
    assert_eq!(server.connections(), 0);

    // The line ending is not part of the token.
    let user = json!({ "token": format!("{TOKEN}\n") });
    Place::with(&cluster, &user).assert_builds(&list(&[]), ADDRESS);
    let bearer = format!("Bearer {TOKEN}");
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), Some(bearer.as_str()));
}

#[test]
fn a_plugin_that_fails_when_the_token_is_to_be_renewed_is_told() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let place = Place::with(&json!({"server": server.url()}), &plugin("./plugin"));
    // It has already expired, so it is renewed before the request.
    let printed =
        credential(&json!({"token": PLUGIN_TOKEN, "expirationTimestamp": "2020-01-01T00:00:00Z"}));
    let folder = place.path().display();
    place.script(
        "plugin",
        &format!(
            "echo >> {folder}/calls\n\
             if [ \"$(wc -l < {folder}/calls)\" -gt 2 ]; then\n\
             echo {PLUGIN_TOKEN}\necho 'Error: logged out' >&2\nexit 4\nfi\n\
             cat <<'END'\n{printed}\nEND\n"
        ),
    );
    place.assert_fails(
        &list(&[]),
        &[
            "credential plugin gave no credential",
            "exit status: 4",
            "Error: logged out",
        ],
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_plugin_s_token_is_used() {
    for status in [
        json!({"token": PLUGIN_TOKEN}),
        json!({"token": PLUGIN_TOKEN, "expirationTimestamp": "2999-12-31T00:00:00Z"}),
    ] {
        let server = plain(in_order([found(&service(7, &["192.0.2.7"]))]));
        let place = Place::new();
        let printed = credential(&status);
        // The plugin fails if it is not called as the protocol requires, or if it is allowed to
        // prompt.
        let path = place.script(
            "plugin",
            &format!(
                "[ \"$1\" = get-token ] || exit 1\n\
                 case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) ;; *) exit 2 ;; esac\n\
                 [ \"$(cat)\" = '' ] || exit 3\n\
                 echo 'a warning that nobody needs' >&2\n\
                 cat <<'END'\n{printed}\nEND\n"
            ),
        );
        let text = super::place::kubeconfig(&json!({"server": server.url()}), &plugin(&path));
        let place = place.kubeconfig(&text);
        place.assert_builds(&list(&[]), ADDRESS);
        let bearer = format!("Bearer {PLUGIN_TOKEN}");
        let requests = server.requests();
        assert_asked(&requests, "R");
        assert_eq!(requests[0].header("authorization"), Some(bearer.as_str()));
    }
}

#[test]
fn a_plugin_that_gives_nothing_says_why() {
    let server = plain(always(found(&service(7, &["192.0.2.7"]))));
    let gave = "credential plugin gave no credential";
    for (script, words) in [
        (
            format!(
                "echo {PLUGIN_TOKEN}\necho 'first, a warning' >&2\n\
                 echo 'Error: your session has ended, run: cloud login' >&2\necho >&2\nexit 7\n"
            ),
            [
                "exit status: 7",
                "Error: your session has ended, run: cloud login",
            ],
        ),
        (
            format!("echo {PLUGIN_TOKEN}\nexit 3\n"),
            ["exit status: 3", gave],
        ),
        (
            format!("echo {PLUGIN_TOKEN}\n"),
            ["no ExecCredential", gave],
        ),
        (
            format!("echo '{{\"{PLUGIN_TOKEN}\": ['\n"),
            ["no ExecCredential", gave],
        ),
        (String::new(), ["gave no credential", gave]),
        ("kill -9 $$\n".to_owned(), ["signal: 9", gave]),
        (
            format!("echo '{}'\n", credential(&Value::Null)),
            ["its credential cannot be used", gave],
        ),
        (
            format!(
                "echo '{}'\n",
                credential(&json!({"token": PLUGIN_TOKEN, "expirationTimestamp": "soon"}))
            ),
            ["its credential cannot be used", gave],
        ),
    ] {
        let place = Place::with(&json!({"server": server.url()}), &plugin("./plugin"));
        place.script("plugin", &script);
        place.assert_fails(&list(&[]), &words);
    }
    let place = Place::with(&json!({"server": server.url()}), &plugin("/no/such/plugin"));
    place.assert_fails(&list(&[]), &[gave, "it does not start: No such file"]);
    assert_eq!(server.connections(), 0);
}
