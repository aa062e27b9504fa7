//! The reader of lists that looks at lines alone finds what a full parse finds: where each item begins
//! and ends, and its kind, name and namespace.

#![no_main]

use fuzz::{judge, mutate, resource_list, tape};
use krm::resource_list::ResourceList;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Some((text, _)) = tape::split(input) else {
        return;
    };
    if let Err(difference) = resource_list::readers_agree(text) {
        panic!("the readers differ: {difference}");
    }
    let Ok(list) = ResourceList::read(text.as_bytes()) else {
        return;
    };
    // A third opinion, where that reader takes the text at all.
    let Some(value) = judge::yaml(text) else {
        return;
    };
    let count = value["items"].as_array().map_or(0, Vec::len);
    assert_eq!(list.len(), count, "items are lost or made up");
});
