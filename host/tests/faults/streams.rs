//! Streams that are closed or full, for each command.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::program;

const LIST: &str = "session-server/address-known.yaml";
const CHART: &str = "chart/chart-default.yaml";

/// A command that prints something, its input, and whether its output is applied to a cluster: then
/// it is an error if not all of it is read.
const PRINTING: [(&[&str], &str, bool); 19] = [
    (&[], LIST, true),
    (&["explain", CHART], "", false),
    (&["explain", "--html", CHART], "", false),
    (&["explain", "--svg", CHART], "", false),
    (&["explain", "--mermaid", CHART], "", false),
    (&["explain", "-"], LIST, false),
    (&["apply-to", CHART], "", true),
    (&["apply-to", "-"], CHART, true),
    (&["apply-to", "--diff", CHART], "", false),
    (&["import-values", "chart-values/on.yaml"], "", false),
    (&["resolve", "-f", "advertise-address/ip.yaml"], "", false),
    (
        &["resolve", "-o", "json", "-f", "advertise-address/ip.yaml"],
        "",
        false,
    ),
    (
        &["resolve", "-o", "yaml", "-f", "advertise-address/ip.yaml"],
        "",
        false,
    ),
    (&["check", "--timeout", "1s", "127.0.0.1:1"], "", false),
    (&["schema"], "", false),
    (&["completions", "bash"], "", false),
    (&["version"], "", false),
    (&["argocd", "parameters"], "", false),
    (&["--help"], "", false),
];

fn input(name: &str) -> Vec<u8> {
    match name {
        "" => Vec::new(),
        name => {
            let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures");
            fs::read(format!("{fixtures}/{name}")).unwrap()
        }
    }
}

/// Runs it with a standard output, and returns its exit code and standard error.
fn run_into(command: &mut Command, input: &[u8], stdout: impl Into<Stdio>) -> (i32, String) {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, input).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let ended = command.stdin(file).stdout(stdout).stderr(Stdio::piped());
    let ended = ended.spawn().unwrap().wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    (ended.status.code().unwrap(), stderr)
}

#[test]
fn where_nobody_reads_it_is_quiet_unless_manifests_are_lost() {
    for (arguments, name, is_lost) in PRINTING {
        let as_ever = program::run(&mut program::command(arguments), &input(name));
        assert!(!as_ever.stdout.is_empty(), "{arguments:?}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, stderr) = run_into(&mut program::command(arguments), &input(name), writer);
        if is_lost {
            assert_eq!(code, 1, "{arguments:?}: {stderr}");
            assert!(
                stderr.contains("to standard output: Broken pipe"),
                "{stderr}"
            );
        } else {
            assert_eq!(
                (code, stderr),
                (as_ever.code, as_ever.stderr),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn a_full_disk_is_told() {
    for (arguments, name, _) in PRINTING {
        // The help is exempt.
        if arguments == ["--help"] {
            continue;
        }
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, stderr) = run_into(&mut program::command(arguments), &input(name), full);
        assert_eq!(code, 1, "{arguments:?}: {stderr}");
        assert!(
            stderr.contains("standard output: No space left on device"),
            "{arguments:?}: {stderr}"
        );
    }
}

/// A message that cannot be printed changes nothing else.
#[test]
fn without_standard_error_all_is_as_ever() {
    for (arguments, name, _) in PRINTING {
        let as_ever = program::run(&mut program::command(arguments), &input(name));
        for how in ["2>&-", "2>/dev/full"] {
            let mut shell = program::command(&["-c", &format!("exec \"$0\" \"$@\" {how}")]);
            let mut shell = in_shell(&mut shell, arguments);
            let ended = program::run(&mut shell, &input(name));
            assert_eq!(ended.code, as_ever.code, "{arguments:?} {how}");
            assert!(ended.stdout == as_ever.stdout, "{arguments:?} {how}");
        }
    }
}

/// A shell with the arguments of `shell`, which then executes its program.
fn in_shell(shell: &mut Command, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(shell.get_args())
        .arg(shell.get_program())
        .args(arguments)
        .current_dir(shell.get_current_dir().unwrap());
    command
}

#[test]
fn closed_streams_are_no_files() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, name, _) in PRINTING {
        for how in ["<&-", ">&-", "<&- >&- 2>&-"] {
            let mut shell = program::command(&["-c", &format!("exec \"$0\" \"$@\" {how}")]);
            let ended = program::run(&mut in_shell(&mut shell, arguments), &input(name));
            assert!(
                matches!(ended.code, 0 | 1),
                "{arguments:?} {how}: {}",
                ended.stderr
            );
            assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        }
    }
    // The next files to be opened get the descriptors of the closed streams: no message may end up
    // in them.
    let chart = String::from_utf8(input(CHART)).unwrap();
    fs::write(folder.path().join("a.yaml"), &chart).unwrap();
    let mut shell = program::command(&["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]);
    let mut shell = in_shell(&mut shell, &["apply-to", "-i", "a.yaml"]);
    let ended = program::run(shell.current_dir(folder.path()), b"");
    assert_eq!(ended.code, 0);
    let mut text = String::new();
    let mut file = File::open(folder.path().join("a.yaml")).unwrap();
    file.read_to_string(&mut text).unwrap();
    let printed = program::run(&mut program::command(&["apply-to", "-"]), chart.as_bytes());
    assert_eq!(text, printed.text());
}
