//! The runner's session server and GitLab's side of it, on configurations written by
//! hand.

use std::process::Output;

use real_hosts::{SessionServer, Terminal};

const CONFIG: &str = r#"
    concurrent = 10

    [session_server]
      listen_address = "0.0.0.0:8093"
      advertise_address = "terminal.example.com:9000"
      session_timeout = 1800
"#;

#[test]
fn a_client_that_trusts_only_the_certificate_gets_a_terminal() {
    let server = SessionServer::start(CONFIG).unwrap();
    let endpoint = &server.terminal().endpoint;
    assert!(
        endpoint.starts_with("wss://terminal.example.com:9000/session/"),
        "{endpoint}"
    );

    let client = server.connect();

    assert!(client.status.success(), "{}", message(&client));
    assert_eq!(client.stdout, b"terminal open\n");
}

/// Asserts that GitLab's side fails with `terminal` instead of the server's own, and says why.
fn assert_refused(server: &SessionServer, terminal: &Terminal, why: &str) {
    let client = server.connect_with(terminal);
    assert!(!client.status.success());
    let message = message(&client);
    assert!(message.contains(why), "{message}");
}

#[test]
fn the_certificate_is_for_the_advertised_host_only() {
    let server = SessionServer::start(CONFIG).unwrap();
    let endpoint = server
        .terminal()
        .endpoint
        .replace("terminal.example.com", "other.example.com");
    let elsewhere = Terminal {
        endpoint,
        ..server.terminal().clone()
    };

    assert_refused(
        &server,
        &elsewhere,
        "certificate is valid for terminal.example.com",
    );
}

#[test]
fn another_certificate_is_not_trusted() {
    let certificate = SessionServer::start(CONFIG)
        .unwrap()
        .terminal()
        .certificate
        .clone();
    let server = SessionServer::start(CONFIG).unwrap();
    let mistaken = Terminal {
        certificate,
        ..server.terminal().clone()
    };

    assert_refused(&server, &mistaken, "failed to verify certificate");
}

#[test]
fn another_token_is_refused() {
    let server = SessionServer::start(CONFIG).unwrap();
    let stranger = Terminal {
        authorization: "guess".to_owned(),
        ..server.terminal().clone()
    };

    assert_refused(&server, &stranger, "401 Unauthorized");
}

#[test]
fn without_a_listen_address_the_session_server_is_off() {
    let advertised = "[session_server]\nadvertise_address = 'terminal.example.com:9000'\n";
    for config in ["concurrent = 10\n", advertised] {
        let refusal = SessionServer::start(config).unwrap_err();
        assert!(refusal.is_off, "{refusal:?}");
        assert!(
            refusal.message.contains("session endpoints disabled"),
            "{refusal:?}"
        );
    }
}

#[test]
fn an_address_with_a_scheme_is_an_error_and_not_off() {
    let config = CONFIG.replace("terminal.example.com", "https://terminal.example.com");

    let refusal = SessionServer::start(&config).unwrap_err();

    assert!(!refusal.is_off, "{refusal:?}");
    assert!(
        refusal.message.contains("cannot start its session server"),
        "{refusal:?}"
    );
}

/// `src/session_server/config_types.rs` and `config_file.rs` refuse what is tried here.
#[test]
fn a_value_of_another_type_is_an_error_and_the_case_of_names_is_ignored() {
    let config = CONFIG.replace("= 1800", "= \"30m\"");
    let refusal = SessionServer::start(&config).unwrap_err();
    assert!(
        refusal.message.contains("incompatible types"),
        "{refusal:?}"
    );

    let config = CONFIG.replace("[session_server]", "[Session_Server]");
    let config = config.replace("advertise_address", "Advertise_Address");
    let server = SessionServer::start(&config).unwrap();
    let endpoint = &server.terminal().endpoint;
    assert!(
        endpoint.starts_with("wss://terminal.example.com:9000/"),
        "{endpoint}"
    );
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
