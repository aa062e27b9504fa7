//! Every check, in one command.

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::beside::Beside;
use crate::progress::took;
use crate::{artifacts, count, fuzz, hosts, miri, playground, process, web, workspace};

/// One check, and the command that runs it alone.
struct Step {
    again: &'static str,
    run: fn(&Step) -> Result<()>,
}

/// The steps in order: the quick look first, then what the others need.
///
/// Tests are built without optimization, even though the hosts run optimized programs:
/// the release profile links each test program with fat LTO, which costs more than
/// building the dependencies once more.
const STEPS: &[Step] = &[
    Step {
        again: "cargo fmt --all --check",
        run: Step::as_written,
    },
    Step {
        again: "cargo xtask build",
        // Linking the launcher takes minutes on one core; the hosts are built on the others.
        run: |_| {
            let hosts = Beside::start("hosts", hosts::for_tests())?;
            artifacts::build().and(hosts.finish())
        },
    },
    Step {
        again: "cargo xtask count",
        run: |_| count::run(false),
    },
    Step {
        again: "cargo xtask web",
        run: |_| web::check(),
    },
    Step {
        again: "cargo xtask playground --check",
        run: |_| playground::build_and_check(),
    },
    Step {
        again: "cargo test --workspace",
        run: Step::as_written,
    },
    Step {
        again: "cargo clippy --workspace --all-targets -- -D warnings",
        run: Step::as_written,
    },
    // What is in these for their own machine alone is not looked at above.
    Step {
        again: "cargo clippy --package runner-terminal-kpt --package runner-terminal-helm \
                --target wasm32-unknown-unknown -- -D warnings",
        run: Step::as_written,
    },
    Step {
        again: "target/hosts/bin/cargo-deny --workspace check bans licenses sources",
        run: Step::as_written,
    },
    Step {
        again: "cargo xtask miri",
        run: |_| miri::run(),
    },
    Step {
        again: "cargo xtask fuzz",
        run: |_| fuzz::run(&fuzz::Arguments::default()),
    },
];

const ADVISORIES: Step = Step {
    again: "target/hosts/bin/cargo-deny --workspace check advisories",
    run: Step::as_written,
};

/// Runs the steps and stops at the first that fails.
pub(crate) fn run(advisories: bool) -> Result<()> {
    let start = Instant::now();
    let steps: Vec<_> = STEPS
        .iter()
        .chain(advisories.then_some(&ADVISORIES))
        .collect();
    for step in &steps {
        println!("\n── {} ──", step.again);
        let step_start = Instant::now();
        (step.run)(step).with_context(|| {
            format!("a check failed; to run only this one again: {}", step.again)
        })?;
        println!("── ok in {} ──", took(step_start.elapsed()));
    }
    println!(
        "\nall {} checks passed in {}",
        steps.len(),
        took(start.elapsed())
    );
    Ok(())
}

impl Step {
    /// Runs the command as it is written.
    fn as_written(&self) -> Result<()> {
        let mut words = self.again.split(' ');
        let program = words.next().unwrap_or_default();
        let mut command = if program.contains('/') {
            process::command(workspace::root().join(program))
        } else {
            process::command(program)
        };
        process::run(artifacts::use_module(command.args(words)))
    }
}
