//! The command, stopped at each system call that has to do with the files of a folder.
//!
//! The command is a child and so may be traced, as root in a container and as anybody else, except
//! where seccomp or Yama's `ptrace_scope` of 3 forbids it: there a test fails and says so.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A system call that has to do with the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// The file, or the first of them.
    pub(crate) path: PathBuf,
    /// True if it changes something on the disk.
    pub(crate) changes: bool,
}

/// What happens when the command is about to make a call.
pub(crate) enum Fault<'f> {
    Kill(Signal),
    /// The call is not made, and fails.
    Fail(Errno),
    /// Something else happens before it.
    Meanwhile(&'f dyn Fn()),
}

/// The outcome of a run.
#[derive(Debug)]
pub(crate) struct Traced {
    /// The calls, up to a kill.
    pub(crate) calls: Vec<Call>,
    /// The exit code, or the signal that ended it.
    pub(crate) ended: Result<i32, Signal>,
    pub(crate) stderr: String,
}

/// Runs the command, and injects a fault at each call for which `choose` returns one.
///
/// `choose` gets the number of earlier calls.
#[expect(clippy::zombie_processes, reason = "the tracer waits for it")]
pub(crate) fn trace<'f>(
    command: &Command,
    folder: &Path,
    mut choose: impl FnMut(usize, &Call) -> Option<Fault<'f>>,
) -> Traced {
    // A shell that waits to be traced, and then executes the command: every other way to trace from
    // the first call needs unsafe code.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap_or(folder))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let mut child = shell.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let main = Pid::from_raw(child.id().try_into().unwrap());
    thread::scope(|scope| {
        let text = scope.spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut tracer = Tracer::attach(main, folder);
        let ended = tracer.run(&mut choose);
        Traced {
            calls: tracer.calls,
            ended,
            stderr: text.join().unwrap(),
        }
    })
}

/// Where a thread is.
enum At {
    /// In a call; if it was suppressed, with the result that it is to have.
    Call(Option<Box<(Registers, Errno)>>),
    Between,
}

struct Tracer {
    main: Pid,
    folder: PathBuf,
    threads: HashMap<Pid, At>,
    calls: Vec<Call>,
}

/// Only what this thread traces: other tests have children too.
fn flags() -> WaitPidFlag {
    WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD
}

impl Tracer {
    fn attach(main: Pid, folder: &Path) -> Self {
        let stopped = waitpid(main, Some(flags() | WaitPidFlag::WUNTRACED)).unwrap();
        assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_EXITKILL;
        if let Err(error) = ptrace::seize(main, options) {
            let _ = kill(main, Signal::SIGKILL);
            panic!(
                "the command cannot be traced ({error}): this test has to be run where ptrace is \
                 allowed for children; see /proc/sys/kernel/yama/ptrace_scope and the container's \
                 seccomp profile"
            );
        }
        kill(main, Signal::SIGCONT).unwrap();
        Self {
            main,
            folder: folder.canonicalize().unwrap(),
            threads: HashMap::new(),
            calls: Vec::new(),
        }
    }

