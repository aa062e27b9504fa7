//! A launcher without the feature `cluster`:
//! `cargo test --package runner-terminal-host --no-default-features`.

#![cfg(not(feature = "cluster"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use program::{command, run};

/// A list with a live Service among its items, and the AdvertiseAddress at its end.
const LIST: &str = include_str!("../../tests/fixtures/advertise-address/ip.yaml");

#[test]
fn the_help_has_no_command_that_needs_the_cluster() {
    let ended = run(&mut command(&["--help"]), b"");
    for name in ["resolve", "configure", "relay"] {
        assert!(!ended.text().contains(&format!("\n  {name} ")), "{name}");
        assert_eq!(run(&mut command(&[name]), b"").code, 2, "{name}");
    }
    assert!(ended.text().contains("\n  check "), "{}", ended.text());
}

#[test]
fn an_address_is_found_among_the_items_and_in_no_cluster() {
    let ended = run(&mut command(&[]), LIST.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.text().contains("192.0.2.7:9000"), "{}", ended.text());

    let asks = format!("{LIST}  spec: {{source: Cluster}}\n");
    let ended = run(&mut command(&[]), asks.as_bytes());
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            1,
            "runner-terminal: error: Service ci/runner-session-server: could not be read: this \
             launcher is built without the feature `cluster`; install one with it from a release, or by \
             `cargo install --locked --path host`\n"
        )
    );
}
