//! The results of the functions, as a ResourceList holds them.

use serde_json::Value;

use krm::resource::{Identity, display_name};
use krm::results::place;
use yaml_splice::pointer::At as _;

/// One result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// `error`, `warning` or `info`.
    pub(super) severity: String,
    /// What is wrong or was done, and what to do about it.
    pub(super) message: String,
    /// The kind of the resource that it is about; empty if there is none.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// Its namespace.
    pub(super) namespace: String,
    /// The field that it is about.
    pub(super) field: String,
    /// The file that the resource is in.
    pub(super) file: String,
}

impl Said {
    /// Parses a result. Missing fields are empty.
    pub(super) fn read(result: &Value) -> Self {
        let text = |pointer: &str| {
            let value = result.at(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        Self {
            severity: text("/severity"),
            message: text("/message"),
            kind: text("/resourceRef/kind"),
            name: text("/resourceRef/name"),
            namespace: text("/resourceRef/namespace"),
            field: text("/field/path"),
            file: text("/file/path"),
        }
    }

    /// True for an error, after which nothing was changed.
    pub(super) fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// True if it is about this resource.
    pub(super) fn is_about(&self, identity: &Identity) -> bool {
        self.kind == identity.kind
            && self.name == identity.name
            && self.namespace == identity.namespace
    }

    /// True if it is about a shard to be created from this workload.
    pub(super) fn is_about_shard_of(&self, workload: &Identity) -> bool {
        let shard = self.name.strip_prefix(&workload.name);
        let number = shard.and_then(|shard| shard.strip_prefix('-'));
        self.kind == workload.kind
            && self.namespace == workload.namespace
            && number.is_some_and(|number| number.parse::<u16>().is_ok())
    }

    /// Its subject: `Deployment ci/runner, spec.replicas, in runner.yaml`; empty if it has none.
    pub(super) fn place(&self) -> String {
        let resource =
            (!self.kind.is_empty()).then(|| display_name(&self.kind, &self.name, &self.namespace));
        let field = Some(self.field.as_str()).filter(|field| !field.is_empty());
        let file = Some(self.file.as_str()).filter(|file| !file.is_empty());
        place(resource, field, file)
    }
}
