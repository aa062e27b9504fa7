//! Properties of every fixture, and of random lists: a second run changes nothing, `enabled: false`
//! removes exactly what the first run added, what is not ours is preserved byte for byte, and the
//! order of the items makes no difference.
//!
//! `PROPTEST_CASES` sets the number of random lists.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says how much it has tried"
)]

mod lists;

use std::cell::Cell;

use lists::{
    List, configs, disabled as switched_off, lists as random_lists, test_runner, with_config,
    without_config,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const OWNED_BY: &str = "runner-terminal.dev/owned-by: SessionServer\n";

/// The list up to its functionConfig: the part in the user's repository.
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
        // Resources from an earlier run are removed, and no line can be inserted into a
        // functionConfig in JSON.
        if input.contains(OWNED_BY) || input.contains("\n{") {
            return;
        }
        let restored = run(&disabled(&run(input), input));
        assert_eq!(items(&restored), items(input), "{name}");
    });
}

#[test]
fn disabling_removes_what_is_ours() {
    let tried = Cell::new(0);
    each_fixture(|name, input| {
        let count = |list: &str, word: &str| items(list).matches(word).count();
        let ours = count(input, OWNED_BY);
        if ours == 0 {
            return;
        }
        let restored = run(&disabled(input, input));
        assert_eq!(count(&restored, OWNED_BY), 0, "{name}");
        let resources = count(input, "- apiVersion: ");
        let left = count(&restored, "- apiVersion: ");
        assert_eq!(left, resources - ours, "{name}");
        tried.set(tried.get() + 1);
    });
    assert!(tried.get() >= 12, "{}", tried.get());
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

/// Readers that are no longer requested leave nothing behind, and change nothing else.
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

/// The functionConfig changes between two runs on the same files: what an earlier run wrote may be
/// changed without a warning, and the original value is still known.
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

/// Checks a property of random lists and functionConfigs. It returns whether the function edits the
/// list, which must be true of most.
fn holds_of_random_lists(property: impl Fn(&List, &Value, &Value) -> Result<bool, TestCaseError>) {
    let (all, edited) = (Cell::new(0), Cell::new(0));
    let mut runner = test_runner(300, "tests/properties.regressions");
    let result = runner.run(
        &(random_lists(), configs(), configs()),
        |(list, config, next)| {
            all.set(all.get() + 1);
            edited.set(edited.get() + u32::from(property(&list, &config, &next)?));
            Ok(())
        },
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    let (all, edited) = (all.get(), edited.get());
    println!("{all} lists, {edited} of them edited");
    assert!(edited * 4 > all, "{edited} of {all} lists were edited");
}

/// The output of a run that edits the list; `None` if it refuses it, which must leave it unchanged.
fn edited(input: &str) -> Result<Option<String>, TestCaseError> {
    let outcome = runner_terminal::run(input.as_bytes());
    let output = outcome.text();
    if outcome.failed() {
        let kept = input.trim_end_matches(['}', '\n']);
        prop_assert!(
            output.starts_with(kept),
            "{}\n{}\n=>\n{}",
            outcome.report(),
            input,
            output
        );
        return Ok(None);
    }
    Ok(Some(output))
}

#[test]
fn a_second_run_of_a_random_list_changes_nothing() {
    holds_of_random_lists(|list, config, _| {
        let input = list.text(config);
        let Some(once) = edited(&input)? else {
            return Ok(false);
        };
        let Some(twice) = edited(&with_config(&once, config))? else {
            return Err(TestCaseError::fail(format!(
                "the second run fails:\n{input}\n=>\n{once}"
            )));
        };
        prop_assert_eq!(without_config(&once), without_config(&twice), "\n{}", input);
        Ok(true)
    });
}

fn follow_up() -> Value {
    json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": "AdvertiseAddress",
        "metadata": {"name": "address"},
        "spec": {"source": "Static", "address": "192.0.2.7:9001"},
    })
}

/// Whether a run says that a file may be quoted differently from before.
fn says_that_a_style_is_lost(input: &str) -> bool {
    let outcome = runner_terminal::run(input.as_bytes());
    let report = outcome.report();
    report.contains("broken into lines otherwise")
}

fn meaning(list: &str) -> Value {
    let tree = yaml_splice::Tree::parse(list).unwrap();
    tree.to_value().unwrap()
}

#[test]
fn disabling_gives_a_random_list_back() {
    holds_of_random_lists(|list, config, next| {
        let input = list.text(config);
        let Some(once) = edited(&input)? else {
            return Ok(false);
        };
        let before = without_config(&input);
        let gives_back = |changed: &str, config| {
            let off = with_config(changed, &switched_off(config));
            let restored = edited(&off)?.map(|list| without_config(&list));
            if restored.as_ref() != Some(&before)
                && let Some(restored) = &restored
                && says_that_a_style_is_lost(&off)
            {
                // Then only the content of the file is guaranteed.
                prop_assert_eq!(meaning(restored), meaning(&before), "\n{}", changed);
                return Ok(());
            }
            prop_assert_eq!(
                restored,
                Some(before.clone()),
                "\n{}\n=>\n{}",
                once,
                changed
            );
            Ok(())
        };
        gives_back(&once, config)?;
        // And after the follow-up has written an address.
        if let Some(followed) = edited(&with_config(&once, &follow_up()))? {
            gives_back(&followed, config)?;
        }
        // And after another functionConfig has been there.
        if let Some(twice) = edited(&with_config(&once, next))? {
            gives_back(&twice, next)?;
        }
        Ok(true)
    });
}

