//! A sequence of runs by real hosts, and what must be true after each.

mod counts;
mod host;
mod meaning;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use yaml_splice::Tree;

use crate::lists::{List, config, lists};
use crate::sequence::{Manifests, Step, edit_both, step, switched_off};
pub(crate) use counts::Counts;
use host::Rewriter;
pub(crate) use host::{Host, Layout};
use meaning::Meaning;

/// A step, and the hosts that take it.
#[derive(Clone, Debug)]
pub(crate) enum HostedStep {
    /// A run or an edit: `again` runs the function for a second time.
    Step {
        step: Step,
        host: Host,
        again: Host,
        layout: Layout,
    },
    /// A program writes the manifests anew.
    Rewrite(Rewriter, Layout),
}

/// Sequences of some steps.
pub(crate) fn hosted_steps() -> impl Strategy<Value = Vec<HostedStep>> {
    let step = (step(), Host::any(), Host::any(), Layout::any());
    let step = step.prop_map(|(step, host, again, layout)| HostedStep::Step {
        step,
        host,
        again,
        layout,
    });
    let rewrite = (Rewriter::any(), Layout::any())
        .prop_map(|(rewriter, layout)| HostedStep::Rewrite(rewriter, layout));
    prop::collection::vec(prop_oneof![9 => step, 1 => rewrite], 4..9)
}

/// Lists of resources that every host takes: each has a name of its own.
pub(crate) fn lists_for_hosts() -> impl Strategy<Value = List> {
    let lists = lists().prop_map(|list| {
        let mut names = BTreeSet::new();
        let mut is_taken = |item: &usize| {
            let resource = resource(&list.items[*item]);
            let places = ["/apiVersion", "/kind", "/metadata/name"];
            let name = places.map(|place| resource.pointer(place)?.as_str().map(str::to_owned));
            name.iter().all(Option::is_some) && names.insert(name)
        };
        let items: Vec<usize> = (0..list.items.len()).filter(&mut is_taken).collect();
        list.ordered(&items)
    });
    lists.prop_filter("Go's YAML library writes it wrong", |list| {
        !list.items.iter().any(|item| is_written_wrong(item))
    })
}

fn resource(item: &str) -> Value {
    let tree = Tree::parse(item).unwrap();
    tree.to_value().unwrap()[0].take()
}

/// True for folded text with lines that are indented, or with blank ones at its end. Go's YAML library
/// writes these with more line breaks, or with fewer, than it has read, so kustomize and kpt do too.
fn is_written_wrong(item: &str) -> bool {
    let resource = resource(item);
    let text = ["/data/config.toml", "/stringData/config.toml"]
        .iter()
        .find_map(|place| resource.pointer(place)?.as_str());
    let is_hard = text.is_some_and(|text| text.contains("\n ") || text.ends_with("\n\n"));
    is_hard && item.contains("config.toml: >")
}

/// The manifests while steps are taken.
pub(crate) struct HostedSequence {
    /// What the hosts work on.
    now: Manifests,
    /// What the manifests would be without the function.
    without: Manifests,
    /// kustomize has applied patches, which may change the order of containers.
    is_reordered: bool,
    /// What was done, for the message of a failure.
    done: Vec<HostedStep>,
}

impl HostedSequence {
    pub(crate) fn new(list: &List) -> Self {
        let manifests = Manifests::File(list.file());
        Self {
            now: manifests.clone(),
            without: manifests,
            is_reordered: false,
            done: Vec::new(),
        }
    }

    /// Takes a step.
    pub(crate) fn take(
        &mut self,
        step: &HostedStep,
        counts: &mut Counts,
    ) -> Result<(), TestCaseError> {
        self.done.push(step.clone());
        let before = Meaning::of(&self.now);
        match step {
            HostedStep::Step {
                step,
                host,
                again,
                layout,
            } => match step {
                Step::Run(config) => self.run(config, [*host, *again], *layout, counts)?,
                Step::SwitchOff(config) => self.switch_off_with(config, *host, *layout, counts)?,
                Step::Edit(edit) => {
                    if let Some((now, without)) = edit_both(edit, &self.now, &self.without) {
                        self.now = now;
                        self.without = without;
                    }
                }
            },
            HostedStep::Rewrite(rewriter, layout) => {
                self.rewrite(*rewriter, *layout)?;
                counts.rewritten += 1;
            }
        }
        counts.steps += 1;
        counts.effective += u32::from(Meaning::of(&self.now) != before);
        Ok(())
    }

    /// Switches the function off.
    pub(crate) fn switch_off(
        &mut self,
        host: Host,
        layout: Layout,
        counts: &mut Counts,
    ) -> Result<(), TestCaseError> {
        self.switch_off_with(&config(json!({})), host, layout, counts)
    }

