//! Manifests, with the functionConfigs that are run on them.

use std::collections::BTreeSet;
use std::convert::Infallible;

use runner_terminal::documents::{
    Run, apply, function_configs, is_function_config, locate, split, to_resource_list,
    without_function_configs,
};
use runner_terminal::text::steers;
use runner_terminal::yaml::Tree;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::{Case, expect};

/// What came of manifests.
pub(crate) struct Ran {
    /// `served`, `unchanged`, `refused`; anything else is wrong.
    pub(crate) outcome: &'static str,
    pub(crate) report: String,
    pub(crate) output: String,
}

/// Runs functionConfigs on a file: those in `given`, else those among its documents, else the default.
pub(crate) fn run(name: &str, text: &str, given: Option<&str>) -> Ran {
    let files = [(name, text)];
    let given = given.map(|given| ("config.yaml", given));
    let configs = function_configs(&files, given.as_slice()).unwrap();
    let applied = apply(&files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&runner_terminal::run(list.as_bytes())))
    });
    match applied {
        Err(error) => Ran {
            outcome: "refused",
            report: error.to_string(),
            output: text.to_owned(),
        },
        Ok(mut applied) => {
            let output = applied.texts.remove(0);
            Ran {
                outcome: match (applied.failed, output == text) {
                    (true, true) => "refused",
                    (true, false) => "refused and changed",
                    (false, true) => "unchanged",
                    (false, false) => "served",
                },
                report: applied.report,
                output,
            }
        }
    }
}

/// The functionConfig that a case has in its first lines.
pub(crate) fn given(case: &Case) -> Option<String> {
    let spec = case.one("config").filter(|spec| *spec != "default")?;
    Some(format!(
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n\
         metadata: {{name: session-server}}\nspec: {spec}\n"
    ))
}

pub(super) fn of_case(case: &Case) -> Ran {
    run(case.file(), &case.text, given(case).as_deref())
}

/// The functionConfigs of a case, in the order in which they are run.
pub(crate) fn configs(case: &Case) -> Vec<Value> {
    let files = [(case.file(), case.text.as_str())];
    let given = given(case);
    let given = given.as_deref().map(|given| ("config.yaml", given));
    let configs = function_configs(&files, given.as_slice()).unwrap();
    configs.iter().map(|config| value(&config.text)).collect()
}

pub(crate) fn value(text: &str) -> Value {
    Tree::parse(text).unwrap().to_value().unwrap()
}

/// The documents that are no functionConfigs.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let files = [("", text)];
    let documents = split(&files).unwrap();
    let texts = documents.iter().map(|document| document.text(&files));
    texts
        .filter(|text| !is_function_config(text))
        .map(value)
        .collect()
}

/// The resources of a file: documents, and members of Lists, Templates and arrays.
pub(crate) fn resources(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for document in documents(text) {
        unwrap(document, &mut found);
    }
    found
}

fn unwrap(mut value: Value, found: &mut Vec<Value>) {
    let kind = value["kind"].as_str().unwrap_or_default();
    let members = match kind {
        "" if value.is_array() => Some(value.take()),
        "Template" => value.get_mut("objects").map(Value::take),
        kind if kind.ends_with("List") => value.get_mut("items").map(Value::take),
        _ => None,
    };
    match members {
        Some(Value::Array(members)) => members.into_iter().for_each(|member| unwrap(member, found)),
        _ => found.push(value),
    }
}

pub(crate) fn name(resource: &Value) -> String {
    let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{} {}",
        part(&resource["kind"]),
        part(&resource["metadata"]["name"])
    )
}

/// True for what this function has made.
fn is_ours(resource: &Value) -> bool {
    resource["metadata"]["annotations"]["runner-terminal.dev/owned-by"] == "SessionServer"
}

