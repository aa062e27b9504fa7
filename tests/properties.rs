//! What holds of every fixture: a second run changes nothing, and `enabled: false` takes away
//! exactly what the first one added.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

const OWNED_BY: &str = "runner-terminal.dev/owned-by: SessionServer\n";

/// The fixtures with resources that an earlier run made.
const HAVE_OURS: [&str; 12] = [
    "exposure-api-server-relay-moved",
    "exposure-changed",
    "network-policy-gone",
    "readers-brought-up-to-date",
    "readers-foreign-and-not-asked-for",
    "readers-half-there",
    "readers-kustomize-prefixed",
    "readers-taken-away",
    "readers-up-to-date",
    "service-brought-up-to-date",
    "service-brought-up-to-date-lost-name",
    "service-brought-up-to-date-lost-port",
];

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
    assert!(count > 40, "only {count} fixtures were found");
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
        // These had resources of ours before, which go.
        if HAVE_OURS.contains(&name) || name == "json" {
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
fn disabling_removes_what_is_ours() {
    for name in HAVE_OURS {
        let path = format!("tests/fixtures/session-server/{name}.yaml");
        let input = std::fs::read_to_string(path).unwrap();
        let count = |list: &str, word: &str| items(list).matches(word).count();
        let ours = count(&input, OWNED_BY);
        let restored = run(&disabled(&input, &input));
        assert!(ours > 0, "{name}");
        assert_eq!(count(&restored, OWNED_BY), 0, "{name}");
        let resources = count(&input, "- apiVersion: ");
        assert_eq!(
            count(&restored, "- apiVersion: "),
            resources - ours,
            "{name}"
        );
    }
}

/// The same list without `readers` in the functionConfig of `fixture`.
fn without_readers(list: &str, fixture: &str) -> String {
    let config = &fixture[items(fixture).len()..];
    let start = config.find("    readers:\n").unwrap();
    let rest = config[start..].split_inclusive('\n').skip(1);
    let rest: String = rest
        .skip_while(|line| line.starts_with("    - ") || line.starts_with("      "))
        .collect();
    format!("{}{}{rest}", items(list), &config[..start])
}

/// Readers that are asked for no more leave nothing behind, and nothing else changes by them.
#[test]
fn readers_come_and_go_by_themselves() {
    each_fixture(|name, input| {
        if !input.contains("    readers:\n") {
            return;
        }
        let never = run(&without_readers(input, input));
        let no_more = run(&without_readers(&run(input), input));
        assert_eq!(items(&no_more), items(&never), "{name}");
        assert!(!items(&no_more).contains("kind: RoleBinding"), "{name}");
    });
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
