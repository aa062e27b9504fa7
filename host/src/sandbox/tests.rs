//! The sandbox around guests that misbehave.

use std::process::{self, Command};
use std::time::Duration;
use std::{env, io};

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

fn run(guest: Compiled, limits: Limits) -> Result<(i32, Memory), SandboxError> {
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

fn failure(guest: Compiled, limits: Limits) -> SandboxError {
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
    assert_eq!(run(compiled!("exits-with-minus-1"), LIMITS).unwrap().0, -1);
}

/// The time limit of the guests below.
const MOMENT: Duration = Duration::from_millis(60);

#[test]
fn computing_has_an_end() {
    let ended = in_a_process("computes_forever");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(
        said,
        "runner-terminal: the function was stopped after 0.06 s of computing; give it fewer resources, \
         or raise RUNNER_TERMINAL_MAX_SECONDS (seconds)\n"
    );
}

/// Output in between does not stop the clock, and neither does the module's start.
#[test]
fn computing_has_an_end_with_output_in_between_and_at_the_start() {
    for guest in ["writes_now_and_then", "computes_at_its_start"] {
        let ended = in_a_process(guest);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains("stopped after 0.06 s"), "{said}");
    }
}

/// Runs a guest that never ends in a separate process, because the time limit ends the process.
fn in_a_process(guest: &str) -> process::Output {
    let module = module_path!().split_once("::").unwrap().1;
    Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{guest}")])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap()
}

fn run_for_a_moment(guest: Compiled) {
    let limits = Limits {
        memory: usize::MAX,
        time: MOMENT,
    };
    panic!("it ended: {:?}", run(guest, limits));
}

#[test]
#[ignore = "has no end: computing_has_an_end runs it in a process of its own"]
fn computes_forever() {
    run_for_a_moment(compiled!("computes-forever"));
}

#[test]
#[ignore = "has no end: computing_has_an_end_with_output_in_between_and_at_the_start runs it"]
fn writes_now_and_then() {
    run_for_a_moment(compiled!("writes-now-and-then"));
}

#[test]
#[ignore = "has no end: computing_has_an_end_with_output_in_between_and_at_the_start runs it"]
fn computes_at_its_start() {
    run_for_a_moment(compiled!("computes-at-start"));
}

/// Reads nothing for longer than the limit of time.
struct Slow(Memory);

impl Streams for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(100));
        self.0.read(buffer)
    }

    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(output, bytes)
    }
}

#[test]
fn waiting_is_not_computing() {
    let limits = Limits {
        time: MOMENT,
        ..LIMITS
    };
    let stdin = io::Cursor::new(b"abc".to_vec());
    let streams = Slow(Memory {
        stdin,
        ..Memory::default()
    });
    let (code, Slow(streams)) = run_compiled(compiled!("echoes"), streams, limits).unwrap();
    assert_eq!((code, streams.stdout), (0, b"abc".to_vec()));
}

#[test]
fn memory_has_an_end() {
    let failure = failure(compiled!("grows-forever"), LIMITS);
    assert!(matches!(failure, SandboxError::Memory(_)), "{failure:?}");
    assert_eq!(
        failure.to_string(),
        "the input needs more than the 4 MiB of memory that it may use; give the function fewer \
         resources, or raise RUNNER_TERMINAL_MAX_MIB (MiB, 4096 at most)"
    );
}

#[test]
fn the_stack_has_an_end() {
    let failure = failure(compiled!("recurses-forever"), LIMITS);
    assert!(matches!(failure, SandboxError::Stack), "{failure:?}");
}

/// All that the module can ask for.
const BORDER: [&str; 6] = [
    "environ_get",
    "environ_sizes_get",
    "fd_read",
    "fd_write",
    "proc_exit",
    "random_get",
];

#[test]
fn the_border_has_six_functions() {
    let engine = &engine().unwrap();
    let mut linker = Linker::new(engine);
    wasi::define(&mut linker).unwrap();
    let guest = Guest {
        streams: Memory::default(),
        memory: MemoryLimit::new(0),
        output_left: 0,
        clock: Clock::start(LIMITS.time).unwrap(),
    };
    let mut offered: Vec<_> = linker
        .iter(Store::new(engine, guest))
        .map(|(module, name, _)| (module.to_owned(), name.to_owned()))
        .collect();
    offered.sort();
    let border = BORDER.map(|name| ("wasi_snapshot_preview1".to_owned(), name.to_owned()));
    assert_eq!(offered, border);
}

