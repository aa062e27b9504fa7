//! Manifests as people have them, and what has to come of each.
//!
//! A case is one file below `tests/cases`, in any of its folders: manifests, a ResourceList with a
//! VerifyTerminals, or Helm values. The functionConfigs stand among its documents; where there are
//! none, the default is used. Its first lines say what is right, once as a sentence and once for this
//! test. Each line is `# KEY: VALUE`, and all but `Expected`, `outcome` and `config` may stand more than
//! once.
//!
//! | line | meaning |
//! |---|---|
//! | `# Expected: SENTENCE` | for people |
//! | `# outcome: served` | the functions succeed, and something changes |
//! | `# outcome: unchanged` | they succeed, and nothing changes |
//! | `# outcome: refused` | one fails, and nothing changes |
//! | `# says: TEXT` | the report has this text |
//! | `# never says: TEXT` | it has not |
//! | `# warnings: NUMBER` | the report has as many warnings |
//! | `# points at: TEXT` | the first result that has a line is about one with this text |
//! | `# adds: TEXT` | a line with this text is in the output and was not in the input |
//! | `# never adds: TEXT` | no such line |
//! | `# keeps: TEXT` | a line with this text stays as it is |
//! | `# removes: TEXT` | a line with this text was in the resources, and none is left |
//! | `# same up to: TEXT` | the file does not change before this text |
//! | `# edits: KIND NAME POINTER` | these lines name every value that changes in resources that are neither workloads nor Services; `# edits: nothing` |
//! | `# makes: KIND NAME` | these lines name every resource of this kind that is the function's |
//! | `# makes no: KIND` | none is |
//! | `# adopts: NAME` | this Service of the user's is used, and none is made |
//! | `# has: KIND NAME POINTER = JSON` | the output's resource has this value |
//! | `# lacks: KIND NAME POINTER` | it has none there |
//! | `# puts: KIND at NUMBER POINTER` | the output's document of this number, from 1, has such a resource there |
//! | `# second run says: TEXT` | the whole report of a second run; `nothing` |
//! | `# one by one: NAME, NAME` | runners that are disabled one after the other, in both orders, give every byte back |
//! | `# undo: same values` | disabling gives back all values, and not every byte |
//! | `# also refused: WHAT` | so are `another functionConfig` or `an address` (by AdvertiseAddress) after this one |
//! | `# config: SPEC` | the spec of the SessionServer, for files in which no document can stand; `default` says that none is used |
//!
//! A ResourceList has an outcome `right`, `warning` or `error`, which is the worst result, `says`, and
//! `# results: NUMBER`.
//! Helm values have these lines:
//!
//! | line | meaning |
//! |---|---|
//! | `# outcome: imported` | they become functionConfigs, with the exposure that all cases have |
//! | `# outcome: not imported` | they are refused |
//! | `# error: MESSAGE` | the whole message |
//! | `# exposure: JSON` | another exposure |
//! | `# note: LINE: MESSAGE` | one of the notes |
//! | `# note starts: LINE: TEXT` | how one of the notes begins |
//! | `# last note: TEXT` | the last one has this text |
//! | `# choose: --resource R --at PLACE` | so chosen they have that exposure, too |
//! | `# refuses: --at PLACE: MESSAGE` | so chosen they are refused with this message |
//!
//! What a case changes is a snapshot: `INSTA_UPDATE=always cargo test --test cases`, or `cargo insta
//! review`. What is said is not in it, as the first lines have what matters of that.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod harness;

use std::path::Path;

use harness::{CASES, Case, Kind, each, properties, resource_lists, values};
use similar::TextDiff;

#[test]
fn each_case_comes_out_as_its_first_lines_say() {
    each(|case| Some(case.check()));
}

#[test]
fn what_a_case_changes() {
    insta::glob!("cases/*/*.*", |path| {
        let case = Case::read(path);
        let changed = match case.kind() {
            Kind::Manifests if case.outcome() == "served" => {
                let output = case.ran().output.as_str();
                let diff = TextDiff::from_lines(case.text.as_str(), output);
                let diff = diff.unified_diff().context_radius(1).to_string();
                let diff = diff.replace('\r', "␍");
                // Lines move when the first lines of a case change.
                let lines = diff.lines().map(|line| match line.strip_prefix("@@ ") {
                    Some(_) => "@@",
                    None => line,
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            Kind::Values if case.outcome() == "imported" => values::imported(&case).unwrap().text,
            _ => return,
        };
        insta::assert_snapshot!(changed);
    });
}

/// Tests that ask a property of every case to which it applies, and there are at least as many.
macro_rules! each_case {
    ($($name:ident: $property:path, $cases:literal;)*) => {$(
        #[test]
        fn $name() {
            let tried = each($property);
            assert!(tried >= $cases, "only {tried}");
        }
    )*};
}

each_case! {
    a_second_run_changes_nothing: properties::second_run, 160;
    disabling_gives_every_byte_back: properties::disabling, 150;
    disabling_after_a_change_gives_every_byte_back: properties::disabling_after_a_change, 150;
    disabling_after_an_address_gives_every_byte_back: properties::disabling_after_an_address, 150;
    a_list_makes_no_difference: properties::in_a_list_makes_no_difference, 220;
    json_makes_no_difference: properties::json_makes_no_difference, 220;
    every_version_is_the_same: properties::every_version_is_the_same, 240;
    json_stays_json: properties::json_stays_json, 9;
    secrets_are_masked: properties::secrets_are_masked, 20;
    another_function_config_is_verified: resource_lists::another_kind, 50;
}

/// The row of a case in `docs/what-is-found.md`.
fn row(case: &Case) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    let name = case.file().trim_end_matches(".yaml").replace('-', " ");
    let words = case.all("says").map(|words| format!("“{}”", cell(words)));
    format!(
        "| [{name}](../tests/cases/{}) | {} | {} | {} |\n",
        case.path,
        cell(case.one("Expected").unwrap()),
        case.outcome(),
        words.collect::<Vec<_>>().join(", ")
    )
}

/// The folders that have a table there.
const IN_TABLES: [&str; 2] = ["recognise", "isolation"];

/// The tables of the page are made of the cases: `UPDATE_DOCS=1 cargo test --test cases`.
#[test]
fn the_page_has_a_row_for_each_case() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/what-is-found.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let mut made = text.clone();
    for folder in IN_TABLES {
        let (start, end) = (
            format!("<!-- {folder} -->\n"),
            format!("<!-- /{folder} -->"),
        );
        let (before, rest) = made.split_once(&start).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        let head = "\n| shape | what should happen | outcome | words |\n|---|---|---|---|\n";
        let of_folder = CASES
            .iter()
            .filter(|case| case.path.starts_with(&format!("{folder}/")));
        let rows: String = of_folder.map(row).collect();
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
