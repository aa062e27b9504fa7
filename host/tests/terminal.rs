//! What the command shows at a terminal: text that fits it, and lines while somebody waits.

#![cfg(all(target_os = "linux", feature = "cluster"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::fs::{self, File};
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};
use program::{command, run, verify_case};

/// Runs the command with its output at a terminal of this width. Returns the exit code and what the
/// terminal got.
fn run_at_terminal(command: &mut Command, width: u16) -> (i32, String) {
    let size = Winsize {
        ws_row: 50,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let terminal = openpty(Some(&size), None).unwrap();
    let mut child = command
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(terminal.slave.try_clone().unwrap())
        .stderr(terminal.slave)
        .spawn()
        .unwrap();
    // The command has the terminal open as well, until these are replaced.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut bytes = Vec::new();
    // When the last process at a terminal ends, reading from the terminal is an error.
    let _ = File::from(terminal.master).read_to_end(&mut bytes);
    let code = child.wait().unwrap().code().unwrap();
    (
        code,
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n"),
    )
}

/// Removes the colours.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Panics if a line is wider than the terminal, or if a word of what a pipe gets is not whole.
fn assert_fits(shown: &str, piped: &str, width: u16) {
    let shown = plain(shown);
    for line in shown.lines() {
        assert!(line.chars().count() <= width.into(), "{line}\n{shown}");
    }
    let whole: Vec<&str> = shown.split_whitespace().collect();
    for word in piped.split_whitespace() {
        assert!(whole.contains(&word), "{word} is broken:\n{shown}");
    }
}

#[test]
fn tables_and_messages_fit_the_terminal_and_break_no_word() {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("runner.yaml");
    fs::write(&manifests, verify_case("start")).unwrap();
    let file = manifests.to_str().unwrap();
    let name = folder.path().join("cluster-name.yaml");
    fs::write(&name, verify_case("cluster-name")).unwrap();
    let cases: [(&[&str], i32); 6] = [
        (&["resolve", "-f", file], 1),
        (&["verify", file], 0),
        (&["verify", name.to_str().unwrap()], 0),
        (&["check", "https://a.example.com:443"], 1),
        (&["verify", "/nonexistent/folder/with/a/long/name"], 1),
        (&["doctor", "--offline", file], 0),
    ];
    for (arguments, code) in cases {
        let run_here = || {
            let mut command = command(arguments);
            command.env("KUBECONFIG", "/nonexistent");
            command
        };
        let piped = run(&mut run_here(), b"");
        assert_eq!(piped.code, code, "{arguments:?} {}", piped.stderr);
        for width in [80, 100, 140] {
            let (at_terminal, shown) = run_at_terminal(&mut run_here(), width);
            assert_eq!(at_terminal, code, "{arguments:?}");
            let piped = format!("{}{}", piped.text(), piped.stderr);
            // In place of a header, blocks have a name for each cell.
            let piped = match shown.contains("\n  SERVICE") {
                true => piped.replace("RUNNER ", ""),
                false => piped,
            };
            assert_fits(&shown, &piped, width);
        }
    }
}

#[test]
fn a_pipe_gets_a_line_for_each_row_and_message() {
    let mut resolve = command(&["resolve", "-f", "-"]);
    let ended = run(
        resolve.env("KUBECONFIG", "/nonexistent"),
        verify_case("start").as_bytes(),
    );
    assert_eq!(ended.text().lines().count(), 2, "{}", ended.text());
    assert!(ended.text().lines().any(|line| line.len() > 100));
}

#[test]
fn help_fits_the_terminal() {
    let commands = [
        "init",
        "doctor",
        "explain",
        "apply-to",
        "export",
        "resolve",
        "check",
        "verify",
        "import-values",
        "relay",
        "configure",
        "argocd",
        "convert",
        "schema",
        "completions",
        "man",
    ];
    for arguments in [vec!["--help"]]
        .into_iter()
        .chain(commands.map(|name| vec![name, "--help"]))
    {
        for width in [80, 140] {
            let (code, shown) = run_at_terminal(&mut command(&arguments), width);
            assert_eq!(code, 0, "{arguments:?}");
            for line in plain(&shown).lines() {
                // A usage line is not wrapped.
                let is_usage = line.starts_with("Usage: ");
                assert!(
                    is_usage || line.chars().count() <= usize::from(width),
                    "{arguments:?} {line}"
                );
            }
        }
    }
}

#[test]
fn a_terminal_shows_what_is_waited_for_and_a_pipe_does_not() {
    // It accepts connections and sends nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let check = || command(&["check", "--timeout", "2s", &address]);
    let (code, shown) = run_at_terminal(&mut check(), 80);
    assert_eq!(code, 1);
    let waiting = format!("1s connecting to {address}");
    assert!(shown.contains(&waiting), "{shown}");
    // The line is cleared before the result.
    let (_, after) = shown.rsplit_once(&waiting).unwrap();
    assert!(after.contains("\u{1b}[2K"), "{after:?}");
    let ended = run(&mut check(), b"");
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
}

#[test]
fn what_is_done_at_once_shows_nothing_else() {
    let (_, shown) = run_at_terminal(&mut command(&["check", "https://a.example.com:443"]), 140);
    assert!(!shown.contains("connecting"), "{shown}");
}

#[test]
fn a_terminal_shows_that_the_cluster_is_asked() {
    // An API server that sends nothing until after the line is shown, and then disconnects.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = silent.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    fs::write(
        &kubeconfig,
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- name: a\n  context: \
             {{cluster: a, user: a}}\nclusters:\n- name: a\n  cluster: {{server: \"http://{server}\"}}\n\
             users:\n- name: a\n  user: {{}}\n"
        ),
    )
    .unwrap();
    let manifests = folder.path().join("runner.yaml");
    fs::write(&manifests, verify_case("start")).unwrap();
    let gone = std::thread::spawn(move || {
        let held = silent.accept().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1_800));
        drop((held, silent));
    });
    let mut resolve = command(&["resolve", "-f"]);
    resolve.arg(&manifests).env("KUBECONFIG", &kubeconfig);
    let (code, shown) = run_at_terminal(&mut resolve, 80);
    gone.join().unwrap();
    assert_eq!(code, 1);
    assert!(shown.contains("1s reading Service ci/"), "{shown}");
}

#[test]
fn a_slow_build_is_named_by_a_line_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let kustomize = folder.path().join("kustomize");
    let script = format!(
        "#!/bin/sh\nsleep 1.5\ncat <<'E'\n{}E\n",
        verify_case("start")
    );
    fs::write(&kustomize, script).unwrap();
    fs::set_permissions(&kustomize, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let verify = || {
        let mut verify = command(&["verify", "-k", "apps/ci"]);
        verify.env("PATH", &path);
        verify
    };
    let (code, shown) = run_at_terminal(&mut verify(), 80);
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.starts_with("runner-terminal: building apps/ci\n"),
        "{shown}"
    );
    assert_eq!(run(&mut verify(), b"").stderr, "");
}
