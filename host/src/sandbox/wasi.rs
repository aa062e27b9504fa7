//! The border between guest and host: all that the module can ask for.
//!
//! Six functions of WASI preview 1: the module reads one stream, writes two, gets no randomness and at
//! most one environment variable, and exits. There are no files, clocks, sockets or arguments: a
//! module that imports anything else does not start.

use std::io;

use thiserror::Error;
use wasmtime::{Caller, Extern, Linker, Result};

/// The name under which the module imports everything.
const MODULE: &str = "wasi_snapshot_preview1";

/// The three streams of a process.
pub(crate) trait Streams: 'static {
    /// The only variable in the guest's environment. Its value is 1. `None` if there is none.
    const VARIABLE: Option<&str> = None;

    /// Reads some bytes of standard input; returns 0 at its end.
    ///
    /// # Errors
    ///
    /// The stream's error; the guest gets its error number.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes some bytes to an output stream, and returns how many.
    ///
    /// # Errors
    ///
    /// The stream's error; the guest gets its error number.
    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize>;
}

/// The streams that the guest may write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// File descriptor 1: the ResourceList.
    Stdout,
    /// File descriptor 2: the results, for people.
    Stderr,
}

/// The guest has called `proc_exit`. As an error it ends the guest.
#[derive(Debug, Error)]
#[error("exit with code {0}")]
pub(crate) struct Exit(pub(crate) i32);

/// The state of a guest, in the store.
pub(crate) trait Guest: 'static {
    /// The type of the streams.
    type Streams: Streams;

    /// The streams of this run.
    fn streams(&mut self) -> &mut Self::Streams;

    /// Called before a stream is read or written. The time spent waiting for a pipe does not count as
    /// the guest's.
    fn before_io(&mut self);

    /// Called afterwards, even if there was no [`before_io`](Self::before_io).
    fn after_io(&mut self);

    /// Called with the number of bytes that were written.
    ///
    /// # Errors
    ///
    /// The guest has written too much, and is ended.
    fn count_output(&mut self, bytes: u32) -> Result<()>;
}

/// Defines the six functions.
///
/// # Errors
///
/// A name is defined twice, which does not happen.
pub(crate) fn define<G: Guest>(linker: &mut Linker<G>) -> Result<()> {
    linker
        .func_wrap(MODULE, "fd_read", fd_read::<G>)?
        .func_wrap(MODULE, "fd_write", fd_write::<G>)?
        .func_wrap(MODULE, "environ_sizes_get", environ_sizes_get::<G>)?
        .func_wrap(MODULE, "environ_get", environ_get::<G>)?
        .func_wrap(MODULE, "random_get", random_get::<G>)?
        .func_wrap(
            MODULE,
            "proc_exit",
            |_: Caller<'_, G>, code: i32| -> Result<()> { Err(Exit(code).into()) },
        )?;
    Ok(())
}

/// Reads into the first buffer that is not empty; a short read is always allowed. The bytes go from the
/// stream straight into the guest's memory.
fn fd_read<G: Guest>(mut caller: Caller<'_, G>, fd: u32, list: u32, len: u32, count: u32) -> i32 {
    if fd != 0 {
        return Errno::BadDescriptor as i32;
    }
    let read = transfer(&mut caller, list, len, count, |streams, buffer| {
        streams.read(buffer)
    });
    answer(read)
}

/// Writes the first buffer that is not empty; a short write is always allowed.
///
/// # Errors
///
/// The guest has written too much.
fn fd_write<G: Guest>(
    mut caller: Caller<'_, G>,
    fd: u32,
    list: u32,
    len: u32,
    count: u32,
) -> Result<i32> {
    let output = match fd {
        1 => Output::Stdout,
        2 => Output::Stderr,
        _ => return Ok(Errno::BadDescriptor as i32),
    };
    let written = transfer(&mut caller, list, len, count, |streams, bytes| {
        streams.write(output, bytes)
    });
    caller
        .data_mut()
        .count_output(written.unwrap_or_default())?;
    Ok(answer(written))
}

/// Stores the number of variables, and the bytes that all of them need.
fn environ_sizes_get<G: Guest>(mut caller: Caller<'_, G>, variables: u32, bytes: u32) -> i32 {
    let variable = <G::Streams as Streams>::VARIABLE;
    answer(memory(&mut caller).and_then(|(memory, _)| {
        store(memory, variables, u32::from(variable.is_some()))?;
        store(memory, bytes, variable.map_or(Ok(0), variable_size)?)
    }))
}

