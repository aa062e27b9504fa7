//! Runs a program to its end, with an input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::thread;

/// Starts the command with `input` as its stdin, and waits until it ends.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = start(command);
    let mut stdin = child.stdin.take().expect("stdin was asked for above");
    thread::scope(|scope| {
        // In parallel with the reading below, because either pipe may fill up. A program that ends
        // without reading everything is not at fault, so a broken pipe is not an error.
        scope.spawn(move || stdin.write_all(input));
        child
            .wait_with_output()
            .expect("a program's output can be read")
    })
}

/// Starts a server that runs while its stdin is open. Returns its stdin and the first line that
/// it prints; the line is empty if it ends without printing.
pub(crate) fn start_server(command: &mut Command) -> (Child, ChildStdin, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = start(command);
    let stdin = child.stdin.take().expect("stdin was asked for above");
    let stdout = child.stdout.take().expect("stdout was asked for above");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("the server prints UTF-8");
    (child, stdin, line)
}

/// Starts the command.
pub(crate) fn start(command: &mut Command) -> Child {
    command.spawn().unwrap_or_else(|error| {
        panic!(
            "{} does not start: {error}",
            command.get_program().display()
        )
    })
}
