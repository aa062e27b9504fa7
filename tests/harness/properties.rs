//! Properties of every case. Each returns `None` for a case to which it does not apply.

use std::collections::BTreeSet;

use krm::documents::to_resource_list;
use runner_terminal::function_config::{API_VERSION, ApiVersion};
use serde_json::{Value, json};
use view::Mask;

use super::manifests::{Ran, config_of_header, configs, documents, resources, run, value};
use super::{Case, Kind, expect};

/// The output of a case that is served.
fn served(case: &Case) -> Option<&str> {
    let is_served = case.kind() == Kind::Manifests && case.outcome() == "served";
    is_served.then(|| case.ran().output.as_str())
}

fn succeeded(what: &str, ran: &Ran) -> Result<(), String> {
    let succeeded = ["served", "unchanged"].contains(&ran.outcome);
    expect(
        succeeded,
        format!("{what}: {}\n{}", ran.outcome, ran.report),
    )
}

/// A second run changes nothing.
pub(crate) fn second_run(case: &Case) -> Option<Result<(), String>> {
    let again = run(
        case.file(),
        served(case)?,
        config_of_header(case).as_deref(),
    );
    let Ran {
        outcome,
        report,
        output,
    } = again;
    Some(expect(
        outcome == "unchanged",
        format!("{outcome}\n{report}{output}"),
    ))
}

pub(super) fn disabled(config: &Value) -> Value {
    let mut config = config.clone();
    config["spec"]["enabled"] = json!(false);
    config
}

/// functionConfigs as one text.
pub(super) fn joined(configs: &[Value]) -> String {
    let texts: Vec<String> = configs.iter().map(Value::to_string).collect();
    texts.join("\n---\n")
}

/// True if the input contains what an earlier run wrote, which disabling removes too.
fn was_run_before(case: &Case) -> bool {
    let resources = resources(&case.text);
    let text = json!(resources).to_string();
    text.contains("\"runner-terminal.dev/")
}

/// The SessionServers of a case, if disabling them must restore the input.
fn enabled_session_servers(case: &Case) -> Option<Vec<Value>> {
    let mut configs = configs(case);
    configs.retain(|config| config["kind"] == "SessionServer");
    let is_on = configs
        .iter()
        .all(|config| config["spec"]["enabled"] != false);
    (is_on && !configs.is_empty() && !was_run_before(case)).then_some(configs)
}

/// `enabled: false` gives every byte back.
pub(crate) fn disabling(case: &Case) -> Option<Result<(), String>> {
    let once = served(case)?;
    let configs = enabled_session_servers(case)?;
    Some(check_disabled(case, once, &configs))
}

fn check_disabled(case: &Case, once: &str, configs: &[Value]) -> Result<(), String> {
    let off: Vec<Value> = configs.iter().map(disabled).collect();
    let off = run(case.file(), once, Some(&joined(&off)));
    succeeded("disabled", &off)?;
    check_restored(case, &case.text, &off.output)
}

fn check_restored(case: &Case, before: &str, after: &str) -> Result<(), String> {
    if case.one("undo").is_none() {
        return expect(after == before, after);
    }
    expect(
        after != before,
        "every byte is back, so no `# undo: …` is needed",
    )?;
    expect(decoded(after) == decoded(before), after)
}

