//! What a host has seen of the cluster, as items of the list.

use krm::Internal;
use krm::resource::{Identity, Resource};
use krm::resource_list::{Changes, ReadError, ResourceList};
use serde_json::{Map, Value, json};
use yaml_splice::pointer::At as _;

use super::{
    ABSENT, ASKED, FAILED, FAILURE, FORBIDDEN, LIVE, LOOKED_IN, OBSERVED, RULE, ServiceName,
    Subject, node_address,
};

/// What a host has seen of a Service, or of the nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The Service, or the NodeList, as returned by the API server.
    Live(Value),
    /// The Service does not exist in the namespace of its manifest, or in this one if the manifest
    /// has none.
    Absent {
        /// The host's default namespace.
        namespace: String,
        /// The API server, and where its address comes from, if one was asked.
        asked: Option<String>,
    },
    /// The API server does not allow it (403).
    Forbidden(Forbidden),
    /// It could not be read: the reason, and what to do.
    Failed(String),
}

/// A request that the API server does not allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forbidden {
    /// Who may not read it, and what to do: a clause for a message.
    pub reason: String,
    /// The manifests of a rule that allows it, as YAML. Empty if none is known.
    pub rule: String,
}

impl Forbidden {
    /// Parses an item that is [`FORBIDDEN`].
    pub(super) fn read(item: &Resource) -> Self {
        Self {
            reason: failure(item),
            rule: item.annotation(RULE).unwrap_or_default().to_owned(),
        }
    }
}

/// Why an item could not be read, from [`FAILURE`].
pub(super) fn failure(item: &Resource) -> String {
    let reason = item.annotation(FAILURE).unwrap_or("could not be read");
    reason.to_owned()
}

/// Adds a host's observations to the text of a ResourceList, after the existing items.
///
/// # Errors
/// The input is not a ResourceList.
pub fn answer<'a>(
    input: &[u8],
    answers: impl IntoIterator<Item = (&'a Subject, &'a Answer)>,
) -> Result<Vec<u8>, ReadError> {
    let list = ResourceList::read(input)?;
    let added = answers
        .into_iter()
        .map(|(subject, answer)| match subject {
            Subject::Service(name) => answer.service(name),
            Subject::Nodes => answer.nodes(),
        })
        .map(|seen| (list.len().saturating_sub(1), seen))
        .collect();
    let changes = Changes {
        added,
        ..Changes::default()
    };
    let written = list
        .write(&changes, &[])
        .map_err(|error| Internal::new(format!("an answer cannot be added: {error}")))?;
    Ok(written.pieces.concat().into_bytes())
}

