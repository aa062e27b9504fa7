//! A Kubernetes resource as the function sees it.

use std::rc::Rc;

use serde_json::{Map, Value, json};
use yaml_splice::pointer::At as _;

/// The annotations with the file that a resource came from. The second is the former name.
pub const PATH_ANNOTATIONS: [&str; 2] = [
    "internal.config.kubernetes.io/path",
    "config.kubernetes.io/path",
];
/// The resource's place in that file.
pub const INDEX_ANNOTATIONS: [&str; 2] = [
    "internal.config.kubernetes.io/index",
    "config.kubernetes.io/index",
];
/// The names that a resource had before kustomize renamed it, oldest first.
pub const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
/// The prefixes and suffixes that kustomize has given to a resource's name, innermost first.
const RENAMES: [&str; 2] = [
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
];
/// kustomize appends a hash to the resource's name once all transformers have run.
pub const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";

/// A resource's kind and name, and the file that it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `apps/v1`
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`; empty when absent.
    pub namespace: String,
    /// The file that the host's annotations name.
    pub path: Option<String>,
    /// The index in that file.
    pub index: Option<u64>,
}

impl Identity {
    /// The group of the `apiVersion`; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// A resource with `apiVersion`, `kind` and `metadata` only.
    pub fn skeleton(&self) -> Map<String, Value> {
        let mut metadata = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if !self.namespace.is_empty() {
            metadata.insert("namespace".to_owned(), json!(self.namespace));
        }
        Map::from_iter([
            ("apiVersion".to_owned(), json!(self.api_version)),
            ("kind".to_owned(), json!(self.kind)),
            ("metadata".to_owned(), Value::Object(metadata)),
        ])
    }
}

/// `Deployment ci/runner`
impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&display_name(&self.kind, &self.name, &self.namespace))
    }
}

/// `Deployment ci/runner`, `Deployment runner` without a namespace, `Kustomization` without a name.
pub fn display_name(kind: &str, name: &str, namespace: &str) -> String {
    match (namespace, name) {
        ("", "") => kind.to_owned(),
        ("", name) => format!("{kind} {name}"),
        (namespace, name) => format!("{kind} {namespace}/{name}"),
    }
}

/// A parsed item and its place in the list. Copies share the value.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The place in the list, from 0.
    pub item: usize,
    /// What it is called.
    pub identity: Identity,
    /// The whole resource.
    pub value: Rc<Value>,
}

impl Resource {
    /// Reads the identity off a value.
    pub fn new(item: usize, value: Value) -> Self {
        let text = |pointer: &str| {
            value
                .at(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let annotation = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|name| value.at("/metadata/annotations")?.get(name)?.as_str())
        };
        let identity = Identity {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
            path: annotation(PATH_ANNOTATIONS).map(str::to_owned),
            index: annotation(INDEX_ANNOTATIONS).and_then(|index| index.parse().ok()),
        };
        Self {
            item,
            identity,
            value: Rc::new(value),
        }
    }

    /// The value of one annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.value.at("/metadata/annotations")?.get(name)?.as_str()
    }

    /// True when `name` may refer to this resource: it is its name, the name before kustomize
    /// renamed it, or its name with the hash that kustomize says it will append.
    pub fn answers_to(&self, name: &str) -> bool {
        let own = self.identity.name.as_str();
        let previous = self.annotation(PREVIOUS_NAMES).unwrap_or_default();
        own == name
            || previous.split(',').any(|previous| previous == name)
            || self.gets_a_hash() && without_hash(name) == Some(own)
    }

    /// True when kustomize appends a hash of the content to the name after this function.
    pub fn gets_a_hash(&self) -> bool {
        self.annotation(NEEDS_HASH) == Some("enabled")
    }

    /// Whether kustomize may have built both resources from one kustomization, judging by the
    /// prefixes and suffixes of their names: 2 if they are equal, 1 if an outer overlay added more
    /// to one of them, 0 if they differ.
    ///
    /// Source: `PrefixesSuffixesEquals` in kustomize's `api/resource`.
    pub fn shares_renames(&self, other: &Self) -> u8 {
        let of = |resource: &Self, name: &str| -> Vec<String> {
            let renames = resource.annotation(name).unwrap_or_default().split(',');
            renames
                .filter(|rename| !rename.is_empty())
                .map(str::to_owned)
                .collect()
        };
        RENAMES
            .iter()
            .map(|name| {
                let (own, other) = (of(self, name), of(other, name));
                match own == other {
                    true => 2,
                    false if own.ends_with(&other) || other.ends_with(&own) => 1,
                    false => 0,
                }
            })
            .min()
            .unwrap_or_default()
    }
}

/// `config` of `config-9kt2f5m8cb`: kustomize's hash is ten characters of a small alphabet.
///
/// Source: `encode` in kustomize's `api/hasher`.
pub fn without_hash(name: &str) -> Option<&str> {
    let (stem, suffix) = name.rsplit_once('-')?;
    let hash = suffix.len() == 10 && suffix.chars().all(|c| "bcdfghkmt2456789".contains(c));
    hash.then_some(stem)
}

/// The path of a new resource in the folder of another file: `apps/runner.yaml` gives
/// `apps/service_NAME.yaml`, as kyaml names files.
pub fn path_beside(path: &str, kind: &str, name: &str) -> String {
    let directory = path.rsplit_once('/').map(|(directory, _)| directory);
    let file = format!("{}_{name}.yaml", kind.to_ascii_lowercase());
    match directory {
        Some(directory) => format!("{directory}/{file}"),
        None => file,
    }
}
