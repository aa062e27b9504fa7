//! Plain manifests that are put into a list come out of it byte for byte, mean in it what they meant,
//! and are themselves again when nothing has changed; what the function makes of them it leaves alone.

#![no_main]

use std::convert::Infallible;

use fuzz::{judge, mutate, tape};
use krm::documents::{from_resource_list, to_resource_list};
use krm::resource_list::ResourceList;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use runner_terminal::documents::{Run, apply, function_configs};
use serde_json::Value;
use yaml_splice::Tree;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

const CONFIG: &str = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n";

fuzz_target!(|input: &[u8]| {
    let Some((text, mut choices)) = tape::split(input) else {
        return;
    };
    let half = text.len() * choices.arbitrary::<u8>().map_or(0, usize::from) / 255;
    let half = (0..=half).rev().find(|at| text.is_char_boundary(*at));
    let (first, second) = text.split_at(half.unwrap_or(0));
    let files = [("a.yaml", first), ("b.yaml", second)];
    wrap(&files);
    run(&files);
});

fn wrap(files: &[(&str, &str)]) {
    let Ok(list) = to_resource_list(files, CONFIG) else {
        return;
    };
    let documents: Vec<_> = list
        .documents
        .iter()
        .map(|document| document.text(files))
        .collect();
    let ended = |document: &&str| match document.ends_with('\n') {
        true => (*document).to_owned(),
        false => format!("{document}\n"),
    };
    let expected: Vec<String> = documents.iter().map(ended).collect();
    let items =
        from_resource_list(&list.text).unwrap_or_else(|error| panic!("{error}\n{}", list.text));
    assert_eq!(items, expected, "{}", list.text);
    let edited = list.edited(files, &list.text, &krm::alignment::Sequence::default());
    let edited = edited.unwrap_or_else(|error| panic!("{error}\n{}", list.text));
    for ((_, file), edited) in files.iter().zip(edited.texts) {
        assert_eq!(*file, edited, "a file changes");
    }

    let values: Option<Vec<_>> = documents
        .iter()
        .map(|document| judge::yaml(document))
        .collect();
    let (Some(values), Some(whole)) = (values, judge::yaml(&list.text)) else {
        return;
    };
    // A text alone is no resource. It may say how deep it is indented, which is then another depth.
    let is_text = values.iter().any(Value::is_string);
    if !documents.is_empty() && !is_text {
        assert_eq!(whole["items"].as_array(), Some(&values), "{}", list.text);
    }
    if let Ok(read) = ResourceList::read(list.text.as_bytes()) {
        assert_eq!(read.len(), documents.len(), "{}", list.text);
        for (item, document) in documents.iter().enumerate() {
            let alone = Tree::parse(document).and_then(|tree| tree.to_value());
            if let (Ok(resource), Ok(value)) = (read.resource(item), alone)
                && !value.is_array()
                && !value.is_string()
            {
                assert_eq!(*resource.value, value, "{document}\nin\n{}", list.text);
            }
        }
    }
}

fn run(files: &[(&str, &str)]) {
    let Some((texts, failed)) = applied(files) else {
        return;
    };
    let changed: Vec<_> = files
        .iter()
        .zip(&texts)
        .map(|((path, _), text)| (*path, &**text))
        .collect();
    if failed {
        assert_eq!(changed, files, "a file changes after an error");
        return;
    }
    let (twice, failed) = applied(&changed).expect("what was written can be read");
    assert!(!failed, "a second run fails on\n{texts:?}");
    assert_eq!(twice, texts, "a second run changes a file");
}

/// What the function makes of files, and whether it fails.
fn applied(files: &[(&str, &str)]) -> Option<(Vec<String>, bool)> {
    let configs = function_configs(files, &[]).ok()?;
    let applied = apply(files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&runner_terminal::run(list.as_bytes())))
    });
    let applied = applied.ok()?;
    Some((applied.texts, applied.failed))
}
