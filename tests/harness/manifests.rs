//! Manifests, with the functionConfigs that are run on them.

use std::collections::BTreeSet;
use std::convert::Infallible;

use krm::documents::{is_function_config, split, to_resource_list, without_function_configs};
use krm::text::steers;
use runner_terminal::documents::{Run, apply, function_configs};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use view::locate;
use yaml_splice::Tree;

use super::properties::check_one_by_one;
use super::{Case, expect};

/// The result of running the functions on a file.
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

/// The functionConfig of a line `# config: SPEC`.
pub(crate) fn config_of_header(case: &Case) -> Option<String> {
    let spec = case.one("config").filter(|spec| *spec != "default")?;
    Some(format!(
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n\
         metadata: {{name: session-server}}\nspec: {spec}\n"
    ))
}

pub(super) fn run_case(case: &Case) -> Ran {
    run(case.file(), &case.text, config_of_header(case).as_deref())
}

/// The functionConfigs of a case, in the order in which they are run.
pub(crate) fn configs(case: &Case) -> Vec<Value> {
    let files = [(case.file(), case.text.as_str())];
    let given = config_of_header(case);
    let given = given.as_deref().map(|given| ("config.yaml", given));
    let configs = function_configs(&files, given.as_slice()).unwrap();
    configs.iter().map(|config| value(&config.text)).collect()
}

pub(crate) fn value(text: &str) -> Value {
    Tree::parse(text).unwrap().to_value().unwrap()
}

/// The documents that are not functionConfigs.
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

/// True if this function owns the resource.
fn is_ours(resource: &Value) -> bool {
    resource["metadata"]["annotations"]["runner-terminal.dev/owned-by"] == "SessionServer"
}

/// `KIND NAME` of each resource that this function owns.
fn ours(resources: &[Value]) -> Vec<String> {
    let ours = resources.iter().filter(|resource| is_ours(resource));
    ours.map(name).collect()
}

