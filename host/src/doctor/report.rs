//! A line for each step: right, a problem, or skipped.

use anstyle::{AnsiColor, Style};
use krm::results::FunctionResult;
use krm::text::lines;

use crate::table::{WIDTH, wrap};

/// What is examined, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The manifests can be read, and have a runner.
    Manifests,
    /// The runners have a session server, and nothing is pending.
    Function,
    /// The finished manifests are right.
    Verify,
    /// The Service is in the cluster and has an address.
    Service,
    /// The address's host has an IP address.
    Dns,
    /// The address accepts connections.
    Tcp,
    /// It has the runner's own certificate.
    Tls,
    /// A session server answers.
    SessionServer,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Manifests,
        Self::Function,
        Self::Verify,
        Self::Service,
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::SessionServer,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Manifests => "manifests",
            Self::Function => "function",
            Self::Verify => "verify",
            Self::Service => "Service",
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::SessionServer => "session server",
        }
    }
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Ok,
    Problem,
    Skipped,
}

impl Mark {
    /// The mark, also as a word: not everybody sees colours.
    fn text(self) -> &'static str {
        match self {
            Self::Ok => "✓ ok",
            Self::Problem => "✗ problem",
            Self::Skipped => "- skipped",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Ok => AnsiColor::Green.on_default(),
            Self::Problem => AnsiColor::Red.on_default().bold(),
            Self::Skipped => Style::new().dimmed(),
        }
    }
}

/// The width of the marks, and two blanks.
const INDENTATION: usize = 11;

/// The first step that is wrong.
#[derive(Debug)]
pub(super) struct Stop {
    step: Step,
    problem: String,
    manifests: String,
}

impl Stop {
    pub(super) fn at(step: Step, problem: String) -> Self {
        let manifests = String::new();
        Self {
            step,
            problem,
            manifests,
        }
    }

    /// A result's message; the manifests at its end become separate lines.
    pub(super) fn refused(step: Step, mut result: FunctionResult) -> Self {
        let manifests = std::mem::take(&mut result.manifests);
        result.message = result.summary().to_owned();
        Self::at(step, result.to_string()).with_manifests(Some(&manifests))
    }

    /// The same, with manifests to apply.
    pub(super) fn with_manifests(mut self, manifests: Option<&str>) -> Self {
        self.manifests = manifests.unwrap_or_default().to_owned();
        self
    }
}

#[derive(Debug)]
struct Line {
    step: Step,
    mark: Mark,
    text: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
    /// Manifests to apply.
    manifests: String,
    /// The first step that was not requested.
    end: Option<Step>,
}

impl Report {
    pub(super) fn ok(&mut self, step: Step, text: String) {
        self.push(step, Mark::Ok, text);
    }

    pub(super) fn skipped(&mut self, step: Step, text: String) {
        self.push(step, Mark::Skipped, text);
    }

    /// The steps from this one on were not requested, for this reason.
    pub(super) fn end(&mut self, first: Step, reason: &str) {
        self.end = Some(first);
        for step in Step::ALL.into_iter().filter(|step| *step >= first) {
            self.push(step, Mark::Skipped, reason.to_owned());
        }
    }

    /// A problem; the steps after it are skipped.
    pub(super) fn stop(&mut self, stop: Stop) {
        self.push(stop.step, Mark::Problem, stop.problem);
        self.manifests = stop.manifests;
        for step in Step::ALL.into_iter().filter(|step| *step > stop.step) {
            self.push(step, Mark::Skipped, String::new());
        }
    }

    fn push(&mut self, step: Step, mark: Mark, text: String) {
        self.lines.push(Line { step, mark, text });
    }

    /// True if every requested step is right.
    pub(super) fn is_well(&self) -> bool {
        let asked = self
            .lines
            .iter()
            .filter(|line| self.end.is_none_or(|end| line.step < end));
        asked.into_iter().all(|line| line.mark == Mark::Ok)
    }

    /// The report for people.
    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        for Line { step, mark, text } in &self.lines {
            let text = match text.as_str() {
                "" => step.name().to_owned(),
                text => format!("{}: {}", step.name(), lines(text)),
            };
            let (style, mut shown) = (mark.style(), mark.text());
            for line in wrap(&text, WIDTH - INDENTATION) {
                let blanks = " ".repeat(INDENTATION - shown.chars().count());
                page.push_str(&format!("{style}{shown}{style:#}{blanks}{line}\n"));
                shown = "";
            }
        }
        if !self.manifests.is_empty() {
            page.push_str(&format!("\n{}\n", lines(&self.manifests)));
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(report: &Report) -> String {
        anstream::adapter::strip_str(&report.page()).to_string()
    }

    #[test]
    fn steps_after_a_problem_are_skipped() {
        let mut report = Report::default();
        report.ok(Step::Manifests, "Deployment ci/runner".to_owned());
        report.stop(Stop::at(
            Step::Tls,
            format!("no\u{1b}[2J {}", "word ".repeat(20)),
        ));
        let page = plain(&report);
        assert!(page.starts_with("✓ ok       manifests: Deployment ci/runner\n✗ problem  TLS: no"));
        assert!(
            page.ends_with("word\n- skipped  session server\n"),
            "{page}"
        );
        assert!(
            page.lines().all(|line| line.chars().count() <= WIDTH),
            "{page}"
        );
        assert!(!page.contains('\u{1b}'));
        assert!(!report.is_well());
    }

    #[test]
    fn what_was_not_asked_for_is_no_fault() {
        let mut report = Report::default();
        report.ok(Step::Manifests, String::new());
        report.end(Step::Service, "--offline");
        assert!(report.is_well());
        assert_eq!(plain(&report).matches("- skipped").count(), 5);
        report.skipped(Step::Function, String::new());
        assert!(!report.is_well());
    }
}
