//! The sandbox around guests that misbehave.

use std::io;

use super::*;

/// Streams that hold their bytes.
#[derive(Debug, Default)]
struct Memory {
    stdin: io::Cursor<Vec<u8>>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Streams for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.stdin, buffer)
    }

    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize> {
        match output {
            Output::Stdout => io::Write::write(&mut self.stdout, bytes),
            Output::Stderr => io::Write::write(&mut self.stderr, bytes),
        }
    }
}

const LIMITS: Limits = Limits {
    memory: 4 << 20,
    time: Duration::from_secs(60),
};

fn run(guest: Compiled, limits: Limits) -> Result<(i32, Memory), Failure> {
    let stdin = io::Cursor::new(b"kind: ResourceList\n".to_vec());
    run_compiled(
        guest,
        Memory {
            stdin,
            ..Memory::default()
        },
        limits,
    )
}

fn failure(guest: Compiled, limits: Limits) -> Failure {
    run(guest, limits).unwrap_err()
}

#[test]
fn streams_go_through() {
    let (code, streams) = run(compiled!("echoes"), LIMITS).unwrap();
    assert_eq!(code, 0);
    assert_eq!(streams.stdout, b"kind: ResourceList\n");
    assert_eq!(streams.stderr, b"done\n");
}

#[test]
fn the_exit_code_is_the_guests() {
    assert_eq!(run(compiled!("exits-with-3"), LIMITS).unwrap().0, 3);
}

#[test]
fn computing_has_an_end() {
    let limits = Limits {
        time: Duration::from_millis(60),
        ..LIMITS
    };
    let failure = failure(compiled!("computes-forever"), limits);
    assert!(matches!(failure, Failure::Time(_)), "{failure:?}");
    assert_eq!(
        failure.to_string(),
        "the function was stopped after 0.06 s of computing; give it fewer resources, or raise \
         RUNNER_TERMINAL_MAX_SECONDS (seconds)"
    );
}

#[test]
fn memory_has_an_end() {
    let failure = failure(compiled!("grows-forever"), LIMITS);
    assert!(matches!(failure, Failure::Memory(_)), "{failure:?}");
    assert_eq!(
        failure.to_string(),
        "the input needs more than the 4 MiB of memory that it may use; give the function fewer \
         resources, or raise RUNNER_TERMINAL_MAX_MIB (MiB, 4096 at most)"
    );
}

#[test]
fn the_stack_has_an_end() {
    let failure = failure(compiled!("recurses-forever"), LIMITS);
    assert!(matches!(failure, Failure::Stack), "{failure:?}");
}

#[test]
fn a_trap_is_a_bug_to_report() {
    let failure = failure(compiled!("traps"), LIMITS);
    assert!(matches!(failure, Failure::Broken(_)), "{failure:?}");
    assert!(
        failure.to_string().contains("please report it"),
        "{failure}"
    );
    assert!(failure.to_string().contains("unreachable"), "{failure}");
}

#[test]
fn there_is_nothing_else_to_ask_for() {
    let failure = failure(compiled!("asks-the-time"), LIMITS);
    assert!(failure.to_string().contains("clock_time_get"), "{failure}");
}

#[test]
fn addresses_outside_of_the_guest_are_refused() {
    let (code, streams) = run(compiled!("lies-about-addresses"), LIMITS).unwrap();
    assert_eq!(code, 7);
    assert_eq!(streams.stdin.position(), 0);
    assert!(streams.stdout.is_empty());
}
