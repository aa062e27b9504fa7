//! What holds of every fixture: a second run changes nothing, and `enabled: false` takes away
//! exactly what the first one added.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

/// The list up to its functionConfig: what stands in the user's repository.
fn items(list: &str) -> &str {
    let end = list.find("functionConfig:").unwrap_or(list.len());
    &list[..end]
}

/// The same list with `enabled: false` in the functionConfig of `fixture`.
fn disabled(list: &str, fixture: &str) -> String {
    let newline = if fixture.contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let config = &fixture[items(fixture).len()..];
    let spec = format!("  spec:{newline}");
    let enabled = format!("{spec}    enabled: false{newline}");
    let config = if config.contains("enabled: false") {
        config.to_owned()
    } else if config.contains(&spec) {
        config.replace(&spec, &enabled)
    } else {
        format!("{config}{enabled}")
    };
    format!("{}{config}", items(list))
}

fn run(input: &str) -> String {
    let outcome = runner_terminal::run(input.as_bytes());
    assert!(!outcome.failed(), "{}\n{input}", outcome.report());
    outcome.text()
}

fn each_fixture(check: impl Fn(&str, &str)) {
    let mut count = 0;
    for entry in std::fs::read_dir("tests/fixtures/session-server").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        check(&name, &std::fs::read_to_string(&path).unwrap());
        count += 1;
    }
    assert!(count > 30, "only {count} fixtures were found");
}

#[test]
fn a_second_run_changes_nothing() {
    each_fixture(|name, input| {
        let once = run(input);
        let twice = run(&once);
        assert_eq!(items(&once), items(&twice), "{name}");
    });
}

#[test]
fn disabling_takes_away_what_was_added() {
    each_fixture(|name, input| {
        // This one had a Service of ours before, which goes.
        if name == "service-brought-up-to-date" || name == "json" {
            return;
        }
        let restored = run(&disabled(&run(input), input));
        // An empty `annotations:` is the one thing that does not come back: to Kubernetes it is
        // the same as none.
        let expected = items(input).replace("        annotations:   # none yet\n", "");
        assert_eq!(items(&restored), expected, "{name}");
    });
}

#[test]
fn disabling_an_owned_service_removes_it() {
    let path = "tests/fixtures/session-server/service-brought-up-to-date.yaml";
    let input = std::fs::read_to_string(path).unwrap();
    let restored = run(&disabled(&input, &input));
    assert!(!restored.contains("kind: Service\n"));
    assert!(restored.contains("kind: Deployment\n"));
}

/// The functionConfig changes between two runs on the same files: what an earlier run wrote is
/// ours to change, without a warning, and what stood there before it is still known.
#[test]
fn a_changed_function_config_replaces_what_an_earlier_run_wrote() {
    let path = "tests/fixtures/session-server/existing-table.yaml";
    let input = std::fs::read_to_string(path).unwrap();
    let first = run(&input);
    let second = first.replace("terminal.example.com\n", "other.example.com\n");
    let outcome = runner_terminal::run(second.as_bytes());
    assert!(
        !outcome.report().contains("warning"),
        "{}",
        outcome.report()
    );
    let output = outcome.text();
    assert!(output.contains("advertise_address = \"other.example.com:9000\"\n"));
    let restored = run(&disabled(&output, &input));
    assert_eq!(items(&restored), items(&input));
}