    /// Runs a function, and once more by another host, which changes nothing.
    fn run(
        &mut self,
        config: &Value,
        [host, again]: [Host; 2],
        layout: Layout,
        counts: &mut Counts,
    ) -> Result<(), TestCaseError> {
        let Some(once) = self.run_by(host, &self.now, config, layout, counts)? else {
            return Ok(());
        };
        if let Some(twice) = self.run_by(again, &once, config, layout, counts)? {
            let what = format!("a second run, by {again:?}, changes more");
            self.same(&what, config, [host, again], &once, &twice)?;
        }
        self.now = once;
        self.is_reordered |= host.is_export();
        Ok(())
    }

    /// What a host makes of manifests: the same as the core. `None` if they are refused.
    fn run_by(
        &self,
        host: Host,
        manifests: &Manifests,
        config: &Value,
        layout: Layout,
        counts: &mut Counts,
    ) -> Result<Option<Manifests>, TestCaseError> {
        let text = manifests.to_string();
        let host = host.for_manifests(&text);
        let expected = manifests.run(config);
        let given = host.run(&text, layout, config);
        let runs = counts.of(host);
        match (expected.manifests, given) {
            (None, Err(_)) => {
                runs.refused += 1;
                Ok(None)
            }
            (Some(_), Err(said)) => {
                runs.not_possible += 1;
                println!("{host:?} cannot: {said}\nwith {config}, of\n{text}");
                Ok(None)
            }
            (None, Ok(given)) => Err(self.failure(
                &format!(
                    "{host:?} does what the function refuses: {}",
                    expected.report
                ),
                config,
                &given,
            )),
            (Some(expected), Ok(given)) => {
                runs.given += 1;
                let given = Manifests::File(given);
                let what = format!("{host:?} gives something else than the function");
                self.same(&what, config, [host, host], &expected, &given)?;
                if (host, layout) == (Host::ApplyTo, Layout::OneFile) && given != expected {
                    return Err(self.failure("the text is not the core's", config, &given));
                }
                Ok(Some(given))
            }
        }
    }

    /// Switches the function off: what people wrote is left, with the edits that others made.
    fn switch_off_with(
        &mut self,
        config: &Value,
        host: Host,
        layout: Layout,
        counts: &mut Counts,
    ) -> Result<(), TestCaseError> {
        let config = switched_off(config);
        if self.without.run(&config).changed().is_none() {
            // It is refused whatever ran before.
            return Ok(());
        }
        let Some(restored) = self.run_by(host, &self.now, &config, layout, counts)? else {
            return Ok(());
        };
        self.is_reordered |= host.is_export();
        let (expected, found) = (Meaning::of(&self.without), Meaning::of(&restored));
        let is_restored = match self.is_reordered {
            true => expected.in_any_order() == found.in_any_order(),
            false => expected == found,
        };
        if !is_restored {
            let what = format!(
                "this is not restored by {host:?}: {}",
                expected.difference(&found)
            );
            return Err(self.failure(&what, &config, &restored));
        }
        self.now = restored;
        Ok(())
    }

    /// Has both texts written anew, which changes nothing that they mean.
    fn rewrite(&mut self, rewriter: Rewriter, layout: Layout) -> Result<(), TestCaseError> {
        for manifests in [&mut self.now, &mut self.without] {
            let written = rewriter.run(&manifests.to_string(), layout);
            let written = written.map_err(TestCaseError::fail)?;
            let written = Manifests::File(written);
            let (before, after) = (Meaning::of(manifests), Meaning::of(&written));
            prop_assert!(
                before == after,
                "{rewriter:?} changes {}\n{manifests}",
                before.difference(&after)
            );
            *manifests = written;
        }
        Ok(())
    }

    /// Asserts that manifests which these hosts gave mean the same.
    fn same(
        &self,
        what: &str,
        config: &Value,
        hosts: [Host; 2],
        expected: &Manifests,
        found: &Manifests,
    ) -> Result<(), TestCaseError> {
        let is_exported = hosts.into_iter().any(Host::is_export);
        let meaning = |manifests| {
            let meaning = Meaning::of(manifests);
            match is_exported {
                true => meaning.without_checksum().in_any_order(),
                false => meaning,
            }
        };
        let (expected, is) = (meaning(expected), meaning(found));
        if expected == is {
            return Ok(());
        }
        let what = format!("{what}: {}", expected.difference(&is));
        Err(self.failure(&what, config, found))
    }

    fn failure(&self, what: &str, config: &Value, found: impl std::fmt::Display) -> TestCaseError {
        let Self { now, done, .. } = self;
        TestCaseError::fail(format!(
            "{what}\nafter {done:#?} and {config}\n── found ──\n{found}\n── before that run ──\n{now}"
        ))
    }
}
