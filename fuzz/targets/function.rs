//! The function on a list that wishes it ill: no panic; after an error the items are as they were,
//! byte for byte; else what comes out is a list that the function leaves as it is, with the items that
//! are none of its business as they were.

#![no_main]

use fuzz::{judge, mutate, resource_list};
use krm::resource_list::ResourceList;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

/// What the function may change, make or take away.
const ITS_BUSINESS: [&str; 12] = [
    "ConfigMap",
    "DaemonSet",
    "Deployment",
    "HTTPRoute",
    "Ingress",
    "NetworkPolicy",
    "Pod",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "StatefulSet",
];

fuzz_target!(|input: &[u8]| {
    let outcome = runner_terminal::run(input);
    let report = outcome.report();
    let output = outcome.text();
    let _ = runner_terminal::addresses(input);
    let Ok(text) = std::str::from_utf8(input) else {
        assert!(outcome.failed() && output.is_empty());
        return;
    };
    let Ok(list) = ResourceList::read(input) else {
        assert!(outcome.failed() && output.is_empty(), "{report}");
        return;
    };
    let written = ResourceList::read(output.as_bytes());
    let written = written.unwrap_or_else(|error| panic!("{error}\n{report}{output}"));
    let before = resource_list::items(text).expect("read above");
    let after = resource_list::items(&output).expect("read above");
    if judge::yaml(text).is_some() {
        assert!(
            judge::written(&output).is_some(),
            "the other reader refuses it:\n{output}"
        );
    }
    // What a host has put there for one run goes in any case.
    let injected = text.contains("runner-terminal.dev/") || text.contains('\\');
    if outcome.failed() {
        assert!(
            injected || same(&before, &after),
            "items change after an error:\n{report}{output}"
        );
        return;
    }
    if !injected {
        let foreign = |list: &ResourceList<'_>, items: &[&str]| -> Vec<String> {
            let foreign =
                (0..list.len()).filter(|item| !ITS_BUSINESS.contains(&list.head(*item).0));
            foreign
                .filter_map(|item| Some(items.get(item)?.trim_end().to_owned()))
                .collect()
        };
        let (before, after) = (foreign(&list, &before), foreign(&written, &after));
        let mut found = after.iter();
        for item in before {
            assert!(
                found.any(|found| *found == item),
                "this item is lost:\n{item}\n=>\n{output}"
            );
        }
    }
    // What a host has seen is for one run: the next one asks again.
    if text.contains("/observed") || text.contains('\\') {
        return;
    }
    let again = runner_terminal::run(output.as_bytes());
    let twice = again.text();
    assert!(
        !again.failed(),
        "a second run fails: {}{output}",
        again.report()
    );
    let items = resource_list::items(&twice).expect("a list");
    assert!(
        same(&after, &items),
        "a second run changes items:\n{output}\n=>\n{twice}"
    );
});

/// Whether items are the same, but for blanks at the end of the last, where results may come.
fn same(before: &[&str], after: &[&str]) -> bool {
    let (Some((before, others)), Some((after, same))) = (before.split_last(), after.split_last())
    else {
        return before.is_empty() && after.is_empty();
    };
    others == same && before.trim_end() == after.trim_end()
}
