//! The lists that are measured, and their files in `target/bench`.

use std::path::PathBuf;

use anyhow::Result;
use fs_err as fs;

use super::figures::{bytes, count};
use super::kustomization;
use super::lists::List;
use super::programs::Program;
use crate::workspace;

/// The lists, from small to large.
pub(crate) const LISTS: &[List] = &[
    List::of(7, 1),
    List::of(20, 1),
    List::of(1_000, 1),
    List::of(10_000, 1),
    List::of(100_000, 1),
    List::of(10_000, 1_000),
    List {
        items: 3,
        runners: 1,
        large: 5_000_000,
    },
];

/// The input of programs: a list in files, or nothing, for programs that have their own input.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) list: List,
    /// The ResourceList.
    pub(crate) file: PathBuf,
    /// The folder of a kustomization that makes the same change with kustomize's own features.
    pub(crate) kustomization: String,
    /// The size of the ResourceList in bytes.
    pub(crate) size: usize,
}

impl Input {
    /// No list, for programs that have their own input.
    pub(crate) fn none(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            list: List::of(1, 1),
            file: PathBuf::from("/dev/null"),
            kustomization: String::new(),
            size: 0,
        }
    }

    /// Writes a list's files, with a kustomization if one of these programs reads it.
    pub(crate) fn write(list: List, programs: &[Program]) -> Result<Self> {
        let name = list.name();
        let kustomization = format!("target/bench/kustomize/{name}");
        let reads = |it: &Program| it.reads_kustomization() && it.refuses(list).is_none();
        if programs.iter().any(reads) {
            kustomization::write(list, &workspace::root().join(&kustomization))?;
        }
        let text = list.resource_list();
        let file = workspace::target("bench").join(format!("{name}.yaml"));
        fs::create_dir_all(workspace::target("bench"))?;
        fs::write(&file, &text)?;
        let size = text.len();
        Ok(Self {
            name,
            list,
            file,
            kustomization,
            size,
        })
    }

    /// The list in words.
    pub(crate) fn title(&self) -> String {
        if self.size == 0 {
            return self.name.clone();
        }
        let large = match self.list.large {
            0 => String::new(),
            size => format!(", a ConfigMap of {} MB", size / 1_000_000),
        };
        let (items, runners) = (count(self.list.items), count(self.list.runners));
        let plural = if runners == "1" { "" } else { "s" };
        let size = bytes(self.size as f64);
        format!("{items} objects, {runners} runner{plural}{large} ({size})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn lists_have_as_many_objects_as_they_say_with_a_name_each() {
        for list in LISTS {
            let text = list.resource_list();
            let items = text.split_once("\nitems:\n").unwrap().1;
            let names = items.lines();
            let names = names.filter_map(|line| line.strip_prefix("    name: "));
            let names: Vec<_> = names.collect();
            let unique: HashSet<_> = names.iter().collect();
            assert_eq!(names.len(), list.items, "{}", list.name());
            assert_eq!(unique.len(), list.items, "{}", list.name());
            assert_eq!(items.matches("/gitlab-runner:").count(), list.runners);
        }
    }

    #[test]
    fn an_object_is_about_as_large_as_a_real_one() {
        for list in LISTS {
            let size = (list.resource_list().len() - list.large) / list.items;
            // Two thirds of the list with a large object are the runner.
            let least = if list.large > 0 { 500 } else { 1_050 };
            assert!((least..1_350).contains(&size), "{}: {size}", list.name());
        }
    }

    #[test]
    fn manifests_are_the_items_of_the_list() {
        let list = List::of(20, 1);
        let manifests = list.manifests();
        assert_eq!(manifests.split("---\n").count(), 20);
        assert!(manifests.starts_with("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "));
    }
}
