//! The inputs: ResourceLists of objects like those of a real namespace, the same in
//! every run. Every object has a name of its own.

mod objects;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// One input, by its numbers.
pub(crate) struct Input {
    /// All objects in the list.
    pub(crate) items: usize,
    /// The runners among them. Each is two objects: a Deployment and its ConfigMap.
    pub(crate) runners: usize,
}

/// The inputs, from small to large.
pub(crate) const INPUTS: &[Input] = &[
    Input {
        items: 7,
        runners: 1,
    },
    Input {
        items: 20,
        runners: 1,
    },
    Input {
        items: 1_000,
        runners: 1,
    },
    Input {
        items: 10_000,
        runners: 1,
    },
    Input {
        items: 10_000,
        runners: 1_000,
    },
];

impl Input {
    /// The input in words.
    pub(crate) fn title(&self) -> String {
        let runners = if self.runners == 1 {
            "runner"
        } else {
            "runners"
        };
        format!("{} objects, {} {runners}", self.items, self.runners)
    }

    /// Writes the input under `target/bench`.
    pub(crate) fn write(&self) -> Result<PathBuf> {
        let folder = workspace::target("bench");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let file = folder.join(format!("{}-{}.yaml", self.items, self.runners));
        fs::write(&file, self.text()?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }

    /// The ResourceList, with the runners spread evenly over it.
    fn text(&self) -> Result<String> {
        ensure!(
            self.runners > 0 && self.runners * 2 <= self.items,
            "a runner is two objects: {} do not fit into {}",
            self.runners,
            self.items
        );
        let mut text = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n{}items:\n",
            self.function_config()
        );
        let others = self.items - self.runners * 2;
        let mut other = 0;
        for runner in 0..self.runners {
            let until = others * (runner + 1) / self.runners;
            // A runner comes in the middle of its share of the others.
            let middle = other + (until - other) / 2;
            (other..middle).for_each(|index| objects::other(index, &mut text));
            objects::runner(runner, &mut text);
            (middle..until).for_each(|index| objects::other(index, &mut text));
            other = until;
        }
        Ok(text)
    }

    /// A single runner gets the address that it is reached at. Many runners cannot
    /// share one, so each is left to its own Service.
    fn function_config(&self) -> String {
        let spec = if self.runners == 1 {
            format!(
                "  spec:\n    advertiseAddress: \"terminal.example.com:9000\"\n    runner:\n{}",
                objects::selector(0)
            )
        } else {
            "  spec: {}\n".to_owned()
        };
        format!(
            "  apiVersion: runner-terminal.dev/v1alpha1\n  kind: SessionServer\n  \
             metadata:\n    name: session-server\n{spec}"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn inputs_have_as_many_objects_as_they_say_with_a_name_each() {
        for input in INPUTS {
            let text = input.text().unwrap();
            let items = text.split_once("\nitems:\n").unwrap().1;
            let names: Vec<_> = items
                .lines()
                .filter_map(|line| line.strip_prefix("    name: "))
                .collect();
            let unique: HashSet<_> = names.iter().collect();
            assert_eq!(names.len(), input.items, "{}", input.title());
            assert_eq!(unique.len(), input.items, "{}", input.title());
            assert_eq!(items.matches("/gitlab-runner:").count(), input.runners);
        }
    }

    #[test]
    fn an_object_is_about_as_large_as_a_real_one() {
        for input in INPUTS {
            let size = input.text().unwrap().len() / input.items;
            assert!(
                (1_050..1_350).contains(&size),
                "{}: {size} bytes",
                input.title()
            );
        }
    }
}
