//! `import-values`: which values it reads from a file, its messages, and its exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod program;

use program::{Ended, command, run};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/import-values");

fn import(case: &str, arguments: &[&str]) -> Ended {
    let path = format!("{CASES}/{case}.yaml");
    run(command(&["import-values", &path]).args(arguments), b"")
}

#[test]
fn the_place_that_was_taken_is_told() {
    let ended = import("nested", &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.text().contains("    nodePort: 30903\n"),
        "{}",
        ended.text()
    );
    let told = "nested.yaml:5: platform.ci.values: these values are taken as those of the chart \
                gitlab-runner\n";
    assert!(ended.stderr.ends_with(told), "{}", ended.stderr);
}

#[test]
fn the_pods_start_takes_the_place_of_the_charts_scripts() {
    const IMAGE: &str = "registry.example.com/runner-terminal:0.2.0";
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/chart-values/on.yaml"
    );
    let start = ["--configure", "PodStart", "--image", IMAGE];
    let ended = run(command(&["import-values", path]).args(start), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let configure = format!("  configure:\n    at: PodStart\n    image: \"{IMAGE}\"\n");
    assert!(ended.text().contains(&configure), "{}", ended.text());
    assert!(
        !ended.text().contains("AdvertiseAddress"),
        "{}",
        ended.text()
    );
    assert!(
        ended
            .stderr
            .contains("set it to false in the chart's values"),
        "{}",
        ended.stderr
    );

    for incomplete in [&start[..2], &start[2..]] {
        let ended = run(command(&["import-values", path]).args(incomplete), b"");
        assert_eq!(ended.code, 2, "{incomplete:?}: {}", ended.stderr);
    }
}

#[test]
fn a_place_is_chosen_by_arguments() {
    for (case, arguments) in [
        ("two-dependencies", &["--at", "runner-small"][..]),
        ("two-releases", &["--resource", "HelmRelease/b"]),
        (
            "two-releases",
            &["--resource", "HelmRelease/ci/b", "--at", "spec.values"],
        ),
        (
            "kustomization-of-two",
            &["--at", "helmCharts[1].valuesInline"],
        ),
    ] {
        let ended = import(case, arguments);
        assert_eq!(ended.code, 0, "{case}: {}", ended.stderr);
        assert!(
            ended.text().contains("    nodePort: 30903\n"),
            "{case}: {}",
            ended.text()
        );
    }
}

#[test]
fn what_is_refused_says_the_way_on() {
    for (case, way_on) in [
        (
            "two-dependencies",
            ". Choose one, as by --at runner-large\n",
        ),
        (
            "two-releases",
            ". Choose one, as by --resource HelmRelease/ci/a\n",
        ),
        (
            "kustomization-of-two",
            ". Choose one, as by --at helmCharts.0.valuesInline\n",
        ),
        (
            "unknown",
            ". If the chart's values are in it, say where with --at (. for the top)\n",
        ),
    ] {
        let ended = import(case, &[]);
        assert_eq!((ended.code, ended.text()), (1, ""), "{case}");
        assert!(ended.stderr.ends_with(way_on), "{case}: {}", ended.stderr);
    }
}

#[test]
fn nothing_on_standard_input_is_refused() {
    let ended = run(&mut command(&["import-values", "-"]), b"");
    assert_eq!((ended.code, ended.text()), (1, ""));
    assert!(
        ended.stderr.contains("the file is empty"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_path_that_is_none_is_a_wrong_argument() {
    let ended = import("nested", &["--at", "a..b"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("a key is empty"), "{}", ended.stderr);
}
