//! Scripts that are mounted in a container.

use std::collections::BTreeSet;

use memchr::memmem;

use super::WORKLOAD_KINDS;
use krm::resource_list::ResourceList;

/// Workloads beside `others` that do not say gitlab-runner themselves, but have a command and name
/// an object that may hold a script that runs it.
pub(super) fn workloads(list: &ResourceList<'_>, others: &[usize]) -> Vec<usize> {
    let scripts = list.candidates(&["ConfigMap", "Secret"], "gitlab-runner ");
    let names: BTreeSet<&str> = scripts.into_iter().map(|item| list.head(item).1).collect();
    let finders: Vec<_> = names
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(memmem::Finder::new)
        .collect();
    if finders.is_empty() {
        return Vec::new();
    }
    let mut found = list.candidates(&WORKLOAD_KINDS, "");
    found.retain(|item| {
        let text = list.text_of(*item).as_bytes();
        let has = |word: &str| memmem::find(text, word.as_bytes()).is_some();
        !others.contains(item)
            && finders.iter().any(|finder| finder.find(text).is_some())
            && (has("command") || has("args"))
    });
    found
}