/// `KIND NAME` of what this function has made, sorted.
fn ours(resources: &[Value]) -> Vec<String> {
    let ours = resources.iter().filter(|resource| is_ours(resource));
    let mut names: Vec<String> = ours.map(name).collect();
    names.sort();
    names
}

/// `KIND NAME POINTER` of each value that is new or another one, in resources that are neither
/// workloads nor Services.
fn edits(before: &str, after: &str) -> Vec<String> {
    let values = |text: &str| {
        let mut found = BTreeSet::new();
        for resource in resources(text) {
            let kind = resource["kind"].as_str().unwrap_or_default();
            if !["Deployment", "StatefulSet", "Pod", "Service"].contains(&kind) {
                leaves(&resource, &format!("{} ", name(&resource)), &mut found);
            }
        }
        found
    };
    let (before, after) = (values(before), values(after));
    after
        .difference(&before)
        .map(|(place, _)| place.clone())
        .collect()
}

fn leaves(value: &Value, place: &str, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| *key != "annotations") {
                leaves(member, &format!("{place}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{place}/{index}"), found);
            }
        }
        other => {
            found.insert((place.to_owned(), other.to_string()));
        }
    }
}

/// The document in which the first result with a place is, as the line there.
fn first_line_pointed_at(case: &Case) -> String {
    let files = [(case.file(), case.text.as_str())];
    let configs = function_configs(&files, &[]).unwrap();
    let list = to_resource_list(&files, &configs[0].text).unwrap();
    let outcome = runner_terminal::run(list.text.as_bytes());
    let results = outcome.results().iter().map(|result| (&configs[0], result));
    let place = locate(&files, results)
        .into_iter()
        .flatten()
        .next()
        .unwrap();
    case.text.lines().nth(place.line - 1).unwrap().to_owned()
}