    fn run<'f>(
        &mut self,
        choose: &mut impl FnMut(usize, &Call) -> Option<Fault<'f>>,
    ) -> Result<i32, Signal> {
        loop {
            let (thread, signal) = match waitpid(None, Some(flags())).unwrap() {
                WaitStatus::Exited(thread, code) if thread == self.main => return Ok(code),
                WaitStatus::Signaled(thread, signal, _) if thread == self.main => {
                    return Err(signal);
                }
                WaitStatus::PtraceSyscall(thread) => {
                    self.at_call(thread, choose);
                    (thread, None)
                }
                WaitStatus::PtraceEvent(thread, _, event) => {
                    if event == Event::PTRACE_EVENT_EXEC as i32 {
                        self.calls.clear();
                    }
                    (thread, None)
                }
                WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
                _ => continue,
            };
            // It may have been killed meanwhile.
            let _ = ptrace::syscall(thread, signal);
        }
    }

    fn at_call<'f>(
        &mut self,
        thread: Pid,
        choose: &mut impl FnMut(usize, &Call) -> Option<Fault<'f>>,
    ) {
        if let Some(At::Call(instead)) = self.threads.insert(thread, At::Between) {
            if let Some((registers, errno)) = instead.as_deref() {
                ptrace::setregs(thread, registers.failed(*errno).0).unwrap();
            }
            return;
        }
        self.threads.insert(thread, At::Call(None));
        // A thread that is being killed has no registers.
        let Ok(registers) = ptrace::getregs(thread).map(Registers) else {
            return;
        };
        let Some(call) = self.call(thread, &registers) else {
            return;
        };
        let fault = choose(self.calls.len(), &call);
        self.calls.push(call);
        match fault {
            None => {}
            Some(Fault::Kill(signal)) => kill(self.main, signal).unwrap(),
            Some(Fault::Meanwhile(act)) => act(),
            Some(Fault::Fail(errno)) => {
                ptrace::setregs(thread, registers.harmless().0).unwrap();
                self.threads
                    .insert(thread, At::Call(Some(Box::new((registers, errno)))));
            }
        }
    }

    /// The call that the thread is about to make, when it has to do with the folder.
    fn call(&self, thread: Pid, registers: &Registers) -> Option<Call> {
        let known = KNOWN
            .iter()
            .find(|known| known.number == registers.number())?;
        let argument = |index| registers.argument(index);
        let of_path = |index: usize| {
            let base = match known.file {
                Of::PathIn if argument(index - 1) as i32 != libc::AT_FDCWD => {
                    descriptor(thread, argument(index - 1))
                }
                _ => fs::read_link(format!("/proc/{thread}/cwd")).ok(),
            };
            Some(base?.join(string(thread, argument(index))?))
        };
        let path = match known.file {
            Of::Descriptor => descriptor(thread, argument(0)),
            Of::Path => of_path(0),
            Of::PathIn => of_path(1),
        }?;
        if !path.starts_with(&self.folder) {
            return None;
        }
        let changes = match known.changes {
            Changes::Always => true,
            Changes::Never => false,
            Changes::WithFlags(index) => {
                let flags = argument(index) as i32;
                flags & (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) != libc::O_RDONLY
            }
        };
        Some(Call {
            name: known.name,
            path,
            changes,
        })
    }
}

fn descriptor(thread: Pid, number: u64) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{thread}/fd/{}", number as i32)).ok()
}

/// A string in the command's memory.
fn string(thread: Pid, address: u64) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;

    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    let mut bytes = vec![0; libc::PATH_MAX as usize];
    let read = memory.read_at(&mut bytes, address).ok()?;
    let text = bytes.get(..read)?.split(|&byte| byte == 0).next()?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(text)))
}

/// Where the arguments name the file.
#[derive(Clone, Copy)]
enum Of {
    /// The first argument is an open file.
    Descriptor,
    /// The first argument is a path.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "has only *at")
    )]
    Path,
    /// The second argument is a path in the folder of the first.
    PathIn,
}

#[derive(Clone, Copy)]
enum Changes {
    Always,
    Never,
    /// As the open flags in this argument say.
    WithFlags(usize),
}

struct Known {
    number: i64,
    name: &'static str,
    file: Of,
    changes: Changes,
}