/// Stores the variable at `text`, and its address at `variables`.
fn environ_get<G: Guest>(mut caller: Caller<'_, G>, variables: u32, text: u32) -> i32 {
    answer(memory(&mut caller).and_then(|(memory, _)| {
        let Some(variable) = <G::Streams as Streams>::VARIABLE else {
            return Ok(());
        };
        store(memory, variables, text)?;
        let place = bytes(memory, text, variable_size(variable)?)?;
        let (name, value) = place.split_at_mut(variable.len());
        name.copy_from_slice(variable.as_bytes());
        value.copy_from_slice(VALUE);
        Ok(())
    }))
}

/// What follows the name of a variable.
const VALUE: &[u8] = b"=1\0";

fn variable_size(name: &str) -> Result<u32, Errno> {
    u32::try_from(name.len() + VALUE.len()).map_err(|_| Errno::Io)
}

/// The hash maps of Rust's standard library request a seed. It is always the same, so that the
/// module is deterministic.
fn random_get<G: Guest>(mut caller: Caller<'_, G>, address: u32, len: u32) -> i32 {
    answer(memory(&mut caller).and_then(|(memory, _)| {
        bytes(memory, address, len)?.fill(0);
        Ok(())
    }))
}

/// The common part of `fd_read` and `fd_write`: finds the first buffer that is not empty in a list of
/// `len` pairs (address, length) at `list`, moves bytes, and stores their number at `count`.
fn transfer<G: Guest>(
    caller: &mut Caller<'_, G>,
    list: u32,
    len: u32,
    count: u32,
    move_bytes: impl Fn(&mut G::Streams, &mut [u8]) -> io::Result<usize>,
) -> Result<u32, Errno> {
    let moved = memory(caller).and_then(|(memory, guest)| {
        let buffer = first_buffer(memory, list, len)?;
        guest.before_io();
        let moved = loop {
            match move_bytes(guest.streams(), buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Errno::of(&error)),
                Ok(moved) => break u32::try_from(moved).map_err(|_| Errno::Io)?,
            }
        };
        store(memory, count, moved)?;
        Ok(moved)
    });
    caller.data_mut().after_io();
    moved
}

/// The guest's memory and its state.
fn memory<'a, G: Guest>(caller: &'a mut Caller<'_, G>) -> Result<(&'a mut [u8], &'a mut G), Errno> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory.data_and_store_mut(caller)),
        _ => Err(Errno::BadAddress),
    }
}

fn first_buffer(memory: &mut [u8], list: u32, len: u32) -> Result<&mut [u8], Errno> {
    for pair in 0..len {
        let at = pair
            .checked_mul(8)
            .and_then(|offset| list.checked_add(offset));
        let at = at.ok_or(Errno::BadAddress)?;
        let address = load(memory, at)?;
        let size = load(memory, at.checked_add(4).ok_or(Errno::BadAddress)?)?;
        if size > 0 {
            return bytes(memory, address, size);
        }
    }
    Ok(&mut [])
}

fn bytes(memory: &mut [u8], address: u32, size: u32) -> Result<&mut [u8], Errno> {
    let end = address.checked_add(size).ok_or(Errno::BadAddress)?;
    memory
        .get_mut(address as usize..end as usize)
        .ok_or(Errno::BadAddress)
}

fn load(memory: &[u8], at: u32) -> Result<u32, Errno> {
    let bytes = memory
        .get(at as usize..)
        .and_then(|rest| rest.first_chunk());
    bytes
        .copied()
        .map(u32::from_le_bytes)
        .ok_or(Errno::BadAddress)
}

fn store(memory: &mut [u8], at: u32, value: u32) -> Result<(), Errno> {
    let bytes = memory
        .get_mut(at as usize..)
        .and_then(|rest| rest.first_chunk_mut());
    *bytes.ok_or(Errno::BadAddress)? = value.to_le_bytes();
    Ok(())
}

fn answer<T>(result: Result<T, Errno>) -> i32 {
    result.err().unwrap_or(Errno::Success) as i32
}

/// The error numbers of preview 1 that these functions return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
enum Errno {
    Success = 0,
    BadDescriptor = 8,
    BadAddress = 21,
    Io = 29,
    NoSpace = 51,
    BrokenPipe = 64,
}

impl Errno {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            io::ErrorKind::StorageFull => Self::NoSpace,
            _ => Self::Io,
        }
    }
}
