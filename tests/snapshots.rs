//! The function's output for each fixture: the change as a diff, and the results as the user reads
//! them. `cargo insta review` shows the effects of a code change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use similar::TextDiff;

fn change(input: &str) -> String {
    let outcome = runner_terminal::run(input.as_bytes());
    let output = outcome.text();
    let diff = TextDiff::from_lines(input, &output);
    let diff = diff.unified_diff().context_radius(1).to_string();
    format!(
        "{}\n{}{}",
        if outcome.failed() {
            "failed"
        } else {
            "succeeded"
        },
        outcome.report(),
        diff.replace('\r', "␍")
    )
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn succeeded(path: &Path) -> String {
    let change = change(&read(path));
    assert!(
        change.starts_with("succeeded"),
        "{}: {change}",
        path.display()
    );
    change
}

#[test]
fn session_server() {
    insta::glob!("fixtures/session-server/*.yaml", |path| {
        let change = succeeded(path);
        insta::assert_snapshot!(change);
    });
}

#[test]
fn advertise_address() {
    insta::glob!("fixtures/advertise-address/*.yaml", |path| {
        let change = succeeded(path);
        insta::assert_snapshot!(change);
    });
}

fn refusal(path: &Path) -> String {
    let input = read(path);
    let outcome = runner_terminal::run(input.as_bytes());
    assert!(outcome.failed(), "{}", path.display());
    // None of the user's data changes: the whole input is there, followed by the results.
    let kept = without_observed(&input);
    assert!(outcome.text().starts_with(&kept), "{}", path.display());
    outcome.report()
}

/// A list without its last items, if a host has added them.
fn without_observed(list: &str) -> String {
    let Some((items, config)) = list.split_once("functionConfig:\n") else {
        return list.to_owned();
    };
    let (before, last) = items.rsplit_once("\n- ").unwrap_or((items, ""));
    if last.contains("runner-terminal.dev/observed:") {
        without_observed(&format!("{before}\nfunctionConfig:\n{config}"))
    } else {
        list.to_owned()
    }
}

#[test]
fn refused() {
    insta::glob!("fixtures/refused/*.yaml", |path| {
        insta::assert_snapshot!(refusal(path));
    });
}

#[test]
fn refused_address() {
    insta::glob!("fixtures/refused-address/*.yaml", |path| {
        insta::assert_snapshot!(refusal(path));
    });
}

#[test]
fn not_a_resource_list() {
    insta::glob!("fixtures/not-a-list/*.yaml", |path| {
        let input = read(path);
        let outcome = runner_terminal::run(input.as_bytes());
        assert!(outcome.failed(), "{}", path.display());
        assert_eq!(outcome.text(), "", "{}", path.display());
        insta::assert_snapshot!(outcome.report());
    });
}

/// The rendered manifests of the real chart, and the shapes of later versions of it: which are
/// patched, which are refused, which adopted.
#[test]
fn chart() {
    let config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: session-server\n";
    let known = format!("{config}spec:\n  advertiseAddress: terminal.example.com\n");
    insta::glob!("fixtures/chart/*.yaml", |path| {
        let text = read(path);
        let name = path.file_name().unwrap().to_string_lossy();
        let change = |config: &str| {
            let list = krm::documents::to_resource_list(&[(&*name, &text)], config).unwrap();
            change(&list.text)
        };
        insta::assert_snapshot!(change(config));
        insta::assert_snapshot!(change(&known));
    });
}

/// The shapes of later versions of the chart get the same changes and messages as those of the
/// pinned one.
#[test]
fn later_charts_are_served_as_the_pinned_one() {
    const SPECS: [&str; 5] = [
        "{}",
        "{advertiseAddress: terminal.example.com}",
        "{configure: {at: PodStart, image: registry.example.com/runner-terminal:1}}",
        "{exposure: {type: PodIP}, configure: {at: PodStart, image: registry.example.com/runner-terminal:1}}",
        "{replicas: Shard, exposure: {type: NodePort, nodePort: 30900, nodeAddress: node.example.com}}",
    ];
    let outcome = |name: &str, spec: &str| {
        let config = format!(
            "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: session-server\nspec: {spec}\n"
        );
        let text = read(Path::new(&format!("tests/fixtures/chart/{name}.yaml")));
        let list = krm::documents::to_resource_list(&[("chart.yaml", &text)], &config).unwrap();
        let outcome = runner_terminal::run(list.text.as_bytes());
        (outcome.failed(), outcome.report())
    };
    for (pinned, later) in [
        ("chart-default", "later-default"),
        ("chart-default", "later-config-override"),
        ("chart-session-server-on", "later-session-server-on"),
        ("chart-replicas-3", "later-replicas-3"),
    ] {
        let mut served = 0;
        for spec in SPECS {
            let (failed, report) = outcome(pinned, spec);
            assert_eq!(outcome(later, spec), (failed, report), "{later}, {spec}");
            served += usize::from(!failed);
        }
        assert!(served >= 2, "{later} is served by {served}");
    }
}
