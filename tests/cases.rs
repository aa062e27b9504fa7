//! Real-world manifests, and what the functions must do with each.
//!
//! A case is one file in a folder of `tests/cases`: manifests, a ResourceList with a VerifyTerminals, or
//! Helm values. A functionConfig is one of its documents; without one, the default is used. The first
//! lines of the file say what is right: a sentence for people, then lines `# KEY: VALUE` for this test.
//! An unknown key is an error. Most keys may stand more than once.
//!
//! | manifests | what must be true |
//! |---|---|
//! | `# Expected: SENTENCE` | for people |
//! | `# outcome: served` | the functions succeed, and the file changes |
//! | `# outcome: unchanged` | they succeed, and the file does not change |
//! | `# outcome: refused` | one fails, and the file does not change; `says` has to give the reason |
//! | `# config: SPEC` | nothing; it is the spec of the SessionServer, for JSON. `default`: no functionConfig is found |
//! | `# says: TEXT` | the report contains it |
//! | `# never says: TEXT` | the report does not contain it |
//! | `# warnings: NUMBER` | the report has this many warnings |
//! | `# points at: TEXT` | the first result with a line names one that contains it |
//! | `# adds: TEXT` | a line that is added contains it |
//! | `# never adds: TEXT` | no line that is added contains it |
//! | `# keeps: TEXT` | a line that does not change contains it |
//! | `# removes: TEXT` | a line that is removed contains it, and no line of the resources does any more |
//! | `# same up to: TEXT` | nothing before it changes |
//! | `# edits: KIND NAME POINTER` | these lines are all values of the user's that change outside of workloads and Services; `nothing` |
//! | `# makes: KIND NAME` | these lines are all resources of this kind that the function owns |
//! | `# makes no: KIND` | the function owns none of this kind |
//! | `# adopts: NAME` | the user's Service is adopted, and none is added |
//! | `# has: KIND NAME POINTER = JSON` | a resource of the output has this value |
//! | `# lacks: KIND NAME POINTER` | the resource is in the output without a value there |
//! | `# puts: KIND at NUMBER POINTER` | document NUMBER of the output has such a resource there |
//! | `# second run says: TEXT` | this is the whole report of a second run; `nothing` |
//! | `# one by one: NAME, NAME` | disabling these runners one by one, in either order, gives every byte back |
//! | `# undo: same values` | disabling gives every value back, but not every byte |
//! | `# also refused: WHAT` | `another functionConfig`, or `an address` by AdvertiseAddress, is refused after this run |
//!
//! | ResourceList | what must be true |
//! |---|---|
//! | `# outcome: right` | the worst result is an info; so for `warning` and `error` |
//! | `# says: TEXT` | the report contains it |
//! | `# results: NUMBER` | there are this many results |
//!
//! | Helm values | what must be true |
//! |---|---|
//! | `# outcome: imported` | they are imported, with the exposure that these cases share |
//! | `# outcome: not imported` | they are refused; `error` has to give the message |
//! | `# error: MESSAGE` | this is the whole message |
//! | `# exposure: JSON` | they have another exposure |
//! | `# note: LINE: MESSAGE` | this is one of the notes |
//! | `# note starts: LINE: TEXT` | one of the notes starts so |
//! | `# last note: TEXT` | the last note contains it |
//! | `# choose: --resource R --at PLACE` | with these arguments they are imported, with the same exposure |
//! | `# refuses: --at PLACE: MESSAGE` | with these arguments they are refused with this message |
//!
//! What a case changes is kept as a snapshot: `cargo insta review`, or `INSTA_UPDATE=always cargo test
//! --test cases`. The report is not part of it, so that a better wording changes one line of a case.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod harness;

use std::path::Path;

use harness::{CASES, Case, Kind, each, pod_start, properties, resource_lists, values};
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
                // Line numbers change with the first lines of a case.
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

/// Each way to store a `config.toml`, with `configure.at: PodStart`.
#[test]
fn how_each_configuration_is_written_at_the_pods_start() {
    let mut table = String::new();
    for case in CASES.iter() {
        if case.path.starts_with("configuration/") && case.kind() == Kind::Manifests {
            table.push_str(&pod_start::row(case));
        }
    }
    insta::assert_snapshot!(table);
}

/// Tests that check a property of every case to which it applies, and that there are at least this
/// many such cases.
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
    the_pods_start_is_named_where_it_works: properties::the_pods_start_is_named_where_it_works, 30;
    json_stays_json: properties::json_stays_json, 9;
    secrets_are_masked: properties::secrets_are_masked, 20;
    init_containers_have_the_least_privileges: pod_start::least_privileges, 30;
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

/// The folders that have a table on that page.
const IN_TABLES: [&str; 4] = ["recognise", "pod-start", "per-pod", "isolation"];

/// The tables of the page are generated from the cases: `UPDATE_DOCS=1 cargo test --test cases`.
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
    let (section, _) = rest
        .split_once("## Configured when the pod starts")
        .unwrap();
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
