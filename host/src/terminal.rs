//! The user's terminal: its width, messages that fit it, and what it shows while the user waits.

use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use krm::text::printable;
use terminal_size::{Width, terminal_size_of};

use crate::table::wrap;

/// Text is not fitted to narrower terminals, in characters.
const MIN_WIDTH: u16 = 40;

/// The width of standard output, in characters; `None` if it is not a terminal.
pub(crate) fn stdout_width() -> Option<usize> {
    terminal_size_of(io::stdout()).map(|(width, _)| at_least(width))
}

/// The width of standard error, in characters; `None` if it is not a terminal.
fn stderr_width() -> Option<usize> {
    terminal_size_of(io::stderr()).map(|(width, _)| at_least(width))
}

fn at_least(Width(width): Width) -> usize {
    usize::from(width.max(MIN_WIDTH))
}

/// Standard error, where messages are wrapped between words if it is a terminal.
///
/// Errors are ignored: if it is closed, nobody is left to tell.
pub(crate) fn stderr() -> Messages<io::Stderr> {
    Messages::new(io::stderr(), stderr_width())
}

/// Writes messages, one a line, to standard error.
pub(crate) fn report(messages: &str) {
    let mut stderr = stderr();
    let _ = stderr.write_all(messages.as_bytes());
    let _ = stderr.flush();
}

/// Messages, one a line, as standard output shows them.
pub(crate) fn fitted(messages: &str) -> String {
    fit(messages, stdout_width())
}

fn fit(messages: &str, width: Option<usize>) -> String {
    let mut fitted = Vec::new();
    let mut writer = Messages::new(&mut fitted, width);
    // Writing into memory does not fail.
    let _ = writer.write_all(messages.as_bytes());
    let _ = writer.flush();
    drop(writer);
    String::from_utf8_lossy(&fitted).into_owned()
}

/// A writer that wraps messages between words, if it has a width.
///
/// Only messages are wrapped. What follows an empty line is manifests or commands to copy, and stays as
/// it is up to the next message; so does an indented line.
#[derive(Debug)]
pub(crate) struct Messages<W: Write> {
    output: W,
    width: Option<usize>,
    /// The line that has not ended yet.
    line: Vec<u8>,
    is_message: bool,
}

impl<W: Write> Messages<W> {
    fn new(output: W, width: Option<usize>) -> Self {
        Self {
            output,
            width,
            line: Vec::new(),
            is_message: true,
        }
    }

    fn write_line(&mut self, width: usize) -> io::Result<()> {
        /// How messages begin.
        const STARTS: [&str; 4] = ["runner-terminal: ", "error: ", "warning: ", "info: "];
        /// The indentation of a message's continuation lines.
        const INDENTATION: &str = "  ";

        let line = std::mem::take(&mut self.line);
        let Ok(text) = std::str::from_utf8(&line) else {
            return self.output.write_all(&line);
        };
        let content = text.trim_end_matches('\n');
        if content.is_empty() {
            self.is_message = false;
        } else if STARTS.iter().any(|start| content.starts_with(start)) {
            self.is_message = true;
        }
        let is_long = content.chars().count() > width;
        if !(self.is_message && is_long) || content.starts_with(char::is_whitespace) {
            return self.output.write_all(&line);
        }
        let lines = wrap(content, width.saturating_sub(INDENTATION.len()));
        let wrapped = lines.join(&format!("\n{INDENTATION}"));
        self.output.write_all(wrapped.as_bytes())?;
        self.output
            .write_all(text.get(content.len()..).unwrap_or_default().as_bytes())
    }
}

impl<W: Write> Write for Messages<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(width) = self.width else {
            return self.output.write(bytes);
        };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.write_line(width)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let (Some(width), false) = (self.width, self.line.is_empty()) {
            self.write_line(width)?;
        }
        self.output.flush()
    }
}

