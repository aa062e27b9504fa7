//! Live objects from files, as `kubectl get -o yaml` prints them, in place of a cluster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::function::{Outcome, run};
use crate::observed::{
    Answer, ServiceName, Step, Subject, node_address::is_node, requests, run_to_fixpoint,
};
use krm::documents::{DocumentError, split};
use krm::resource_list::ReadError;
use krm::results::FunctionResult;
use yaml_splice::Tree;
use yaml_splice::pointer::At as _;

/// The default namespace of `kubectl`.
const DEFAULT_NAMESPACE: &str = "default";

/// Live objects in place of a cluster. An object that is not among them counts as absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StaticCluster {
    services: BTreeMap<ServiceName, Value>,
    nodes: Vec<Value>,
}

impl StaticCluster {
    /// Reads Services, Nodes and lists of them from files, given as (path, text). Other objects are
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if a file is not a stream of YAML documents.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, DocumentError> {
        let mut given = Self::default();
        for document in split(files)? {
            let tree = Tree::parse(document.text(files));
            let value = tree
                .and_then(|tree| tree.to_value())
                .map_err(|error| document.not_yaml(files, error))?;
            given.add(value);
        }
        Ok(given)
    }

    /// Runs the function on the text of a ResourceList, and again with the answers, until it asks for
    /// nothing new.
    pub fn run(&self, list: &str) -> Outcome<'static> {
        let step = |list: Vec<u8>| {
            let outcome = run(&list).into_owned();
            let results = outcome.results().iter();
            let results: Vec<Value> = results.filter_map(json_of).collect();
            Ok::<_, ReadError>(Step {
                requests: requests(&results),
                outcome,
            })
        };
        let ran = run_to_fixpoint(list.as_bytes().to_vec(), step, |requests, answers| {
            let known = answers.len();
            for request in requests {
                let subject = &request.subject;
                answers
                    .entry(subject.clone())
                    .or_insert_with(|| self.answer(subject));
            }
            answers.len() > known
        });
        ran.unwrap_or_else(|error| Outcome::unreadable(&error))
    }

    fn add(&mut self, value: Value) {
        let text = |pointer: &str| {
            let text = value.at(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        if is_node(&value) {
            self.nodes.push(value);
        } else if text("/kind") == "Service" {
            let name = ServiceName {
                namespace: text("/metadata/namespace"),
                name: text("/metadata/name"),
            };
            self.services.insert(name, value);
        } else if let Value::Object(mut list) = value
            && let Some(Value::Array(members)) = list.remove("items")
        {
            members.into_iter().for_each(|member| self.add(member));
        }
    }

    fn answer(&self, subject: &Subject) -> Answer {
        let name = match subject {
            Subject::Service(name) => name,
            Subject::Nodes => return Answer::Live(json!({"items": self.nodes})),
        };
        let in_default = || {
            let name = ServiceName {
                namespace: DEFAULT_NAMESPACE.to_owned(),
                name: name.name.clone(),
            };
            self.services.get(&name)
        };
        let service = self.services.get(name);
        match service.or_else(|| name.namespace.is_empty().then(in_default).flatten()) {
            Some(service) => Answer::Live(service.clone()),
            None => Answer::Absent {
                namespace: DEFAULT_NAMESPACE.to_owned(),
                asked: None,
            },
        }
    }
}

fn json_of(result: &FunctionResult) -> Option<Value> {
    serde_json::to_value(result).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = include_str!("../tests/fixtures/refused-address/host-cannot-look.yaml");
    const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: s, namespace: ci}
status: {loadBalancer: {ingress: [{ip: 192.0.2.7}]}}
";

    fn given(text: &str) -> StaticCluster {
        StaticCluster::read(&[("live.yaml", text)]).unwrap()
    }

    fn service(namespace: &str, name: &str) -> Subject {
        Subject::Service(ServiceName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    fn is_live(given: &StaticCluster, subject: &Subject) -> bool {
        matches!(given.answer(subject), Answer::Live(_))
    }

    #[test]
    fn services_are_known_by_namespace_and_name() {
        let seen = given(SERVICE);
        assert!(is_live(&seen, &service("ci", "s")));
        assert!(!is_live(&seen, &service("other", "s")));
        assert!(!is_live(&seen, &service("", "s")));
        assert!(!is_live(&given(""), &service("ci", "s")));
        let default = given(&SERVICE.replace("ci", "default"));
        assert!(is_live(&default, &service("", "s")));
    }

    #[test]
    fn lists_are_taken_apart() {
        let node = "{kind: Node, metadata: {name: n}, status: {addresses: []}}";
        let list = format!(
            "kind: List\nitems:\n- {node}\n- kind: NodeList\n  items: [{node}]\n- kind: Pod\n---\n{SERVICE}"
        );
        let seen = given(&list);
        assert_eq!(seen.nodes.len(), 2);
        assert!(is_live(&seen, &service("ci", "s")));
        assert!(is_live(&given(""), &Subject::Nodes));
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        let error = StaticCluster::read(&[("live.yaml", "a: 1\n---\n\nb: [\n")]).unwrap_err();
        assert_eq!((error.path.as_str(), error.line), ("live.yaml", 5));
    }

    #[test]
    fn the_function_runs_until_it_knows() {
        let asks = run(LIST.as_bytes());
        assert!(asks.failed());
        let results: Vec<_> = asks.results().iter().filter_map(json_of).collect();
        let [request] = &requests(&results)[..] else {
            panic!("asks for one thing: {results:?}");
        };
        let Subject::Service(name) = &request.subject else {
            panic!("asks for a Service");
        };
        let live = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {}, namespace: {}, annotations: {{runner-terminal.dev/owned-by: SessionServer}}}}\nspec: {{type: \
             LoadBalancer, ports: [{{name: session-server, port: 9000}}]}}\nstatus: {{loadBalancer: {{ingress: [{{ip: \
             192.0.2.7}}]}}}}\n",
            name.name, name.namespace
        );
        let known = given(&live).run(LIST);
        assert!(!known.failed(), "{}", known.report());
        assert!(known.text().contains("192.0.2.7"), "{}", known.text());
        let none = given("").run(LIST);
        assert!(!none.text().contains("192.0.2.7"));
        assert_ne!(none.report(), asks.report());
    }
}