#[test]
fn the_function_asks_for_these_alone() {
    let engine = &engine().unwrap();
    let function = compiled!("module").load(engine).unwrap();
    for import in function.imports() {
        assert_eq!(import.module(), "wasi_snapshot_preview1");
        assert!(BORDER.contains(&import.name()), "{}", import.name());
    }
    let exports: Vec<_> = function.exports().map(|export| export.name()).collect();
    assert!(
        exports.contains(&"_start") && exports.contains(&"memory"),
        "{exports:?}"
    );
}

#[test]
fn whoever_asks_for_more_does_not_start() {
    let asking: Vec<(&str, &str, Compiled)> = include!(concat!(env!("OUT_DIR"), "/asking.rs"));
    let of_preview_1 = asking
        .iter()
        .filter(|(module, name, _)| *module == "wasi_snapshot_preview1" && !BORDER.contains(name));
    assert_eq!(
        of_preview_1.count() + BORDER.len(),
        46,
        "preview 1 has so many functions"
    );
    for (module, name, guest) in asking {
        let failure = failure(guest, LIMITS).to_string();
        assert!(failure.contains(&format!("{module}::{name}")), "{failure}");
        assert!(failure.contains("please report it"), "{failure}");
    }
}

#[test]
fn each_trap_is_told() {
    for (guest, told) in [
        (compiled!("traps"), "unreachable"),
        (compiled!("divides-by-zero"), "divide by zero"),
        (compiled!("reads-outside"), "out of bounds memory access"),
        (compiled!("calls-nothing"), "uninitialized element"),
        (compiled!("converts-too-much"), "integer overflow"),
        (compiled!("has-no-start"), "_start"),
    ] {
        let failure = failure(guest, LIMITS);
        assert!(matches!(failure, SandboxError::Broken(_)), "{failure:?}");
        let failure = failure.to_string();
        assert!(
            failure.contains(told) && failure.contains("please report it"),
            "{failure}"
        );
    }
}

#[test]
fn what_a_module_declares_is_limited_too() {
    let failure = run(compiled!("declares-too-much"), LIMITS).unwrap_err();
    assert!(matches!(failure, SandboxError::Memory(_)), "{failure:?}");
    assert_eq!(run(compiled!("grows-its-table"), LIMITS).unwrap().0, 7);
}

#[test]
fn output_has_an_end() {
    let failure = failure(compiled!("writes-forever"), LIMITS);
    assert!(matches!(failure, SandboxError::Output(_)), "{failure:?}");
    assert_eq!(
        failure.to_string(),
        "the function was stopped after 4 MiB of output, more than its memory may hold; give it \
         fewer resources, or raise RUNNER_TERMINAL_MAX_MIB (MiB, 4096 at most)"
    );
}

#[test]
fn there_is_no_randomness_and_no_environment() {
    let (code, streams) = run(compiled!("wants-randomness"), LIMITS).unwrap();
    assert_eq!((code, streams.stdout), (0, vec![0; 32]));
    assert_eq!(
        run(compiled!("looks-at-the-environment"), LIMITS)
            .unwrap()
            .0,
        7
    );
}

#[test]
fn there_are_three_streams_and_no_other_file() {
    let (code, streams) = run(compiled!("names-other-files"), LIMITS).unwrap();
    assert_eq!(code, 7);
    assert_eq!(streams.stdin.position(), 0);
    assert!(streams.stdout.is_empty() && streams.stderr.is_empty());
}

#[test]
fn addresses_outside_of_the_guest_are_refused() {
    let (code, streams) = run(compiled!("lies-about-addresses"), LIMITS).unwrap();
    assert_eq!(code, 7);
    assert_eq!(streams.stdin.position(), 0);
    assert!(streams.stdout.is_empty());
    for guest in [compiled!("has-no-memory"), compiled!("counts-outside")] {
        assert_eq!(run(guest, LIMITS).unwrap().0, 21);
    }
}
