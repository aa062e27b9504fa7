//! The lists that benchmarks read: objects like those of a real namespace, the same in every run,
//! each with a name of its own. Both `benches/core.rs` and `cargo xtask bench` include this file.

mod objects;

pub(crate) use objects::{runner, without_dash};

/// A list, by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    /// All objects in the list.
    pub(crate) items: usize,
    /// The runners among them. Each is two objects: a Deployment and its ConfigMap.
    pub(crate) runners: usize,
    /// The bytes of data in one more ConfigMap among the objects; 0 for none.
    pub(crate) large: usize,
}

impl List {
    /// A list of objects of usual size.
    pub(crate) const fn of(items: usize, runners: usize) -> Self {
        Self {
            items,
            runners,
            large: 0,
        }
    }

    /// What files and options call it: `10000-1`.
    pub(crate) fn name(self) -> String {
        let large = match self.large {
            0 => String::new(),
            bytes => format!("-{}mb", bytes / 1_000_000),
        };
        format!("{}-{}{large}", self.items, self.runners)
    }

    /// The ResourceList.
    pub(crate) fn resource_list(self) -> String {
        let config = self.function_config().replace('\n', "\n  ");
        format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  {}\nitems:\n{}",
            config.trim_end(),
            self.items().concat(),
        )
    }

    /// The same objects as plain manifests.
    pub(crate) fn manifests(self) -> String {
        let items = self.items();
        let documents = items.iter().map(|item| without_dash(item));
        documents.collect::<Vec<_>>().join("---\n")
    }

    /// What the function is told. A single runner gets the address that it is reached at. Many
    /// runners cannot share one, so each is left to its own Service.
    pub(crate) fn function_config(self) -> String {
        let spec = if self.runners == 1 {
            "spec:\n  advertiseAddress: \"terminal.example.com:9000\"\n  runner:\n    name: runner-0\n    \
             namespace: ci\n"
        } else {
            "spec: {}\n"
        };
        format!(
            "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: \
             session-server\n{spec}"
        )
    }

    /// The objects as items of a list, with the runners spread evenly among them.
    fn items(self) -> Vec<String> {
        let mut items = Vec::with_capacity(self.items);
        let taken = self.runners * 2 + usize::from(self.large > 0);
        let others = self.items.saturating_sub(taken);
        let mut other = 0;
        for number in 0..self.runners {
            let until = others * (number + 1) / self.runners;
            // A runner comes in the middle of its share of the others.
            let middle = other + (until - other) / 2;
            items.extend((other..middle).map(objects::other));
            items.extend(runner(number));
            items.extend((middle..until).map(objects::other));
            other = until;
        }
        if self.large > 0 {
            items.push(objects::large(self.large));
        }
        items
    }
}
