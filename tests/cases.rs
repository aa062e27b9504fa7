//! Manifests as people have them, and what has to come of each.
//!
//! A case is one file below `tests/cases`: manifests, the functionConfigs among them, and in its
//! first lines what is right, once as a sentence (`# Expected: …`) and once for this test:
//!
//! | line | meaning |
//! |---|---|
//! | `# outcome: served` | the functions succeed, and something changes |
//! | `# outcome: unchanged` | they succeed, and nothing changes |
//! | `# outcome: refused` | one fails, and nothing changes |
//! | `# says: TEXT` | the report has this text; the line may stand more than once, as the others below |
//! | `# never says: TEXT` | it has not |
//! | `# adds: TEXT` | a line with this text is in the output and was not in the input |
//! | `# never adds: TEXT` | no such line |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use runner_terminal::documents::{Run, apply, function_configs};
use similar::{ChangeTag, TextDiff};

/// What came of a case.
struct Came {
    outcome: &'static str,
    report: String,
    added: Vec<String>,
    output: String,
}

fn run(path: &str, text: &str) -> Came {
    let files = [(path, text)];
    let configs = function_configs(&files, &[]).unwrap();
    let applied = apply(&files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&runner_terminal::run(list.as_bytes())))
    });
    match applied {
        Err(error) => Came {
            outcome: "refused",
            report: error.to_string(),
            added: Vec::new(),
            output: text.to_owned(),
        },
        Ok(applied) => {
            let output = applied.texts.into_iter().next().unwrap();
            let diff = TextDiff::from_lines(text, &output);
            let added = diff
                .iter_all_changes()
                .filter(|change| change.tag() == ChangeTag::Insert)
                .map(|change| change.to_string())
                .collect();
            Came {
                outcome: match (applied.failed, output == text) {
                    (true, true) => "refused",
                    (true, false) => "refused and changed",
                    (false, true) => "unchanged",
                    (false, false) => "served",
                },
                report: applied.report,
                added,
                output,
            }
        }
    }
}

/// What is wrong with what came of a case.
fn faults(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let came = run(name, &text);
    let mut faults = Vec::new();
    let mut outcomes = 0;
    for line in text.lines().take_while(|line| line.starts_with('#')) {
        let Some((key, wanted)) = line.trim_start_matches(['#', ' ']).split_once(": ") else {
            continue;
        };
        let adds = |text: &str| came.added.iter().any(|line| line.contains(text));
        let (holds, found) = match key {
            "outcome" => {
                outcomes += 1;
                (
                    came.outcome == wanted,
                    came.outcome.to_owned() + "\n" + &came.report,
                )
            }
            "says" => (came.report.contains(wanted), came.report.clone()),
            "never says" => (!came.report.contains(wanted), came.report.clone()),
            "adds" => (adds(wanted), came.added.concat()),
            "never adds" => (!adds(wanted), came.added.concat()),
            "Expected" => continue,
            _ => (false, "no such key".to_owned()),
        };
        if !holds {
            faults.push(format!("{}: {line}\n{found}", path.display()));
        }
    }
    if outcomes != 1 {
        faults.push(format!("{}: has {outcomes} outcomes", path.display()));
    }
    // What has been served changes no more.
    if came.outcome == "served" {
        let again = run(name, &came.output);
        if again.outcome != "unchanged" {
            let (outcome, report) = (again.outcome, again.report);
            faults.push(format!(
                "{}: a second run: {outcome}\n{report}",
                path.display()
            ));
        }
    }
    faults
}

/// The cases of a folder below `tests/cases`, sorted by name.
fn cases(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = std::fs::read_dir(root.join(folder)).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no case");
    found
}

/// The folders whose cases are run here.
const FOLDERS: [&str; 2] = ["recognise", "isolation"];

#[test]
fn each_case_comes_out_as_its_first_lines_say() {
    let all = FOLDERS.iter().flat_map(|folder| cases(folder));
    let faults: Vec<String> = all.flat_map(|path| faults(&path)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The row of a case in `docs/what-is-found.md`.
fn row(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let value = |key: &str| {
        let lines = text.lines().take_while(|line| line.starts_with('#'));
        let found = lines.filter_map(|line| line.strip_prefix(&format!("# {key}: ")));
        found.collect::<Vec<_>>()
    };
    let folder = path.parent().unwrap().file_name().unwrap();
    let file = path.file_name().unwrap().to_str().unwrap();
    let name = path
        .file_stem()
        .unwrap()
        .to_str()
        .unwrap()
        .replace('-', " ");
    let words: Vec<String> = value("says")
        .into_iter()
        .map(|words| format!("“{}”", words.replace('|', "\\|").replace('<', "&lt;")))
        .collect();
    format!(
        "| [{name}](../tests/cases/{}/{file}) | {} | {} | {} |\n",
        folder.to_str().unwrap(),
        value("Expected")[0]
            .replace('|', "\\|")
            .replace('<', "&lt;"),
        value("outcome")[0],
        words.join(", ")
    )
}

/// The tables of the page are made of the cases: `UPDATE_DOCS=1 cargo test --test cases`.
#[test]
fn the_page_has_a_row_for_each_case() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/what-is-found.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let mut made = text.clone();
    for folder in FOLDERS {
        let (start, end) = (
            format!("<!-- {folder} -->\n"),
            format!("<!-- /{folder} -->"),
        );
        let (before, rest) = made.split_once(&start).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        let head = "\n| shape | what should happen | outcome | words |\n|---|---|---|---|\n";
        let rows: String = cases(folder).iter().map(|path| row(path)).collect();
        made = format!("{before}{start}{head}{rows}\n{end}{after}");
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &made).unwrap();
    } else {
        assert_eq!(
            text, made,
            "UPDATE_DOCS=1 cargo test --test cases makes the tables anew"
        );
    }
}

/// The tables of the page that are written by hand name cases by their files.
#[test]
fn the_page_names_cases_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/what-is-found.md")).unwrap();
    let (_, rest) = text.split_once("## Which file the runner reads").unwrap();
    let (section, _) = rest.split_once("## Who keeps GitLab out").unwrap();
    let mut named = 0;
    for row in section.lines().filter(|line| line.starts_with("| ")) {
        let last = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        for case in last.split('`').skip(1).step_by(2) {
            let file = root.join(format!("tests/cases/configuration/{case}.yaml"));
            assert!(file.exists(), "{case} in {row}");
            named += 1;
        }
    }
    assert!(named > 30, "{named}");
}