impl<W: Write> Drop for Messages<W> {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

/// A line on standard error that says what the command waits for. It is shown after a second, and
/// only at a terminal.
#[derive(Debug)]
pub(crate) struct Waiting {
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Shows what takes a while, such as "connecting to 192.0.2.7:9000", and for how long, until the result is
/// dropped.
pub(crate) fn waiting(what: impl FnOnce() -> String) -> Waiting {
    start(what, |what, is_done| {
        let line = moving_line(what);
        // Until the sender is dropped.
        let _ = is_done.recv();
        line.finish_and_clear();
    })
}

/// Like [`waiting`], but with a line that does not move: a program may prompt for a password at the
/// terminal, and a moving line would hide the prompt.
pub(crate) fn waiting_still(what: impl FnOnce() -> String) -> Waiting {
    start(what, |what, _| {
        report(&format!("runner-terminal: {what}\n"))
    })
}

/// Anything faster needs no line.
const DELAY: Duration = Duration::from_secs(1);

fn start(what: impl FnOnce() -> String, draw: fn(String, &Receiver<()>)) -> Waiting {
    if !io::stderr().is_terminal() {
        return Waiting { drawing: None };
    }
    let what = printable(&what()).into_owned();
    let (done, is_done) = mpsc::channel::<()>();
    let thread = thread::Builder::new().spawn(move || {
        if is_done.recv_timeout(DELAY) == Err(RecvTimeoutError::Timeout) {
            draw(what, &is_done);
        }
    });
    Waiting {
        // Without a thread there is no line, and everything else works.
        drawing: thread.ok().map(|thread| (done, thread)),
    }
}

/// A line that says how long it has taken so far. It is drawn on standard error.
fn moving_line(what: String) -> ProgressBar {
    let line = ProgressBar::new_spinner()
        .with_message(what)
        .with_elapsed(DELAY);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
        line.set_style(style);
    }
    line.enable_steady_tick(Duration::from_millis(200));
    line
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.drawing.take() {
            drop(done);
            // It has nothing left to do but to clear the line.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "runner-terminal: error: Deployment ci/runner: it has no address yet\n";

    #[test]
    fn messages_are_wrapped_between_words_at_a_terminal_only() {
        assert_eq!(
            fit(MESSAGE, Some(40)),
            "runner-terminal: error: Deployment\n  ci/runner: it has no address yet\n"
        );
        assert_eq!(fit(MESSAGE, Some(MESSAGE.len() - 1)), MESSAGE);
        assert_eq!(fit(MESSAGE, None), MESSAGE);
        let unended = MESSAGE.trim_end();
        assert_eq!(fit(unended, Some(40)).matches('\n').count(), 1);
    }

    #[test]
    fn text_to_copy_stays() {
        let manifests =
            "\nkind: Role\nmetadata: {name: \"a name that is longer than the terminal is wide\"}\n";
        let text = format!("{MESSAGE}{manifests}{MESSAGE}");
        let fitted = fit(&text, Some(40));
        assert!(fitted.contains(manifests), "{fitted}");
        assert!(
            fitted.ends_with("\n  ci/runner: it has no address yet\n"),
            "{fitted}"
        );
        let indented = format!("  {MESSAGE}");
        assert_eq!(fit(&indented, Some(40)), indented);
    }

    #[test]
    fn pieces_of_a_line_are_put_together() {
        let mut fitted = Vec::new();
        let mut writer = Messages::new(&mut fitted, Some(40));
        for byte in MESSAGE.as_bytes() {
            writer.write_all(&[*byte]).unwrap();
        }
        drop(writer);
        assert_eq!(String::from_utf8(fitted).unwrap(), fit(MESSAGE, Some(40)));
    }

    #[test]
    fn bytes_that_are_no_text_are_passed_on() {
        let mut written = Vec::new();
        let mut writer = Messages::new(&mut written, Some(40));
        let bytes = [b"\xff ".repeat(50), b"\n".to_vec()].concat();
        writer.write_all(&bytes).unwrap();
        drop(writer);
        assert_eq!(written, bytes);
    }
}
