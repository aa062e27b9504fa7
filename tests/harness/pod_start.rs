//! What becomes of a case where its configuration is written at the pod's start.

use serde_json::{Value, json};

use super::Case;
use super::manifests::{Ran, configs, resources, run};
use super::properties::{disabled, joined};

/// The name of a case, and each form in which its runners' files are written, or why they are not.
pub(crate) fn row(case: &Case) -> String {
    let mut configs = configs(case);
    configs.retain(|config| config["kind"] == "SessionServer");
    for config in &mut configs {
        config["spec"]["configure"] = json!({
            "at": "PodStart",
            "image": "registry.example.com/runner-terminal:0.2.0",
        });
    }
    let text = joined(&configs);
    let ran = run(case.file(), &case.text, Some(&text));
    let Ran {
        outcome, output, ..
    } = &ran;
    let name = case.file().trim_end_matches(".yaml");
    let mut row = format!("{name}: {outcome}\n");
    for resource in resources(output) {
        row.push_str(&forms(&resource));
    }
    for line in ran.report.lines() {
        let is_why = line.contains("error: ") || line.contains("warning: ");
        if is_why {
            row.push_str(&format!("    {}\n", line.replace("runner-terminal: ", "")));
        }
    }
    if *outcome == "served" {
        let again = run(case.file(), output, Some(&text));
        assert_eq!(again.outcome, "unchanged", "{name}\n{}", again.report);
        let off: Vec<Value> = configs.iter().map(disabled).collect();
        let off = run(case.file(), output, Some(&joined(&off)));
        // What the case has of an earlier run goes too.
        if !case.text.contains("runner-terminal.dev/config-before") {
            assert_eq!(off.output, case.text, "{name}\n{}", off.report);
        }
    }
    row
}

/// How a workload's init container writes the file.
fn forms(resource: &Value) -> String {
    let pods = ["/spec/template/spec", "/spec"].map(|pod| resource.pointer(pod));
    let pods = pods.into_iter().flatten();
    let inits = pods.filter_map(|pod| pod["initContainers"].as_array());
    let mut inits = inits
        .flatten()
        .filter(|init| init["name"] == "session-server");
    let Some(init) = inits.next() else {
        return String::new();
    };
    let argument = |option: &str| {
        let arguments = init["args"].as_array().unwrap().iter();
        let mut arguments =
            arguments.filter_map(|argument| argument.as_str()?.strip_prefix(option));
        arguments.next().map(str::to_owned)
    };
    let volume = init["volumeMounts"][0]["name"].as_str().unwrap();
    let form = match argument("--copy=") {
        Some(copy) => format!("copies volume {volume} ({copy})"),
        None if volume == "session-server-config" => "makes the image's folder a volume".to_owned(),
        None => format!("edits volume {volume} in place"),
    };
    let user = &init["securityContext"]["runAsUser"];
    let user = match user {
        Value::Null => String::new(),
        user => format!(", as user {user}"),
    };
    format!(
        "    {} {form}, {}{user}\n",
        resource["metadata"]["name"].as_str().unwrap_or_default(),
        argument("--config=").unwrap()
    )
}
