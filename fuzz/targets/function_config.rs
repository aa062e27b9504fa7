//! Any text at all, given as a functionConfig, is a config or an error that says what is wrong.

#![no_main]

use fuzz::{mutate, tape};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use runner_terminal::documents::function_configs;
use runner_terminal::function_config::FunctionConfig;
use yaml_splice::Tree;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Some((text, _)) = tape::split(input) else {
        return;
    };
    if let Ok(configs) = function_configs(&[], &[("config.yaml", text)]) {
        for config in configs {
            if let Err(fault) = config.parse() {
                assert!(!fault.message.is_empty(), "{fault:?}");
                assert!(fault.line <= text.lines().count() + 1, "{fault:?}");
            }
        }
    }
    let value = Tree::parse(text).and_then(|tree| tree.to_value());
    let Ok(value) = value else {
        return;
    };
    match FunctionConfig::parse(&value) {
        Ok(config) => assert_eq!(FunctionConfig::parse(&value), Ok(config)),
        Err(error) => {
            assert!(!error.message.is_empty(), "{error:?}");
        }
    }
});