#[test]
fn what_is_none_of_ours_stays_to_the_byte() {
    holds_of_random_lists(|list, config, _| {
        let input = list.text(config);
        let Some(output) = edited(&input)? else {
            return Ok(false);
        };
        let mut rest = output.as_str();
        for item in (0..list.items.len()).filter(|item| list.is_other[*item]) {
            let text = list.written(item);
            let at = rest.find(&text);
            prop_assert!(
                at.is_some(),
                "this is lost:\n{}\n{}=>\n{}",
                text,
                input,
                output
            );
            rest = &rest[at.unwrap() + text.len()..];
        }
        if list.is_json() {
            return Ok(true);
        }
        // Of a runner's lines, only those that hold a changed value may be missing, and no comment.
        let mut lines: Vec<&str> = output.lines().collect();
        for line in input.lines() {
            let kept = lines.iter().position(|other| *other == line);
            let is_ours = CHANGED.iter().any(|word| line.contains(word))
                || ["1,", "2,", "]", "example.com/a: b,"].contains(&line.trim())
                || line.ends_with(r"\n\")
                || line.contains(r#"\n""#)
                || line.contains('\'')
                || is_base64(line);
            prop_assert!(
                kept.is_some() || is_ours,
                "{:?} is lost:\n{}=>\n{}",
                line,
                input,
                output
            );
            if let Some(at) = kept {
                lines.swap_remove(at);
            }
        }
        let comments = |text: &str| text.matches(" #").count() + text.matches("\n#").count();
        prop_assert!(
            comments(&input) <= comments(&output),
            "{}=>\n{}",
            input,
            output
        );
        Ok(true)
    });
}

/// A line of base64, in which each byte depends on its position in the file.
fn is_base64(line: &str) -> bool {
    let text = line.trim().trim_matches('"');
    text.bytes()
        .all(|c| c.is_ascii_alphanumeric() || b"+/=".contains(&c))
}

/// The lines that may be rewritten.
const CHANGED: [&str; 19] = [
    "- name: config",
    "- {\"",
    "- {name: config",
    "initContainers:",
    "advertise_address",
    "annotations:",
    "config.toml:",
    "labels:",
    "listen_address",
    "matchLabels:",
    "name: runner-",
    "other: ",
    "ports:",
    "readOnly:",
    "replicas:",
    "serviceName:",
    r"sessi\u006fn",
    "session_server",
    "session_timeout",
];

/// The items in any order give the same items and the same messages.
#[test]
fn the_order_of_the_items_makes_no_difference() {
    holds_of_random_lists(|list, config, next| {
        let mut order: Vec<usize> = (0..list.items.len()).collect();
        // A different order for each list, but the same one if a list is retried.
        order.sort_by_key(|item| Sha256::digest(format!("{item} {next} {:?}", list.items)));
        let permuted = list.ordered(&order);
        let [one, other] = [list, &permuted].map(|list| {
            let input = list.text(config);
            let outcome = runner_terminal::run(input.as_bytes());
            let output = outcome.text();
            let mut items = if list.is_json() && !outcome.failed() {
                let output: Value = serde_json::from_str(&output).unwrap();
                let items = output["items"].as_array().unwrap();
                items.iter().map(Value::to_string).collect()
            } else {
                list.split(&output)
            };
            items.sort();
            // A refusal names runners in their order, and so possibly a different one first.
            let report = if outcome.failed() {
                String::new()
            } else {
                outcome.report()
            };
            let mut said: Vec<String> = report
                .split([' ', ',', '(', ')', '\n'])
                .map(str::to_owned)
                .collect();
            said.sort();
            (items, said, outcome.failed(), output)
        });
        prop_assert_eq!(&one.0, &other.0, "\n{}\n{}", one.3, other.3);
        prop_assert_eq!(&one.1, &other.1, "\n{}\n{}", one.3, other.3);
        Ok(!one.2 && !other.2)
    });
}

/// The same functionConfig for one of the runners.
fn for_runner(config: &Value, number: usize) -> Value {
    let mut config = config.clone();
    config["spec"]["runner"] = json!({"name": format!("runner-{number}")});
    config
}

/// Several functionConfigs, each for a runner of its own, sharded or not: a second run changes
/// nothing, and undoing them in any order leaves nothing behind.
#[test]
fn functions_one_after_the_other_change_nothing_the_second_time() {
    holds_of_random_lists(|list, config, next| {
        if !list
            .items
            .iter()
            .any(|item| item.contains("name: runner-1"))
        {
            return Ok(true);
        }
        let configs = [for_runner(config, 0), for_runner(next, 1)];
        let input = list.text(config);
        let mut once = input.clone();
        for config in &configs {
            let Some(output) = edited(&with_config(&once, config))? else {
                return Ok(false);
            };
            once = output;
        }
        let mut twice = once.clone();
        for config in &configs {
            let Some(output) = edited(&with_config(&twice, config))? else {
                return Err(TestCaseError::fail(format!(
                    "the second run fails:\n{input}\n=>\n{once}"
                )));
            };
            twice = output;
        }
        prop_assert_eq!(without_config(&once), without_config(&twice), "\n{}", input);
        for order in [[0, 1], [1, 0]] {
            let mut now = once.clone();
            let mut is_style_lost = false;
            for number in order {
                let off = with_config(&now, &switched_off(&configs[number]));
                is_style_lost |= says_that_a_style_is_lost(&off);
                let Some(output) = edited(&off)? else {
                    return Err(TestCaseError::fail(format!("it is not taken back:\n{now}")));
                };
                now = output;
            }
            let (left, before) = (without_config(&now), without_config(&input));
            if is_style_lost && left != before {
                // Then only the content of the file is guaranteed.
                prop_assert_eq!(meaning(&left), meaning(&before), "\n{}", once);
                continue;
            }
            prop_assert_eq!(left, before, "\n{}\n=>\n{}", input, once);
        }
        Ok(true)
    });
}
