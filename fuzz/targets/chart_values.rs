//! A values file of the chart, whatever is in it, is an error with a place, or functionConfigs that the
//! function takes.

#![no_main]

use chart_values::import;
use fuzz::{judge, mutate, tape};
use krm::documents::to_resource_list;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use runner_terminal::function_config::FunctionConfig;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Some((text, _)) = tape::split(input) else {
        return;
    };
    let imported = match import(text) {
        Ok(imported) => imported,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for note in &imported.notes {
        assert!(note.place.line > 0 && note.place.column > 0, "{note:?}");
        assert!(note.place.line <= text.lines().count().max(1), "{note:?}");
    }
    let output = &imported.text;
    let documents: Vec<&str> = output.split("\n---\n").collect();
    assert!(documents.len() <= 2, "{output}");
    for (document, kind) in documents.iter().zip(["SessionServer", "AdvertiseAddress"]) {
        let value = judge::written(document);
        let value = value.unwrap_or_else(|| panic!("the other reader refuses it:\n{output}"));
        assert_eq!(value["kind"], kind, "{output}");
        let parsed = FunctionConfig::parse(&value);
        let accepted = imported.is_complete || kind == "AdvertiseAddress";
        assert_eq!(parsed.is_ok(), accepted, "{parsed:?}\n{output}");
        assert!(to_resource_list(&[], document).is_ok(), "{output}");
    }
});
