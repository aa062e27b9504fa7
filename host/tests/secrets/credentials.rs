//! Secrets in kubeconfigs, and in what is derived from them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::json;

use super::damage::damaged;
use super::place::{Place, base64};
use crate::api_server::{Reply, Request, plain};
use crate::kubernetes::{answer, failure, found, service};
use crate::program::Ended;

const LIST: &str = include_str!("../../../tests/fixtures/refused-address/host-cannot-look.yaml");
const RELAY: [&str; 7] = [
    "relay",
    "--route=*=ci/app=runner:8093",
    "--listen=127.0.0.1:0",
    "--observe=127.0.0.1:0",
    "--connect-timeout=1s",
    "--drain-timeout=1s",
    "--kubeconfig=kubeconfig",
];

fn kubeconfig(server: &str, proxy: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: test
contexts:
- name: test
  context: {{cluster: cluster, user: user}}
clusters:
- name: cluster
  cluster:
    server: {server}
{proxy}users:
- name: user
  user:
{user}"
    )
}

/// Users, as kubeconfigs define them.
fn users(place: &Place) -> Vec<String> {
    let canary = |of| place.canaries.at(of);
    let key = base64(canary("kubeconfig client key"));
    place.write("token", &format!("{}\n", canary("token file")));
    place.write("pem", canary("kubeconfig client key"));
    place.script(
        "plugin",
        &format!(
            "echo '{{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \
             \"ExecCredential\", \"status\": {{\"token\": \"{}\"}}}}'\n",
            canary("plugin output")
        ),
    );
    place.script(
        "broken",
        &format!("echo '{{ {}'\nexit 1\n", canary("plugin output")),
    );
    let plugin = |command: &str| {
        format!(
            "    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: {command}
      interactiveMode: Never
      args: [\"--secret\", \"{}\"]
      env:
      - name: SECRET
        value: \"{}\"
",
            canary("kubeconfig plugin argument"),
            canary("kubeconfig plugin variable")
        )
    };
    vec![
        format!("    token: \"{}\"\n", canary("kubeconfig token")),
        format!(
            "    username: jane\n    password: \"{}\"\n",
            canary("kubeconfig password")
        ),
        format!("    client-certificate-data: {key}\n    client-key-data: {key}\n"),
        "    client-certificate: pem\n    client-key: pem\n".to_owned(),
        "    tokenFile: token\n".to_owned(),
        plugin("./plugin"),
        plugin("./broken"),
        plugin("./no-plugin"),
    ]
}

/// Ends the relay once it serves, or waits for it to fail.
fn relay(command: &mut Command) -> Ended {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while stderr.read_line(&mut said).unwrap() > 0 {
        if said.contains("\"listening\"") {
            said.push_str(&metrics(&said));
            let ended = Command::new("kill").arg(child.id().to_string()).status();
            assert!(ended.unwrap().success());
            stderr.read_to_string(&mut said).unwrap();
            break;
        }
    }
    let mut stdout = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut stdout)
        .unwrap();
    Ended {
        code: child.wait().unwrap().code().unwrap(),
        stdout,
        stderr: said,
    }
}

/// The metrics of the relay with this log.
fn metrics(said: &str) -> String {
    let line = said.lines().last().unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let mut stream = TcpStream::connect(line["observe"].as_str().unwrap()).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(
        text.contains("runner_terminal_relay_connections_open"),
        "{text}"
    );
    text
}

/// Runs each command that asks a cluster.
fn run_all(place: &Place, how: &str) {
    place.run(how, &[], LIST);
    place.run(how, &["resolve", "-o", "json", "-f", "-"], LIST);
    let ended = relay(&mut place.command(&RELAY));
    place.search(&format!("relay, {how}"), &ended, false);
}

/// A server that echoes its request: nothing of that may be passed on.
fn echo(request: &Request, count: usize) -> Reply {
    let header = request.header("authorization").unwrap_or("none");
    let status =
        |code: &str, message: &str| failure(code, &format!("X-Echo: {header}\r\n"), message);
    match count % 8 {
        0 => status("401 Unauthorized", header),
        1 => status("403 Forbidden", header),
        2 => status("400 Bad Request", header),
        3 => answer(&format!("404 {header}"), "", header),
        4 => answer("200 OK", "Content-Type: application/json\r\n", header),
        5 => found(&json!({"kind": header, "metadata": {"name": header}})),
        6 => answer("302 Found", &format!("Location: http://{header}/\r\n"), ""),
        _ => found(&service(7, &["192.0.2.7"])),
    }
}

#[test]
fn no_credential_is_shown() {
    let place = Place::new();
    let mut count = 0;
    let server = plain(move |request| {
        count += 1;
        echo(request, count)
    });
    let password = place.canaries.at("kubeconfig proxy password");
    let proxy = format!("    proxy-url: http://user:{password}@127.0.0.1:1\n");
    for (number, user) in users(&place).iter().enumerate() {
        for (proxy, runs) in [("", 8), (&proxy, 1)] {
            place.write("kubeconfig", &kubeconfig(&server.url(), proxy, user));
            for _ in 0..runs {
                run_all(&place, &format!("user {number}"));
            }
        }
    }
    assert!(server.connections() > 0);
    place.tell("credentials");
}

#[test]
fn a_mistake_in_a_kubeconfig_shows_nothing_of_it() {
    let place = Place::new();
    let server = plain(|_| failure("401 Unauthorized", "", "Unauthorized"));
    let password = place.canaries.at("kubeconfig proxy password");
    let proxy = format!("    proxy-url: http://user:{password}@127.0.0.1:1\n");
    for (number, user) in users(&place).iter().enumerate() {
        let proxy = if number == 0 { &proxy } else { "" };
        let text = kubeconfig(&server.url(), proxy, user);
        let has_secret = |line: &str| place.canaries.are_in(line);
        for (index, damaged) in damaged(&text, has_secret).into_iter().enumerate() {
            place.write("kubeconfig", &damaged.text);
            match index % 3 {
                0 => drop(place.run(&damaged.how, &[], LIST)),
                1 => drop(place.run(&damaged.how, &["resolve", "-f", "-"], LIST)),
                _ => {
                    let ended = relay(&mut place.command(&RELAY));
                    place.search(&format!("relay, {}", damaged.how), &ended, false);
                }
            }
        }
    }
    place.tell("mistakes in kubeconfigs");
}

#[test]
fn the_password_of_the_environment_s_proxy_is_not_shown() {
    let place = Place::new();
    let token = place.canaries.at("kubeconfig token");
    let user = format!("    token: \"{token}\"\n");
    // Not on this machine, so that the proxy is used.
    place.write(
        "kubeconfig",
        &kubeconfig("https://192.0.2.1:6443", "", &user),
    );
    let password = place.canaries.at("environment's proxy password");
    for url in [
        format!("http://user:{password}@127.0.0.1:1"),
        format!("socks5://user:{password}@127.0.0.1:1"),
        format!("http://user:{password}"),
        format!("{password}@"),
        password.to_owned(),
    ] {
        for name in ["HTTPS_PROXY", "ALL_PROXY"] {
            let mut command = place.command(&[]);
            command.env_remove("HTTPS_PROXY").env(name, &url);
            let ended = crate::program::run(&mut command, LIST.as_bytes());
            place.search(&format!("{name}={url}"), &ended, true);
        }
    }
    place.tell("proxies of the environment");
}
