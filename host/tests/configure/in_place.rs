//! A file on a volume, which each start of a pod edits again.

use std::fs;

use super::pod::{KNOWN, OWN, Pod};
use super::register::register;

const RECORD: &str = "etc/.runner-terminal.json";

fn other(address: &str) -> [&str; 2] {
    ["--advertise-address", address]
}

#[test]
fn a_file_gets_the_table_and_stays_the_same_in_another_start() {
    let pod = Pod::new().config(OWN);
    let said = pod.succeed(&KNOWN);
    assert_eq!(
        said,
        "runner-terminal: etc/config.toml has advertise_address terminal.example.com:9000\n"
    );
    assert!(pod.text().starts_with(OWN), "{}", pod.text());
    pod.assert_advertises("terminal.example.com:9000");
    let before = pod.files();
    let said = pod.succeed(&KNOWN);
    assert!(said.contains("already"), "{said}");
    assert_eq!(pod.files(), before);
}

#[test]
fn a_file_that_is_missing_is_created_for_register() {
    let pod = Pod::new();
    let said = pod.succeed(&KNOWN);
    assert!(
        said.contains("gitlab-runner register adds its [[runners]]"),
        "{said}"
    );
    assert!(
        pod.text().starts_with("[session_server]\n"),
        "{}",
        pod.text()
    );
    pod.assert_advertises("terminal.example.com:9000");
}

#[test]
fn a_new_address_replaces_the_own_of_an_earlier_start_and_no_other() {
    for with_register in [false, true] {
        let pod = Pod::new();
        pod.succeed(&other("192.0.2.7:9000"));
        if with_register {
            register(&pod.path("etc/config.toml"), "one");
        }
        pod.succeed(&other("192.0.2.8:9000"));
        let text = pod.text();
        assert!(
            text.contains("advertise_address = \"192.0.2.8:9000\""),
            "{text}"
        );
        assert!(!text.contains("192.0.2.7"), "{text}");
        assert_eq!(text.contains("name = \"one\""), with_register, "{text}");
        let before = pod.files();
        pod.succeed(&other("192.0.2.8:9000"));
        assert_eq!(pod.files(), before);
    }
}

#[test]
fn a_value_that_the_user_has_changed_is_the_users() {
    let pod = Pod::new();
    pod.succeed(&KNOWN);
    register(&pod.path("etc/config.toml"), "one");
    let own = pod
        .text()
        .replace("terminal.example.com:9000", "own.example.com:443");
    let pod = pod.config(&own);
    let said = pod.succeed(&other("192.0.2.8:9000"));
    assert!(
        said.contains("own.example.com:443 is your own and stays"),
        "{said}"
    );
    assert_eq!(pod.text(), own);
    // Now also in the record.
    pod.succeed(&other("192.0.2.9:9000"));
    assert_eq!(pod.text(), own);
    let said = pod.succeed(&["--replace-address", "--advertise-address", "192.0.2.9:9000"]);
    assert!(
        said.contains("warning: advertise_address was \"own.example.com:443\""),
        "{said}"
    );
    assert!(pod.text().contains("\"192.0.2.9:9000\""), "{}", pod.text());
}

#[test]
fn without_an_address_the_users_file_comes_back() {
    let pod = Pod::new().config(OWN);
    pod.succeed(&KNOWN);
    let said = pod.succeed(&["--service", "x", "--timeout", "1s"]);
    assert!(
        said.contains("warning: there is no API server to ask"),
        "{said}"
    );
    assert!(said.contains("without a session server"), "{said}");
    assert_eq!(pod.text(), OWN);
    assert!(!pod.path(RECORD).exists());
}

#[test]
fn a_session_server_of_the_users_without_an_address_is_off_until_there_is_one() {
    let own = "[session_server]\nlisten_address = '[::]:8093'   # all\nsession_timeout = 60\n";
    let pod = Pod::new().config(own);
    let pending = ["--service", "x", "--timeout", "1s"];
    let said = pod.succeed(&pending);
    assert!(said.contains("listen_address is set to \"\""), "{said}");
    let off = own.replace("'[::]:8093'", "\"\"");
    assert_eq!(pod.text(), off);
    pod.succeed(&pending);
    assert_eq!(pod.text(), off);
    pod.succeed(&KNOWN);
    let on = format!("{own}advertise_address = \"terminal.example.com:9000\"\n");
    assert_eq!(pod.text(), on);
    pod.succeed(&pending);
    assert_eq!(pod.text(), off);
}

