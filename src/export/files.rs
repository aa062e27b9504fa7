//! The texts of exported files, and how they are recognised later.

use std::collections::BTreeSet;

use krm::resource::Identity;
use krm::text::printable;
use serde_json::Value;

/// The first line of each file, and of each patch in a HelmRelease.
pub const MARKER: &str = "# Written by runner-terminal export";

/// The file that makes a folder a kustomization.
pub const KUSTOMIZATION: &str = "kustomization.yaml";

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its name in the folder.
    pub name: String,
    /// Its text, which begins with [`MARKER`].
    pub text: String,
}

/// True for a text that an export wrote.
pub fn is_ours(text: &str) -> bool {
    text.strip_prefix(MARKER)
        .is_some_and(|rest| rest.starts_with([':', '\n', '\r', '.']))
}

/// The comment lines of a text: the marker, its purpose, and the checksum of its source.
pub(super) fn head(purpose: &str, made_from: Option<&str>) -> String {
    let mut head = format!("{MARKER}: run it again in place of an edit\n");
    head.push_str(&format!("# {}\n", printable(purpose)));
    if let Some(checksum) = made_from {
        head.push_str(&format!(
            "# Made from sha256:{checksum}; export --check says when that has changed\n"
        ));
    }
    head
}

/// A document with its comment lines.
pub(super) fn text(purpose: &str, made_from: Option<&str>, value: &Value) -> String {
    head(purpose, made_from) + &yaml_splice::document(value)
}

/// File names, each handed out once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// `deployment-runner.patch.yaml`; with the namespace, and then a number, if the name is taken.
    pub(super) fn take(&mut self, resource: &Identity, ending: &str) -> String {
        let plain = |text: &str| -> String {
            let text = text.to_lowercase();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            text.chars()
                .map(|c| if is_plain(c) { c } else { '-' })
                .collect()
        };
        let (kind, name) = (plain(&resource.kind), plain(&resource.name));
        let stem = format!("{kind}-{name}");
        let namespace = plain(&resource.namespace);
        let with_namespace = (!namespace.is_empty()).then(|| format!("{stem}-{namespace}"));
        let first = [stem.clone()].into_iter().chain(with_namespace);
        let numbered = (2..).map(|number: usize| format!("{stem}-{number}"));
        let mut names = first.chain(numbered);
        let name = names.find_map(|stem| {
            let name = format!("{stem}{ending}");
            self.taken.insert(name.clone()).then_some(name)
        });
        name.unwrap_or(stem)
    }
}