macro_rules! known {
    ($($(#[$when:meta])? $number:ident $name:literal $file:ident $changes:expr;)*) => {
        &[$($(#[$when])? Known {
            number: libc::$number,
            name: $name,
            file: Of::$file,
            changes: $changes,
        }),*]
    };
}

/// The calls that have to do with files. Those that map a file into memory are left out: what is
/// mapped is the program.
const KNOWN: &[Known] = {
    use Changes::{Always, Never, WithFlags};
    known! {
        SYS_openat "openat" PathIn WithFlags(2);
        SYS_read "read" Descriptor Never;
        SYS_pread64 "pread64" Descriptor Never;
        SYS_readv "readv" Descriptor Never;
        SYS_lseek "lseek" Descriptor Never;
        SYS_fstat "fstat" Descriptor Never;
        SYS_getdents64 "getdents64" Descriptor Never;
        SYS_statx "statx" PathIn Never;
        SYS_newfstatat "newfstatat" PathIn Never;
        SYS_faccessat "faccessat" PathIn Never;
        SYS_faccessat2 "faccessat2" PathIn Never;
        SYS_readlinkat "readlinkat" PathIn Never;
        SYS_write "write" Descriptor Always;
        SYS_pwrite64 "pwrite64" Descriptor Always;
        SYS_writev "writev" Descriptor Always;
        SYS_sendfile "sendfile" Descriptor Always;
        SYS_copy_file_range "copy_file_range" Descriptor Always;
        SYS_ftruncate "ftruncate" Descriptor Always;
        SYS_fallocate "fallocate" Descriptor Always;
        SYS_fsync "fsync" Descriptor Always;
        SYS_fdatasync "fdatasync" Descriptor Always;
        SYS_fchmod "fchmod" Descriptor Always;
        SYS_fchown "fchown" Descriptor Always;
        SYS_close "close" Descriptor Always;
        SYS_fchmodat "fchmodat" PathIn Always;
        SYS_fchownat "fchownat" PathIn Always;
        SYS_mkdirat "mkdirat" PathIn Always;
        SYS_unlinkat "unlinkat" PathIn Always;
        SYS_linkat "linkat" PathIn Always;
        SYS_renameat "renameat" PathIn Always;
        SYS_renameat2 "renameat2" PathIn Always;
        SYS_utimensat "utimensat" PathIn Always;
        #[cfg(target_arch = "x86_64")] SYS_open "open" Path WithFlags(1);
        #[cfg(target_arch = "x86_64")] SYS_stat "stat" Path Never;
        #[cfg(target_arch = "x86_64")] SYS_lstat "lstat" Path Never;
        #[cfg(target_arch = "x86_64")] SYS_access "access" Path Never;
        #[cfg(target_arch = "x86_64")] SYS_readlink "readlink" Path Never;
        #[cfg(target_arch = "x86_64")] SYS_chmod "chmod" Path Always;
        #[cfg(target_arch = "x86_64")] SYS_chown "chown" Path Always;
        #[cfg(target_arch = "x86_64")] SYS_mkdir "mkdir" Path Always;
        #[cfg(target_arch = "x86_64")] SYS_rmdir "rmdir" Path Always;
        #[cfg(target_arch = "x86_64")] SYS_unlink "unlink" Path Always;
        #[cfg(target_arch = "x86_64")] SYS_link "link" Path Always;
        #[cfg(target_arch = "x86_64")] SYS_rename "rename" Path Always;
    }
};

/// A thread's registers, as a system call uses them.
#[derive(Clone, Copy)]
struct Registers(libc::user_regs_struct);

#[cfg(target_arch = "x86_64")]
impl Registers {
    fn number(&self) -> i64 {
        self.0.orig_rax.cast_signed()
    }

    fn argument(&self, index: usize) -> u64 {
        let Self(registers) = self;
        [registers.rdi, registers.rsi, registers.rdx, registers.r10][index]
    }

    /// Replaces the call with one that does nothing.
    fn harmless(mut self) -> Self {
        self.0.orig_rax = u64::MAX;
        self
    }

    /// As they are after the call has failed.
    fn failed(mut self, errno: Errno) -> Self {
        self.0.orig_rax = u64::MAX;
        self.0.rax = (-i64::from(errno as i32)).cast_unsigned();
        self
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    fn number(&self) -> i64 {
        self.0.regs[8].cast_signed()
    }

    fn argument(&self, index: usize) -> u64 {
        self.0.regs[index]
    }

    /// These registers cannot change the number of the call; arguments that are neither a file nor
    /// an address make it do nothing.
    fn harmless(mut self) -> Self {
        self.0.regs[0] = u64::MAX;
        self.0.regs[1] = u64::MAX;
        self
    }

    /// As they are after the call has failed.
    fn failed(mut self, errno: Errno) -> Self {
        self.0.regs[0] = (-i64::from(errno as i32)).cast_unsigned();
        self
    }
}