#[test]
fn the_placeholder_of_the_chart_is_no_address() {
    let own = "[session_server]\n  listen_address = \"0.0.0.0:8093\"\n  advertise_address = \
               \"SESSION_SERVER_ADDRESS:SESSION_SERVER_PORT\"\n";
    let pod = Pod::new().config(own);
    pod.succeed(&KNOWN);
    let placeholder = "SESSION_SERVER_ADDRESS:SESSION_SERVER_PORT";
    let configured = own.replace(placeholder, "terminal.example.com:9000");
    assert_eq!(
        pod.text(),
        format!("{configured}  session_timeout = 1800\n")
    );
}

#[test]
fn a_timeout_that_is_no_longer_asked_for_goes_back() {
    for (own, asked_for) in [
        (
            "[session_server]\nsession_timeout = 60\n",
            "session_timeout = 60\n",
        ),
        ("", "session_timeout = 1800\n"),
    ] {
        let pod = Pod::new().config(own);
        let asked = [&KNOWN[..], &["--session-timeout", "7200"]].concat();
        pod.succeed(&asked);
        assert!(pod.text().contains("session_timeout = 7200\n"));
        pod.succeed(&KNOWN);
        assert!(pod.text().contains(asked_for), "{}", pod.text());
    }
}

#[test]
fn the_port_of_the_service_is_listened_to() {
    for (own, becomes, words) in [
        (
            "0.0.0.0:9999",
            "0.0.0.0:8093",
            "warning: listen_address was \"0.0.0.0:9999\"",
        ),
        ("[::]:9999", "[::]:8093", "warning: listen_address was"),
        ("[::]", "[::]:8093", "warning: listen_address was"),
        (":9999", ":8093", "warning: listen_address was"),
        (
            "unix:/run/x.sock",
            "0.0.0.0:8093",
            "warning: listen_address was",
        ),
        ("/run/x.sock", "0.0.0.0:8093", "warning: listen_address was"),
        (
            "127.0.0.1:8093",
            "127.0.0.1:8093",
            "where nothing outside the pod can connect",
        ),
        (
            "localhost:1",
            "localhost:8093",
            "where nothing outside the pod can connect",
        ),
    ] {
        let pod = Pod::new().config(&format!("[session_server]\nlisten_address = \"{own}\"\n"));
        let said = pod.succeed(&KNOWN);
        assert!(said.contains(words), "{own}: {said}");
        let line = format!("listen_address = \"{becomes}\"\n");
        assert!(pod.text().contains(&line), "{own}: {}", pod.text());
        pod.succeed(&KNOWN);
        assert!(pod.text().contains(&line), "{own}: {}", pod.text());
    }
}

#[test]
fn windows_line_endings_stay() {
    let pod = Pod::new().config("concurrent = 4\r\n");
    pod.succeed(&KNOWN);
    let text = pod.text();
    assert_eq!(
        text.matches('\n').count(),
        text.matches("\r\n").count(),
        "{text:?}"
    );
}

#[test]
fn a_damaged_record_stops_it() {
    let pod = Pod::new().config(OWN);
    fs::write(pod.path(RECORD), "[1").unwrap();
    pod.fail(
        &KNOWN,
        &["etc/.runner-terminal.json is not a record of this program"],
    );
}

#[test]
fn the_log_is_json_where_that_is_asked_for() {
    let pod = Pod::new().config(OWN);
    let said = pod.succeed(&[&KNOWN[..], &["--log-format", "json"]].concat());
    assert_eq!(
        said,
        "{\"level\":\"info\",\"state\":\"configured\",\"message\":\"etc/config.toml has \
         advertise_address terminal.example.com:9000\",\"address\":\"terminal.example.com:9000\",\
         \"path\":\"etc/config.toml\"}\n"
    );
}
