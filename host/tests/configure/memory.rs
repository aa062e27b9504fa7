//! The memory that the command takes, with an optimised build: at most 20 MiB.

use std::fs;
use std::io::{Write as _, pipe};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::pod::{KNOWN, OWN, Pod, SERVICE};
use crate::api_server::{in_order, plain};
use crate::kubernetes::{found, service};

const MAX_KIB: u64 = 20 << 10;

/// The capacity of a pipe.
const PIPE: usize = 64 << 10;

/// The peak memory of a process.
fn peak_kib(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    words[0].parse().unwrap()
}

/// Measures the command at its end: its last line does not fit into the pipe, so it blocks there.
fn assert_small(what: &str, pod: &Pod, arguments: &[&str]) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&vec![b'\n'; PIPE]).unwrap();
    let all = [&["configure", "--config", "etc/config.toml"], arguments].concat();
    let mut command = pod.0.command(&all);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let mut child = command.stderr(writer).spawn().unwrap();
    drop(command);
    let blocked = || {
        let path = format!("/proc/{}/wchan", child.id());
        fs::read_to_string(path).is_ok_and(|name| name.contains("pipe_w"))
    };
    while !blocked() && start.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(10));
    }
    let peak = peak_kib(&child);
    drop(reader);
    child.wait().unwrap();
    println!("{what}: {peak} KiB");
    if !cfg!(debug_assertions) {
        assert!(peak <= MAX_KIB, "{what}: {peak} KiB");
    }
}

#[test]
fn it_is_small() {
    let pod = Pod::new().config(OWN);
    assert_small("an address that is known", &pod, &KNOWN);
}

#[test]
fn it_is_small_with_a_service_that_has_its_address() {
    let server = plain(in_order([found(&service(7, &["192.0.2.7"]))]));
    let pod = Pod::of(&server).config(OWN);
    let arguments = [&SERVICE[..], &["--log-format", "json"]].concat();
    assert_small("a Service with its address", &pod, &arguments);
}
