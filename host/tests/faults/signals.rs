//! SIGTERM and SIGINT, and somebody else's changes, at each system call of an in-place run.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;

use super::place::{CHANGED, Place};
use super::tracer::{Fault, trace};

const IN_PLACE: [&str; 3] = ["apply-to", "-i", "apps"];
const WITH_CONFIG: [&str; 5] = ["apply-to", "-i", "-c", "session-server.yaml", "apps"];

#[test]
fn a_signal_leaves_nothing_behind() {
    let place = Place::new();
    let (mut signals, mut told, mut halfway) = (0, 0, 0);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        for at in 0.. {
            let mut reached = false;
            let traced = trace(&place.command(&WITH_CONFIG), place.path(), |before, _| {
                reached |= before == at;
                (before == at).then_some(Fault::Kill(signal))
            });
            if !reached {
                place.restore();
                break;
            }
            signals += 1;
            let said = &traced.stderr;
            match traced.ended {
                // Before the first file is written, a signal ends it like any program.
                Err(by) => {
                    assert_eq!(by, signal);
                    let (done, strays) = place.assert_whole();
                    assert!((done, strays.len()) == (0, 0), "{done} {strays:?}: {said}");
                }
                Ok(code) => {
                    let is_told = said.contains("stopped by a signal before");
                    assert_eq!(is_told, code == 1, "{said}");
                    told += usize::from(is_told);
                    halfway += usize::from(said.contains(" 1 of 2 files"));
                    let strays = place.assert_honest(&traced);
                    assert!(strays.is_empty(), "{strays:?}: {said}");
                }
            }
        }
    }
    println!(
        "{signals} signals, {told} of them told in a message, {halfway} between the files; left \
         behind: nothing"
    );
    assert!(told > 0 && halfway > 0 && told < signals);
}

/// Saves a file as editors do.
fn save(path: &Path, text: &str, by_rename: bool) {
    if by_rename {
        let new = path.with_extension("saved");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    } else {
        fs::write(path, text).unwrap();
    }
}

#[test]
fn an_edit_at_the_same_time_is_not_lost() {
    let (mut edits, mut refused) = (0, 0);
    for by_rename in [true, false] {
        let place = Place::new();
        let path = place.at("apps/runner.yaml");
        let edited = format!("# saved meanwhile\n{}", place.read("apps/runner.yaml"));
        for at in 0.. {
            let mut reached = false;
            let act = || save(&path, &edited, by_rename);
            let traced = trace(&place.command(&WITH_CONFIG), place.path(), |before, _| {
                reached |= before == at;
                (before == at).then_some(Fault::Meanwhile(&act))
            });
            if !reached {
                break;
            }
            edits += 1;
            let said = &traced.stderr;
            let runner = place.read("apps/runner.yaml");
            assert!(
                runner.starts_with("# saved meanwhile\n"),
                "lost at {:?}: {said}",
                traced.calls[at]
            );
            if traced.ended == Ok(1) {
                refused += 1;
                assert_eq!(runner, edited);
                assert!(
                    said.contains("runner.yaml: it has been changed since it was read; run this"),
                    "{said}"
                );
            } else {
                assert_eq!(traced.ended, Ok(0), "{said}");
            }
            place.restore();
        }
    }
    println!("{edits} edits at the same time, of which {refused} ended the run; edits lost: 0");
    assert!(refused > 0);
}

#[test]
fn a_file_that_goes_meanwhile_does_not_come_back() {
    let place = Place::new();
    let path = place.at("apps/runner.yaml");
    let mut refused = 0;
    for at in 0.. {
        let mut reached = false;
        let act = || fs::remove_file(&path).unwrap();
        let traced = trace(&place.command(&IN_PLACE), place.path(), |before, _| {
            reached |= before == at;
            (before == at).then_some(Fault::Meanwhile(&act))
        });
        if !reached {
            break;
        }
        assert!(!path.exists(), "{:?}", traced.calls[at]);
        assert!(
            matches!(traced.ended, Ok(0 | 1)) && !traced.stderr.contains("panicked"),
            "{}",
            traced.stderr
        );
        let said = &traced.stderr;
        refused += usize::from(said.contains("runner.yaml: No such file or directory"));
        let names: Vec<_> = fs::read_dir(place.at("apps")).unwrap().collect();
        assert_eq!(names.len(), CHANGED.len(), "{names:?}");
        place.restore();
    }
    assert!(refused > 0);
}