/// `KIND NAME POINTER` of each of the user's values that is added or changed outside of workloads
/// and Services.
fn edits(before: &str, after: &str) -> Vec<String> {
    let values = |text: &str| {
        let mut found = BTreeSet::new();
        for resource in resources(text) {
            let kind = resource["kind"].as_str().unwrap_or_default();
            let is_other = !["Deployment", "StatefulSet", "Pod", "Service"].contains(&kind);
            if is_other && !is_ours(&resource) {
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

/// The line of the first result that has one.
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

/// A case and its outcome.
struct Found<'c> {
    case: &'c Case,
    ran: &'c Ran,
    added: Vec<String>,
    removed: Vec<String>,
    kept: Vec<String>,
    /// The resources of the output.
    after: Vec<Value>,
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let found = Found::of(case);
    found.check_always()?;
    case.check_lines(|key, wanted| found.check_line(key, wanted))
}

impl<'c> Found<'c> {
    fn of(case: &'c Case) -> Self {
        let ran = case.ran();
        let diff = TextDiff::from_lines(case.text.as_str(), &ran.output);
        let lines = |tag: ChangeTag| {
            let changes = diff.iter_all_changes().filter(|change| change.tag() == tag);
            changes.map(|change| change.to_string()).collect()
        };
        Self {
            case,
            ran,
            added: lines(ChangeTag::Insert),
            removed: lines(ChangeTag::Delete),
            kept: lines(ChangeTag::Equal),
            after: resources(&ran.output),
        }
    }

    /// Checks what must be true of every case.
    fn check_always(&self) -> Result<(), String> {
        let report = &self.ran.report;
        if self.ran.outcome == "refused" {
            let says_why = self.case.all("says").next().or(self.case.one("points at"));
            expect(says_why.is_some(), "no line `# says: …` says why")?;
            let advises = ["in clear and", "write it in clear"].map(|text| report.contains(text));
            expect(
                advises == [false; 2],
                format!("advises to write in clear:\n{report}"),
            )?;
        }
        let steers_to = report.lines().find(|line| line.contains(steers));
        expect(
            steers_to.is_none(),
            format!("steers a terminal: {steers_to:?}"),
        )?;
        let ours = ours(&self.after);
        let services = ours.iter().filter_map(|name| name.strip_prefix("Service "));
        let long = services.into_iter().find(|name| name.len() > 63);
        expect(long.is_none(), format!("too long for a Service: {long:?}"))
    }

    /// Checks one of the first lines; `None` for an unknown key.
    fn check_line(&self, key: &str, wanted: &str) -> Option<Result<(), String>> {
        let Ran {
            outcome,
            report,
            output,
        } = self.ran;
        let adds = || self.added.iter().any(|line| line.contains(wanted));
        Some(match key {
            "outcome" => expect(*outcome == wanted, format!("{outcome}\n{report}")),
            "config" => self.has_no_config(),
            "says" => expect(report.contains(wanted), report),
            "never says" => expect(!report.contains(wanted), report),
            "warnings" => {
                let count = report.matches("warning: ").count().to_string();
                expect(count == wanted, report)
            }
            "points at" => {
                let line = first_line_pointed_at(self.case);
                expect(line.contains(wanted), line)
            }
            "adds" => expect(adds(), self.added.concat()),
            "never adds" => expect(!adds(), self.added.concat()),
            "keeps" => {
                let mut kept = self.kept.iter().filter(|line| !line.starts_with("# "));
                expect(kept.any(|line| line.contains(wanted)), output)
            }
            "same up to" => self.is_same_up_to(wanted),
            "removes" => self.removes(wanted),
            "edits" => {
                let edits = edits(&self.case.text, output);
                let all = self.case.all("edits").filter(|edit| *edit != "nothing");
                expect(edits == all.collect::<Vec<_>>(), format!("{edits:?}"))
            }
            "makes" => self.makes(wanted.split(' ').next().unwrap()),
            "makes no" => self.makes(wanted),
            "adopts" => self.adopts(wanted),
            "has" => self.has(wanted),
            "lacks" => self.lacks(wanted),
            "puts" => self.puts(wanted),
            "second run says" => {
                let again = run(
                    self.case.file(),
                    output,
                    config_of_header(self.case).as_deref(),
                )
                .report;
                expect(
                    again == wanted || (again.is_empty() && wanted == "nothing"),
                    again,
                )
            }
            "one by one" => check_one_by_one(self.case, output, wanted),
            "undo" => expect(
                *outcome == "served" && wanted == "same values",
                "only `same values`, for what is served",
            ),
            "also refused" => expect(
                *outcome == "served" && ["another functionConfig", "an address"].contains(&wanted),
                "`another functionConfig` or `an address`, for what is served",
            ),
            _ => return None,
        })
    }

    fn has_no_config(&self) -> Result<(), String> {
        let files = [(self.case.file(), self.case.text.as_str())];
        let found = function_configs(&files, &[]).unwrap();
        expect(
            found[0].is_default(),
            format!("{} has one", found[0].place()),
        )
    }

    fn is_same_up_to(&self, text: &str) -> Result<(), String> {
        let Case { text: all, .. } = self.case;
        let body = self.case.body();
        let end = all.len() - body.len() + body.find(text).unwrap();
        expect(self.ran.output.starts_with(&all[..end]), &self.ran.output)
    }

    fn removes(&self, text: &str) -> Result<(), String> {
        let output = &self.ran.output;
        let removed = self.removed.iter().any(|line| line.contains(text));
        let left = without_function_configs(self.case.file(), output).unwrap();
        let mut left = left.lines().filter(|line| !line.starts_with('#'));
        expect(removed && !left.any(|line| line.contains(text)), output)
    }

    /// The lines `# makes: KIND …` must name all resources of this kind that the function owns.
    fn makes(&self, kind: &str) -> Result<(), String> {
        let of_kind = |mut names: Vec<String>| {
            names.retain(|name| name.split(' ').next() == Some(kind));
            names.sort();
            names
        };
        let ours = of_kind(ours(&self.after));
        let all = self.case.all("makes").map(str::to_owned);
        expect(ours == of_kind(all.collect()), format!("{ours:?}"))
    }

    fn adopts(&self, name: &str) -> Result<(), String> {
        let Ran { report, output, .. } = self.ran;
        let said = format!("info: Service {name}: leads to the session server");
        expect(report.contains(&said), report)?;
        let made = ours(&self.after)
            .iter()
            .any(|name| name.starts_with("Service "));
        expect(!made, output)
    }

    fn has(&self, wanted: &str) -> Result<(), String> {
        let (resource, rest) = named(wanted);
        let (pointer, json) = rest.split_once(" = ").unwrap();
        let json: Value = serde_json::from_str(json).unwrap();
        let mut found = self.after.iter().filter(|found| name(found) == resource);
        let has = found.any(|found| found.pointer(pointer) == Some(&json));
        expect(has, &self.ran.output)
    }

    fn lacks(&self, wanted: &str) -> Result<(), String> {
        let (resource, pointer) = named(wanted);
        let mut found = self
            .after
            .iter()
            .filter(|found| name(found) == resource)
            .peekable();
        let is_there = found.peek().is_some();
        let lacks = found.all(|found| found.pointer(pointer).is_none());
        expect(is_there && lacks, &self.ran.output)
    }

    fn puts(&self, wanted: &str) -> Result<(), String> {
        let (kind, place) = wanted.split_once(" at ").unwrap();
        let (number, pointer) = place.split_once(' ').unwrap_or((place, ""));
        let number: usize = number.parse().unwrap();
        let found = documents(&self.ran.output).into_iter().nth(number - 1);
        let found = found.and_then(|document| document.pointer(pointer).cloned());
        expect(
            found.is_some_and(|found| found["kind"] == kind),
            &self.ran.output,
        )
    }
}
