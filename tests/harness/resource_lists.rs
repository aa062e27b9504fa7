//! ResourceLists with a VerifyTerminals.

use krm::results::Severity;
use runner_terminal::verify;

use super::{Case, Kind, expect};

/// Whatever is found, only results are written.
pub(crate) fn check(case: &Case) -> Result<(), String> {
    let outcome = runner_terminal::run(case.text.as_bytes());
    let report = outcome.report();
    let worst = outcome.results().iter().map(|result| result.severity).max();
    let worst = match worst {
        None => "nothing",
        Some(Severity::Info) => "right",
        Some(Severity::Warning) => "warning",
        Some(Severity::Error) => "error",
    };
    let output = outcome.text();
    let added = output.strip_prefix(case.text.as_str()).unwrap_or_default();
    expect(
        added.starts_with("results:"),
        format!("more than results is written:\n{output}"),
    )?;
    expect(
        outcome.failed() == (worst == "error"),
        format!("the exit code is wrong:\n{report}"),
    )?;
    let says_what = case.all("says").next();
    expect(
        says_what.is_some(),
        "no line `# says: …` says what is found",
    )?;
    case.check_lines(|key, wanted| match key {
        "outcome" => Some(expect(worst == wanted, format!("{worst}\n{report}"))),
        "results" => {
            let count = outcome.results().len().to_string();
            Some(expect(count == wanted, &report))
        }
        "says" => Some(expect(report.contains(wanted), &report)),
        _ => None,
    })
}

/// `runner-terminal verify`, `resolve` and `check` use a functionConfig of another kind, which
/// selects the runners.
pub(crate) fn another_kind(case: &Case) -> Option<Result<(), String>> {
    let is_for_all = case.kind() == Kind::ResourceList && case.text.contains("  spec: {}\n");
    let asked = |text: &str| match verify(text.as_bytes()) {
        Ok(results) => format!("{results:?}"),
        Err(refusal) => refusal.message,
    };
    let expected = asked(&case.text);
    let others = ["SessionServer", "AdvertiseAddress"];
    let mut others = others
        .map(|kind| case.text.replace("VerifyTerminals", kind))
        .into_iter();
    is_for_all.then(|| {
        others.try_for_each(|other| {
            let found = asked(&other);
            expect(found == expected, found)?;
            let none = asked(&other.replace("  spec: {}\n", "  spec: {runner: {name: none}}\n"));
            expect(none.contains("found no GitLab Runner"), none)
        })
    })
}
