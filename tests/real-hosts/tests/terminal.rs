//! The configuration that the function writes, in the real session server, with a client
//! that connects as GitLab does.

use std::fs;

use real_hosts::{Runtime, SessionServer, run_module, workspace_root};

/// The `config.toml` of a fixture after the function has run on it.
fn config_after(fixture: &str, address: &str) -> String {
    let path = workspace_root().join(format!("tests/fixtures/session-server/{fixture}.yaml"));
    let input = fs::read_to_string(path).unwrap();
    let input = input.replace("terminal.example.com", address);
    let output = run_module(Runtime::Launcher, input.as_bytes());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let list: serde_json::Value = yaml_serde::from_slice(&output.stdout).unwrap();
    let config = list.pointer("/items/0/data/config.toml").unwrap();
    config.as_str().unwrap().to_owned()
}

#[test]
fn a_terminal_opens_at_every_kind_of_address() {
    for (address, endpoint) in [
        (
            "terminal.example.com",
            "wss://terminal.example.com:9000/session/",
        ),
        ("192.0.2.7:8443", "wss://192.0.2.7:8443/session/"),
        ("'2001:db8::7'", "wss://[2001:db8::7]:9000/session/"),
    ] {
        let config = config_after("address-known", address);
        let server = SessionServer::start(&config).unwrap();
        assert!(server.terminal().endpoint.starts_with(endpoint), "{config}");

        let client = server.connect();

        assert!(
            client.status.success(),
            "{}",
            String::from_utf8_lossy(&client.stderr)
        );
        assert_eq!(client.stdout, b"terminal open\n");
    }
}

#[test]
fn a_terminal_opens_however_the_table_was_written() {
    for fixture in [
        "existing-table",
        "existing-table-conflict",
        "dotted-keys",
        "inline-table",
    ] {
        let config = config_after(fixture, "terminal.example.com");
        let server = SessionServer::start(&config).unwrap();
        let client = server.connect();
        assert_eq!(client.stdout, b"terminal open\n", "{fixture}: {config}");
    }
}

/// Until the address is known, there is no button instead of a broken one.
#[test]
fn the_session_server_is_off_while_the_address_is_pending() {
    let refusal = SessionServer::start(&config_after("address-pending", "")).unwrap_err();
    assert!(refusal.is_off, "{}", refusal.message);
}
