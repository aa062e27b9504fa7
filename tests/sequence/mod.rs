//! A sequence of runs and edits, and what must be true after each.

#![allow(dead_code, reason = "no test file uses all of it")]

mod edit;
mod manifests;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::lists::{List, configs, disabled};
pub(crate) use edit::Edit;
use edit::{edits, runners};
pub(crate) use manifests::Manifests;

/// What happens to the manifests.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// SessionServer or AdvertiseAddress runs with this functionConfig.
    Run(Value),
    /// SessionServer runs with `enabled: false` in this functionConfig.
    SwitchOff(Value),
    /// Another tool edits the manifests.
    Edit(Edit),
}

/// Sequences of some steps.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..9)
}

/// A step of any kind.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => any_config().prop_map(Step::Run),
        1 => any_config().prop_map(Step::SwitchOff),
        1 => any::<bool>().prop_map(|is_other| Step::Run(address(is_other))),
        4 => edits().prop_map(Step::Edit),
    ]
}

/// functionConfigs of every exposure, for all runners or for one.
fn any_config() -> impl Strategy<Value = Value> {
    let per_pod = prop::sample::select(vec![
        json!({"type": "PodIP"}),
        json!({"type": "HostPort"}),
        json!({"type": "Relay", "host": "{pod}.terminals.example.com", "relay": {"namespace": "relay"}}),
        json!({"type": "Relay", "host": "{pod}.a.example.com", "port": 443,
            "relay": {"namespace": "relay", "name": "gateway", "dial": "API"}}),
    ]);
    let per_pod = (configs(), per_pod).prop_map(|(mut config, exposure)| {
        let spec = &mut config["spec"];
        spec["exposure"] = exposure;
        spec["configure"] = json!({"at": "PodStart", "image": "example.com/runner-terminal:1"});
        let spec = spec.as_object_mut().unwrap();
        spec.remove("advertiseAddress");
        spec.remove("replicas");
        config
    });
    let config = prop_oneof![4 => configs(), 1 => per_pod];
    (config, 0..8_u8, any::<bool>()).prop_map(|(mut config, runner, is_renamed)| {
        if runner < 2 {
            config["spec"]["runner"] = json!({"name": format!("runner-{runner}")});
        }
        if is_renamed {
            config["metadata"]["name"] = json!("terminal");
        }
        config
    })
}

/// An AdvertiseAddress with an address that is known.
fn address(is_other: bool) -> Value {
    let address = if is_other {
        "t.example.com:443"
    } else {
        "192.0.2.7:9001"
    };
    json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": "AdvertiseAddress",
        "metadata": {"name": "address"},
        "spec": {"source": "Static", "address": address},
    })
}

/// The functionConfig that switches off all that one like this gave.
pub(crate) fn switched_off(config: &Value) -> Value {
    let mut config = disabled(config);
    config["spec"].as_object_mut().unwrap().remove("runner");
    config
}

/// Edits manifests, and the same as they would be without the function. `None` unless both can be
/// edited.
pub(crate) fn edit_both(
    edit: &Edit,
    now: &Manifests,
    without: &Manifests,
) -> Option<(Manifests, Manifests)> {
    let count = runners(without);
    edit.apply(now, count).zip(edit.apply(without, count))
}

/// The manifests while steps are taken.
pub(crate) struct Sequence {
    /// What the function works on.
    now: Manifests,
    /// What the manifests would be without it: what people wrote, and other tools' edits.
    without: Manifests,
    /// An edit has changed the style of values, so that only their meaning is compared.
    is_restyled: bool,
    /// What was done, for the message of a failure.
    done: Vec<Step>,
}

impl Sequence {
    pub(crate) fn new(list: &List, in_files: bool) -> Self {
        let manifests = Manifests::new(list, in_files);
        Self {
            now: manifests.clone(),
            without: manifests,
            is_restyled: false,
            done: Vec::new(),
        }
    }

    /// Takes a step, and returns whether it had an effect.
    pub(crate) fn take(&mut self, step: &Step) -> Result<bool, TestCaseError> {
        let before = self.now.clone();
        match step {
            Step::Run(config) => self.run(config)?,
            Step::SwitchOff(config) => self.switch_off_with(config)?,
            Step::Edit(edit) => self.edit(edit),
        }
        self.done.push(step.clone());
        Ok(self.now != before)
    }

    /// Switches the function off.
    pub(crate) fn switch_off(&mut self) -> Result<(), TestCaseError> {
        self.switch_off_with(&crate::lists::config(json!({})))
    }

    /// Runs a function, and checks that it converges. If it refuses, nothing changes.
    fn run(&mut self, config: &Value) -> Result<(), TestCaseError> {
        let Some(once) = self.now.run(config).changed() else {
            return Ok(());
        };
        let twice = once.run(config);
        if twice.manifests.as_ref() != Some(&once) {
            return Err(self.failure("a second run changes more", config, &once, &twice));
        }
        self.now = once;
        Ok(())
    }

    /// Switches the function off: what people wrote is left, with the edits that others made.
    fn switch_off_with(&mut self, config: &Value) -> Result<(), TestCaseError> {
        let config = switched_off(config);
        if self.without.run(&config).changed().is_none() {
            // It is refused whatever ran before.
            return Ok(());
        }
        let off = self.now.run(&config);
        let is_restored = off.manifests.as_ref().is_some_and(|restored| {
            let is_loose = self.is_restyled || off.report.contains("broken into lines otherwise");
            match is_loose {
                true => restored.meaning() == self.without.meaning(),
                false => *restored == self.without,
            }
        });
        let Some(restored) = off.manifests.clone().filter(|_| is_restored) else {
            let what = "this is not restored";
            return Err(self.failure(what, &config, &self.without, &off));
        };
        self.is_restyled |= restored != self.without;
        self.now = restored;
        Ok(())
    }

    /// Edits both texts, if both can be edited.
    fn edit(&mut self, edit: &Edit) {
        if let Some((now, without)) = edit_both(edit, &self.now, &self.without) {
            self.is_restyled |= edit.restyles();
            self.now = now;
            self.without = without;
        }
    }

    fn failure(
        &self,
        what: &str,
        config: &Value,
        expected: &Manifests,
        ran: &manifests::Ran,
    ) -> TestCaseError {
        let Self { now, done, .. } = self;
        let (report, found) = (&ran.report, &ran.manifests);
        let found = found.as_ref().map(ToString::to_string).unwrap_or_default();
        TestCaseError::fail(format!(
            "{what} after {done:#?} and {config}\n{report}\n── expected ──\n{expected}\n── found ──\n\
             {found}\n── before that run ──\n{now}"
        ))
    }
}
