//! The parts of the code whose tests are judged, and those tests.

use std::process::Command;

use crate::process::command;
use crate::workspace;

/// Some code, with the tests that judge its mutants.
pub(super) struct Part {
    /// Its name on the command line.
    pub(super) name: &'static str,
    package: &'static str,
    files: &'static [&'static str],
    /// The tests, as arguments of `cargo test` besides the package itself. The first are built and run in
    /// seconds; what they miss goes to the next.
    pub(super) judges: &'static [&'static str],
}

pub(super) const PARTS: [Part; 3] = [
    // Splices of YAML text.
    Part {
        name: "edit",
        package: "yaml-splice",
        files: &[
            "crates/yaml-splice/src/edit/**",
            "crates/yaml-splice/src/{block_scalar,emit,folded,inline_scalar,sources}.rs",
        ],
        judges: &[
            "--lib",
            "--package=conformance --package=runner-terminal --test=yaml --test=json_patch \
             --test=cases --test=fuzzed --test=lossless --test=undo",
        ],
    },
    // Patches of resources, and the lists, files and records that they are written to.
    Part {
        name: "record",
        package: "runner-terminal-krm",
        files: &[
            "crates/krm/src/{alignment,keyed_pointer,patch}.rs",
            "crates/krm/src/documents/edit.rs",
            "crates/krm/src/resource_list/{align,changes,original_text,write}.rs",
        ],
        judges: &["--lib", "--package=runner-terminal --tests"],
    },
    // The plan of changes for a runner.
    Part {
        name: "plan",
        package: "runner-terminal",
        files: &["src/runner/**", "src/session_server/**"],
        judges: &[
            "--lib",
            "--test=cases --test=snapshots --test=undo",
            "--tests",
        ],
    },
];

impl Part {
    /// All mutants, or a sample of them.
    pub(super) fn sample(&self, tests: &str, shard: Option<&str>) -> Command {
        let mut mutants = self.mutants(tests);
        if let Some(shard) = shard {
            mutants.args(["--sharding=round-robin", "--shard", shard]);
        }
        mutants
    }

    /// The mutants of these names.
    pub(super) fn again(&self, tests: &str, names: &[String]) -> Command {
        let mut mutants = self.mutants(tests);
        mutants.args(names.iter().map(|name| format!("--re=^{}$", escaped(name))));
        mutants
    }

    /// cargo-mutants with one of the judges. It works on a copy of the tree, and builds below `target`.
    fn mutants(&self, tests: &str) -> Command {
        let program = "target/hosts/bin/cargo-mutants mutants";
        let mut mutants = command(&format!("{program} --package={}", self.package));
        mutants.args(self.files.iter().map(|file| format!("--file={file}")));
        let tests = tests.split_whitespace();
        mutants.args(tests.map(|argument| format!("--cargo-arg={argument}")));
        mutants.env("CARGO_TARGET_DIR", workspace::target("mutants/build"));
        // The same few random inputs for each, and no search for a smaller one.
        mutants.envs([("PROPTEST_RNG_SEED", "20261129"), ("PROPTEST_CASES", "32")]);
        mutants.env("PROPTEST_MAX_SHRINK_ITERS", "0");
        mutants
    }
}

/// A regular expression that matches a text literally.
fn escaped(text: &str) -> String {
    let escape = |c: char| {
        let special = r"\.+*?()|[]{}^$".contains(c);
        special.then_some('\\').into_iter().chain([c])
    };
    text.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_mutant_is_no_expression() {
        let name = "a.rs:1:2: replace <impl A>::b -> Vec<u8> with vec![0]";
        let escaped = escaped(name);
        assert_eq!(
            escaped,
            r"a\.rs:1:2: replace <impl A>::b -> Vec<u8> with vec!\[0\]"
        );
    }
}
