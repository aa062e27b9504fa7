//! `runner-terminal check` against the real session server, and proxies in front of it.

use std::path::Path;

use real_hosts::{SessionServer, TlsEndingProxy, launcher, run_launcher};

fn config(advertised: &str) -> String {
    format!(
        "[session_server]\n  listen_address = \"0.0.0.0:8093\"\n  advertise_address = \
         \"{advertised}\"\n"
    )
}

/// The verdict of `check` on an address, and whether it is good.
fn check(arguments: &[&str], input: &str) -> (bool, String) {
    let mut command = launcher(Path::new("/nonexistent"));
    let output = run_launcher(command.arg("check").args(arguments), input.as_bytes());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.stderr, b"", "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    (output.status.success(), said)
}

#[test]
fn the_real_session_server_is_healthy() {
    for host in ["127.0.0.1", "localhost"] {
        let server = SessionServer::start(&config(&format!("{host}:8093"))).unwrap();
        let (healthy, said) = check(&[&format!("{host}:8093")], "");
        assert!(healthy, "{said}");
        assert!(said.contains("healthy"), "{said}");
        drop(server);
    }
}

#[test]
fn a_certificate_for_another_host_is_told() {
    let server = SessionServer::start(&config("terminal.example.com:9000")).unwrap();
    let (healthy, said) = check(&[&server.address()], "");
    assert!(!healthy);
    assert!(
        said.contains("terminal.example.com") && said.contains("127.0.0.1"),
        "{said}"
    );
}

#[test]
fn a_proxy_that_ends_tls_is_told_by_its_certificate() {
    let server = SessionServer::start(&config("127.0.0.1:8093")).unwrap();
    let proxy = TlsEndingProxy::start(&server);
    let (healthy, said) = check(&[proxy.address()], "");
    assert!(!healthy);
    assert!(said.contains("O=Acme Co"), "{said}");
}

#[test]
fn the_address_is_found_in_manifests() {
    let runner = |address: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: runner}}\nspec:\n  containers:\n  - name: \
             runner\n    image: gitlab/gitlab-runner\n    volumeMounts: [{{name: config, mountPath: \
             /etc/gitlab-runner}}]\n  volumes: [{{name: config, configMap: {{name: \
             runner}}}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: runner}}\ndata:\n  \
             config.toml: |\n    [session_server]\n    {address}\n"
        )
    };
    let server = SessionServer::start(&config("127.0.0.1:8093")).unwrap();
    let (healthy, said) = check(
        &["-f", "-"],
        &runner("advertise_address = \"127.0.0.1:8093\""),
    );
    assert!(healthy, "{said}");
    drop(server);

    let (healthy, said) = check(&["-f", "-"], &runner("session_timeout = 60"));
    assert!(!healthy);
    assert!(said.contains("no advertise_address"), "{said}");
}