/// The documents, with base64 without line breaks.
fn decoded(text: &str) -> Vec<Value> {
    let mut documents = documents(text);
    for document in &mut documents {
        let secrets = match document["kind"].as_str() {
            Some("List") => document["items"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .collect(),
            _ => vec![document],
        };
        for secret in secrets
            .into_iter()
            .filter(|secret| secret["kind"] == "Secret")
        {
            let values = secret["data"].as_object_mut().into_iter().flatten();
            for (_, value) in values {
                *value = value.as_str().unwrap().replace('\n', "").into();
            }
        }
    }
    documents
}

/// Disabling after a second function has run; `# also refused: …` says that this one is refused.
fn check_disabled_after(
    case: &Case,
    then: &str,
    ran: &Ran,
    configs: &[Value],
) -> Result<(), String> {
    if case.all("also refused").any(|refused| refused == then) {
        return expect(ran.outcome == "refused", ran.outcome);
    }
    succeeded(then, ran)?;
    check_disabled(case, &ran.output, configs)
}

/// The same after a run with another exposure, port, timeout and address.
pub(crate) fn disabling_after_a_change(case: &Case) -> Option<Result<(), String>> {
    let once = served(case)?;
    let mut configs = enabled_session_servers(case)?;
    for (index, config) in configs.iter_mut().enumerate() {
        let spec = &mut config["spec"];
        spec["exposure"] = json!({"type": "NodePort"});
        spec["listenPort"] = json!(8099);
        spec["sessionTimeout"] = json!("2m");
        if spec["advertiseAddress"].is_string() {
            spec["advertiseAddress"] = json!(format!("other-{index}.example.com:443"));
        }
    }
    let changed = run(case.file(), once, Some(&joined(&configs)));
    if changed.outcome == "served" {
        let again = run(case.file(), &changed.output, Some(&joined(&configs)));
        if let Err(error) = expect(again.outcome == "unchanged", again.output) {
            return Some(Err(format!("a second run changes more: {error}")));
        }
    }
    Some(check_disabled_after(
        case,
        "another functionConfig",
        &changed,
        &configs,
    ))
}

/// The same after an AdvertiseAddress for each SessionServer.
pub(crate) fn disabling_after_an_address(case: &Case) -> Option<Result<(), String>> {
    let once = served(case)?;
    let configs = enabled_session_servers(case)?;
    let follow_up = |(index, config): (usize, &Value)| {
        let mut follow_up = json!({
            "apiVersion": "runner-terminal.dev/v1alpha1",
            "kind": "AdvertiseAddress",
            "metadata": {"name": "a"},
            "spec": {"source": "Static", "address": format!("192.0.2.7:{}", 9001 + index)},
        });
        for key in ["runner", "container", "config"] {
            if let Some(value) = config["spec"].get(key) {
                follow_up["spec"][key] = value.clone();
            }
        }
        follow_up
    };
    let follow_ups: Vec<Value> = configs.iter().enumerate().map(follow_up).collect();
    let followed = run(case.file(), once, Some(&joined(&follow_ups)));
    Some(check_disabled_after(
        case,
        "an address",
        &followed,
        &configs,
    ))
}

/// Disabling runners one by one gives every byte back, in either order.
pub(crate) fn check_one_by_one(case: &Case, once: &str, runners: &str) -> Result<(), String> {
    let forwards: Vec<&str> = runners.split(", ").collect();
    let backwards = forwards.iter().rev().copied().collect();
    let config = disabled(&configs(case)[0]);
    for order in [forwards, backwards] {
        let mut now = once.to_owned();
        for runner in &order {
            let mut config = config.clone();
            config["spec"]["runner"] = json!({"name": runner});
            let ran = run(case.file(), &now, Some(&config.to_string()));
            expect(ran.outcome == "served", format!("{runner}: {}", ran.report))?;
            now = ran.output;
        }
        expect(now == case.text, format!("{order:?}:\n{now}"))?;
    }
    Ok(())
}

/// A refusal because the manifests have no configuration suggests `configure.at: PodStart` if and
/// only if it would serve the case.
pub(crate) fn the_pods_start_is_named_where_it_works(case: &Case) -> Option<Result<(), String>> {
    let is_of_configuration = case.path.starts_with("configuration/");
    if !is_of_configuration || case.outcome() != "refused" {
        return None;
    }
    let mut configs = configs(case);
    let [config] = configs.as_mut_slice() else {
        return None;
    };
    if config["kind"] != "SessionServer" || config["spec"].get("config").is_some() {
        return None;
    }
    config["spec"]["configure"] = json!({
        "at": "PodStart",
        "image": "registry.example.com/runner-terminal:0.2.0",
    });
    // The address is known, so that the case needs no namespace.
    config["spec"]["advertiseAddress"] = json!("terminal.example.com:443");
    let at_start = run(case.file(), &case.text, Some(&joined(&configs)));
    let is_named = case
        .ran()
        .report
        .contains(". Or set spec.configure.at: PodStart");
    let is_served = at_start.outcome == "served";
    let report = format!(
        "{}\nat the pod's start:\n{}",
        case.ran().report,
        at_start.report
    );
    Some(expect(is_named == is_served, report))
}

/// The report without line and item numbers, which differ in a List.
fn without_places(report: &str) -> String {
    let lines = report
        .lines()
        .map(|line| line.split(", as item").next().unwrap());
    let mut out = String::new();
    for part in lines.collect::<Vec<_>>().join("\n").split(".yaml:") {
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        out.push_str(".yaml:");
    }
    out
}

/// The documents of a case as the items of a List, and its functionConfigs; `None` if they are in a
/// List already.
fn in_a_list(case: &Case) -> Option<(String, String)> {
    if case.kind() != Kind::Manifests {
        return None;
    }
    let plain = documents(&case.text);
    if plain.is_empty() || plain != resources(&case.text) {
        return None;
    }
    let configs = joined(&configs(case));
    let files = [(case.file(), case.text.as_str())];
    let list = to_resource_list(&files, "kind: SessionServer\n").ok()?.text;
    let items = &list[list.find("\nitems:\n")?..];
    Some((format!("apiVersion: v1\nkind: List{items}"), configs))
}

/// Resources in a List give the same output and report.
pub(crate) fn in_a_list_makes_no_difference(case: &Case) -> Option<Result<(), String>> {
    let (list, configs) = in_a_list(case)?;
    let apart = run(case.file(), &case.text, Some(&configs));
    let together = run(case.file(), &list, Some(&configs));
    Some(same(&apart, &together).and_then(|()| {
        let (apart, together) = (
            without_places(&apart.report),
            without_places(&together.report),
        );
        expect(
            apart == together,
            format!("{apart}\nin a List:\n{together}"),
        )
    }))
}

fn same(apart: &Ran, together: &Ran) -> Result<(), String> {
    let report = format!("{}\n{}", apart.report, together.report);
    expect(apart.outcome == together.outcome, report)?;
    let found = format!("{}\ntogether:\n{}", apart.output, together.output);
    let [apart, together] = [apart, together].map(|ran| {
        let mut resources = resources(&ran.output);
        resources.iter_mut().for_each(forget_style);
        resources
    });
    expect(apart == together, found)
}

/// Removes the record of how a resource was written.
fn forget_style(resource: &mut Value) {
    if let Some(Value::Object(annotations)) = resource.pointer_mut("/metadata/annotations") {
        annotations.shift_remove("runner-terminal.dev/written-before");
    }
}

/// A List in JSON gives the same output and stays JSON, and disabling gives every byte back. Half of the
/// cases are written in one line, the others in several.
pub(crate) fn json_makes_no_difference(case: &Case) -> Option<Result<(), String>> {
    let (list, configs) = in_a_list(case)?;
    let list = value(&list);
    let text = match case.text.len() % 2 {
        0 => list.to_string(),
        _ => serde_json::to_string_pretty(&list).unwrap(),
    };
    let together = run("case.json", &text, Some(&configs));
    Some(check_in_json(case, &text, &together))
}

fn check_in_json(case: &Case, text: &str, together: &Ran) -> Result<(), String> {
    same(case.ran(), together)?;
    check_stays_json(text, &together.output)?;
    let Some(configs) = enabled_session_servers(case).filter(|_| together.outcome == "served")
    else {
        return Ok(());
    };
    let off: Vec<Value> = configs.iter().map(disabled).collect();
    let off = run("case.json", &together.output, Some(&joined(&off)));
    check_restored(case, text, &off.output)
}

fn check_stays_json(before: &str, after: &str) -> Result<(), String> {
    let read: Value = serde_json::from_str(after).map_err(|error| format!("{error}\n{after}"))?;
    expect(documents(after) == [read], after)?;
    let is_one_line = |text: &str| text.trim_end().lines().count() == 1;
    expect(is_one_line(before) == is_one_line(after), after)
}

/// JSON stays JSON, in one line if it was.
pub(crate) fn json_stays_json(case: &Case) -> Option<Result<(), String>> {
    let is_json = case.path.ends_with(".json");
    is_json.then(|| check_stays_json(&case.text, &case.ran().output))
}

/// The lines of all strings in a value.
fn lines(resource: &Value, found: &mut BTreeSet<String>) {
    match resource {
        Value::String(text) => found.extend(text.lines().map(|line| line.trim().to_owned())),
        Value::Array(items) => items.iter().for_each(|item| lines(item, found)),
        Value::Object(members) => members.values().for_each(|member| lines(member, found)),
        _ => {}
    }
}

/// What only a Secret contains is masked in the input and in the output.
pub(crate) fn secrets_are_masked(case: &Case) -> Option<Result<(), String>> {
    if case.kind() != Kind::Manifests {
        return None;
    }
    let output = &case.ran().output;
    let (mut secret, mut shown) = (BTreeSet::new(), BTreeSet::new());
    for resource in resources(&case.text).iter().chain(&resources(output)) {
        if resource["kind"] == "Secret" {
            lines(&resource["data"], &mut secret);
            lines(&resource["stringData"], &mut secret);
            lines(&resource["metadata"], &mut shown);
        } else {
            lines(resource, &mut shown);
        }
    }
    secret.retain(|line| line.len() >= 6 && !shown.iter().any(|shown| shown.contains(line)));
    let mut mask = Mask::default();
    let masked = [&case.text, output]
        .map(|text| mask.text(text).into_owned())
        .concat();
    // The first lines of a case may contain some of it.
    let mut masked = masked.lines().filter(|line| !line.starts_with("# "));
    let found = masked.find(|line| secret.iter().any(|secret| line.contains(secret.as_str())));
    let result = expect(found.is_none(), format!("shows {found:?}"));
    (!secret.is_empty()).then_some(result)
}

/// Every version of the API means the same.
pub(crate) fn every_version_is_the_same(case: &Case) -> Option<Result<(), String>> {
    if case.kind() != Kind::Manifests {
        return None;
    }
    let before = case.ran();
    let others = ApiVersion::SERVED
        .into_iter()
        .filter(|version| *version != ApiVersion::WRITTEN);
    Some(others.map(ApiVersion::as_str).try_for_each(|other| {
        let written = |text: &str| text.replace(API_VERSION, other);
        let given = config_of_header(case).as_deref().map(written);
        let ran = run(case.file(), &written(&case.text), given.as_deref());
        let unversioned = |text: &str| text.replace(other, API_VERSION);
        let (report, output) = (unversioned(&ran.report), unversioned(&ran.output));
        expect(
            report == unversioned(&before.report),
            format!("as {other}: {report}"),
        )?;
        expect(
            output == unversioned(&before.output),
            format!("as {other}: {output}"),
        )
    }))
}