/// `KIND NAME REST`
fn named(value: &str) -> (String, &str) {
    let (kind, rest) = value.split_once(' ').unwrap();
    let (name, rest) = rest.split_once(' ').unwrap();
    (format!("{kind} {name}"), rest)
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let Ran {
        outcome,
        report,
        output,
    } = case.ran();
    let diff = TextDiff::from_lines(case.text.as_str(), output);
    let lines = |tag: ChangeTag| -> Vec<String> {
        let changes = diff.iter_all_changes().filter(|change| change.tag() == tag);
        changes.map(|change| change.to_string()).collect()
    };
    let added = lines(ChangeTag::Insert);
    let adds = |text: &str| added.iter().any(|line| line.contains(text));
    let says = |text: &str| report.contains(text);
    let after = resources(output);
    if *outcome == "refused" {
        let says_why = case.all("says").next().or(case.one("points at"));
        expect(says_why.is_some(), "no line `# says: …` says why")?;
        let advice = ["in clear and", "write it in clear"]
            .into_iter()
            .find(|text| says(text));
        expect(
            advice.is_none(),
            format!("advises to write a secret in clear\n{report}"),
        )?;
    }
    let steers_to = report.lines().find(|line| line.contains(steers));
    expect(
        steers_to.is_none(),
        format!("steers a terminal: {steers_to:?}"),
    )?;
    for service in after
        .iter()
        .filter(|service| is_ours(service) && service["kind"] == "Service")
    {
        let name = service["metadata"]["name"].as_str().unwrap();
        expect(
            name.len() <= 63,
            format!("{name} is too long for a Service"),
        )?;
    }
    case.check_lines(|key, wanted| {
        Some(match key {
            "outcome" => expect(*outcome == wanted, format!("{outcome}\n{report}")),
            "config" => {
                let files = [(case.file(), case.text.as_str())];
                let found = function_configs(&files, &[]).unwrap();
                expect(
                    found[0].is_default(),
                    format!("{} has one", found[0].place()),
                )
            }
            "says" => expect(says(wanted), report),
            "never says" => expect(!says(wanted), report),
            "warnings" => {
                let count = report.matches("warning: ").count().to_string();
                expect(count == wanted, report)
            }
            "points at" => {
                let line = first_line_pointed_at(case);
                expect(line.contains(wanted), line)
            }
            "adds" => expect(adds(wanted), added.concat()),
            "never adds" => expect(!adds(wanted), added.concat()),
            "keeps" => {
                let kept = lines(ChangeTag::Equal);
                let mut kept = kept.iter().filter(|line| !line.starts_with("# "));
                expect(kept.any(|line| line.contains(wanted)), output)
            }
            "same up to" => {
                let end = case.text.len() - case.body().len() + case.body().find(wanted).unwrap();
                expect(output.starts_with(&case.text[..end]), output)
            }
            "removes" => {
                let removed = lines(ChangeTag::Delete)
                    .iter()
                    .any(|line| line.contains(wanted));
                let left = without_function_configs(case.file(), output).unwrap();
                let left = left.lines().filter(|line| !line.starts_with('#'));
                let is_left = left.into_iter().any(|line| line.contains(wanted));
                expect(removed && !is_left, output)
            }
            "edits" => {
                let edits = edits(&case.text, output);
                let all: Vec<_> = case
                    .all("edits")
                    .filter(|edit| *edit != "nothing")
                    .collect();
                expect(edits == all, format!("{edits:?}"))
            }
            "makes" => {
                let kind = wanted.split(' ').next().unwrap();
                let is_of_kind = |name: &&String| name.split(' ').next() == Some(kind);
                let ours = ours(&after);
                let ours: Vec<&String> = ours.iter().filter(is_of_kind).collect();
                let mut all: Vec<_> = case.all("makes").map(str::to_owned).collect();
                all.sort();
                let all: Vec<&String> = all.iter().filter(is_of_kind).collect();
                expect(ours == all, format!("{ours:?}"))
            }
            "makes no" => {
                let ours = ours(&after);
                let is_of_kind = |name: &String| name.split(' ').next() == Some(wanted);
                expect(!ours.iter().any(is_of_kind), format!("{ours:?}"))
            }
            "adopts" => {
                let made = ours(&after).iter().any(|name| name.starts_with("Service "));
                let said = says(&format!(
                    "info: Service {wanted}: leads to the session server"
                ));
                expect(said && !made, report.clone() + output)
            }
            "has" => {
                let (resource, rest) = named(wanted);
                let (pointer, json) = rest.split_once(" = ").unwrap();
                let json: Value = serde_json::from_str(json).unwrap();
                let mut found = after.iter().filter(|found| name(found) == resource);
                expect(
                    found.any(|found| found.pointer(pointer) == Some(&json)),
                    output,
                )
            }
            "lacks" => {
                let (resource, pointer) = named(wanted);
                let found: Vec<_> = after
                    .iter()
                    .filter(|found| name(found) == resource)
                    .collect();
                let lacks = found.iter().all(|found| found.pointer(pointer).is_none());
                expect(lacks && !found.is_empty(), output)
            }
            "puts" => {
                let (kind, place) = wanted.split_once(" at ").unwrap();
                let (number, pointer) = place.split_once(' ').unwrap_or((place, ""));
                let number: usize = number.parse().unwrap();
                let found = documents(output).into_iter().nth(number - 1);
                let found = found.and_then(|document| document.pointer(pointer).cloned());
                expect(found.is_some_and(|found| found["kind"] == kind), output)
            }
            "second run says" => {
                let again = run(case.file(), output, given(case).as_deref()).report;
                expect(
                    again == wanted || (again.is_empty() && wanted == "nothing"),
                    again,
                )
            }
            "one by one" => super::properties::one_by_one(case, output, wanted),
            "undo" => expect(
                wanted == "same values",
                "there is `# undo: same values` alone",
            ),
            "also refused" => expect(
                ["another functionConfig", "an address"].contains(&wanted),
                "there are `another functionConfig` and `an address`",
            ),
            _ => return None,
        })
    })
}
