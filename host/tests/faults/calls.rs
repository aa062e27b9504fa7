//! The command is killed, or gets an error, at each system call of an in-place run.

use std::cell::Cell;
use std::fs;

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::place::{CHANGED, Place, files};
use super::tracer::{Call, Fault, trace};
use crate::program;

const IN_PLACE: [&str; 3] = ["apply-to", "--in-place", "."];

#[test]
fn killed_at_each_call_a_file_is_the_old_or_the_new_one() {
    let place = Place::new();
    let (mut kills, mut halfway, mut left) = (0, 0, 0);
    loop {
        let command = place.command(&IN_PLACE);
        let traced = trace(&command, place.path(), |before, _| {
            (before == kills).then_some(Fault::Kill(Signal::SIGKILL))
        });
        let (done, strays) = place.assert_whole();
        if traced.ended == Ok(0) {
            assert!(strays.is_empty());
            break;
        }
        assert_eq!(traced.ended, Err(Signal::SIGKILL), "{}", traced.stderr);
        kills += 1;
        halfway += usize::from(done > 0 && done < CHANGED.len());
        left += usize::from(!strays.is_empty());
    }
    println!(
        "killed at {kills} calls, {halfway} of them between the first file and the last, {left} \
         with a temporary file left; files lost: 0"
    );
    assert!(kills > 50 && halfway > 0 && left > 0);
}

#[test]
fn man_pages_are_whole_when_they_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let man = folder.path().join("man1");
    let command = || {
        let mut command = program::command(&["man"]);
        command.arg(&man);
        command
    };
    assert_eq!(program::run(&mut command(), b"").code, 0);
    let new = files(&man);
    // The files of an earlier version.
    let write_old = || {
        for name in new.keys() {
            fs::write(man.join(name), "old\n").unwrap();
        }
    };
    let mut kills = 0;
    loop {
        write_old();
        let (mut changes, mut was_write) = (0, false);
        let traced = trace(&command(), folder.path(), |_, call| {
            // Thousands of writes follow each other: only the first one is tested.
            let is_write = call.name == "write";
            let counts = call.changes && !(is_write && was_write);
            was_write = is_write;
            changes += usize::from(counts);
            (counts && changes == kills + 1).then_some(Fault::Kill(Signal::SIGKILL))
        });
        for (name, page) in &new {
            let now = fs::read(man.join(name)).unwrap();
            assert!(now == *page || now == b"old\n", "{}", name.display());
        }
        if traced.ended == Ok(0) {
            break;
        }
        kills += 1;
        fs::remove_dir_all(&man).unwrap();
        fs::create_dir(&man).unwrap();
    }
    println!("man pages: killed at {kills} calls; pages lost: 0");
    assert!(kills > new.len());
}

/// This call fails on no system, and the standard library treats a failure as a bug of its own.
fn cannot_fail(call: &Call) -> bool {
    call.name == "close" && call.path.is_dir()
}

/// Makes each call of a command that changes something fail; with EIO, which any call may return,
/// the others as well. Returns the number of these calls, and how many of the failures ended the
/// run.
fn fail_each(place: &Place, arguments: &[&str], errno: Errno) -> (usize, usize) {
    let (mut faults, mut failed) = (0, 0);
    for at in 0.. {
        let reached = Cell::new(None);
        let traced = trace(&place.command(arguments), place.path(), |before, call| {
            if before != at {
                return None;
            }
            let befalls = call.changes || errno == Errno::EIO;
            let fails = befalls && !cannot_fail(call);
            reached.set(Some((fails, call.clone())));
            fails.then_some(Fault::Fail(errno))
        });
        let strays = place.assert_honest(&traced);
        let Some((fails, call)) = reached.take() else {
            break;
        };
        if !fails {
            continue;
        }
        // What cannot be removed stays.
        assert!(
            strays.is_empty() || call.name.starts_with("unlink"),
            "{errno} at {call:?} leaves {strays:?}: {}",
            traced.stderr
        );
        faults += 1;
        failed += usize::from(traced.ended != Ok(0));
    }
    (faults, failed)
}

#[test]
fn an_error_at_each_call_is_told_and_leaves_no_half_file() {
    let place = Place::new();
    let (mut faults, mut failed) = (0, 0);
    for (arguments, errno) in [
        (&IN_PLACE[..], Errno::ENOSPC),
        (&IN_PLACE, Errno::EIO),
        (&IN_PLACE, Errno::EROFS),
        (&IN_PLACE, Errno::EACCES),
        (&IN_PLACE, Errno::EINTR),
        (&["apply-to", "-i", "**/*.yaml"], Errno::EIO),
    ] {
        let (more, of_them) = fail_each(&place, arguments, errno);
        println!("{errno}: {more} calls of {arguments:?}, of which {of_them} ended the run");
        faults += more;
        failed += of_them;
    }
    println!("{faults} errors, of which {failed} ended the run; files lost: 0");
    assert!(faults > 150 && failed > faults / 4);
}
