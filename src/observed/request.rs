//! What the function asks its host to look up, as tags of a result.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ServiceName, Subject};
use crate::fields::Seconds;
use crate::function_config::AdvertiseAddressSpec;
use krm::results::FunctionResult;
use yaml_splice::pointer::At as _;

/// A tag of a result: the host is asked to look at the Service that the result is about. Its value
/// is `now`, or `change` to wait until the Service has changed.
pub const OBSERVE_TAG: &str = "runner-terminal.dev/observe";
const KUBECONFIG_TAG: &str = "runner-terminal.dev/kubeconfig";
const CONTEXT_TAG: &str = "runner-terminal.dev/context";
/// Seconds.
const TIMEOUT_TAG: &str = "runner-terminal.dev/timeout";

/// A tag of a result that asks for the nodes instead of the Service that it is about.
const NODES_TAG: &str = "runner-terminal.dev/observe-nodes";

/// What the function needs to know about the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to look up.
    pub subject: Subject,
    /// When to answer.
    pub look: Look,
    /// The kubeconfig file; `None` for the host's default.
    pub kubeconfig: Option<String>,
    /// The context in it; `None` for the current one.
    pub context: Option<String>,
}

/// When to answer a [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At once, with whatever exists.
    Now,
    /// When the Service has changed since the host's last answer, or this long after the first run.
    Change(Seconds),
}

impl Request {
    /// The request of a functionConfig.
    pub(crate) fn new(subject: Subject, look: Look, spec: &AdvertiseAddressSpec) -> Self {
        Self {
            subject,
            look,
            kubeconfig: spec.kubeconfig.clone(),
            context: spec.context.clone(),
        }
    }

    /// Tags a result, which must be about the Service.
    pub(crate) fn tag(&self, result: FunctionResult) -> FunctionResult {
        let result = match self.look {
            Look::Now => result.tagged(OBSERVE_TAG, "now"),
            Look::Change(Seconds(seconds)) => result
                .tagged(OBSERVE_TAG, "change")
                .tagged(TIMEOUT_TAG, &seconds.to_string()),
        };
        let result = match self.subject {
            Subject::Service(_) => result,
            Subject::Nodes => result.tagged(NODES_TAG, "true"),
        };
        [
            (KUBECONFIG_TAG, &self.kubeconfig),
            (CONTEXT_TAG, &self.context),
        ]
        .into_iter()
        .fold(result, |result, (tag, value)| match value {
            Some(value) => result.tagged(tag, value),
            None => result,
        })
    }

    /// Parses the request in a result.
    fn from_result(result: &Value) -> Option<Self> {
        let tags = result.get("tags")?;
        let tag = |name: &str| tags.get(name).and_then(Value::as_str);
        let look = match tag(OBSERVE_TAG)? {
            "now" => Look::Now,
            "change" => Look::Change(Seconds(tag(TIMEOUT_TAG)?.parse().ok()?)),
            _ => return None,
        };
        let named = |field: &str| {
            let value = result.at(&format!("/resourceRef/{field}"));
            value.and_then(Value::as_str)
        };
        let subject = match tag(NODES_TAG) {
            Some(_) => Subject::Nodes,
            None => Subject::Service(ServiceName {
                namespace: named("namespace").unwrap_or_default().to_owned(),
                name: named("name")?.to_owned(),
            }),
        };
        Some(Self {
            subject,
            look,
            kubeconfig: tag(KUBECONFIG_TAG).map(str::to_owned),
            context: tag(CONTEXT_TAG).map(str::to_owned),
        })
    }
}

/// What the results of a run request from the host, without duplicates.
pub fn requests(results: &[Value]) -> Vec<Request> {
    let requests = results.iter().filter_map(Request::from_result);
    let by_subject: BTreeMap<Subject, Request> = requests
        .map(|request| (request.subject.clone(), request))
        .collect();
    by_subject.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use krm::resource::Identity;

    #[test]
    fn a_request_crosses_as_tags() {
        let spec = AdvertiseAddressSpec {
            kubeconfig: Some("~/.kube/a b".to_owned()),
            ..AdvertiseAddressSpec::default()
        };
        for look in [Look::Now, Look::Change(Seconds(300))] {
            for namespace in ["ci", ""] {
                let service = ServiceName {
                    namespace: namespace.to_owned(),
                    name: "s".to_owned(),
                };
                let subject = if namespace.is_empty() {
                    Subject::Nodes
                } else {
                    Subject::Service(service)
                };
                let request = Request::new(subject, look, &spec);
                let identity = Identity {
                    kind: "Service".to_owned(),
                    name: "s".to_owned(),
                    namespace: namespace.to_owned(),
                    ..Identity::default()
                };
                let result = request.tag(FunctionResult::error("x").about(&identity));
                let value = serde_json::to_value(result).unwrap();
                assert_eq!(Request::from_result(&value), Some(request));
            }
        }
    }

    #[test]
    fn each_thing_is_asked_for_once() {
        let result = |name: &str| {
            serde_json::json!({
                "message": "a",
                "resourceRef": {"name": name},
                "tags": {OBSERVE_TAG: "now"},
            })
        };
        let results = [result("s"), result("t"), result("s"), serde_json::json!({})];
        let asked: Vec<String> = requests(&results)
            .iter()
            .map(|request| request.subject.to_string())
            .collect();
        assert_eq!(asked, ["Service s", "Service t"]);
    }

    #[test]
    fn other_tags_ask_nothing() {
        for tags in [
            serde_json::json!({}),
            serde_json::json!({OBSERVE_TAG: "later"}),
            serde_json::json!({OBSERVE_TAG: "change", TIMEOUT_TAG: "soon"}),
        ] {
            let value = serde_json::json!({"resourceRef": {"name": "s"}, "tags": tags});
            assert_eq!(Request::from_result(&value), None);
        }
    }
}