impl Answer {
    fn state(&self) -> &'static str {
        match self {
            Self::Live(_) => LIVE,
            Self::Absent { .. } => ABSENT,
            Self::Forbidden(_) => FORBIDDEN,
            Self::Failed(_) => FAILED,
        }
    }

    /// The annotations that say why it could not be read.
    fn failure(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Failed(reason) => vec![(FAILURE, reason)],
            Self::Forbidden(Forbidden { reason, rule }) if rule.is_empty() => {
                vec![(FAILURE, reason)]
            }
            Self::Forbidden(Forbidden { reason, rule }) => vec![(FAILURE, reason), (RULE, rule)],
            Self::Live(_) | Self::Absent { .. } => Vec::new(),
        }
    }

    /// The item for the nodes; live nodes are reduced to the relevant fields.
    fn nodes(&self) -> Value {
        let state = (OBSERVED, self.state());
        let annotations = [state].into_iter().chain(self.failure());
        let annotations: Map<String, Value> = annotations
            .map(|(annotation, text)| (annotation.to_owned(), json!(text)))
            .collect();
        let mut items = Vec::new();
        if let Self::Live(list) = self {
            let nodes = list.get("items").and_then(Value::as_array);
            items.extend(nodes.into_iter().flatten().map(node_address::trimmed));
        }
        json!({
            "apiVersion": "v1",
            "kind": "NodeList",
            "metadata": {"annotations": annotations},
            "items": items,
        })
    }

    /// The item for the Service; a live Service is reduced to the relevant fields.
    fn service(&self, name: &ServiceName) -> Value {
        let state = self.state();
        let service = match self {
            Self::Live(service) => service,
            Self::Absent { .. } | Self::Forbidden(_) | Self::Failed(_) => &Value::Null,
        };
        let annotations = service.at("/metadata/annotations");
        let mut annotations: Map<String, Value> = annotations
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        annotations.insert(OBSERVED.to_owned(), json!(state));
        for (annotation, text) in self.failure() {
            annotations.insert(annotation.to_owned(), json!(text));
        }
        if let Self::Absent { namespace, asked } = self {
            if name.namespace.is_empty() {
                annotations.insert(LOOKED_IN.to_owned(), json!(namespace));
            }
            if let Some(asked) = asked {
                annotations.insert(ASKED.to_owned(), json!(asked));
            }
        }
        let identity = Identity {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            name: name.name.clone(),
            namespace: name.namespace.clone(),
            ..Identity::default()
        };
        let mut item = identity.skeleton();
        if let Some(metadata) = item.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("annotations".to_owned(), Value::Object(annotations));
            if let Some(since) = service.at("/metadata/deletionTimestamp") {
                metadata.insert("deletionTimestamp".to_owned(), since.clone());
            }
        }
        for section in ["spec", "status"] {
            if let Some(value) = service.get(section) {
                item.insert(section.to_owned(), value.clone());
            }
        }
        Value::Object(item)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Observation, Observed, is_live};
    use super::*;

    const LIST: &str =
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- kind: A\n";

    fn name() -> ServiceName {
        ServiceName {
            namespace: "ci".to_owned(),
            name: "s".to_owned(),
        }
    }

    fn absent() -> Answer {
        Answer::Absent {
            namespace: "default".to_owned(),
            asked: Some("api.example.com:6443 (context one)".to_owned()),
        }
    }

    #[test]
    fn what_was_answered_is_observed_and_marked() {
        let live = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "s", "namespace": "ci", "managedFields": [{"manager": "x"}],
                "annotations": {"a": "b"}, "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}});
        for (answer, state) in [
            (Answer::Live(live), LIVE),
            (absent(), ABSENT),
            (
                Answer::Forbidden(Forbidden {
                    reason: "no".to_owned(),
                    rule: String::new(),
                }),
                FORBIDDEN,
            ),
            (
                Answer::Forbidden(Forbidden {
                    reason: "no:\n\nnot: a rule".to_owned(),
                    rule: "kind: Role\n\n---\nkind: RoleBinding\n".to_owned(),
                }),
                FORBIDDEN,
            ),
            (Answer::Failed("it's \"broken\":\n- a".to_owned()), FAILED),
        ] {
            let text =
                super::answer(LIST.as_bytes(), [(&Subject::Service(name()), &answer)]).unwrap();
            assert!(!String::from_utf8_lossy(&text).contains("managedFields"));
            let list = ResourceList::read(&text).unwrap();
            let observed = Observed::collect(&list).unwrap();
            assert_eq!(observed.injected.len(), 1);
            assert_eq!(observed.injected[0].annotation(OBSERVED), Some(state));
            match (observed.service(&name()).unwrap(), &answer) {
                (
                    Observation::Absent {
                        looked_in: None,
                        asked: seen,
                    },
                    Answer::Absent { asked, .. },
                ) => assert_eq!(seen, asked),
                (Observation::Failed(said), Answer::Failed(reason)) => assert_eq!(said, reason),
                (Observation::Forbidden(said), Answer::Forbidden(rule)) => assert_eq!(said, rule),
                (Observation::Live { service, by_host }, Answer::Live(_)) => {
                    assert!(by_host);
                    assert_eq!(service.annotation("a"), Some("b"));
                    assert!(is_live(service));
                    assert!(service.value.at("/metadata/deletionTimestamp").is_some());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn answers_go_into_lists_of_any_form() {
        for list in [
            LIST,
            "{\"apiVersion\": \"config.kubernetes.io/v1\", \"kind\": \"ResourceList\", \"items\": [{}]}",
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- kind: A\nfunctionConfig: {}\n",
        ] {
            let text = answer(list.as_bytes(), [(&Subject::Service(name()), &absent())]).unwrap();
            let list = ResourceList::read(&text).unwrap();
            let observed = Observed::collect(&list).unwrap();
            assert!(matches!(
                observed.service(&name()),
                Some(Observation::Absent { .. })
            ));
        }
    }
}
